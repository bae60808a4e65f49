"""Result files of imports: the input's own columns, and what became of each row."""

import csv
import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moregood_async.bulk import results
from moregood_async.bulk.exporting import FileFormat, NoParquet
from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.row_writers import results_writer

OURS = ["moregood_status", "moregood_id", "moregood_error"]


def cells_in(path: Path, delimiter: str = ",") -> list[list[str]]:
    """The cells of a file."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def objects_in(path: Path) -> list[dict[str, Any]]:
    """The objects of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_three_columns_stand_beside_the_inputs_own(tmp_path: Path) -> None:
    """Rows that are too short or too long do not push them away; only the owner may read it."""
    path = tmp_path / "out.csv"
    with results_writer(path, columns=["Name", "Zip"], delimiter=";") as writer:
        writer.write(Record(2, ("Ada;x", " 1 ")), "done", 7, "")
        writer.write(Record(3, ("Bob",)), "rejected", None, "too\nfew")
        writer.write(Record(4, ("Cy", "1", "2")), "rejected", None, "=too many")
        assert [] == [each for each in tmp_path.iterdir() if each == path]
    assert cells_in(path, ";") == [
        ["Name", "Zip", *OURS],
        ["Ada;x", " 1 ", "done", "7", ""],
        ["Bob", "", "rejected", "", "too few"],
        ["Cy", "1", "rejected", "", "'=too many", "2"],
    ]
    assert 0o600 == path.stat().st_mode & 0o777


def test_columns_that_are_there_are_used_again(tmp_path: Path) -> None:
    """So that a result can be imported, and its results are no wider."""
    path = tmp_path / "out.csv"
    with results_writer(path, columns=["moregood_error", "Name", "moregood_id"]) as writer:
        writer.write(Record(2, ("old", "Ada", "1")), "done", 7, "new")
        writer.write(Record(3, ("old",)), "failed", None, "")
    assert cells_in(path) == [
        ["moregood_error", "Name", "moregood_id", "moregood_status"],
        ["new", "Ada", "7", "done"],
        ["", "", "", "failed"],
    ]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_it_is_whole_or_not_there(tmp_path: Path, form: FileFormat) -> None:
    """An error leaves what was there before, and nothing beside it."""
    path = tmp_path / "out"
    path.write_text("old")

    def break_off() -> None:
        with results_writer(path, columns=["Name"], form=form) as writer:
            writer.write(Record(2, ("Ada",)), "done", 1, "")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert "old" == path.read_text()
    assert [path] == list(tmp_path.iterdir())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.binary(max_size=6).map(lambda b: b.replace(b"\0", b"")), min_size=2, max_size=2)
    )
)
def test_cells_stay_byte_for_byte(tmp_path: Path, rows: list[list[bytes]]) -> None:
    """Whatever they hold; formulas too, since the file is the input once more."""
    path = tmp_path / "out.csv"
    cells = [[cell.decode("utf-8", "surrogateescape") for cell in row] for row in rows]
    with results_writer(path, columns=["a", "b"]) as writer:
        for line, row in enumerate(cells, 2):
            writer.write(Record(line, tuple(row)), "done", line, "")
    assert cells == [row[:2] for row in cells_in(path)[1:]]


def test_objects_stay_what_they_were(tmp_path: Path) -> None:
    """With three keys more; what JSON has no form for becomes text."""
    path = tmp_path / "out.jsonl"
    record = {
        "name": "Zoë",
        "tags": ["a", {"b": None}],
        "on": date(2026, 5, 1),
        "at": datetime(2026, 5, 1, 8, tzinfo=UTC),
        "paid": Decimal("1.50"),
        "moregood_error": "old",
    }
    with results_writer(path, columns=["name"], form="jsonl") as writer:
        writer.write(Record(1, record), "done", 7, "")
        writer.write(Record(2, ("[1, 2",), "is no object"), "rejected", None, "is\nno object")
        writer.write(Record(3, ("Ada",)), "done", 8, "")
        writer.write(Record(4, ("Ada", "1")), "rejected", None, "too many")
        writer.write(Record(5, ("D\udce9d",), "is not UTF-8"), "rejected", None, "is not UTF-8")
    whole, broken, cells, wide, bytes_ = objects_in(path)
    assert whole == {
        "name": "Zoë",
        "tags": ["a", {"b": None}],
        "on": "2026-05-01",
        "at": "2026-05-01T08:00:00Z",
        "paid": "1.50",
        "moregood_status": "done",
        "moregood_id": 7,
        "moregood_error": "",
    }
    assert broken == {
        "moregood_line": 2,
        "moregood_text": "[1, 2",
        "moregood_status": "rejected",
        "moregood_id": None,
        "moregood_error": "is no object",
    }
    assert ("Ada", 8) == (cells["name"], cells["moregood_id"])
    assert "Ada,1" == wide["moregood_text"]
    assert b"D\xe9d" == bytes_["moregood_text"].encode("utf-8", "surrogateescape")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.text(), json_values, max_size=4), max_size=5))
