"""`SqliteStorage`: a journal in a local SQLite file, or in memory."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from moregood_async.bulk.journal import claims, files, queries
from moregood_async.bulk.journal.commit_counter import CommitCounter
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.errors import journal_error
from moregood_async.bulk.journal.storage import (
    Change,
    Claimed,
    EntryQuery,
    JournalSummary,
    RunRecord,
)
from moregood_async.bulk.journal.writer import Writer, run_to_end


class SqliteStorage:
    """The `Storage` of a local journal: a lock file as the lease, one thread that writes."""

    def __init__(
        self, path: Path | None, connection: sqlite3.Connection, lock: files.JournalLock | None
    ) -> None:
        self._lock = lock
        self._settings = queries.settings(connection)
        commits = self._settings.get("commits", 0)
        counter = CommitCounter(path) if path else None
        if counter is not None:
            try:
                counter.check_commits(commits)
            except BaseException:
                counter.close()
                raise
        self._writer = Writer(
            connection, commits=commits, counter=counter, translate=partial(journal_error, path)
        )

    @classmethod
    async def open(cls, path: Path | None) -> Self:
        """Open the journal at a path, or make it; None is a journal in memory.

        Raises:
            JournalInUse: Another process runs the job.
            JournalUnusable: The journal cannot be used.
        """
        opening = asyncio.ensure_future(asyncio.to_thread(_open_locked, path))
        try:
            connection, lock = await run_to_end(opening)
        except asyncio.CancelledError:  # the thread went on, and what it opened is closed again
            if not opening.cancelled() and opening.exception() is None:
                _close(*opening.result())
            raise
        try:
            return cls(path, connection, lock)
        except BaseException as error:
            _close(connection, lock)
            if isinstance(error, sqlite3.Error | OSError):
                raise journal_error(path, error) from error
            raise

    def commit(self, change: Change) -> Awaitable[Claimed]:
        """Commit a change; durable once the awaitable is done."""
        return self._writer.commit(change)

    def enqueue(self, change: Change) -> None:
        """Commit a change with the next commit."""
        self._writer.enqueue(change)

    def settings(self) -> Mapping[str, Any]:
        """Return the settings."""
        return self._settings

    def save_settings(self, values: Mapping[str, Any]) -> Awaitable[None]:
        """Store settings."""
        self._settings |= values
        return self._writer.read(partial(queries.save_settings, values=values))

    def entries(self, query: EntryQuery) -> Awaitable[list[JournalEntry]]:
        """Return the entries of a query."""
        return self._writer.read(lambda connection: list(queries.entries(connection, query)))

    def count_rows(self) -> Awaitable[int]:
        """Return the number of registered rows."""
        return self._writer.read(queries.count_rows)

    def count_asks(self) -> Awaitable[int]:
        """Return the number of rows whose ask was accepted, or may have been."""
        return self._writer.read(queries.count_asks)

    def row_digests(self, start: int, stop: int) -> Awaitable[list[bytes]]:
        """Return the digests of a range of rows."""
        return self._writer.read(partial(queries.row_digests, start=start, stop=stop))

    def contact_owners(self, hashes: Sequence[bytes]) -> Awaitable[dict[bytes, int]]:
        """Return the row that owns each contact."""
        return self._writer.read(lambda connection: claims.owners(connection, hashes))

    def contacts_of(self, row_indexes: Sequence[int]) -> Awaitable[dict[bytes, int]]:
        """Return the contacts that some rows own."""
        return self._writer.read(partial(queries.contacts_of, row_indexes=row_indexes))

    def has_other_charge(self, entry: JournalEntry) -> Awaitable[bool]:
        """Return whether another row may have charged the customer since the entry's upsert."""
        values = {
            "customer_id": entry.customer_id,
            "row_index": entry.row_index,
            "saved_at": entry.saved_at,
        }
        return self._writer.read(partial(queries.has_other_charge, values=values))

    def last_alive_at(self) -> Awaitable[float | None]:
        """Return the time of the latest heartbeat."""
        return self._writer.read(queries.last_alive_at)

    def start_heartbeat(self, clock: Callable[[], float]) -> None:
        """Store the time of this clock with every commit from now on."""
        self._writer.heartbeat = clock

    def begin_run(self, began_at: float) -> Awaitable[int]:
        """Store that a run begins; return its id."""
        return self._writer.read(partial(queries.begin_run, began_at=began_at))

    def end_run(self, run_id: int, record: RunRecord) -> Awaitable[None]:
        """Store how a run ended."""
        return self._writer.read(partial(queries.end_run, run_id=run_id, record=record))

    def summary(self) -> Awaitable[JournalSummary]:
        """Return what a report needs."""
        return self._writer.read(queries.summary)

    async def close(self) -> None:
        """Commit what is enqueued, and release the lock. Calling it twice is fine."""
        try:
            await self._writer.close()
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None


def _open_locked(path: Path | None) -> tuple[sqlite3.Connection, files.JournalLock | None]:
    lock = files.JournalLock(path) if path else None
    try:
        return files.open_database(path), lock
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def _close(connection: sqlite3.Connection, lock: files.JournalLock | None) -> None:
    connection.close()
    if lock is not None:
        lock.release()
