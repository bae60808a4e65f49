"""Items: customers that are in Python already, in any iterable or async iterable."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sized
from itertools import islice
from pathlib import Path
from typing import Any

import attrs

from moregood_async.bulk.importing.columns import ColumnMapping
from moregood_async.bulk.importing.presets import Preset
from moregood_async.bulk.importing.rows import Record, Row
from moregood_async.bulk.importing.sources.files import Fingerprint
from moregood_async.bulk.importing.sources.keyed import LOOKED_AT, Keyed, keys_of
from moregood_async.models.customers import CustomerUpsert
from moregood_async.models.fields import UNSET

Item = Mapping[str, Any] | CustomerUpsert


class Items:
    """Mappings or `CustomerUpsert` values; their places are counted from 1."""

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        mapping: Mapping[str, str] | None = None,
        *,
        preset: str | None = None,
        region: str | None = None,
    ) -> None:
        if isinstance(items, str | bytes | Mapping | CustomerUpsert):
            raise TypeError("give an iterable of mappings, such as a list of dicts")
        self._items = items
        self.name: str = "rows"
        self.path: Path | None = None
        self.rereadable: bool = not isinstance(items, Iterator | AsyncIterator)
        self._keyed = Keyed(
            self._first_keys(), mapping, preset=preset, region=region, complete=False
        )
        self.columns: tuple[str, ...] = self._keyed.columns
        self.mapping: ColumnMapping = self._keyed.mapping
        self.preset: Preset | None = self._keyed.preset

    def records(self) -> Iterator[Record] | AsyncIterator[Record]:
        """Every item, by its keys; of an async iterable an async iterator."""
        if isinstance(self._items, AsyncIterable):
            return _records_async(self._items)
        return _records(self._items)

    def row(self, record: Record) -> Row:
        """What a record says; it does not matter which others there are."""
        return self._keyed.row(record)

    def fingerprint(self) -> Fingerprint | None:
        """None: there is no file."""
        return None

    def total(self) -> int | None:
        """How many items there are, where they can be counted."""
        return len(self._items) if isinstance(self._items, Sized) else None

    def options(self) -> dict[str, Any]:
        """How they are read, so that `read_customers` reads them alike."""
        return self._keyed.options("items")

    def close(self) -> None:
        """Nothing is open; the items are yours."""

    def _first_keys(self) -> tuple[str, ...]:
        if not self.rereadable or not isinstance(self._items, Iterable):
            return ()
        return keys_of(_records(islice(self._items, LOOKED_AT)))


def read_items(
    items: Iterable[Item] | AsyncIterable[Item],
    mapping: Mapping[str, str] | None = None,
    *,
    preset: str | None = None,
    region: str | None = None,
) -> Items:
    """The customers of any iterable or async iterable of mappings or `CustomerUpsert` values.

    A list can be read again, an iterator cannot. A value that is None is left out, as a blank
    cell is. Keys are told as a CSV's columns are, item by item.

    >>> customers = read_items([{"Full name": "Ada Lovelace", "Mail": "ada@example.com"}])
    >>> [customers.row(record).fields["last_name"] for record in customers.records()]
    ['Lovelace']
    """
    return Items(items, mapping, preset=preset, region=region)


def _records(items: Iterable[Item]) -> Iterator[Record]:
    for place, item in enumerate(items, 1):
        yield _record(place, item)


async def _records_async(items: AsyncIterable[Item]) -> AsyncIterator[Record]:
    place = 0
    async for item in items:
        place += 1
        yield _record(place, item)


def _record(place: int, item: object) -> Record:
    if isinstance(item, CustomerUpsert):
        values = attrs.asdict(item, recurse=False, filter=lambda _, value: value is not UNSET)
        return Record(place, values)
    if isinstance(item, Mapping):
        return Record(place, item)
    return Record(place, (), f"is a {type(item).__name__}, not a mapping or a CustomerUpsert")
