"""Where customers come from: CSV, JSON Lines, Parquet, standard input, and Python's iterables.

Every `Source` yields `Record` values, which are raw and cheap, and parses one of them to a `Row`
when that is needed. The memory that a source needs does not grow with its size.
"""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, Protocol, cast

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.bulk.importing.presets import Preset
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources.byte_source import BadFile, ByteSource, Fingerprint
from moregood_async.bulk.importing.sources.delimited import (
    CustomerFile,
    detect_delimiter,
    read_csv,
)
from moregood_async.bulk.importing.sources.items import Item, Items, read_items
from moregood_async.bulk.importing.sources.json_lines import JsonLinesFile, read_json_lines
from moregood_async.bulk.importing.sources.parquet import ParquetFile, read_parquet
from moregood_async.bulk.importing.sources.text_source import TextSource, open_text

__all__ = [
    "BadFile",
    "CustomerFile",
    "Fingerprint",
    "Item",
    "Items",
    "JsonLinesFile",
    "ParquetFile",
    "Source",
    "detect_delimiter",
    "read_csv",
    "read_customers",
    "read_items",
    "read_json_lines",
    "read_parquet",
]


class Source(Protocol):
    """Customers, record by record."""

    @property
    def name(self) -> str:
        """The name for people: a file's name without folders, ``standard input``, or ``rows``."""
        ...

    @property
    def path(self) -> Path | None:
        """The path of the file, if there is one."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the header, or the keys of the first 100 rows; may be empty."""
        ...

    @property
    def mapping(self) -> ColumnMapping:
        """What each column holds."""
        ...

    @property
    def preset(self) -> Preset | None:
        """The preset that was detected or named; None if there is none."""
        ...

    @property
    def rereadable(self) -> bool:
        """Whether `records` can be called again, from the start."""
        ...

    def records(self) -> Iterator[Record] | AsyncIterator[Record]:
        """Return every record that is not blank, in the same sequence each time."""
        ...

    def row(self, record: Record) -> Row:
        """Return the row of a record, independently of all other records."""
        ...

    def fingerprint(self) -> Fingerprint | None:
        """Return the fingerprint of the file; None if there is no file."""
        ...

    def total(self) -> int | None:
        """Return the approximate number of rows; None if it is unknown."""
        ...

    def options(self) -> dict[str, Any]:
        """Return the arguments with which `read_customers` reads the source in the same way."""
        ...

    def close(self) -> None:
        """Close what the source opened; a second call does nothing."""
        ...


FORMATS: Final[Mapping[str, str]] = {
    "csv": "csv",
    "tsv": "csv",
    "txt": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "jsonlines": "jsonl",
    "json": "jsonl",
    "parquet": "parquet",
    "pq": "parquet",
    "items": "items",
}
"""Formats by the names that `read_customers` takes, which are also suffixes of files."""

_PARQUET_MAGIC: Final = b"PAR1"


def read_customers(
    source: str | os.PathLike[str] | IO[str] | IO[bytes] | Iterable[Item] | AsyncIterable[Item],
    *,
    format: str | None = None,  # noqa: A002 -- the usual word for it
    mapping: Mapping[str, str] | None = None,
    preset: str | None = None,
    region: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Source:
    r"""Return the customers of a file or an iterable in any format.

    >>> import io
    >>> source = read_customers(io.BytesIO(b'{"name": "Ada Lovelace"}\n'))
    >>> source.options()["format"], [source.row(record).fields for record in source.records()]
    ('jsonl', [{'first_name': 'Ada', 'last_name': 'Lovelace'}])

    Args:
        source: A path, ``-`` for standard input, an open file, or an iterable or async iterable
            of mappings or `CustomerUpsert` values.
        format: ``csv``, ``jsonl`` or ``parquet``, if neither the suffix nor the first bytes show
            it.
        mapping: Fields by column, for columns whose names do not show what they hold; see
            `ColumnMapping.of`.
        preset: The tool that exported the file, if its headers do not show it; ``none`` for no
            preset.
        region: The country of phone numbers without a country code: ``US``.
        encoding: The encoding, if it is detected wrongly.
        delimiter: The delimiter, if it is detected wrongly.

    Raises:
        BadFile: The source cannot be read as customers at all.
        BadMapping: See `ColumnMapping.of`; there is no such preset or region.
        ConfigurationError: A library that the format or ``region`` needs is not installed.
        OSError: The path cannot be opened.
    """
    if not isinstance(source, str | os.PathLike) and not hasattr(source, "read"):
        items = cast("Iterable[Item]", source)
        return read_items(items, mapping, preset=preset, region=region)
    named = _check_format(format)
    if isinstance(source, io.TextIOBase):
        text = open_text(cast("IO[str]", source))
    else:
        opened = ByteSource(cast("str | IO[bytes]", source))
        named = named or _detect_by_bytes_or_suffix(opened)
        if named == "parquet":
            return ParquetFile(opened, mapping, preset=preset, region=region)
        text = open_text(opened, encoding)
    if (named or _detect_by_text(text)) == "jsonl":
        return JsonLinesFile(text, mapping, preset=preset, region=region)
    return CustomerFile(text, mapping, preset=preset, region=region, delimiter=delimiter)


def _check_format(name: str | None) -> str:
    """Return the format of a name or suffix; empty for None."""
    if name is None:
        return ""
    if name not in FORMATS:
        raise BadFile(f'there is no format "{name}"; there are csv, jsonl and parquet')
    return FORMATS[name]


def _detect_by_bytes_or_suffix(source: ByteSource) -> str:
    """Return the format of the first bytes or of the suffix; empty if neither shows it."""
    if source.beginning.startswith(_PARQUET_MAGIC):
        return "parquet"
    suffix = source.path.suffix if source.path else ""
    return FORMATS.get(suffix.lower().removeprefix("."), "")


def _detect_by_text(text: TextSource) -> str:
    """Return ``jsonl`` for text that begins with an object or a list, and ``csv`` for any other."""
    return "jsonl" if text.beginning.lstrip().startswith(("{", "[")) else "csv"
