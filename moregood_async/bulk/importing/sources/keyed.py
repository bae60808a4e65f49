"""How sources of values by key are read: JSON Lines, Parquet and Python's own mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from moregood_async.bulk.importing.columns import ColumnMapping, find_preset, resolve_choices
from moregood_async.bulk.importing.parsing import KeyedParser
from moregood_async.bulk.importing.phones import PhoneParser
from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.importing.sources.byte_source import BadFile
from moregood_async.bulk.importing.sources.mapped_source import Reading

SAMPLED_ROWS: Final = 100
"""Limits the first rows whose keys are the columns of a source; keys of later rows are mapped
too, but have no column."""


def read_by_key(
    columns: tuple[str, ...],
    mapping: Mapping[str, str] | None,
    *,
    preset: str | None,
    region: str | None,
    complete: bool,
    encoding: str | None = None,
) -> Reading:
    """Return how a source with these keys is read.

    Args:
        columns: The keys of the first rows; empty if they cannot be known before the rows are
            read.
        mapping: Fields by key that the caller chose.
        preset: The name of a preset, or None to detect it.
        region: The country of phone numbers without a country code.
        complete: Whether ``columns`` are the keys of a file, which must hold ``first_name``. The
            keys of other sources are checked row by row.
        encoding: The encoding of a text file.

    Raises:
        BadFile: ``complete`` is set and there is no key.
        BadMapping: See `ColumnMapping.of`; there is no such preset or region.
        ConfigurationError: ``region`` needs a library that is not installed.
    """
    chosen = dict(mapping or {})
    detected = find_preset(preset, columns)
    if complete and not columns:
        raise BadFile('no row has a key; each must be an object such as {"first_name": "Ada"}')
    # Choices cannot be checked against keys that are not known yet.
    resolved = resolve_choices(columns, chosen) if columns else chosen
    return Reading(
        columns=columns,
        mapping=(
            ColumnMapping.of(columns, chosen, detected)
            if complete
            else ColumnMapping.of_keys(columns, resolved, detected)
        ),
        preset=detected,
        chosen=chosen,
        parser=KeyedParser(columns, resolved, detected, PhoneParser.of_region(region)),
        encoding=encoding,
    )


def collect_keys(records: Iterable[Record]) -> tuple[str, ...]:
    """Return the keys of the records, in the sequence of their first appearance.

    >>> records = [Record(1, {"b": 1}), Record(2, ("no JSON",), "…"), Record(3, {"a": 1, "b": 2})]
    >>> collect_keys(records)
    ('b', 'a')
    """
    keys: dict[str, None] = {}
    for record in records:
        if isinstance(record.values, Mapping):
            keys.update(dict.fromkeys(map(str, record.values)))
    return tuple(keys)
