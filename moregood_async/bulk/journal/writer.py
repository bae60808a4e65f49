"""Group commit: one thread commits what many tasks ask for at the same time.

A commit waits for the disk, and every switch between threads costs. So changes are gathered for
some milliseconds and while a commit is under way, and then committed together by few statements.
With 96 rows in work, 5,000 durable changes a second become about 200 commits::

    event loop:  commit(a) commit(b) ... 4 ms ...          commit(c) ...
    thread:                         [BEGIN a b COMMIT fsync]        [BEGIN c COMMIT fsync]
                                                            └─ a and b are done

What goes to the thread is immutable, and what returns is a result. The thread never touches an
entry, and the loop never touches the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import attrs

from moregood_async.bulk.journal import claims
from moregood_async.bulk.journal.commit_counter import CommitCounter
from moregood_async.bulk.journal.entry import COLUMNS, Values
from moregood_async.bulk.journal.errors import JournalUnusable
from moregood_async.bulk.journal.storage import Change, Claimed

T = TypeVar("T")
Result = Claimed | Any

GATHER_SECONDS: Final = 0.004
"""How long the first change waits for others. A commit with fsync takes 1 to 10 ms on an SSD, so
gathering for 4 ms at most doubles the latency of a row, and saves most commits."""

_DUPLICATE_OF: Final = COLUMNS.index("duplicate_of")


@attrs.define
class _Write:
    change: Change
    done: asyncio.Future[Claimed] | None = None
    """None if nobody waits for the commit."""


@attrs.define
class _Read:
    query: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]


async def run_to_end(work: Awaitable[T]) -> T:
    """Await work to its end, however often the waiting task is cancelled; then cancel."""
    future = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        await asyncio.gather(future, return_exceptions=True)
        raise cancelled
    return future.result()


class Writer:
    """One connection and its thread. Created in a running loop; `close` ends the thread."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        commits: int,
        counter: CommitCounter | None,
        translate: Callable[[Exception], Exception],
    ) -> None:
        self._connection = connection
        self._commits = commits
        self._counter = counter
        self._translate = translate
        self._loop = asyncio.get_running_loop()
        self._pending: list[_Write | _Read] = []
        self._gathering: asyncio.Handle | None = None
        self._is_busy = self._is_closed = False
        self._batches: queue.SimpleQueue[list[_Write | _Read] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self.heartbeat: Callable[[], float] | None = None
        """The clock whose time every commit stores, as proof that the job is alive."""
        self._failure: Exception | None = None
        """The first error of the connection. Nothing is committed after it."""
        self._thread.start()

    # in the event loop

    def commit(self, change: Change) -> asyncio.Future[Claimed]:
        """Return a future that is done once the change is durable."""
        done: asyncio.Future[Claimed] = self._loop.create_future()
        self._submit(_Write(change, done))
        return done

    def enqueue(self, change: Change) -> None:
        """Commit a change with the next commit."""
        self._submit(_Write(change))

    def read(self, query: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Return a future of a query that sees everything that was submitted before."""
        done: asyncio.Future[T] = self._loop.create_future()
        self._submit(_Read(query, done))
        return done

    async def close(self) -> None:
        """Commit what was submitted, and close the connection. Calling it twice is fine."""
        self._is_closed = True
        self._dispatch()
        self._batches.put(None)
        await run_to_end(asyncio.to_thread(self._thread.join))

    def _submit(self, work: _Write | _Read) -> None:
        if self._is_closed:  # the thread ends, so that nobody would do the work
            raise JournalUnusable("the journal is closed: its job has ended")
        if self._failure is not None:
            raise self._translate(self._failure) from self._failure
        self._pending.append(work)
        if not self._is_busy and self._gathering is None:
            self._gathering = self._loop.call_later(GATHER_SECONDS, self._dispatch)

    def _dispatch(self) -> None:
        """Hand what was gathered to the thread."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if self._pending:
            batch, self._pending = self._pending, []
            self._is_busy = True
            self._batches.put(batch)

    def _complete(
        self, batch: list[_Write | _Read], results: list[Result], error: Exception | None
    ) -> None:
        """Wake the tasks that wait for a batch; the thread schedules this in the loop."""
        self._is_busy = False
        if self._pending:
            self._gathering = self._loop.call_later(GATHER_SECONDS, self._dispatch)
        for work, result in zip(batch, results, strict=True):
            if work.done is None or work.done.done():
                continue
            if error is None:
                work.done.set_result(result)
            else:
                translated = self._translate(error)
                translated.__cause__ = error
                work.done.set_exception(translated)

    # in the thread

    def _run(self) -> None:
        while (batch := self._batches.get()) is not None:
            results, error = self._process(batch)
            with contextlib.suppress(RuntimeError):  # the loop is closed, so no task waits
                self._loop.call_soon_threadsafe(self._complete, batch, results, error)
        self._connection.close()
        if self._counter is not None:
            self._counter.close()

    def _process(self, batch: list[_Write | _Read]) -> tuple[list[Result], Exception | None]:
        """Return the result of each piece of work, or the error that failed all of them."""
        results: list[Result] = [None] * len(batch)
        if self._failure is not None:
            return results, self._failure
        try:
            # Writes first, so that reads of the same batch see them.
            places = [place for place, work in enumerate(batch) if isinstance(work, _Write)]
            if places:
                changes = [work.change for work in batch if isinstance(work, _Write)]
                for place, claimed in zip(places, self._commit(changes), strict=True):
                    results[place] = claimed
            for place, work in enumerate(batch):
                if isinstance(work, _Read):
                    results[place] = work.query(self._connection)
        except Exception as error:  # noqa: BLE001 - raised in the tasks that wait
            self._failure = error
        return results, self._failure

    def _commit(self, changes: Sequence[Change]) -> list[Claimed]:
        connection, counter = self._connection, self._counter
        if counter is not None:
            counter.check_file()  # a journal that was deleted meanwhile protects nobody
        connection.execute("BEGIN IMMEDIATE")
        try:
            claimed, rows = self._claim(changes)
            self._put(rows)
            if kept := [row for change in changes for row in change.kept_rows]:
                connection.executemany("REPLACE INTO kept_rows VALUES (?, ?)", kept)
            self._commits += 1
            settings: tuple[str, ...] = ("commits", str(self._commits))
            if self.heartbeat is not None:
                settings += ("alive_at", repr(self.heartbeat()))
            connection.execute(_PUT_SETTINGS[len(settings)], settings)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if counter is not None:
            counter.advance(self._commits)  # after the commit: the journal is never behind
        return claimed

    def _claim(self, changes: Sequence[Change]) -> tuple[list[Claimed], list[Values]]:
        """Make all claims; return what became of them, and the rows to store.

        A row that several changes hold is stored once, as its latest change has it.
        """
        contacts = [each for change in changes for each in change.contact_claims]
        customers = [
            (each.customer_id, each.row_index)
            for change in changes
            if (each := change.customer_claim) is not None
        ]
        owners = claims.claim(self._connection, contacts) if contacts else {}
        customer_owners = (
            claims.claim(self._connection, customers, claims.CUSTOMERS) if customers else {}
        )
        results: list[Claimed] = []
        rows: dict[int, Values] = {}
        for change in changes:
            claim, duplicate_of = change.customer_claim, _duplicates(change, owners)
            owns = claim is None or customer_owners[claim.customer_id] == claim.row_index
            results.append(Claimed(duplicate_of=duplicate_of, owns_customer=owns))
            stored = change.rows if claim is None or owns else (claim.otherwise,)
            for values in stored:
                original = duplicate_of.get(values[0])
                rows[values[0]] = values if original is None else _marked(values, original)
        return results, list(rows.values())

    def _put(self, rows: list[Values]) -> None:
        row = f"({claims.placeholders(len(COLUMNS))})"
        for part in claims.split(rows):
            sql = f"REPLACE INTO rows VALUES {','.join([row] * len(part))}"  # noqa: S608
            self._connection.execute(sql, list(itertools.chain.from_iterable(part)))


def _duplicates(change: Change, owners: dict[bytes, int]) -> dict[int, int]:
    """Return the rows of a change that lost a claim, with the earliest row that owns one."""
    found: dict[int, int] = {}
    for key, row_index in change.contact_claims:
        owner = owners[key]
        if owner < row_index:
            found[row_index] = min(owner, found.get(row_index, owner))
    return found


def _marked(values: Values, original: int) -> Values:
    return (*values[:_DUPLICATE_OF], original, *values[_DUPLICATE_OF + 1 :])


_PUT_SETTINGS: Final = {
    2: "REPLACE INTO settings VALUES (?, ?)",
    4: "REPLACE INTO settings VALUES (?, ?), (?, ?)",
}
