"""Lists as Parquet: types, dotted names, row groups of a bounded size."""

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.exporting import NoParquet, arrow
from moregood_async.bulk.exporting.arrow import ArrowEncoder
from moregood_async.bulk.exporting.columns import columns_of
from moregood_async.models.customers import AddressValidation, Customer, Engagement
from moregood_async.models.reviews import Rating, Review

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")


def write(model: type[Any], *pages: Sequence[Any]) -> Any:
    """Return the open Parquet file of some pages."""
    encoder, stream, target = ArrowEncoder(model), io.BytesIO(), io.BytesIO()
    stream.write(encoder.header())
    for page in pages:
        stream.write(encoder.encode(page))
    stream.seek(0)
    for _ in encoder.assemble(stream, target):
        pass
    return pq.ParquetFile(target)


def test_the_types_are_those_of_the_model() -> None:
    """Fields of any other type, such as an object, are stored as text."""
    schema = write(Customer).schema_arrow
    expected = {
        "id": pa.int64(),
        "charges_avg": pa.float64(),
        "has_subscription": pa.bool_(),
        "created_at": pa.timestamp("us", tz="UTC"),
        "email": pa.string(),
        "validation.reason": pa.list_(pa.string()),
        "validation.engagement.is_bot": pa.bool_(),
        "location": pa.string(),
    }
    assert {name: schema.field(name).type for name in expected} == expected
    assert schema.names == [column.name for column in columns_of(Customer)]


def test_values_are_read_back_unchanged() -> None:
    """Nested ones stand under dotted names; a missing level is null."""
    moment = datetime(2026, 5, 1, 10, 30, 0, 120, tzinfo=timezone(timedelta(hours=2)))
    customer = Customer(
        id=7,
        email="=x@example.com",
        has_subscription=False,
        validation=AddressValidation(reason=["a", "b"], engagement=Engagement(is_bot=True)),
        location={"slug": "sf"},
        charges_sum=3,
        created_at=moment,
    )
    [row] = write(Customer, [customer]).read().to_pylist()
    expected = {
        "id": 7,
        "email": "=x@example.com",
        "has_subscription": False,
        "validation.reason": ["a", "b"],
        "validation.engagement.is_bot": True,
        "charges_sum": 3.0,
        "created_at": moment,
        "last_asked_at": None,
        "phone": None,
    }
    assert {name: row[name] for name in expected} == expected
    assert json.loads(row["location"]) == {"slug": "sf"}
    assert row["created_at"].utcoffset() == UTC.utcoffset(None)


def test_values_that_no_column_can_hold_do_not_stop_an_export() -> None:
    """Integers beyond 64 bits are null, larger floats too; lone surrogates are escaped."""
    wide = Customer(id=2**63, location_id=-(2**63), charges_sum=10**400, charges_avg=2**60 + 1)
    halved = Customer(id=1, notes="\ud83d", validation=AddressValidation(reason=["\ude00", "ok"]))
    [row] = write(Customer, [wide]).read().to_pylist()
    assert row["id"] is None
    assert row["location_id"] == -(2**63)
    assert row["charges_sum"] is None
    assert row["charges_avg"] == float(2**60)
    [row] = write(Customer, [halved]).read().to_pylist()
    assert row["notes"] == "\\ud83d"
    assert row["validation.reason"] == ["\\ude00", "ok"]


@given(
    st.lists(
        st.lists(st.builds(Review, id=st.integers(0, 2**63 - 1), review=st.none() | st.text()))
    )
)
def test_pages_of_any_size_are_read_back_in_their_sequence(pages: list[list[Review]]) -> None:
    rows = write(Review, *pages).read(["id", "review"]).to_pylist()
    assert rows == [{"id": r.id, "review": r.review} for page in pages for r in page]


def test_row_groups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither writing nor reading needs the whole list in memory."""
    monkeypatch.setattr(arrow, "MAX_ROWS_PER_GROUP", 100)
    pages = [[Review(id=30 * p + n, rating=Rating(score=5)) for n in range(30)] for p in range(10)]
    file = write(Review, *pages)
    groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert groups == [90, 90, 90, 30]
    assert file.read(["rating.score"]).column(0).to_pylist() == [5] * 300


def test_without_pyarrow_the_error_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NoParquet, match=r'pip install "moregood_async\[parquet\]"'):
        ArrowEncoder(Review)


def test_pyarrow_is_imported_only_when_it_is_used() -> None:
    """It is large, and most exports are CSV."""
    code = "import sys, moregood_async.cli.export_command as e; sys.exit('pyarrow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert run.returncode == 0


def test_the_repr_of_an_encoder_names_its_model() -> None:
    assert repr(ArrowEncoder(Review)) == "ArrowEncoder(Review)"
