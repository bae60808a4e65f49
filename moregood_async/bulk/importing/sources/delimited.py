"""CSV: customers in lines of cells, told by a header."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, Self
from weakref import WeakSet

from moregood_async.bulk.importing.columns import ColumnMapping, preset_called
from moregood_async.bulk.importing.encoding import misread
from moregood_async.bulk.importing.parsing import row_of, unreadable
from moregood_async.bulk.importing.phones import Phones, phones_of
from moregood_async.bulk.importing.presets import NO_PRESET, Preset
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources.files import BadFile, Fingerprint
from moregood_async.bulk.importing.sources.text import Text, text_of

DELIMITERS: Final = (",", ";", "\t")
_SAVE_AS_UTF8: Final = "save it as CSV in UTF-8 (Excel: CSV UTF-8)"
_LOOKS_LIKE_DATA: Final = re.compile(r"\S+@\S+\.\S+|\+?[\d\s().-]{7,}|\d{4}-\d\d-\d\d")
_NO_TEXT: Final = re.compile(r"[\0-\x08\x0e-\x1f]")


class CustomerFile:
    """A CSV: its `columns`, their `mapping`, and its rows.

    Iterating it gives rows; so does `row` for each of the `records`, which cost next to nothing.
    What is open of the file is closed with the last row, when an iteration is left, and by `close`.
    """

    def __init__(
        self,
        text: Text,
        mapping: Mapping[str, str] | None = None,
        *,
        preset: str | None = None,
        region: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        self._text = text
        self._chosen = dict(mapping or {})
        self._phones: Phones = phones_of(region)
        self._under_way: WeakSet[Generator[Record]] = WeakSet()
        self.name: str = text.name
        self.path: Path | None = text.path
        self.rereadable: bool = text.rereadable
        self._header = _Header(text, delimiter)
        self.delimiter: str = self._header.delimiter
        self.columns: tuple[str, ...] = self._header.names
        self.preset: Preset | None = preset_called(preset, self.columns)
        self.mapping: ColumnMapping = ColumnMapping.of(self.columns, mapping, self.preset)

    def records(self) -> Iterator[Record]:
        """Every record that is not blank, as it stands."""
        reading = self._records()
        self._under_way.add(reading)
        return reading

    def row(self, record: Record) -> Row:
        """What a record says; it does not matter which others there are."""
        cells = tuple(record.values)
        if record.problem:
            return unreadable(record.line, cells, record.problem)
        return row_of(record.line, cells, self.mapping, self._phones, self._text.encoding)

    def fingerprint(self) -> Fingerprint | None:
        """What tells the file from what it was; None where there is none."""
        return self._text.fingerprint()

    def total(self) -> int | None:
        """About how many rows there are."""
        lines = self._text.lines()
        return None if lines is None else max(lines - self._header.lines, 0)

    def options(self) -> dict[str, Any]:
        """How it is read, so that `read_customers` reads it alike."""
        return {
            "format": "csv",
            "delimiter": self.delimiter,
            "encoding": self._text.encoding,
            "preset": self.preset.key if self.preset else NO_PRESET,
            "mapping": self._chosen,
            "region": self._phones.region,
        }

    def close(self) -> None:
        """Close what is open of the file; twice is fine."""
        for reading in list(self._under_way):
            reading.close()
        self._text.close()

    def __iter__(self) -> Iterator[Row]:
        return map(self.row, self.records())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _records(self) -> Generator[Record]:
        with self._text.open() as lines:
            yield from _records(lines, self._header)


class _Header:
    """The first line that is not blank: the columns' names, and how they are divided."""

    def __init__(self, text: Text, delimiter: str | None) -> None:
        begins = list(io.StringIO(text.begins, newline=""))
        before = next((n for n, line in enumerate(begins) if line.strip()), None)
        if before is None:
            raise BadFile("the file is empty; it needs a header line and a line for each customer")
        self.delimiter: str = delimiter or delimiter_of(begins[before])
        if self.delimiter not in DELIMITERS and len(self.delimiter) != 1:
            raise BadFile("a delimiter is one character: a comma, a semicolon or a tab")
        reader = csv.reader(begins[before:], delimiter=self.delimiter, strict=True)
        self.names: tuple[str, ...] = self._names(reader, before, text.encoding)
        self.lines: int = before + reader.line_num

    def _names(self, reader: Any, before: int, encoding: str) -> tuple[str, ...]:
        try:
            names = [name.strip() for name in next(reader)]
        except csv.Error as error:
            line = before + reader.line_num
            raise BadFile(f"line {line}: the header cannot be read: {error}") from error
        _check_header(names, before + reader.line_num, encoding)
        return tuple(name or f"column {place}" for place, name in enumerate(names, 1))


def _records(lines: Iterator[str], header: _Header) -> Iterator[Record]:
    """The records after the header; the lines of the one at hand are held for its problem."""
    held: list[str] = []
    after = islice(lines, header.lines, None)
    reader = csv.reader(_holding(held, after), delimiter=header.delimiter, strict=True)
    while True:
        line = header.lines + reader.line_num + 1
        held.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            last = header.lines + reader.line_num
            yield Record(line, ("".join(held),), _unparsed(line, last, error))
        else:
            if any(map(str.strip, cells)):
                yield Record(line, tuple(cells))


def _holding(held: list[str], lines: Iterable[str]) -> Iterator[str]:
    hold = held.append
    for line in lines:
        hold(line)
        yield line


def _unparsed(first: int, last: int, error: csv.Error) -> str:
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
    r"""The customers of a CSV, lazily.

    The encoding and the delimiter (comma, semicolon, tab) are told. A bad row comes as a `Row`
    with problems; blank lines are skipped.

    >>> import io
    >>> with read_csv(io.StringIO("First Name;Zip\nAda;94110\n")) as customers:
    ...     [(row.line, row.fields) for row in customers]
    [(2, {'first_name': 'Ada', 'postal_code': '94110'})]

    Args:
        source: A path, ``-`` for standard input, or an open file, which stays open; a text file
            is best opened with ``newline=""``.
        mapping: Columns whose field you say yourself; see `ColumnMapping.of`.
        preset: Whose export it is, where that cannot be told from the headers; ``none`` for
            nobody's.
        region: Where phones without a country code are from: ``US``.
        encoding: Where it is told wrongly.
        delimiter: Where it is told wrongly.

    Raises:
        BadFile: It is empty, has no header, names a column twice, or is no CSV.
        BadMapping: See `ColumnMapping.of`; there is no such preset or region.
        ConfigurationError: ``region`` needs a library that is not installed.
        OSError: The path cannot be opened.
    """
    return CustomerFile(
        text_of(source, encoding), mapping, preset=preset, region=region, delimiter=delimiter
    )


def delimiter_of(header: str) -> str:
    """The delimiter of a header line: what stands in it most often, outside of quotes.

    >>> delimiter_of('name;"city, state";email'), delimiter_of("name")
    (';', ',')
    """
    bare = Counter(re.sub(r'"[^"]*"', "", header))
    return max(DELIMITERS, key=lambda delimiter: bare[delimiter])


def _check_header(names: Sequence[str], line: int, encoding: str) -> None:
    twice = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    if any("\0" in name for name in names):
        raise BadFile(f"line {line}: the header holds NUL bytes; {_SAVE_AS_UTF8}")
    if any(_NO_TEXT.search(name) for name in names):
        raise BadFile(f"line {line}: the header is no text; {_SAVE_AS_UTF8}")
    problem = misread(names, encoding) if not "".join(names).isascii() else ""
    if problem:
        raise BadFile(f"line {line}: the header {problem}")
    if twice:
        raise BadFile(f'line {line}: the column "{twice[0]}" is there twice; rename one of them')
    if any(_LOOKS_LIKE_DATA.fullmatch(name) for name in names):
        raise BadFile(
            f"line {line} looks like a customer, not like a header; put a line with the columns' "
            "names first: First name, Email, Phone"
        )
