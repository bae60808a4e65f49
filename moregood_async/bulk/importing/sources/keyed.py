"""What sources of values by key have in common: their keys, and what each holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from moregood_async.bulk.importing.columns import ColumnMapping, checked, preset_called
from moregood_async.bulk.importing.parsing import KeyedRows
from moregood_async.bulk.importing.phones import phones_of
from moregood_async.bulk.importing.presets import NO_PRESET, Preset
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources.files import BadFile

LOOKED_AT: Final = 100
"""Rows whose keys are a source's columns."""


class Keyed:
    """The keys of a source's first rows, and how its rows are read.

    A row's own keys decide what they hold, so that a key that comes later counts too.
    """

    def __init__(
        self,
        columns: Iterable[str],
        mapping: Mapping[str, str] | None,
        *,
        preset: str | None,
        region: str | None,
        complete: bool,
    ) -> None:
        self._chosen = dict(mapping or {})
        self.columns: tuple[str, ...] = tuple(columns)
        self.preset: Preset | None = preset_called(preset, self.columns)
        if complete and not self.columns:
            raise BadFile('no row has a key; each is to be an object such as {"first_name": "Ada"}')
        told = checked(self.columns, self._chosen) if self.columns else self._chosen
        self.mapping: ColumnMapping = (
            ColumnMapping.of(self.columns, self._chosen, self.preset)
            if complete
            else ColumnMapping.of_some(self.columns, told, self.preset)
        )
        self._rows = KeyedRows(self.columns, told, self.preset, phones_of(region))

    def row(self, record: Record) -> Row:
        """What a record says; it does not matter which others there are."""
        return self._rows.row(record)

    def options(self, kind: str, encoding: str | None = None) -> dict[str, Any]:
        """How it is read, so that `read_customers` reads it alike."""
        return {
            "format": kind,
            "delimiter": None,
            "encoding": encoding,
            "preset": self.preset.key if self.preset else NO_PRESET,
            "mapping": self._chosen,
            "region": self._rows.phones.region,
        }


def keys_of(records: Iterable[Record]) -> tuple[str, ...]:
    """The keys of these records, in the order in which they come.

    >>> keys_of([Record(1, {"b": 1}), Record(2, ("no JSON",), "…"), Record(3, {"a": 1, "b": 2})])
    ('b', 'a')
    """
    found: dict[str, None] = {}
    for record in records:
        if isinstance(record.values, Mapping):
            found.update(dict.fromkeys(map(str, record.values)))
    return tuple(found)
