"""Rejected rows: the input's own columns, and the reason."""

import csv
from pathlib import Path

from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.row_writers import Rejects


def written(path: Path, delimiter: str = ",") -> list[list[str]]:
    """The cells of a file."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_no_reject_makes_no_file(tmp_path: Path) -> None:
    """The file comes with its first row."""
    with Rejects(tmp_path / "rejects.csv", ["a"]):
        pass
    assert list(tmp_path.iterdir()) == []


def test_rows_keep_their_columns_and_gain_an_error(tmp_path: Path) -> None:
    """On one line, whatever the error's own shape; only the owner may read it."""
    path = tmp_path / "rejects.csv"
    with Rejects(path, ["First Name", "Zip"], delimiter=";") as rejects:
        rejects.write(Row(2, ("Ada;x", " 1 ")), "one\ntwo")
        rejects.write(Row(3, ("Bob",)), "too few")
        rejects.write(Row(4, ("Cy", "1", "2")), "too many")
        assert rejects.written == 3
    assert written(path, ";") == [
        ["First Name", "Zip", "error"],
        ["Ada;x", " 1 ", "one two"],
        ["Bob", "", "too few"],
        ["Cy", "1", "too many", "2"],
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_record_is_taken_like_a_row(tmp_path: Path) -> None:
    """Its cells, or the values of its columns; an error is no formula."""
    path = tmp_path / "rejects.csv"
    with Rejects(path, ["First Name", "Zip"]) as rejects:
        rejects.write(Record(2, ("Ada", "1")), "=one")
        rejects.write(Record(3, {"Zip": 2, "First Name": None, "more": 3}), "two")
    assert written(path)[1:] == [["Ada", "1", "'=one"], ["", "2", "two"]]


def test_an_error_column_is_used_again(tmp_path: Path) -> None:
    """Rejects that are imported once more do not grow a second one."""
    path = tmp_path / "rejects.csv"
    with Rejects(path, ["First Name", "error", "Zip"]) as rejects:
        rejects.write(Row(2, ("Ada", "old", "1")), "new")
    assert written(path) == [["First Name", "error", "Zip"], ["Ada", "new", "1"]]


def test_bytes_that_are_no_utf8_come_out_as_they_went_in(tmp_path: Path) -> None:
    """So that nothing of the input is lost."""
    path = tmp_path / "rejects.csv"
    with Rejects(path, ["First Name"]) as rejects:
        rejects.write(Record(2, ("D\udce9d",)), "not UTF-8")
    assert b"D\xe9d,not UTF-8" in path.read_bytes()
