"""Lists as Parquet: types, flat names, row groups of a bounded size."""

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

from moregood_async.bulk.exporting import NoParquet
from moregood_async.bulk.exporting import arrow as arrow_of_export
from moregood_async.bulk.exporting.arrow import ArrowPages
from moregood_async.bulk.exporting.columns import columns_of
from moregood_async.models.customers import AddressValidation, Customer, Engagement
from moregood_async.models.reviews import Rating, Review

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")


def written(kind: type[Any], *pages: Sequence[Any]) -> Any:
    """The Parquet file of some pages, open."""
    arrow, part, file = ArrowPages(kind), io.BytesIO(), io.BytesIO()
    part.write(arrow.head())
    for page in pages:
        part.write(arrow.page(page))
    part.seek(0)
    for _ in arrow.finish(part, file):
        pass
    return pq.ParquetFile(file)


def test_the_types_are_the_models_own() -> None:
    """Whole numbers, fractions, flags, times in UTC, texts and lists of them; the rest is JSON."""
    schema = written(Customer).schema_arrow
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
    assert expected == {name: schema.field(name).type for name in expected}
    assert [column.name for column in columns_of(Customer)] == schema.names


def test_values_come_back() -> None:
    """Nested ones under their flat names; a missing level is null."""
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
    [row] = written(Customer, [customer]).read().to_pylist()
    assert "=x@example.com" == row["email"]
    assert (7, False, 3.0) == (row["id"], row["has_subscription"], row["charges_sum"])
    assert (["a", "b"], True) == (row["validation.reason"], row["validation.engagement.is_bot"])
    assert {"slug": "sf"} == json.loads(row["location"])
    assert moment == row["created_at"]
    assert UTC.utcoffset(None) == row["created_at"].utcoffset()
    assert (None, None) == (row["last_asked_at"], row["phone"])


def test_what_no_column_holds_stops_nothing() -> None:
    """Numbers beyond 64 bits are blank; half a letter is written out."""
    wide = Customer(id=2**63, location_id=-(2**63), charges_sum=10**400, charges_avg=2**60 + 1)
    [row] = written(Customer, [wide]).read().to_pylist()
    assert (None, -(2**63), None) == (row["id"], row["location_id"], row["charges_sum"])
    assert float(2**60) == row["charges_avg"]
    halved = Customer(id=1, notes="\ud83d", validation=AddressValidation(reason=["\ude00", "ok"]))
    [row] = (
        written(
            Customer,
            [
                halved,
            ],
        )
        .read()
        .to_pylist()
    )
    assert ("\\ud83d", ["\\ude00", "ok"]) == (row["notes"], row["validation.reason"])


@given(
    st.lists(
        st.lists(st.builds(Review, id=st.integers(0, 2**63 - 1), review=st.none() | st.text()))
    )
)
def test_pages_come_back_in_their_order(pages: list[list[Review]]) -> None:
    """Whatever their sizes."""
    rows = written(Review, *pages).read(["id", "review"]).to_pylist()
    assert [{"id": r.id, "review": r.review} for page in pages for r in page] == rows


def test_row_groups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that neither writing nor reading needs all of it in memory."""
    monkeypatch.setattr(arrow_of_export, "ROWS_IN_A_GROUP", 100)
    pages = [[Review(id=30 * p + n, rating=Rating(score=5)) for n in range(30)] for p in range(10)]
    file = written(Review, *pages)
    groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert [90, 90, 90, 30] == groups
    assert [5] * 300 == file.read(["rating.score"]).column(0).to_pylist()


def test_without_pyarrow_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the words that one types."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NoParquet, match=r'pip install "moregood_async\[parquet\]"'):
        ArrowPages(Review)


def test_pyarrow_is_imported_only_when_it_is_used() -> None:
    """It is large, and most exports do without."""
    code = "import sys, moregood_async.cli.exporting as e; sys.exit('pyarrow' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode
