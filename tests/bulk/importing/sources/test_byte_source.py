"""The bytes of a source: paths, open files and pipes."""

import io
import os
import threading
from itertools import chain, islice
from pathlib import Path

import pytest

from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.importing.sources import BadFile, read_csv, read_customers
from tests.bulk.importing.records import read_records
from tests.bulk.importing.sources.pipes import Pipe


def test_a_path_is_read_and_closed(tmp_path: Path) -> None:
    """After its last row, or with the `with` block; a second close does nothing."""
    path = tmp_path / "customers.csv"
    path.write_text("First Name\nAda\nBob\n")
    customers = read_csv(path)
    assert list(customers.columns) == ["First Name"]
    assert len(list(customers)) == 2
    customers.close()
    with read_csv(str(path)) as abandoned:
        assert next(iter(abandoned)).fields["first_name"] == "Ada"
    with path.open("rb") as opened:
        assert len(list(read_csv(opened))) == 2


def test_a_stream_is_read_only_as_far_as_its_rows_are_used() -> None:
    """A stream without an end can be read too."""

    class Endless(io.RawIOBase):
        lines = chain([b"First Name\n"], iter(lambda: b"Ada\n", b""))

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
            line = next(self.lines)
            buffer[: len(line)] = line
            return len(line)

    with read_csv(Endless()) as customers:  # type: ignore[arg-type]
        assert len(list(islice(customers, 1000))) == 1000


def test_a_path_can_be_read_more_than_once(tmp_path: Path) -> None:
    """Each iteration opens the file, and closing the source closes abandoned iterations."""
    path = tmp_path / "customers.csv"
    path.write_text("First Name\nAda\nBob\n")
    source = read_csv(path)
    abandoned = source.records()
    next(abandoned)
    expected = [Record(2, ("Ada",)), Record(3, ("Bob",))]
    assert read_records(source) == expected
    assert read_records(source) == expected
    source.close()
    assert list(abandoned) == []


def test_the_total_counts_a_last_line_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("First Name\nAda\nBob\n")
    assert read_csv(path).total() == 2
    assert read_csv(io.BytesIO(b"First Name\nAda\nBob")).total() == 2


def test_a_fingerprint_changes_with_the_content(tmp_path: Path) -> None:
    """The size may stay the same."""
    path = tmp_path / "customers.csv"
    path.write_text("First Name\nAda\nBob\n")
    fingerprint = read_csv(path).fingerprint()
    assert fingerprint is not None
    assert fingerprint.size == path.stat().st_size
    path.write_text("First Name\nAda\nBoc\n")
    assert read_csv(path).fingerprint() != fingerprint


def test_a_pipe_is_read_once() -> None:
    """A second time is an error, not an empty file."""
    source = read_csv(Pipe(b"First Name\nAda\n"))  # type: ignore[arg-type]
    assert not source.rereadable
    assert source.total() is None
    assert source.fingerprint() is None
    assert [record.values for record in read_records(source)] == [("Ada",)]
    with pytest.raises(BadFile, match="only once"):
        read_records(source)


def test_an_open_file_stays_open() -> None:
    """It is the caller's, and is read from its current position."""
    file = io.BytesIO(b"skipped\nFirst Name\nAda\n")
    file.readline()
    with read_csv(file) as source:
        assert len(read_records(source)) == 1
        assert len(read_records(source)) == 1
    assert not file.closed


def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    """As in ``moregood import <(zcat customers.csv.gz)``."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[b"First Name\nAda\n"])
    writer.start()
    with read_csv(path) as source:
        writer.join()
        assert not source.rereadable
        assert source.fingerprint() is None
        assert [row.fields for row in source] == [{"first_name": "Ada"}]


@pytest.mark.parametrize(
    ("content", "file_format"),
    [(b"First Name\nAda\n", "csv"), (b'{"first_name": "Ada"}\n', "jsonl")],
    ids=["CSV", "JSON Lines"],
)
def test_a_dash_is_standard_input(
    monkeypatch: pytest.MonkeyPatch, content: bytes, file_format: str
) -> None:
    """Its format is detected by its first bytes."""
    stream = io.BufferedReader(Pipe(content))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    source = read_customers("-")
    assert source.name == "standard input"
    assert source.path is None
    assert source.options()["format"] == file_format
    assert [source.row(record).fields for record in read_records(source)] == [{"first_name": "Ada"}]


def test_a_directory_and_a_file_without_permission_are_refused_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadFile, match="is a directory"):
        read_csv(tmp_path)
    (tmp_path / "locked.csv").touch()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BadFile, match="permission"):
        read_csv(tmp_path / "locked.csv")
