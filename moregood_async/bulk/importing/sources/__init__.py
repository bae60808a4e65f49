"""Where customers come from: CSV, JSON Lines, Parquet, standard input, and Python's iterables.

Whatever it is, a `Source` gives `Record` values, cheap and as they stand, and makes a `Row` of each
that is wanted. Memory does not grow with it.
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
from moregood_async.bulk.importing.sources.delimited import CustomerFile, delimiter_of, read_csv
from moregood_async.bulk.importing.sources.files import BadFile, Bytes, Fingerprint
from moregood_async.bulk.importing.sources.items import Item, Items, read_items
from moregood_async.bulk.importing.sources.json_lines import JsonLinesFile, read_json_lines
from moregood_async.bulk.importing.sources.parquet import ParquetFile, read_parquet
from moregood_async.bulk.importing.sources.text import Text, text_of

__all__ = [
    "BadFile",
    "CustomerFile",
    "Fingerprint",
    "Item",
    "Items",
    "JsonLinesFile",
    "ParquetFile",
    "Source",
    "delimiter_of",
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
        """For people: a file's name without folders, ``standard input``, or ``rows``."""
        ...

    @property
    def path(self) -> Path | None:
        """Where the file is, if there is one."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The header's names; of values by key, the keys of the first 100; may be empty."""
        ...

    @property
    def mapping(self) -> ColumnMapping:
        """What each column holds."""
        ...

    @property
    def preset(self) -> Preset | None:
        """Whose export it is, if that was told."""
        ...

    @property
    def rereadable(self) -> bool:
        """Whether `records` can be called again, from the start."""
        ...

    def records(self) -> Iterator[Record] | AsyncIterator[Record]:
        """Every record that is not blank, as it stands, so that its place is always the same."""
        ...

    def row(self, record: Record) -> Row:
        """What a record says; it does not matter which others there are."""
        ...

    def fingerprint(self) -> Fingerprint | None:
        """What tells the file from what it was; None where there is none."""
        ...

    def total(self) -> int | None:
        """About how many rows there are, or None where nobody knows."""
        ...

    def options(self) -> dict[str, Any]:
        """How it is read: with the same options, `read_customers` reads a file alike."""
        ...

    def close(self) -> None:
        """Close what is open of it; twice is fine."""
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
"""Formats by their names, which are suffixes of files too."""

_PARQUET: Final = b"PAR1"


def read_customers(
    source: str | os.PathLike[str] | IO[str] | IO[bytes] | Iterable[Item] | AsyncIterable[Item],
    *,
    format: str | None = None,  # noqa: A002 -- the word that people look for
    mapping: Mapping[str, str] | None = None,
    preset: str | None = None,
    region: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Source:
    r"""The customers of whatever this is.

    >>> import io
    >>> source = read_customers(io.BytesIO(b'{"name": "Ada Lovelace"}\n'))
    >>> source.options()["format"], [source.row(record).fields for record in source.records()]
    ('jsonl', [{'first_name': 'Ada', 'last_name': 'Lovelace'}])

    Args:
        source: A path, ``-`` for standard input, an open file, or any iterable or async iterable
            of mappings or `CustomerUpsert` values.
        format: ``csv``, ``jsonl`` or ``parquet``, where neither the suffix nor the first bytes
            tell it.
        mapping: Columns whose field you say yourself; see `ColumnMapping.of`.
        preset: Whose export it is, where that cannot be told from the headers; ``none`` for
            nobody's.
        region: Where phones without a country code are from: ``US``.
        encoding: Where it is told wrongly.
        delimiter: Where it is told wrongly.

    Raises:
        BadFile: It cannot be read as customers at all.
        BadMapping: See `ColumnMapping.of`; there is no such preset or region.
        ConfigurationError: A library that this needs is not installed.
        OSError: The path cannot be opened.
    """
    if not isinstance(source, str | os.PathLike) and not hasattr(source, "read"):
        items = cast("Iterable[Item]", source)
        return read_items(items, mapping, preset=preset, region=region)
    if isinstance(source, io.TextIOBase):
        text = text_of(cast("IO[str]", source))
        kind = _named(format) or _told(text)
    else:
        opened = Bytes(cast("str | IO[bytes]", source))
        kind = _named(format) or _of_bytes(opened)
        if kind == "parquet":
            return ParquetFile(opened, mapping, preset=preset, region=region)
        text = text_of(opened, encoding)
        kind = kind or _told(text)
    if kind == "jsonl":
        return JsonLinesFile(text, mapping, preset=preset, region=region)
    return CustomerFile(text, mapping, preset=preset, region=region, delimiter=delimiter)


def _named(kind: str | None) -> str:
    if kind is None:
        return ""
    if kind not in FORMATS:
        raise BadFile(f'there is no format "{kind}"; there are csv, jsonl and parquet')
    return FORMATS[kind]


def _of_bytes(opened: Bytes) -> str:
    """The format that the first bytes tell for sure, or the suffix; empty where neither does."""
    if opened.begins.startswith(_PARQUET):
        return "parquet"
    suffix = opened.path.suffix if opened.path else ""
    return FORMATS.get(suffix.lower().removeprefix("."), "")


def _told(text: Text) -> str:
    return "jsonl" if text.begins.lstrip().startswith(("{", "[")) else "csv"
