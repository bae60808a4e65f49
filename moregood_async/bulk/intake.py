"""Reads the input in pieces, and has each piece in the journal before any of it is sent."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.journal import Journal, JournalMismatch
from moregood_async.bulk.journal.entry import Entry
from moregood_async.bulk.orders import Orders
from moregood_async.bulk.preparing import Item, again, claims, prepare
from moregood_async.bulk.states import Event, State

PIECE_ROWS: Final = 256
KNOWN_PIECE_ROWS: Final = 4_096
PATIENCE_SECONDS: Final = 0.05
"""How long a piece waits for more from an input that gives its rows slowly."""


class Intake:
    """The rows of a job, in the order of the input: those that are not over yet."""

    def __init__(
        self, source: Source, journal: Journal, orders: Orders, *, keep_rows: bool, same_file: bool
    ) -> None:
        self._source = source
        self._journal = journal
        self._orders = orders
        self._keep_rows = keep_rows
        self._same_file = same_file
        self.place: int = 0
        """How many rows were read."""

    async def items(self) -> AsyncGenerator[Item | None, None]:
        """Each row that is new, or was not over when the last run ended; None: nothing yet.

        Raises:
            JournalMismatch: The input is not the one that the journal knows.
        """
        self.place = 0
        known = self._journal.known
        pieces = pieces_of(self._source, lambda: self._size(known))
        try:
            async for piece in pieces:
                items = await (self._known(piece) if self.place < known else self._new(piece))
                self.place += len(piece)
                for item in items:
                    yield item
                if not piece:
                    yield None
        finally:
            await pieces.aclose()
        if self.place < known:
            raise JournalMismatch(
                f"the input has {self.place:,} rows, and the journal knows {known:,} of it: it is "
                "another input, or was cut short; nothing was sent for the missing rows"
            )

    def _size(self, known: int) -> int:
        left = known - self.place
        return min(left, KNOWN_PIECE_ROWS) if left > 0 else PIECE_ROWS

    async def _new(self, piece: Sequence[Record]) -> list[Item]:
        if not piece:
            return []
        items = [
            prepare(self._entry(place, record), record, self._source, self._orders)
            for place, record in enumerate(piece, self.place)
        ]
        mark_of = self._journal.mark_of
        marks = [
            (mark_of(mark), item.entry.place)
            for item in items
            for mark in claims(item, self._orders)
        ]
        for item in items:
            _intend(item.entry)

        def claimed(firsts: list[int]) -> None:
            earlier: dict[int, int] = {}
            for (_, place), first in zip(marks, firsts, strict=True):
                earlier[place] = min(first, earlier.get(place, place))
            for item in items:
                first = earlier.get(item.entry.place, item.entry.place)
                if first < item.entry.place:
                    _repeats(item.entry, first)

        kept = [
            (place, _clear(each)) for place, each in enumerate(piece, self.place) if self._keep_rows
        ]
        await self._journal.register(
            [item.entry for item in items], marks, claimed=claimed, kept=kept
        )
        return items

    def _entry(self, place: int, record: Record) -> Entry:
        return Entry(place, record.line, self._journal.digest_of(texts_of(record)))

    async def _known(self, piece: Sequence[Record]) -> list[Item]:
        if not self._same_file:
            await self._compare(piece)
        is_open = "place >= ? AND place < ? AND state < 3"
        left = await self._journal.select(is_open, self.place, self.place + len(piece))
        return [
            again(entry, piece[entry.place - self.place], self._source, self._orders)
            for entry in left
        ]

    async def _compare(self, piece: Sequence[Record]) -> None:
        digests = await self._journal.digests(self.place, len(piece))
        for place, (record, digest) in enumerate(zip(piece, digests, strict=True), self.place):
            if self._journal.digest_of(texts_of(record)) != digest:
                raise JournalMismatch(
                    f"row {place + 1:,} (line {record.line:,}) is not the row that the journal "
                    "knows: give the input that the job began with, or begin another job with "
                    "another journal; nothing was sent for this row"
                )


def _intend(entry: Entry) -> None:
    """An upsert that converges may be sent at any time from its registration on."""
    if entry.state is State.READY and entry.idempotent:
        entry.becomes(Event.INTEND)


def _repeats(entry: Entry, first: int) -> None:
    entry.repeats = first
    if entry.asks:
        entry.unasked = "repeats"


def texts_of(record: Record) -> Iterator[str]:
    """Its values as they stand, by which a row is known again."""
    values = record.values
    if isinstance(values, Mapping):
        return (f"{name}\x1e{value}" for name, value in values.items())
    return iter(values)


def _clear(record: Record) -> str:
    values = record.values
    cells: Any = values if isinstance(values, tuple) else dict(values)
    return json.dumps(cells, ensure_ascii=True, default=str)


async def pieces_of(source: Source, size: Callable[[], int]) -> AsyncGenerator[list[Record], None]:
    """The records of a source in pieces of at most ``size()``."""
    records = source.records()
    if isinstance(records, AsyncIterator):
        async with aclosing(_slowly(records, size)) as pieces:
            async for piece in pieces:
                yield piece
        return
    while piece := list(itertools.islice(records, size())):
        yield piece


async def _slowly(
    records: AsyncIterator[Record], size: Callable[[], int]
) -> AsyncGenerator[list[Record], None]:
    """Pieces of what comes; one is given as it is, even empty, where no more comes for now."""
    coming: asyncio.Future[Record] | None = None
    piece: list[Record] = []
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(records))
            done, _ = await asyncio.wait({coming}, timeout=PATIENCE_SECONDS)
            if done:
                try:
                    piece.append(coming.result())
                except StopAsyncIteration:
                    break
                coming = None
            if not done or len(piece) >= size():
                yield piece
                piece = []
    finally:
        if coming is not None and not coming.done():
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
    if piece:
        yield piece
