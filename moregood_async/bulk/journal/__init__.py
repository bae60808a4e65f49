"""The journal of a job: one SQLite file that knows every request that may have left.

See `moregood_async.bulk.states` for the states of a row. What a journal holds of people is keyed
hashes: a row is found again by its place and its hash, a person by the hash of their email or
phone, both with a random key of this journal. Rows in clear are kept only where the user asks.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from moregood_async.bulk.journal import people
from moregood_async.bulk.journal.entry import COLUMNS, Entry
from moregood_async.bulk.journal.errors import (
    JournalError,
    JournalInUse,
    JournalMismatch,
    JournalUnusable,
    unusable,
)
from moregood_async.bulk.journal.opening import Lock, opened
from moregood_async.bulk.journal.witness import Witness
from moregood_async.bulk.journal.writer import Write, Writer, unbroken
from moregood_async.bulk.states import Event, State

__all__ = [
    "Entry",
    "Journal",
    "JournalError",
    "JournalInUse",
    "JournalMismatch",
    "JournalUnusable",
]

T = TypeVar("T")

HEARTBEAT_SECONDS: Final = 5.0
"""So often, at least, a running job notes that it is alive."""

_UNSETTLED: Final = "state IN (1, 2)"
"""As its index has it, word for word, so that the index is used."""

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM rows"  # noqa: S608


class Journal:
    """An open journal, which nobody else runs meanwhile. Made by `Journal.open`."""

    def __init__(self, path: Path | None, connection: sqlite3.Connection, lock: Lock | None):
        self.path = path
        self.known: int = 0
        """How many rows it knows: the places 0 to ``known`` - 1."""
        self._lock = lock
        self._about: dict[str, Any] = {
            name: json.loads(value) for name, value in connection.execute("SELECT * FROM about")
        }
        commits = self._about.get("commits", 0)
        witness = Witness(path) if path else None
        try:
            if witness:
                witness.check(commits)
            self._key = self._own_key(connection)
        except BaseException:
            if witness:
                witness.close()
            raise
        self._writer = Writer(connection, commits=commits, witness=witness)

    def _own_key(self, connection: sqlite3.Connection) -> bytes:
        if "key" not in self._about:
            self._about["key"] = secrets.token_hex(32)
            connection.execute(
                "INSERT INTO about VALUES ('key', ?)", (json.dumps(self._about["key"]),)
            )
        [highest] = connection.execute("SELECT max(place) FROM rows").fetchone()
        self.known = 0 if highest is None else highest + 1
        return bytes.fromhex(self._about["key"])

    @property
    def salt(self) -> bytes:
        """The random key of this journal's hashes."""
        return self._key

    @classmethod
    async def open(cls, path: Path | None) -> Self:
        """Open the journal at a path, or make one; None is one in memory.

        Raises:
            JournalInUse: Another is running it.
            JournalUnusable: It cannot be used; the message says why, and what to do.
        """
        opening = asyncio.ensure_future(asyncio.to_thread(_locked, path))
        try:
            connection, lock = await unbroken(opening)
        except asyncio.CancelledError:  # its thread went on, and what it opened is closed again
            if not opening.cancelled() and opening.exception() is None:
                _let_go(*opening.result())
            raise
        try:
            return cls(path, connection, lock)
        except BaseException as error:
            _let_go(connection, lock)
            if isinstance(error, sqlite3.Error | OSError):
                raise unusable(path, error) from error
            raise

    async def close(self) -> None:
        """Commit what was noted, and let others run it; twice is fine."""
        try:
            await self._writer.close()
        finally:
            if self._lock:
                self._lock.release()
                self._lock = None

    # what it is about

    def about(self, name: str) -> Any:
        """A setting, or None."""
        return self._about.get(name)

    async def remember(self, **settings: Any) -> None:
        """Write settings down, JSON values all."""
        self._about |= settings
        values = [(name, json.dumps(value)) for name, value in settings.items()]
        sql = "REPLACE INTO about VALUES (?, ?)"
        await self.query(lambda connection: connection.executemany(sql, values).rowcount)

    async def since(self, now: float) -> float:
        """When its job was begun, on the server's clock; a job that has not begins now."""
        known = self.about("since")
        if known is None:
            known = now
            await self.remember(since=known)
        return float(known)

    def is_alive(self, clock: Callable[[], float]) -> None:
        """From now on each commit notes the time of this clock."""
        self._writer.alive = clock

    # hashes

    def digest_of(self, values: Iterable[str]) -> bytes:
        """The keyed hash of a row's values."""
        text = "\x1f".join(values).encode("utf-8", "backslashreplace")
        return hashlib.blake2b(text, key=self._key, digest_size=16).digest()

    def mark_of(self, mark: str) -> bytes:
        """The keyed hash of what tells a person, such as ``email ada@example.com``."""
        return hashlib.blake2b(mark.encode(), key=self._key, digest_size=16).digest()

    # rows

    async def register(
        self,
        entries: Sequence[Entry],
        marks: Sequence[tuple[bytes, int]],
        *,
        claimed: Callable[[list[int]], object],
        kept: Sequence[tuple[int, str]] = (),
    ) -> None:
        """Commit new rows, in their order.

        Args:
            entries: The rows.
            marks: What tells people apart, and the places that claim them.
            claimed: Is told the place that has each mark first, before the rows are written;
                it runs in another thread, and may change the entries.
            kept: Rows in clear, by place.
        """

        def rows(firsts: list[int]) -> Iterable[tuple[Any, ...]]:
            claimed(firsts)
            return [entry.values() for entry in entries]

        await self._commit(Write(rows, marks=marks, kept=kept))
        if entries:
            self.known = max(self.known, entries[-1].place + 1)

    async def put(self, *entries: Entry) -> None:
        """Commit entries as they are now; returns once the disk has them."""
        values = [entry.values() for entry in entries]
        await self._commit(Write(lambda _: values))

    def note(self, entry: Entry) -> None:
        """An entry as it is now goes into the next commit."""
        values = entry.values()
        try:
            self._writer.write(Write(lambda _: (values,)))
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error

    async def intend_ask(
        self, entry: Entry, intended_at: float, *, asked_meanwhile: bool = False
    ) -> bool:
        """Commit that an ask is about to leave; False where the customer has one in this job.

        The API's own id tells people who share neither email nor phone in the file. Who was asked
        meanwhile, by no row of this job, has no ask either.
        """

        def rows(firsts: list[int]) -> Iterable[tuple[Any, ...]]:
            if firsts and firsts[0] != entry.place:
                entry.goes_unasked("same customer")
            elif asked_meanwhile:
                entry.goes_unasked("meanwhile")
            else:
                entry.becomes(Event.INTEND)
                entry.intended_at = intended_at
            return (entry.values(),)

        claim = None if entry.customer is None else (entry.customer, entry.place)
        await self._commit(Write(rows, customer=claim))
        return entry.state is State.INTENDED

    async def digests(self, start: int, count: int) -> list[bytes]:
        """The hashes of rows from a place on."""
        sql = "SELECT digest FROM rows WHERE place >= ? AND place < ? ORDER BY place"
        values = (start, start + count)
        return await self.query(
            lambda connection: [each for (each,) in connection.execute(sql, values)]
        )

    async def select(self, where: str = "1", *values: Any, limit: int = -1) -> list[Entry]:
        """Entries by a condition on their columns, in the order of their places."""
        sql = f"{_SELECT} WHERE {where} ORDER BY place LIMIT {int(limit)}"
        found = await self.query(lambda connection: connection.execute(sql, values).fetchall())
        return [Entry.of(each) for each in found]

    async def marks_of(self, places: Sequence[int]) -> dict[bytes, int]:
        """What tells the people of some rows, with their places."""
        wanted = set(places)
        sql = "SELECT mark, place FROM people"
        return await self.query(
            lambda connection: {
                mark: place for mark, place in connection.execute(sql) if place in wanted
            }
        )

    async def firsts(self, marks: Sequence[bytes]) -> dict[bytes, int]:
        """The places that have claimed some of these marks."""
        return await self.query(lambda connection: people.firsts(connection, marks))

    async def unsettled(self) -> list[Entry]:
        """Rows that were intended or unknown, with those that died turned unknown."""
        died_at = await self.query(_died_at)
        died = await self.select(f"{_UNSETTLED} AND state = {State.INTENDED:d}")
        for entry in died:
            entry.becomes(Event.DIED, error="the process ended before the API had answered")
            if entry.state is State.UNKNOWN:
                entry.lost_at = died_at
        await self.put(*died)
        return await self.select(f"{_UNSETTLED} AND state = {State.UNKNOWN:d}")

    async def charged_meanwhile(self, entry: Entry) -> bool:
        """Whether another row may have charged the customer since the count that it knows."""
        sql = (
            "SELECT count(*) FROM rows WHERE charges = 1 AND customer = ? AND place != ?"
            " AND (step = 3 OR state = 4 OR (step = 2 AND state IN (1, 2)))"
            " AND (charged_at IS NULL OR ? IS NULL OR charged_at >= ?)"
        )
        values = (entry.customer, entry.place, entry.saved_at, entry.saved_at)
        [others] = await self.query(lambda c: c.execute(sql, values).fetchone())
        return bool(others)

    async def retry(self) -> int:
        """Rows that failed become ready again; gives how many."""
        failed = await self.select(f"state = {State.FAILED:d}")
        for entry in failed:
            entry.becomes(Event.RETRY)
        await self.put(*failed)
        return len(failed)

    async def reopen_capped(self, most: int | None) -> int:
        """So many rows that an earlier cap left unasked are to be asked; gives how many."""
        limit = -1 if most is None else max(0, most)
        capped = await self.select("unasked = 'cap' AND state = 4", limit=limit)
        for entry in capped:
            entry.asked_after_all()
        await self.put(*capped)
        return len(capped)

    async def beat(self) -> None:
        """Commit that the job is alive, every few seconds, until it is cancelled."""
        while True:
            await self._commit(Write(lambda _: ()))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    # runs

    async def begins(self, began: float) -> int:
        """A run begins; gives its number."""
        sql = "INSERT INTO runs (began) VALUES (?)"

        def insert(connection: sqlite3.Connection) -> int:
            return int(connection.execute(sql, (began,)).lastrowid or 0)

        return await self.query(insert)

    async def ends(self, run: int, how: str, figures: dict[str, Any], ended: float = 0.0) -> None:
        """A run has ended like this."""
        values = (ended or time.time(), how, json.dumps(figures), run)
        sql = "UPDATE runs SET ended = ?, how = ?, figures = ? WHERE id = ?"
        await self.query(lambda connection: connection.execute(sql, values).rowcount)

    async def query(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Whatever a function makes of the connection, in the journal's thread."""
        try:
            return await self._writer.query(query)
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error

    async def _commit(self, write: Write) -> None:
        try:
            await self._writer.committed(write)
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error


def _locked(path: Path | None) -> tuple[sqlite3.Connection, Lock | None]:
    lock = Lock(path) if path else None
    try:
        return opened(path), lock
    except BaseException:
        if lock:
            lock.release()
        raise


def _let_go(connection: sqlite3.Connection, lock: Lock | None) -> None:
    connection.close()
    if lock:
        lock.release()


def _died_at(connection: sqlite3.Connection) -> float | None:
    """Until when the last run may have sent, on the server's clock; None: there was none."""
    found = connection.execute("SELECT value FROM about WHERE name = 'alive'").fetchone()
    return None if found is None else float(json.loads(found[0])) + 2 * HEARTBEAT_SECONDS