def test_every_object_comes_back(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """Whatever its keys and values."""
    path = tmp_path / "out.jsonl"
    with results_writer(path, columns=[], form="jsonl") as writer:
        for line, row in enumerate(rows, 1):
            writer.write(Record(line, row), "done", line, "")
    found = [json.loads(line) for line in path.read_bytes().splitlines()]
    ours = [dict(zip(OURS, ("done", line, ""), strict=True)) for line in range(1, len(rows) + 1)]
    assert [row | own for row, own in zip(rows, ours, strict=True)] == found


def test_a_mapping_fits_into_cells(tmp_path: Path) -> None:
    """An input of objects or of Parquet, whose results are wanted as CSV."""
    path = tmp_path / "out.csv"
    with results_writer(path, columns=["name", "tags", "on", "vip"]) as writer:
        row = {"name": "=x", "tags": ["a", "b"], "on": date(2026, 5, 1), "vip": True, "more": 1}
        writer.write(Record(1, row), "done", 7, "")
    assert cells_in(path)[1] == ["=x", "a; b", "2026-05-01", "true", "done", "7", ""]


def test_parquet_keeps_its_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the input's schema is given; row groups are bounded."""
    pa: Any = pytest.importorskip("pyarrow")
    pq: Any = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(results, "ROWS_AT_ONCE", 2)
    schema = pa.schema([("name", pa.string()), ("paid", pa.decimal128(9, 2)), ("on", pa.date32())])
    path = tmp_path / "out.parquet"
    rows: list[dict[str, Any]] = [
        {"name": f"Ada {n}", "paid": Decimal("1.50"), "on": date(2026, 5, n + 1)} for n in range(5)
    ]
    with results_writer(path, columns=schema.names, form="parquet", schema=schema) as writer:
        for line, row in enumerate(rows, 1):
            writer.write(Record(line, row), "done", line, "")
    file = pq.ParquetFile(path)
    assert 3 == file.num_row_groups
    assert [*schema.names, *OURS] == file.schema_arrow.names
    assert list(schema.types) == list(file.schema_arrow.types)[:3]
    table = file.read()
    assert rows == table.select(schema.names).to_pylist()
    assert [1, 2, 3, 4, 5] == table["moregood_id"].to_pylist()
    assert 0o600 == path.stat().st_mode & 0o777


def test_parquet_of_anything_else_is_text(tmp_path: Path) -> None:
    """Cells as they were; halves of letters are written out; columns are used again."""
    pq: Any = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "out.parquet"
    columns = ["moregood_id", "name", "age"]
    with results_writer(path, columns=columns, form="parquet") as writer:
        writer.write(Record(2, ("old", "D\udce9d")), "rejected", None, "is not\nUTF-8")
        writer.write(Record(3, {"name": "Ada", "age": 36}), "done", 7, "")
    assert pq.read_table(path).to_pylist() == [
        {
            "moregood_id": None,
            "name": "D\\udce9d",
            "age": None,
            "moregood_status": "rejected",
            "moregood_error": "is not UTF-8",
        },
        {
            "moregood_id": 7,
            "name": "Ada",
            "age": "36",
            "moregood_status": "done",
            "moregood_error": "",
        },
    ]


def test_parquet_without_pyarrow_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaves nothing behind."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with (
        pytest.raises(NoParquet, match="pip install"),
        results_writer(tmp_path / "out.parquet", columns=[], form="parquet"),
    ):
        raise AssertionError
    assert [] == list(tmp_path.iterdir())
