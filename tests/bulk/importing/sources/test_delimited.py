"""Customers of CSV files: rows, headers, quotes and everything that can be wrong with them."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.importing.columns import BadMapping
from moregood_async.bulk.importing.rows import Row
from moregood_async.bulk.importing.sources import (
    BadFile,
    detect_delimiter,
    read_csv,
    read_customers,
)
from tests.bulk.importing.records import read_records
from tests.bulk.importing.sources.pipes import Pipe


def parse_csv(content: bytes) -> list[Row]:
    """Return the rows of a file with this content."""
    with read_csv(io.BytesIO(content)) as customers:
        return list(customers)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("delimiter", [b",", b";", b"\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_every_usual_csv_is_read(mark: bytes, delimiter: bytes, end: bytes) -> None:
    """UTF-8 with and without a mark; comma, semicolon and tab; both line ends."""
    lines = [[b"First Name", b"Zip"], ["Zoë".encode(), b"94110"]]
    content = mark + end.join(delimiter.join(cells) for cells in lines) + end
    assert [row.fields for row in parse_csv(content)] == [
        {"first_name": "Zoë", "postal_code": "94110"}
    ]


def test_a_row_has_the_number_of_the_line_where_it_begins() -> None:
    """Blank lines and line breaks in quotes are counted."""
    content = b'\nFirst Name,Notes\n\nAda,"one\ntwo"\n,\n  \nBob,x\n'
    lines = {row.line: row.fields.get("first_name") for row in parse_csv(content)}
    assert lines == {4: "Ada", 8: "Bob"}


def test_bad_rows_do_not_stop_the_good_ones() -> None:
    """Too many cells, too few, a NUL, and bytes that are not UTF-8 are rejected rows."""
    lines = b"Zo\xc3\xab,1\nAda,1,2\nBob\nC\0y,1\nD\xe9d,1\nEve,1\n"
    rows = parse_csv(b"First Name,Zip\n" + lines)
    assert [bool(row.problems) for row in rows] == [False, True, True, True, True, False]


@pytest.mark.parametrize(
    "content",
    [
        b'First Name,Zip\nAda,1\n"Bob,2\nCy,3\n"Dee",4\n',
        b'First Name,Zip\nAda,1\n"Bob" x,2\nCy,3\n',
        b'First Name,Zip\nAda,1\n"Bob,2\nCy,3\n',
    ],
    ids=["closed by the next quote", "text after a quote", "never closed"],
)
def test_a_quote_too_many_rejects_its_lines_and_loses_none_of_them(content: bytes) -> None:
    """The rejected row holds the text of all its lines, and the number of the first one."""
    rows = parse_csv(content)
    bad = next(row for row in rows if row.problems)
    assert bad.line == 3
    assert "quote" in bad.problems["row"][0]
    text = "".join(cell for row in rows for cell in row.cells)
    assert all(name in text for name in ("Ada", "Bob", "Cy"))
    assert "Ada" not in bad.cells[0]


def test_a_record_can_be_parsed_without_the_others() -> None:
    """In any sequence, and more than once."""
    source = read_csv(io.StringIO("First Name,Zip\nAda,1\nBob\nCy,3\n"))
    last, middle, first = reversed(read_records(source))
    assert [source.row(each).line for each in (last, first, last)] == [4, 2, 4]
    assert source.row(middle).problems


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n \n", "is empty"),
        (b"First Name,Zip,Zip\n", 'line 1: two columns have the name "Zip"'),
        (b"\nFirst\0Name\n", "line 2: the header holds NUL"),
        (b"Pr\xe9nom,Zip,Zo\xc3\xab\n", "the header holds bytes that are not UTF-8"),
        (b"First Name,\x81\n", "the header holds bytes that are not Windows-1252"),
        (b"First\x01Name\n", "the header is not text"),
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
def test_a_bad_file_is_refused_before_anything_is_sent(content: bytes, problem: str) -> None:
    """The error names the line and says what to do. It quotes no cell."""
    with pytest.raises(BadFile) as caught:
        read_csv(io.BytesIO(content))
    assert problem in str(caught.value)
    assert "ada@" not in str(caught.value)
    assert "555" not in str(caught.value)


def test_a_file_without_first_names_is_refused() -> None:
    with pytest.raises(BadMapping, match="first_name"):
        read_csv(io.StringIO("Nick,Zip\n"))


def test_columns_without_a_name_are_numbered() -> None:
    """A delimiter at the end of every line is common."""
    with read_csv(io.StringIO("First Name,,\nAda,,\n")) as customers:
        assert customers.columns == ("First Name", "column 2", "column 3")
        assert [row.fields for row in customers] == [{"first_name": "Ada"}]


def test_delimiters_in_quotes_are_not_counted() -> None:
    """A header of one column has a comma."""
    headers = ['"a,b,c";d', "a", "a\tb,c\td"]
    assert [detect_delimiter(header) for header in headers] == [";", ",", "\t"]


def test_a_missing_file_raises_the_error_of_open(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "nowhere.csv")


CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.sampled_from([",", ";", "\t"]))
def test_rows_that_a_csv_writer_writes_are_read_back(
    rows: list[tuple[str, str]], delimiter: str
) -> None:
    """Cells may hold delimiters, quotes and line breaks; rows of blank cells are skipped."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["First Name", "Notes"])
    writer.writerows(rows)
    cells = [row.cells for row in parse_csv(file.getvalue().encode())]
    assert cells == [row for row in rows if any(cell.strip() for cell in row)]


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
# Letters of every one of the encodings; no text of them is valid UTF-8 when saved as Windows-1252.
LETTERS = st.text(st.sampled_from("abzAZ019 ,;\t\"'\n-_@.éüß"), max_size=12)


@given(
    rows=st.lists(st.tuples(LETTERS, LETTERS), max_size=6),
    encoding=st.sampled_from(ENCODINGS),
    delimiter=st.sampled_from([",", ";", "\t"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_encoding_delimiter_and_quoting_do_not_change_the_rows(
    rows: list[tuple[str, str]], encoding: str, delimiter: str, quoting: int, end: str
) -> None:
    """Neither from a file nor from a pipe, with detected or with repeated options."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerow(["First Name", "Notes"])
    writer.writerows(rows)
    content = file.getvalue().encode(encoding)
    expected = [row for row in rows if any(cell.strip() for cell in row)]
    for stream in (io.BytesIO(content), Pipe(content, at_once=1 << 16)):
        source = read_customers(stream)  # type: ignore[arg-type]
        assert [record.values for record in read_records(source)] == expected
        again = read_customers(io.BytesIO(content), **source.options())
        assert read_records(again) == read_records(read_customers(io.BytesIO(content)))
        assert [again.row(record).cells for record in read_records(again)] == expected


@given(st.binary(max_size=200))
def test_any_bytes_become_rows_or_rejected_rows(content: bytes) -> None:
    """The header is fine, so the file is never refused."""
    rows = parse_csv(b"First Name,Zip\n" + content)
    assert all(row.problems or len(row.cells) == 2 for row in rows)
