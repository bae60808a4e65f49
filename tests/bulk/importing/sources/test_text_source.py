"""The lines of a source: encodings, byte order marks, and text files that the caller opened."""

import io

import pytest

from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.importing.sources import BadFile, read_csv
from tests.bulk.importing.records import read_records
from tests.bulk.importing.sources.pipes import Pipe, TextPipe


def test_an_open_text_file_is_read() -> None:
    """Its encoding does not matter any more."""
    rows = list(read_csv(io.StringIO("First Name\nAda\n")))
    assert [row.fields["first_name"] for row in rows] == ["Ada"]


def test_a_text_file_that_cannot_seek_is_read_once() -> None:
    """Its header may have line breaks."""
    source = read_csv(TextPipe('\n"First\nName",Zip\nAda,1\n'))
    assert source.columns == ("First\nName", "Zip")
    assert not source.rereadable
    assert source.total() is None
    assert read_records(source) == [Record(4, ("Ada", "1"))]
    with pytest.raises(BadFile, match="only once"):
        read_records(source)


def test_the_byte_order_mark_of_an_open_text_file_is_skipped() -> None:
    """A file with a mark that is opened as plain UTF-8 begins with it."""
    source = read_csv(io.StringIO("\ufeffFirst Name\nAda\n"))
    assert source.columns == ("First Name",)
    assert source.total() == 1
    assert [row.fields for row in source] == [{"first_name": "Ada"}]
    assert source.fingerprint() is None
    with pytest.raises(BadFile, match="is empty"):
        read_csv(io.StringIO("\n"))


def test_later_bytes_of_a_pipe_garble_no_name() -> None:
    """A pipe that begins in ASCII is read as UTF-8, and other bytes reject their row."""
    source = read_csv(Pipe(b"First Name\nAda\nZo\xeb\nZo\xc3\xab\n"))  # type: ignore[arg-type]
    ascii_row, other_bytes, utf_8 = list(source)
    assert ascii_row.fields == {"first_name": "Ada"}
    assert other_bytes.problems
    assert other_bytes.fields == {}
    assert utf_8.fields == {"first_name": "Zoë"}


def test_a_character_that_arrives_in_two_parts_is_read() -> None:
    """The bytes that a pipe has at first may end within it."""
    content = "First Name\nAda\nZoë\n".encode()
    source = read_csv(Pipe(content, at_once=content.index(b"\xc3") + 1))  # type: ignore[arg-type]
    assert [row.fields["first_name"] for row in source] == ["Ada", "Zoë"]


def test_a_utf_16_file_that_is_cut_short_rejects_only_its_last_row() -> None:
    content = "First Name\nAda\nZoë".encode("utf-16")[:-1]
    rows = list(read_csv(io.BytesIO(content)))
    assert [bool(row.problems) for row in rows] == [False, True]
