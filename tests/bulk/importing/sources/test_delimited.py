"""Files of customers: encodings, delimiters, and everything that can be wrong with them."""

import csv
import io
import os
import threading
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.importing.columns import BadMapping
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources import (
    BadFile,
    Source,
    detect_delimiter,
    read_csv,
    read_customers,
)


def rows_of(content: bytes, **mapping: str) -> list[Row]:
    """The rows of a file with this content."""
    with read_csv(io.BytesIO(content), mapping or None) as customers:
        return list(customers)


def fields_of(content: bytes) -> list[object]:
    """What the rows say."""
    return [row.fields for row in rows_of(content)]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["normalize_name", "BOM"])
@pytest.mark.parametrize("delimiter", [b",", b";", b"\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_every_usual_csv_is_read(mark: bytes, delimiter: bytes, end: bytes) -> None:
    """UTF-8 with and without a BOM; comma, semicolon and tab; both line ends."""
    lines = [b"First Name", "Zoë".encode()], [b"Zip", b"94110"]
    content = mark + end.join(delimiter.join(pair) for pair in zip(*lines, strict=True)) + end
    assert fields_of(content) == [{"first_name": "Zoë", "postal_code": "94110"}]


def test_rows_know_their_line() -> None:
    """The line on which they begin, with blank lines and quoted line breaks counted."""
    content = b'\nFirst Name,Notes\n\nAda,"one\ntwo"\n,\n  \nBob,x\n'
    assert [(row.line, row.fields.get("first_name")) for row in rows_of(content)] == [
        (4, "Ada"),
        (8, "Bob"),
    ]


def test_a_path_is_read_and_closed(tmp_path: Path) -> None:
    """By its last row, or by `with`; twice is fine."""
    path = tmp_path / "customers.csv"
    path.write_text("First Name\nAda\nBob\n")
    customers = read_csv(path)
    assert list(customers.columns) == ["First Name"]
    assert len(list(customers)) == 2
    customers.close()
    with read_csv(str(path)) as early:
        assert next(iter(early)).fields["first_name"] == "Ada"
    with path.open("rb") as opened:
        assert len(list(read_csv(opened))) == 2


def test_an_open_text_file_is_read() -> None:
    """As it is, whatever its encoding was."""
    assert [r.fields["first_name"] for r in read_csv(io.StringIO("First Name\nAda\n"))] == ["Ada"]


def test_a_file_is_read_as_it_is_used() -> None:
    """An endless one too: only what is asked for is read."""

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


def test_bad_rows_do_not_stop_the_good_ones() -> None:
    """Too many cells, too few, a NUL, bytes that are no UTF-8: each a row with its reason."""
    lines = b"Zo\xc3\xab,1\nAda,1,2\nBob\nC\0y,1\nD\xe9d,1\nEve,1\n"
    content = b"First Name,Zip\n" + lines
    problems = [row.problems for row in rows_of(content)]
    assert [bool(problem) for problem in problems] == [False, True, True, True, True, False]


@pytest.mark.parametrize(
    "content",
    [
        b'First Name,Zip\nAda,1\n"Bob,2\nCy,3\n"Dee",4\n',
        b'First Name,Zip\nAda,1\n"Bob" x,2\nCy,3\n',
        b'First Name,Zip\nAda,1\n"Bob,2\nCy,3\n',
    ],
    ids=["closed by the next quote", "text after a quote", "never closed"],
)
def test_a_quote_too_many_costs_its_lines_and_loses_none(content: bytes) -> None:
    """The swallowed lines stand in the rejected row, with their numbers."""
    rows = rows_of(content)
    bad = next(row for row in rows if row.problems)
    assert bad.line == 3
    assert "quote" in bad.problems["row"][0]
    told = "".join(bad.cells) + "".join(
        cell for row in rows if row is not bad for cell in row.cells
    )
    assert all(name in told for name in ("Ada", "Bob", "Cy"))
    assert "Ada" not in bad.cells[0]


def records_of(source: Source) -> list[Record]:
    """All records of a source that is not async."""
    records = source.records()
    assert isinstance(records, Iterator)
    return list(records)


class Pipe(io.RawIOBase):
    """Bytes that come once, a few at a time."""

    def __init__(self, content: bytes, at_once: int = 7) -> None:
        self._rest = io.BytesIO(content)
        self._at_once = at_once

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._rest.read(min(self._at_once, len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)


def test_records_come_again_from_the_start(tmp_path: Path) -> None:
    """Each time the file is opened anew, and closed when an iteration is left."""
    path = tmp_path / "customers.csv"
    path.write_text("First Name\nAda\nBob\n")
    source = read_csv(path)
    early = source.records()
    next(early)
    assert records_of(source) == records_of(source) == [Record(2, ("Ada",)), Record(3, ("Bob",))]
    source.close()
    assert list(early) == []
    assert source.total() == 2
    assert read_csv(io.BytesIO(b"First Name\nAda\nBob")).total() == 2
    print_of = source.fingerprint()
    assert print_of is not None
    assert print_of.size == path.stat().st_size
    path.write_text("First Name\nAda\nBoc\n")
    assert read_csv(path).fingerprint() != print_of


def test_a_record_can_be_parsed_without_the_others(tmp_path: Path) -> None:
    """In any order, as often as one likes."""
    source = read_csv(io.StringIO("First Name,Zip\nAda,1\nBob\nCy,3\n"))
    last, middle, first = reversed(records_of(source))
    assert [source.row(each).line for each in (last, first, last)] == [4, 2, 4]
    assert source.row(middle).problems


def test_a_pipe_is_read_once() -> None:
    """A second time is an error, not an empty file."""
    source = read_csv(Pipe(b"First Name\nAda\n"))  # type: ignore[arg-type]
    assert (source.rereadable, source.total(), source.fingerprint()) == (False, None, None)
    assert [record.values for record in records_of(source)] == [("Ada",)]
    with pytest.raises(BadFile, match="only once"):
        records_of(source)


def test_an_open_file_stays_open() -> None:
    """It is the caller's, and is read from where it stood."""
    file = io.BytesIO(b"skipped\nFirst Name\nAda\n")
    file.readline()
    with read_csv(file) as source:
        assert len(records_of(source)) == len(records_of(source)) == 1
    assert not file.closed


def test_a_text_that_comes_once_is_read_once() -> None:
    """Its header may go over several lines."""

    class Once(io.StringIO):
        def seekable(self) -> bool:
            return False

    source = read_csv(Once('\n"First\nName",Zip\nAda,1\n'))
    assert source.columns == ("First\nName", "Zip")
    assert (source.rereadable, source.total()) == (False, None)
    assert records_of(source) == [Record(4, ("Ada", "1"))]
    with pytest.raises(BadFile, match="only once"):
        records_of(source)


def test_a_text_with_a_mark_is_read_without_it() -> None:
    """A file that was opened as normalize_name UTF-8 begins with its byte order mark."""
    source = read_csv(io.StringIO("\ufeffFirst Name\nAda\n"))
    assert source.columns == ("First Name",)
    assert source.total() == 1
    assert [row.fields for row in source] == [{"first_name": "Ada"}]
    assert source.fingerprint() is None
    with pytest.raises(BadFile, match="is empty"):
        read_csv(io.StringIO("\n"))


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


def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is told from its first bytes."""
    for content, kind in [(b"First Name\nAda\n", "csv"), (b'{"first_name": "Ada"}\n', "jsonl")]:
        stream = io.BufferedReader(Pipe(content))
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
        source = read_customers("-")
        assert (source.name, source.path, source.options()["format"]) == (
            "standard input",
            None,
            kind,
        )
        assert [source.row(record).fields for record in records_of(source)] == [
            {"first_name": "Ada"}
        ]


def test_bytes_of_a_pipe_that_come_late_garble_nothing() -> None:
    """What was normalize_name ASCII at first is read as UTF-8, and other bytes reject their row."""
    source = read_csv(Pipe(b"First Name\nAda\nZo\xeb\nZo\xc3\xab\n"))  # type: ignore[arg-type]
    assert [(bool(row.problems), row.fields.get("first_name")) for row in source] == [
        (False, "Ada"),
        (True, None),
        (False, "Zoë"),
    ]


def test_a_character_that_comes_in_two_parts_is_one() -> None:
    """What a pipe has given at first may end within it."""
    content = "First Name\nAda\nZoë\n".encode()
    source = read_csv(Pipe(content, at_once=content.index(b"\xc3") + 1))  # type: ignore[arg-type]
    assert [row.fields["first_name"] for row in source] == ["Ada", "Zoë"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"encoding": "utf-9"}, 'no encoding "utf-9"'),
        ({"encoding": "hex"}, 'no encoding "hex"'),
        ({"delimiter": "::"}, "one character"),
        ({"format": "xlsx"}, "csv, jsonl and parquet"),
    ],
)
def test_a_wrong_option_says_what_would_be_right(options: dict[str, str], told: str) -> None:
    """Before anything is read."""
    with pytest.raises(BadFile, match=told):
        read_customers(io.BytesIO(b"First Name\nAda\n"), **options)  # type: ignore[arg-type]


def test_what_is_said_wins_over_what_is_told() -> None:
    """Encoding and delimiter."""
    content = "First Name|Ort\nZoë|Köln\n".encode("iso8859-15")
    source = read_customers(io.BytesIO(content), encoding="latin9", delimiter="|")
    assert source.row(records_of(source)[0]).fields["first_name"] == "Zoë"
    assert source.options()["encoding"] == "iso8859-15"
    wide = read_customers(io.BytesIO("First Name\nZoë\n".encode("utf-16-le")), encoding="utf-16")
    assert wide.row(records_of(wide)[0]).fields["first_name"] == "Zoë"


def test_a_wide_file_that_is_cut_short_rejects_its_last_row() -> None:
    """And no row before it."""
    content = "First Name\nAda\nZoë".encode("utf-16")[:-1]
    assert [bool(row.problems) for row in rows_of(content)] == [False, True]


def test_a_directory_and_a_locked_file_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in a sentence."""
    with pytest.raises(BadFile, match="is a directory"):
        read_csv(tmp_path)
    (tmp_path / "locked.csv").touch()

    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(BadFile, match="permission"):
        read_csv(tmp_path / "locked.csv")


def told_by(content: bytes) -> str:
    """The error that a file meets before anything is sent."""
    with pytest.raises(BadFile) as caught:
        read_csv(io.BytesIO(content))
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n \n", "is empty"),
        (b"First Name,Zip,Zip\n", 'line 1: the column "Zip" is there twice'),
        (b"\nFirst\0Name\n", "line 2: the header holds NUL"),
        (b"Pr\xe9nom,Zip,Zo\xc3\xab\n", "the header holds bytes that are not UTF-8"),
        (b"First Name,\x81\n", "the header holds bytes that are not Windows-1252"),
        (b"First\x01Name\n", "the header is no text"),
        (b"Ada,ada@example.com\n", "looks like a customer"),
        (b"Ada,2024-01-05\n", "looks like a customer"),
        (b"Ada,+1 415 555 0100\n", "looks like a customer"),
        (b'First Name,"Zip\nAda,1\n', "the header cannot be read"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"\x1f\x8b\x08rest", "gunzip"),
        (b"BZh91AY", "bunzip2"),
        (b"\xfd7zXZ\0", "unxz"),
        (b"(\xb5/\xfdrest", "unzstd"),
        (b"%PDF-1.7", "is a PDF"),
        (b"SQLite format 3\0", "is a database"),
    ],
)
def test_a_bad_file_is_an_error_before_anything_is_sent(content: bytes, problem: str) -> None:
    """It names the line and says what to do, and nobody."""
    told = told_by(content)
    assert problem in told
    assert "ada@" not in told
    assert "555" not in told


def test_nothing_that_fits_is_a_bad_mapping() -> None:
    """The columns are there, but none is a first name."""
    with pytest.raises(BadMapping, match="first_name"):
        read_csv(io.StringIO("Nick,Zip\n"))


def test_columns_without_a_name_are_numbered() -> None:
    """A delimiter at the end of every line is common."""
    with read_csv(io.StringIO("First Name,,\nAda,,\n")) as customers:
        assert customers.columns == ("First Name", "column 2", "column 3")
        assert [row.fields for row in customers] == [{"first_name": "Ada"}]


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """As `open` has it."""
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "nowhere.csv")


