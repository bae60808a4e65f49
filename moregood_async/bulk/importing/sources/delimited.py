"""CSV: customers in lines of cells, which a header describes."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any, Final, Self

from moregood_async.bulk.importing.columns import ColumnMapping, find_preset
from moregood_async.bulk.importing.encoding import describe_misreading
from moregood_async.bulk.importing.parsing import CellParser
from moregood_async.bulk.importing.phones import PhoneParser
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources.byte_source import BadFile
from moregood_async.bulk.importing.sources.mapped_source import FileSource, Reading
from moregood_async.bulk.importing.sources.text_source import TextSource, open_text

DELIMITERS: Final = (",", ";", "\t")
"""The delimiters that are detected; Excel writes semicolons where the comma is the decimal sign."""
_SAVE_AS_UTF8: Final = "save it as CSV in UTF-8 (Excel: CSV UTF-8)"
# Cells that no header has: ada@example.com, +1 415 555 0100, 2024-01-05
_LOOKS_LIKE_DATA: Final = re.compile(r"\S+@\S+\.\S+|\+?[\d\s().-]{7,}|\d{4}-\d\d-\d\d")
# Control characters except tab, line feed, vertical tab, form feed and carriage return.
_BINARY: Final = re.compile(r"[\0-\x08\x0e-\x1f]")


class CustomerFile(FileSource):
    """A CSV: its `columns`, their `mapping`, and its rows.

    Iterating over the file yields rows. `records` yields raw records, which cost next to nothing,
    and `row` parses one of them. The file is closed after its last row, when an iteration is
    abandoned, and by `close`.
    """

    format = "csv"

    def __init__(
        self,
        text: TextSource,
        mapping: Mapping[str, str] | None = None,
        *,
        preset: str | None = None,
        region: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        phones = PhoneParser.of_region(region)
        self._text = text
        self._header = _Header(text, delimiter)
        self.delimiter: str = self._header.delimiter
        names = self._header.names
        detected = find_preset(preset, names)
        columns = ColumnMapping.of(names, mapping, detected)
        reading = Reading(
            columns=names,
            mapping=columns,
            preset=detected,
            chosen=dict(mapping or {}),
            parser=CellParser(columns, phones, text.encoding),
            delimiter=self.delimiter,
            encoding=text.encoding,
        )
        super().__init__(text, reading)

    def total(self) -> int | None:
        """Return the number of lines after the header; None for a pipe.

        A row may have several lines, and blank lines count, so the number of rows may be smaller.
        """
        lines = self._text.count_lines()
        return None if lines is None else max(lines - self._header.lines, 0)

    def __iter__(self) -> Iterator[Row]:
        return map(self.row, self.records())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> Generator[Record]:
        with self._text.open() as lines:
            yield from _parse_lines(lines, self._header)


class _Header:
    """The first line that is not blank: the names of the columns, and the delimiter."""

    def __init__(self, text: TextSource, delimiter: str | None) -> None:
        lines = list(io.StringIO(text.beginning, newline=""))
        blank_lines = next((n for n, line in enumerate(lines) if line.strip()), None)
        if blank_lines is None:
            raise BadFile("the file is empty; it needs a header line and a line for each customer")
        self.delimiter: str = delimiter or detect_delimiter(lines[blank_lines])
        if len(self.delimiter) != 1:
            raise BadFile("a delimiter is one character: a comma, a semicolon or a tab")
        reader = csv.reader(lines[blank_lines:], delimiter=self.delimiter, strict=True)
        self.names: tuple[str, ...] = self._parse(reader, blank_lines, text.encoding)
        self.lines: int = blank_lines + reader.line_num
        """The lines before the first row; a quoted name may hold a line break."""

    def __repr__(self) -> str:
        return f"_Header(names={self.names!r}, delimiter={self.delimiter!r})"

    def _parse(self, reader: Any, blank_lines: int, encoding: str) -> tuple[str, ...]:
        try:
            names = [name.strip() for name in next(reader)]
        except csv.Error as error:
            line = blank_lines + reader.line_num
            raise BadFile(f"line {line}: the header cannot be read: {error}") from error
        _check_header(names, blank_lines + reader.line_num, encoding)
        # A delimiter at the end of every line is common, and makes a column without a name.
        return tuple(name or f"column {number}" for number, name in enumerate(names, 1))


def _parse_lines(lines: Iterator[str], header: _Header) -> Iterator[Record]:
    """Yield the records after the header.

    A quote too many joins lines until the next quote. The lines of the current record are
    therefore kept, so that a record that cannot be parsed has all of their text as its only cell.
    """
    record_lines: list[str] = []
    rows = islice(lines, header.lines, None)
    reader = csv.reader(_collect(record_lines, rows), delimiter=header.delimiter, strict=True)
    while True:
        first = header.lines + reader.line_num + 1
        record_lines.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            last = header.lines + reader.line_num
            yield Record(first, ("".join(record_lines),), _describe(first, last, error))
        else:
            if any(map(str.strip, cells)):  # a line of delimiters only is blank
                yield Record(first, tuple(cells))


def _collect(collected: list[str], lines: Iterable[str]) -> Iterator[str]:
    append = collected.append
    for line in lines:
        append(line)
        yield line


def _describe(first: int, last: int, error: csv.Error) -> str:
    where = f"lines {first} to {last}" if last > first else f"line {first}"
    return f"{where} cannot be read ({error}): is there a quote too many, or one too few?"


def read_csv(
    source: str | os.PathLike[str] | IO[str] | IO[bytes],
    mapping: Mapping[str, str] | None = None,
    *,
    preset: str | None = None,
    region: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> CustomerFile:
    r"""Return the customers of a CSV; they are read lazily.

    The encoding and the delimiter (comma, semicolon or tab) are detected. A bad row becomes a
    `Row` with problems; blank lines are skipped.

    >>> import io
    >>> with read_csv(io.StringIO("First Name;Zip\nAda;94110\n")) as customers:
    ...     [(row.line, row.fields) for row in customers]
    [(2, {'first_name': 'Ada', 'postal_code': '94110'})]

    Args:
        source: A path, ``-`` for standard input, or an open file, which stays open. Open a text
            file with ``newline=""``.
        mapping: Fields by column, for columns whose names do not show what they hold; see
            `ColumnMapping.of`.
        preset: The tool that exported the file, if its headers do not show it; ``none`` for no
            preset.
        region: The country of phone numbers without a country code: ``US``.
        encoding: The encoding, if it is detected wrongly.
        delimiter: The delimiter, if it is detected wrongly.

    Raises:
        BadFile: The file is empty, has no header, names a column twice, or is not a CSV.
        BadMapping: See `ColumnMapping.of`; there is no such preset or region.
        ConfigurationError: ``region`` needs a library that is not installed.
        OSError: The path cannot be opened.
    """
    return CustomerFile(
        open_text(source, encoding), mapping, preset=preset, region=region, delimiter=delimiter
    )


def detect_delimiter(header: str) -> str:
    """Return the delimiter that a header line has most often, outside of quotes.

    >>> detect_delimiter('name;"city, state";email'), detect_delimiter("name")
    (';', ',')
    """
    counts = Counter(re.sub(r'"[^"]*"', "", header))
    # Without any delimiter, `max` returns the first one: a file of one column has commas.
    return max(DELIMITERS, key=lambda delimiter: counts[delimiter])


def _check_header(names: Sequence[str], line: int, encoding: str) -> None:
    """Refuse a header that shows that the file is no CSV, or is read in the wrong way."""
    duplicates = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    if any("\0" in name for name in names):  # UTF-16 that was not detected
        raise BadFile(f"line {line}: the header holds NUL bytes; {_SAVE_AS_UTF8}")
    if any(_BINARY.search(name) for name in names):
        raise BadFile(f"line {line}: the header is not text; {_SAVE_AS_UTF8}")
    problem = describe_misreading(names, encoding) if not "".join(names).isascii() else ""
    if problem:
        raise BadFile(f"line {line}: the header {problem}")
    if duplicates:
        raise BadFile(
            f'line {line}: two columns have the name "{duplicates[0]}"; rename one of them'
        )
    if any(_LOOKS_LIKE_DATA.fullmatch(name) for name in names):
        raise BadFile(
            f"line {line} looks like a customer, not like a header; put a line with the columns' "
            "names first: First name, Email, Phone"
        )
