"""Files of customers: encodings, delimiters, and everything that can be wrong with them."""

import csv
import io
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.columns import BadMapping
from moregood_async.bulk.rows import Row
from moregood_async.bulk.sources import BadFile, delimiter_of, read_csv


def rows_of(content: bytes, **mapping: str) -> list[Row]:
    """The rows of a file with this content."""
    with read_csv(io.BytesIO(content), mapping or None) as customers:
        return list(customers)


def fields_of(content: bytes) -> list[object]:
    """What the rows say."""
    return [row.fields for row in rows_of(content)]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
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
    content = b"First Name,Zip\nAda,1,2\nBob\nC\0y,1\nD\xe9d,1\nEve,1\n"
    problems = [row.problems for row in rows_of(content)]
    assert [bool(problem) for problem in problems] == [True, True, True, True, False]


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
        (b"Pr\xe9nom,Zip\n", "the header is not UTF-8"),
        (b"Ada,ada@example.com\n", "looks like a customer"),
        (b"Ada,2024-01-05\n", "looks like a customer"),
        (b"Ada,+1 415 555 0100\n", "looks like a customer"),
        (b'First Name,"Zip\nAda,1\n', "the header cannot be read"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        ("First Name\n".encode("utf-16"), "UTF-16"),
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
        return [delimiter_of(header) for header in headers]

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


@given(st.binary(max_size=200))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    """Whatever its bytes: rows, rejected rows, or an error of its own."""
    try:
        rows = rows_of(b"First Name,Zip\n" + content)
    except BadFile:
        raise AssertionError("the header was fine") from None
    assert all(row.problems or len(row.cells) == 2 for row in rows)
