"""Commits what it is given, what many ask at once together, in a thread of its own.

A commit waits for the disk, and every change between threads costs. So what is given is gathered
for some milliseconds, and while a commit is under way; then it goes into the next one, by few
statements: thousands of rows a second cost some hundred commits.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import attrs

from moregood_async.bulk.journal import people
from moregood_async.bulk.journal.entry import COLUMNS
from moregood_async.bulk.journal.witness import Witness

T = TypeVar("T")
Values = tuple[Any, ...]

GATHER_SECONDS: Final = 0.004
"""How long the first piece of work waits for others before it is committed with them."""


@attrs.define
class Write:
    """Something to be committed: rows, once it is known who claimed which mark first."""

    rows: Callable[[list[int]], Iterable[Values]]
    marks: Sequence[tuple[bytes, int]] = ()
    """Marks and the places that claim them; the first to claim one has it."""
    customer: tuple[int, int] | None = None
    """The API's id of a customer and the place that claims it, likewise."""
    kept: Sequence[tuple[int, str]] = ()
    """Places, and their rows in clear; only where the user asked for it."""
    done: asyncio.Future[None] | None = None


@attrs.define
class Query:
    """Something to be asked of the connection, after all that was given before is committed."""

    query: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]


async def unbroken(work: Awaitable[T]) -> T:
    """The result of work that is done to its end, however often who waits for it is cancelled."""
    doing = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not doing.done():
        try:
            await asyncio.wait({doing})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        await asyncio.gather(doing, return_exceptions=True)
        raise cancelled
    return doing.result()


class Writer:
    """One connection, one thread. Made in a running loop; `close` ends it."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        alive: Callable[[], float] | None = None,
        *,
        commits: int = 0,
        witness: Witness | None = None,
    ) -> None:
        self._connection = connection
        self._commits = commits
        self._witness = witness
        self._loop = asyncio.get_running_loop()
        self._pending: list[Write | Query] = []
        self._gathering: asyncio.Handle | None = None
        self._busy = False
        self._given: queue.SimpleQueue[list[Write | Query] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self.alive: Callable[[], float] | None = alive
        """What each commit notes as the moment at which the job was alive."""
        self.broken: Exception | None = None
        """What broke it; nothing is committed after that."""
        self._thread.start()

    def write(self, work: Write) -> None:
        """It is committed with the next commit."""
        self._give(work)

    async def committed(self, work: Write) -> None:
        """Commit it; returns once the disk has it."""
        work.done = self._loop.create_future()
        self._give(work)
        await work.done

    async def query(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Ask the connection, after all that was given before is committed."""
        done: asyncio.Future[T] = self._loop.create_future()
        self._give(Query(query, done))
        return await done

    async def close(self) -> None:
        """Commit all that was given, and close the connection; twice is fine."""
        self._pass_on()
        self._given.put(None)
        await unbroken(asyncio.to_thread(self._thread.join))

    def _give(self, work: Write | Query) -> None:
        if self.broken is not None:
            raise self.broken
        self._pending.append(work)
        if not self._busy and self._gathering is None:
            self._gathering = self._loop.call_later(GATHER_SECONDS, self._pass_on)

    def _pass_on(self) -> None:
        """What was gathered is the thread's to do."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if self._pending:
            work, self._pending = self._pending, []
            self._busy = True
            self._given.put(work)

    def _done(self, work: list[Write | Query], results: list[Any], error: Exception | None) -> None:
        """Tell those who wait what became of their work; in the loop."""
        self._busy = False
        if self._pending:
            self._gathering = self._loop.call_later(GATHER_SECONDS, self._pass_on)
        for each, result in zip(work, results, strict=True):
            if each.done is None or each.done.done():
                continue
            if error is None:
                each.done.set_result(result)
            else:
                each.done.set_exception(error)

    # in the thread

    def _run(self) -> None:
        while (work := self._given.get()) is not None:
            results, error = self._worked(work)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._done, work, results, error)
        self._connection.close()
        if self._witness is not None:
            self._witness.close()

    def _worked(self, work: list[Write | Query]) -> tuple[list[Any], Exception | None]:
        """What each piece of work gives, or what broke all of them."""
        results: list[Any] = [None] * len(work)
        if self.broken is not None:
            return results, self.broken
        try:
            if writes := [each for each in work if isinstance(each, Write)]:
                self._commit(writes)
            for place, each in enumerate(work):
                if isinstance(each, Query):
                    results[place] = each.query(self._connection)
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            self.broken = error
        return results, self.broken

    def _commit(self, writes: list[Write]) -> None:
        connection, witness = self._connection, self._witness
        if witness is not None:
            witness.is_there()
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._put(self._rows(writes))
            if kept := [each for write in writes for each in write.kept]:
                connection.executemany("REPLACE INTO kept VALUES (?, ?)", kept)
            self._commits += 1
            about: tuple[str, ...] = ("commits", str(self._commits))
            if self.alive is not None:
                about += ("alive", repr(self.alive()))
            connection.execute(_ABOUT[len(about)], about)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if witness is not None:
            witness.made(self._commits)

    def _rows(self, writes: Sequence[Write]) -> list[Values]:
        """The rows to write, each once and as it was given last, once all claims are made."""
        marks = [claim for write in writes for claim in write.marks]
        customers = [write.customer for write in writes if write.customer]
        first_of = people.claimed(self._connection, marks) if marks else {}
        first_by_id = people.claimed(self._connection, customers, "customers") if customers else {}
        rows: dict[int, Values] = {}
        for write in writes:
            firsts = [first_of[mark] for mark, _ in write.marks]
            if write.customer:
                firsts.append(first_by_id[write.customer[0]])
            for values in write.rows(firsts):
                rows[values[0]] = values
        return list(rows.values())

    def _put(self, rows: list[Values]) -> None:
        one = f"({people.slots(len(COLUMNS))})"
        for part in people.parts(rows):
            sql = f"REPLACE INTO rows VALUES {','.join([one] * len(part))}"  # noqa: S608
            self._connection.execute(sql, list(itertools.chain.from_iterable(part)))


_COMMITS = "REPLACE INTO about VALUES ('commits', ?)"
_ABOUT: Final = {
    2: "REPLACE INTO about VALUES (?, ?)",
    4: "REPLACE INTO about VALUES (?, ?), (?, ?)",
}
