"""`RowReader`: reads the input in chunks, and has each chunk in the journal before it is sent."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.journal.errors import JournalMismatch
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.states import State
from moregood_async.bulk.journal.storage import EntryQuery
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.run.row import RowTask, known_task, new_task

CHUNK_ROWS: Final = 256
"""New rows that are registered in one commit: the commit costs less than the rows."""

KNOWN_CHUNK_ROWS: Final = 4_096
"""Rows of an earlier run that are read at once. Most are over and only skipped: 1,000,000 rows
take about 9 s."""

PATIENCE_SECONDS: Final = 0.05
"""How long a chunk waits for more rows of an input that is slow, such as an async generator."""

OPEN_STATES: Final = frozenset({State.READY, State.INTENDED, State.UNKNOWN})


class RowReader:
    """The rows of one run, in the order of the input: those that are not over yet."""

    def __init__(
        self, source: Source, journal: Journal, options: JobOptions, *, keep_rows: bool
    ) -> None:
        self._source = source
        self._journal = journal
        self._options = options
        self._keep_rows = keep_rows
        identity = journal.identity
        self._is_same_file = identity is not None and identity.digest is not None
        """Whether the whole input was compared already, by the hash of its file."""
        self._read = 0

    async def tasks(self) -> AsyncGenerator[RowTask | None, None]:
        """Yield each row that is new or was not over; None if the input has none for now.

        Raises:
            JournalMismatch: The input is not the one that the journal knows.
        """
        known = self._journal.row_count
        self._read = 0
        chunks = read_chunks(self._source, lambda: self._chunk_size(known))
        async with aclosing(chunks):
            async for chunk in chunks:
                read = self._known_tasks if self._read < known else self._new_tasks
                tasks = await read(chunk)
                self._read += len(chunk)
                for task in tasks:
                    yield task
                if not chunk:
                    yield None
        if self._read < known:
            raise JournalMismatch(
                f"the input has {self._read:,} rows, and the journal knows {known:,} of it: it is "
                "another input, or was cut short; nothing was sent for the missing rows"
            )

    def _chunk_size(self, known: int) -> int:
        """No chunk has both known and new rows."""
        left = known - self._read
        return min(left, KNOWN_CHUNK_ROWS) if left > 0 else CHUNK_ROWS

    async def _new_tasks(self, chunk: Sequence[Record]) -> list[RowTask]:
        if not chunk:
            return []
        journal = self._journal
        tasks = [
            new_task(
                row_index, record, journal.hash_row(cells_of(record)), self._source, self._options
            )
            for row_index, record in enumerate(chunk, self._read)
        ]
        contact_claims = [
            (journal.hash_contact(key), task.entry.row_index)
            for task in tasks
            for key in task.claimed_keys
        ]
        kept_rows: list[tuple[int, str]] = []
        if self._keep_rows:
            kept_rows = [(index, _as_json(row)) for index, row in enumerate(chunk, self._read)]
        await journal.register([task.entry for task in tasks], contact_claims, kept_rows)
        return tasks

    async def _known_tasks(self, chunk: Sequence[Record]) -> list[RowTask]:
        if not self._is_same_file:
            await self._compare(chunk)
        query = EntryQuery(start=self._read, stop=self._read + len(chunk), states=OPEN_STATES)
        return [
            known_task(entry, chunk[entry.row_index - self._read], self._source, self._options)
            for entry in await self._journal.entries(query)
        ]

    async def _compare(self, chunk: Sequence[Record]) -> None:
        stop = self._read + len(chunk)
        digests = await self._journal.storage.row_digests(self._read, stop)
        rows = enumerate(zip(chunk, digests, strict=True), self._read)
        for row_index, (record, digest) in rows:
            if self._journal.hash_row(cells_of(record)) != digest:
                raise JournalMismatch(
                    f"row {row_index + 1:,} (line {record.line:,}) is not the row that the journal "
                    "knows: give the input that the job began with, or begin another job with "
                    "another journal; nothing was sent for this row"
                )


def cells_of(record: Record) -> Iterator[str]:
    """Yield the values of a record as they stand, by which a row is recognised."""
    values = record.values
    if isinstance(values, Mapping):
        return (f"{name}\x1e{value}" for name, value in values.items())
    return iter(values)


def _as_json(record: Record) -> str:
    values = record.values
    cells: Any = values if isinstance(values, tuple) else dict(values)
    return json.dumps(cells, ensure_ascii=True, default=str)


async def read_chunks(
    source: Source, chunk_size: Callable[[], int]
) -> AsyncGenerator[list[Record], None]:
    """Yield the records of a source in chunks of at most ``chunk_size()``.

    The chunks of an async source that is slow may be short, even empty.
    """
    records = source.records()
    if isinstance(records, AsyncIterator):
        async with aclosing(_read_async_chunks(records, chunk_size)) as chunks:
            async for chunk in chunks:
                yield chunk
        return
    while chunk := list(itertools.islice(records, chunk_size())):
        yield chunk


async def _read_async_chunks(
    records: AsyncIterator[Record], chunk_size: Callable[[], int]
) -> AsyncGenerator[list[Record], None]:
    """Yield what an async source has so far whenever it pauses for `PATIENCE_SECONDS`."""
    coming: asyncio.Future[Record] | None = None
    chunk: list[Record] = []
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(records))
            done, _ = await asyncio.wait({coming}, timeout=PATIENCE_SECONDS)
            if done:
                try:
                    chunk.append(coming.result())
                except StopAsyncIteration:
                    break
                coming = None
            if not done or len(chunk) >= chunk_size():
                yield chunk
                chunk = []
    finally:
        if coming is not None and not coming.done():
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
    if chunk:
        yield chunk
