"""Customers that are Python objects already, in any iterable or async iterable."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sized
from itertools import islice
from typing import Any

import attrs

from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.importing.sources.byte_source import Fingerprint
from moregood_async.bulk.importing.sources.keyed import SAMPLED_ROWS, collect_keys, read_by_key
from moregood_async.bulk.importing.sources.mapped_source import MappedSource
from moregood_async.models.customers import CustomerUpsert
from moregood_async.models.fields import UNSET

Item = Mapping[str, Any] | CustomerUpsert


class Items(MappedSource):
    """Mappings or `CustomerUpsert` values. Their records are numbered from 1."""

    format = "items"

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        mapping: Mapping[str, str] | None = None,
        *,
        preset: str | None = None,
        region: str | None = None,
    ) -> None:
        if isinstance(items, str | bytes | Mapping | CustomerUpsert):
            raise TypeError("pass an iterable of mappings, such as a list of dicts")
        self._items = items
        rereadable = not isinstance(items, Iterator | AsyncIterator)
        keys = _sample_keys(items) if rereadable else ()
        reading = read_by_key(keys, mapping, preset=preset, region=region, complete=False)
        super().__init__("rows", None, reading, rereadable=rereadable)

    def records(self) -> Iterator[Record] | AsyncIterator[Record]:
        """Return the records; those of an async iterable as an async iterator."""
        if isinstance(self._items, AsyncIterable):
            return _read_async(self._items)
        return _read(self._items)

    def fingerprint(self) -> Fingerprint | None:
        """Return None: there is no file."""
        return None

    def total(self) -> int | None:
        """Return the number of items; None if the iterable has no length."""
        return len(self._items) if isinstance(self._items, Sized) else None

    def close(self) -> None:
        """Do nothing: the items are the caller's."""


def read_items(
    items: Iterable[Item] | AsyncIterable[Item],
    mapping: Mapping[str, str] | None = None,
    *,
    preset: str | None = None,
    region: str | None = None,
) -> Items:
    """Return the customers of an iterable or async iterable of mappings or `CustomerUpsert` values.

    A list can be read again, an iterator cannot. None is left out, as a blank cell is. Keys are
    mapped as the columns of a CSV are, separately for each item.

    >>> customers = read_items([{"Full name": "Ada Lovelace", "Mail": "ada@example.com"}])
    >>> [customers.row(record).fields["last_name"] for record in customers.records()]
    ['Lovelace']
    """
    return Items(items, mapping, preset=preset, region=region)


def _sample_keys(items: Iterable[Item] | AsyncIterable[Item]) -> tuple[str, ...]:
    """Return the keys of the first items; none of an async iterable, which is not read ahead."""
    if not isinstance(items, Iterable):
        return ()
    return collect_keys(_read(islice(items, SAMPLED_ROWS)))


def _read(items: Iterable[Item]) -> Iterator[Record]:
    for number, item in enumerate(items, 1):
        yield _record(number, item)


async def _read_async(items: AsyncIterable[Item]) -> AsyncIterator[Record]:
    number = 0
    async for item in items:
        number += 1
        yield _record(number, item)


def _record(number: int, item: object) -> Record:
    if isinstance(item, CustomerUpsert):
        values = attrs.asdict(item, recurse=False, filter=lambda _, value: value is not UNSET)
        return Record(number, values)
    if isinstance(item, Mapping):
        return Record(number, item)
    return Record(number, (), f"is a {type(item).__name__}, not a mapping or a CustomerUpsert")
