"""Writers of results and rejects files: the columns of the input, and columns of the package."""

import csv
import json
import stat
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moregood_async.bulk import NoParquet, row_writers
from moregood_async.bulk.exporting.file_formats import FileFormat
from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.row_writers import rejects_writer, results_writer

OWN = ["moregood_status", "moregood_id", "moregood_error"]


def read_cells(path: Path, delimiter: str = ",") -> list[list[str]]:
    """Return the cells of a CSV."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def read_objects(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_results_file_has_three_columns_beside_those_of_the_input(tmp_path: Path) -> None:
    """A row that is too short or too long does not shift the three columns."""
    path = tmp_path / "out.csv"
    with results_writer(path, columns=["Name", "Zip"], delimiter=";") as writer:
        writer.write(Record(2, ("Ada;x", " 1 ")), "done", 7, "")
        writer.write(Record(3, ("Bob",)), "rejected", None, "too\nfew")
        writer.write(Record(4, ("Cy", "1", "2")), "rejected", None, "=too many")
        assert not path.exists()
    assert read_cells(path, ";") == [
        ["Name", "Zip", *OWN],
        ["Ada;x", " 1 ", "done", "7", ""],
        ["Bob", "", "rejected", "", "too few"],
        ["Cy", "1", "rejected", "", "'=too many", "2"],
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_only_the_owner_may_read_files_with_rows(tmp_path: Path) -> None:
    formats: list[FileFormat] = ["csv", "jsonl", "parquet"]
    for file_format in formats:
        with results_writer(tmp_path / file_format, columns=["a"], file_format=file_format) as out:
            out.write(Record(2, ("x",)), "done", 7, "")
    with rejects_writer(tmp_path / "rejects", ["a"]) as rejects:
        rejects.write(Record(2, ("x",)), "no name")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys([*formats, "rejects"], 0o600)


def test_result_columns_that_the_input_has_already_are_overwritten(tmp_path: Path) -> None:
    """So the results of an imported results file have the same columns."""
    path = tmp_path / "out.csv"
    with results_writer(path, columns=["moregood_error", "Name", "moregood_id"]) as writer:
        writer.write(Record(2, ("old", "Ada", "1")), "done", 7, "new")
        writer.write(Record(3, ("old",)), "failed", None, "")
    assert read_cells(path) == [
        ["moregood_error", "Name", "moregood_id", "moregood_status"],
        ["new", "Ada", "7", "done"],
        ["", "", "", "failed"],
    ]


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_a_results_file_that_is_not_complete_leaves_an_older_one_as_it_was(
    tmp_path: Path, file_format: FileFormat
) -> None:
    """No temporary file is left in the folder."""
    path = tmp_path / "out"
    path.write_text("old")

    def break_off() -> None:
        with results_writer(path, columns=["Name"], file_format=file_format) as writer:
            writer.write(Record(2, ("Ada",)), "done", 1, "")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.binary(max_size=6).map(lambda b: b.replace(b"\0", b"")), min_size=2, max_size=2)
    )
)
def test_cells_of_a_results_file_keep_their_bytes(tmp_path: Path, rows: list[list[bytes]]) -> None:
    """Formulas stay formulas, since the file can be imported again."""
    path = tmp_path / "out.csv"
    cells = [[cell.decode("utf-8", "surrogateescape") for cell in row] for row in rows]
    with results_writer(path, columns=["a", "b"]) as writer:
        for line, row in enumerate(cells, 2):
            writer.write(Record(line, tuple(row)), "done", line, "")
    assert [row[:2] for row in read_cells(path)[1:]] == cells


def test_objects_of_a_results_file_keep_their_values_and_get_three_keys(
    tmp_path: Path,
) -> None:
    """Values that JSON has no type for become text; a line that was no object is kept as text."""
    path = tmp_path / "out.jsonl"
    record = {
        "name": "Zoë",
        "tags": ["a", {"b": None}],
        "on": date(2026, 5, 1),
        "at": datetime(2026, 5, 1, 8, tzinfo=UTC),
        "paid": Decimal("1.50"),
        "moregood_error": "old",
    }
    with results_writer(path, columns=["name"], file_format="jsonl") as writer:
        writer.write(Record(1, record), "done", 7, "")
        writer.write(Record(2, ("[1, 2",), "is no object"), "rejected", None, "is\nno object")
        writer.write(Record(3, ("Ada",)), "done", 8, "")
        writer.write(Record(4, ("Ada", "1")), "rejected", None, "too many")
        writer.write(Record(5, ("D\udce9d",), "is not UTF-8"), "rejected", None, "is not UTF-8")
    complete, broken, cells, wide, not_utf8 = read_objects(path)
    assert complete == {
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
    assert cells["name"] == "Ada"
    assert cells["moregood_id"] == 8
    assert wide["moregood_text"] == "Ada,1"
    assert not_utf8["moregood_text"].encode("utf-8", "surrogateescape") == b"D\xe9d"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.text(), json_values, max_size=4), max_size=5))
def test_any_object_survives_a_results_file(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / "out.jsonl"
    with results_writer(path, columns=[], file_format="jsonl") as writer:
        for line, row in enumerate(rows, 1):
            writer.write(Record(line, row), "done", line, "")
    expected = [
        row | dict(zip(OWN, ("done", line, ""), strict=True)) for line, row in enumerate(rows, 1)
    ]
    assert [json.loads(line) for line in path.read_bytes().splitlines()] == expected


def test_values_by_key_become_the_cells_of_a_csv(tmp_path: Path) -> None:
    """JSON Lines and Parquet inputs have such rows. Keys without a column are left out."""
    path = tmp_path / "out.csv"
    with results_writer(path, columns=["name", "tags", "on", "vip"]) as writer:
        row = {"name": "=x", "tags": ["a", "b"], "on": date(2026, 5, 1), "vip": True, "more": 1}
        writer.write(Record(1, row), "done", 7, "")
    assert read_cells(path)[1] == ["=x", "a; b", "2026-05-01", "true", "done", "7", ""]


def test_a_parquet_results_file_keeps_the_types_of_the_inputs_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size of a row group is bounded, and with it the memory of the writer."""
    pa: Any = pytest.importorskip("pyarrow")
    pq: Any = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(row_writers, "ROW_GROUP_ROWS", 2)
    schema = pa.schema([("name", pa.string()), ("paid", pa.decimal128(9, 2)), ("on", pa.date32())])
    path = tmp_path / "out.parquet"
    rows: list[dict[str, Any]] = [
        {"name": f"Ada {n}", "paid": Decimal("1.50"), "on": date(2026, 5, n + 1)} for n in range(5)
    ]
    with results_writer(path, columns=schema.names, file_format="parquet", schema=schema) as writer:
        for line, row in enumerate(rows, 1):
            writer.write(Record(line, row), "done", line, "")
    file = pq.ParquetFile(path)
    assert file.num_row_groups == 3
    assert file.schema_arrow.names == [*schema.names, *OWN]
    assert list(file.schema_arrow.types)[:3] == list(schema.types)
    table = file.read()
    assert table.select(schema.names).to_pylist() == rows
    assert table["moregood_id"].to_pylist() == [1, 2, 3, 4, 5]


