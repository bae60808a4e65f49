"""Files of customers, read row by row: memory does not grow with the file."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, Self, cast

from moregood_async.bulk.columns import ColumnMapping
from moregood_async.bulk.rows import Row, row_of
from moregood_async.errors import MoreGoodError

DELIMITERS = (",", ";", "\t")
_SAVE_AS_UTF8 = "save it as CSV in UTF-8 (Excel: CSV UTF-8)"
_FOREIGN = {
    b"PK\x03\x04": f"is a spreadsheet or an archive, not a CSV: {_SAVE_AS_UTF8}",
    b"\xd0\xcf\x11\xe0": f"is an Excel workbook, not a CSV: {_SAVE_AS_UTF8}",
    b"\xff\xfe": f"is UTF-16: {_SAVE_AS_UTF8}",
    b"\xfe\xff": f"is UTF-16: {_SAVE_AS_UTF8}",
}
_LOOKS_LIKE_DATA = re.compile(r"\S+@\S+\.\S+|\+?[\d\s().-]{7,}|\d{4}-\d\d-\d\d")


class BadFile(MoreGoodError):
    """A file cannot be read as customers at all; nothing was sent."""


class CustomerFile:
    """An open CSV: its `columns`, their `mapping`, and its rows, to be iterated once.

    It closes itself at its last row; leave it early through ``with`` or `close`.
    """

    def __init__(self, file: IO[str], mapping: Mapping[str, str] | None = None) -> None:
        self._file = file
        first, self._header_lines = _first_line(file)
        self.delimiter: str = delimiter_of(first)
        self._lines = _Lines(chain([first], file))
        self._reader = csv.reader(self._lines, delimiter=self.delimiter, strict=True)
        self.columns: tuple[str, ...] = self._header()
        self.mapping: ColumnMapping = ColumnMapping.of(self.columns, mapping)
        self.lines_read: int = self._line()

    def __iter__(self) -> Iterator[Row]:
        with self:
            while (row := self._next()) is not None:
                if any(cell.strip() for cell in row.cells):
                    yield row

    def close(self) -> None:
        """Close the file; twice is fine."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next(self) -> Row | None:
        line = self.lines_read + 1
        self._lines.held.clear()
        try:
            cells = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as error:
            return _unparsed(line, self._line(), "".join(self._lines.held), error)
        finally:
            self.lines_read = self._line()
        return row_of(line, cells, self.mapping) if cells else Row(line, ())

    def _line(self) -> int:
        return self._header_lines + self._reader.line_num

    def _header(self) -> tuple[str, ...]:
        try:
            names = [name.strip() for name in next(self._reader)]
        except csv.Error as error:
            raise BadFile(f"line {self._line()}: the header cannot be read: {error}") from error
        _check_header(names, self._line())
        return tuple(name or f"column {place}" for place, name in enumerate(names, 1))


class _Lines:
    """Lines on their way to the parser; those of the record at hand are held."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.held: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.held.append(line)
        return line


def read_csv(
    source: str | os.PathLike[str] | IO[str] | IO[bytes],
    mapping: Mapping[str, str] | None = None,
) -> CustomerFile:
    r"""The customers of a CSV, lazily.

    UTF-8 with or without a byte order mark; the delimiter (comma, semicolon, tab) is told from
    the header. A bad row comes as a `Row` with problems; blank lines are skipped.

    >>> import io
    >>> with read_csv(io.StringIO("First Name;Zip\nAda;94110\n")) as customers:
    ...     [(row.line, row.fields) for row in customers]
    [(2, {'first_name': 'Ada', 'postal_code': '94110'})]

    Args:
        source: A path, or an open file; a text file is best opened with ``newline=""``.
        mapping: Columns whose field you say yourself; see `ColumnMapping.of`.

    Raises:
        BadFile: It is empty, has no header, names a column twice, or is no CSV.
        BadMapping: See `ColumnMapping.of`.
        OSError: The path cannot be opened.
    """
    file = _opened(source)
    try:
        return CustomerFile(file, mapping)
    except BaseException:
        file.close()
        raise


def delimiter_of(header: str) -> str:
    """The delimiter of a header line: what stands in it most often, outside of quotes.

    >>> delimiter_of('name;"city, state";email'), delimiter_of("name")
    (';', ',')
    """
    bare = Counter(re.sub(r'"[^"]*"', "", header))
    return max(DELIMITERS, key=lambda delimiter: bare[delimiter])


def _opened(source: str | os.PathLike[str] | IO[str] | IO[bytes]) -> IO[str]:
    if isinstance(source, str | os.PathLike):
        return _decoded(Path(source).open("rb"))
    if isinstance(source, io.TextIOBase):
        return cast("IO[str]", source)
    return _decoded(cast("IO[bytes]", source))


def _decoded(file: IO[bytes]) -> IO[str]:
    buffered = cast("io.BufferedReader", file)
    if not isinstance(file, io.BufferedReader):
        buffered = io.BufferedReader(cast("io.RawIOBase", file))
    begins = buffered.peek(4)[:4]
    for mark, problem in _FOREIGN.items():
        if begins.startswith(mark):
            buffered.close()
            raise BadFile(f"the file {problem}")
    return io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _first_line(file: IO[str]) -> tuple[str, int]:
    for skipped, line in enumerate(file):
        if line.strip():
            return line, skipped
    raise BadFile("the file is empty; it needs a header line and a line for each customer")


def _check_header(names: list[str], line: int) -> None:
    twice = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    if any("\0" in name for name in names):
        raise BadFile(f"line {line}: the header holds NUL bytes; {_SAVE_AS_UTF8}")
    if any("\udc80" <= letter <= "\udcff" for name in names for letter in name):
        raise BadFile(f"line {line}: the header is not UTF-8; {_SAVE_AS_UTF8}")
    if twice:
        raise BadFile(f'line {line}: the column "{twice[0]}" is there twice; rename one of them')
    if any(_LOOKS_LIKE_DATA.fullmatch(name) for name in names):
        raise BadFile(
            f"line {line} looks like a customer, not like a header; put a line with the columns' "
            "names first: First name, Email, Phone"
        )


def _unparsed(first: int, last: int, text: str, error: csv.Error) -> Row:
    where = f"lines {first} to {last}" if last > first else f"line {first}"
    problem = f"{where} cannot be read ({error}): is there a quote too many, or one too few?"
    return Row(first, (text,), problems={"row": (problem,)})