def test_delimiters_in_quotes_do_not_count() -> None:
    """Nor does a header of one column have any."""

    def found(headers: Iterable[str]) -> list[str]:
        return [detect_delimiter(header) for header in headers]

    assert found(['"a,b,c";d', "a", "a\tb,c\td"]) == [";", ",", "\t"]


CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.sampled_from([",", ";", "\t"]))
def test_what_a_csv_writer_writes_is_read(rows: list[tuple[str, str]], delimiter: str) -> None:
    """Cells with delimiters, quotes and line breaks too; rows of blank cells are skipped."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["First Name", "Notes"])
    writer.writerows(rows)
    found = [row.cells for row in rows_of(file.getvalue().encode())]
    assert found == [row for row in rows if any(cell.strip() for cell in row)]


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
# what every one of the encodings can say; no cell of it is valid UTF-8 when saved as Windows-1252
LETTERS = st.text(st.sampled_from("abzAZ019 ,;\t\"'\n-_@.éüß"), max_size=12)


@given(
    rows=st.lists(st.tuples(LETTERS, LETTERS), max_size=6),
    encoding=st.sampled_from(ENCODINGS),
    delimiter=st.sampled_from([",", ";", "\t"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_encoding_delimiter_and_quoting_do_not_matter(
    rows: list[tuple[str, str]], encoding: str, delimiter: str, quoting: int, end: str
) -> None:
    """The same rows come out of every file that says the same, at once and from a pipe."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerow(["First Name", "Notes"])
    writer.writerows(rows)
    content = file.getvalue().encode(encoding)
    expected = [row for row in rows if any(cell.strip() for cell in row)]
    for stream in (io.BytesIO(content), Pipe(content, at_once=1 << 16)):
        source = read_customers(stream)  # type: ignore[arg-type]
        assert expected == [record.values for record in records_of(source)]
        again = read_customers(io.BytesIO(content), **source.options())
        assert records_of(again) == records_of(read_customers(io.BytesIO(content)))
        assert [again.row(record).cells for record in records_of(again)] == expected


@given(st.binary(max_size=200))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    """Whatever its bytes: rows, rejected rows, or an error of its own."""
    try:
        rows = rows_of(b"First Name,Zip\n" + content)
    except BadFile:
        raise AssertionError("the header was fine") from None
    assert all(row.problems or len(row.cells) == 2 for row in rows)