def test_a_parquet_results_file_without_a_schema_has_columns_of_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are escaped; result columns of the input are overwritten."""
    pq: Any = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "out.parquet"
    columns = ["moregood_id", "name", "age"]
    with results_writer(path, columns=columns, file_format="parquet") as writer:
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


def test_a_parquet_results_file_without_pyarrow_names_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder stays empty."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with (
        pytest.raises(NoParquet, match="pip install"),
        results_writer(tmp_path / "out.parquet", columns=[], file_format="parquet"),
    ):
        raise AssertionError
    assert list(tmp_path.iterdir()) == []


# rejects


def test_a_rejects_file_has_the_columns_of_the_input_and_an_error(tmp_path: Path) -> None:
    """The error is on one line, whatever its text."""
    path = tmp_path / "rejects.csv"
    with rejects_writer(path, ["First Name", "Zip"], delimiter=";") as rejects:
        rejects.write(Record(2, ("Ada;x", " 1 ")), "one\ntwo")
        rejects.write(Record(3, ("Bob",)), "too few")
        rejects.write(Record(4, ("Cy", "1", "2")), "too many")
        assert not path.exists()
    assert read_cells(path, ";") == [
        ["First Name", "Zip", "error"],
        ["Ada;x", " 1 ", "one two"],
        ["Bob", "", "too few"],
        ["Cy", "1", "too many", "2"],
    ]


def test_an_error_in_a_rejects_file_is_no_formula(tmp_path: Path) -> None:
    """Values by key become the cells of their columns."""
    path = tmp_path / "rejects.csv"
    with rejects_writer(path, ["First Name", "Zip"]) as rejects:
        rejects.write(Record(2, ("Ada", "1")), "=one")
        rejects.write(Record(3, {"Zip": 2, "First Name": None, "more": 3}), "two")
    assert read_cells(path)[1:] == [["Ada", "1", "'=one"], ["", "2", "two"]]


def test_an_error_column_that_the_input_has_already_is_overwritten(tmp_path: Path) -> None:
    """So the rejects of an imported rejects file have the same columns."""
    path = tmp_path / "rejects.csv"
    with rejects_writer(path, ["First Name", "error", "Zip"]) as rejects:
        rejects.write(Record(2, ("Ada", "old", "1")), "new")
    assert read_cells(path) == [["First Name", "error", "Zip"], ["Ada", "new", "1"]]


def test_cells_of_a_rejects_file_keep_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    """Nothing of the input is lost."""
    path = tmp_path / "rejects.csv"
    with rejects_writer(path, ["First Name"]) as rejects:
        rejects.write(Record(2, ("D\udce9d",)), "not UTF-8")
    assert b"D\xe9d,not UTF-8" in path.read_bytes()


def test_a_rejects_file_that_is_not_complete_leaves_an_older_one_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    path.write_text("old")

    def break_off() -> None:
        with rejects_writer(path, ["Name"]) as rejects:
            rejects.write(Record(2, ("Ada",)), "no")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
