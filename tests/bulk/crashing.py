"""Simulated processes of a job that crash at a chosen statement or request.

A `JobProcess` is a client, a job and the files of a journal. At its `CrashPoint` the files are
copied as they are on the disk. After that, the process reaches neither the server nor the copy.
Its successor resumes the job with the copy.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from moregood_async import MoreGoodClient, Request, Response
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal import files
from moregood_async.bulk.journal.files import open_database
from moregood_async.bulk.journal.states import Event, ImpossibleTransition, State, Step, next_state
from moregood_async.bulk.report import Report
from moregood_async.bulk.templates import AskTemplate, ChargeTemplate
from moregood_async.sandbox import Sandbox

KEY = "test-key"
BETWEEN_PROCESSES_SECONDS = 30
"""How long requests of a crashed process may be in flight, by the server's clock."""

CHARGE_TOTAL = ChargeTemplate(amount="Total", currency="USD")
BY_EMAIL = AskTemplate(channels=["email"])

Point = tuple[int, int]
"""A step and its state as the journal stores them, or `SKIPPED`."""

SKIPPED = 6
"""Stands for the state DONE of a row whose ask was skipped: nothing was sent."""


@attrs.frozen
class CrashPoint:
    """Where a process crashes: at which statement or request, before it or after it."""

    kind: Literal["statement", "request"]
    side: Literal["before", "after"]
    number: int


class ProcessCrashed(sqlite3.OperationalError):
    """Raised by the statements of a crashed process, so that it ends soon."""


def _next_points(step: Step, state: int) -> Iterable[Point]:
    """Yield the points to which one event can lead, by the table of transitions."""
    if state == SKIPPED:
        yield step, next_state(State.DONE, Event.REOPEN)
        return
    for event in set(Event) - {Event.REOPEN}:
        try:
            reached = next_state(State(state), event, idempotent=step is Step.UPSERT)
        except ImpossibleTransition:
            continue
        if event is Event.SKIP:
            if step is Step.ASK:
                yield step, SKIPPED
            continue
        yield step, reached
        if reached is State.DONE:
            yield from ((later, State.READY) for later in Step if later > step)


_WRITTEN_AHEAD = {(Step.CHARGE, State.INTENDED), (Step.ASK, State.INTENDED)}
"""Points that are committed before the request is sent: a commit never skips one."""


def _points_at_next_commit(start: Point) -> frozenset[Point]:
    """Return the points that the next commit of a row may store."""
    found: set[Point] = {start}
    unvisited = [start]
    while unvisited:
        point = unvisited.pop()
        if point in _WRITTEN_AHEAD and point != start:
            continue
        step, state = point
        new = set(_next_points(Step(step), state)) - found
        found |= new
        unvisited += new
    return frozenset(found)


REACHABLE: dict[Point, frozenset[Point]] = {
    (step, state): _points_at_next_commit((step, state))
    for step in Step
    for state in (*State, SKIPPED)
}
"""The points that one commit may store for a row, by the point that the commit before stored."""

_FIRST_POINTS = {(Step.UPSERT, state) for state in (State.READY, State.INTENDED, State.REJECTED)}
"""The points that the first commit of a row may store."""

_RECORD_CHANGES = """
    CREATE TEMP TABLE changes (old_step, old_state, step, state);
    CREATE TEMP TRIGGER record_change BEFORE INSERT ON main.rows BEGIN
        INSERT INTO changes VALUES (
            (SELECT step FROM main.rows WHERE row_index = NEW.row_index),
            (
                SELECT state + 2 * (step = 3 AND state = 4 AND skip_reason IS NOT NULL)
                FROM main.rows WHERE row_index = NEW.row_index
            ),
            NEW.step,
            NEW.state + 2 * (NEW.step = 3 AND NEW.state = 4 AND NEW.skip_reason IS NOT NULL)
        );
    END;
"""


class WatchedConnection:
    """A journal's connection that counts its statements and records the changes of its rows."""

    def __init__(self, process: JobProcess, connection: sqlite3.Connection) -> None:
        self._process = process
        self._connection = connection
        connection.executescript(_RECORD_CHANGES)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute a statement, at which the process may crash."""
        return self._process.run_statement(lambda: self._execute(sql, values))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """Execute a statement for each row; outside a transaction, each is a commit of its own."""
        [*_, last] = [self.execute(sql, values) for values in rows]
        return last

    def _execute(self, sql: str, values: Sequence[Any]) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self._process.changes += self._connection.execute("SELECT * FROM changes").fetchall()
            self._connection.execute("DELETE FROM changes")
        return self._connection.execute(sql, values)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class JobProcess:
    """A process of a job, which crashes at a point; the transport of the job's client."""

    def __init__(
        self, sandbox: Sandbox, path: Path, successor: Path, point: CrashPoint | None = None
    ) -> None:
        self.path = path
        self.crashed: asyncio.Event = asyncio.Event()
        self.changes: list[tuple[int | None, ...]] = []
        """Step and state before and after each committed change of a row; None before the first."""
        self.sent_too_early: list[str] = []
        """Contacts of the asks and charges that were sent before INTENDED was on the disk."""
        self._sandbox = sandbox
        self._successor = successor
        self._point = point
        self._loop = asyncio.get_running_loop()
        self._lock = threading.RLock()
        self._has_crashed = False
        self._counts = {"statement": 0, "request": 0}
        self._contacts: list[set[str]] = []

    def open_database(self, path: Path | None) -> Any:
        """Open a watched connection, in place of `files.open_database`."""
        return WatchedConnection(self, open_database(path))

    def run_statement(self, statement: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        """Run a statement; raise `ProcessCrashed` if the process has crashed or crashes at it."""
        with self._lock:
            self._crash_if_due("statement", "before")
            if self._has_crashed:
                raise ProcessCrashed("the process has crashed")
            cursor = statement()
            self._crash_if_due("statement", "after")
            if self._has_crashed:
                raise ProcessCrashed("the process has crashed")
        return cursor

    async def __call__(self, request: Request) -> Response:
        """Send a request to the sandbox; requests of a crashed process are never sent."""
        self._crash_if_due("request", "before")
        await self._hang_if_crashed()
        self._check_write_ahead(request)
        try:
            return await self._sandbox(request)
        finally:
            self._crash_if_due("request", "after")
            await self._hang_if_crashed()

    async def _hang_if_crashed(self) -> None:
        if self._has_crashed:
            await asyncio.Event().wait()

    def _crash_if_due(self, kind: Literal["statement", "request"], side: str) -> None:
        with self._lock:
            self._counts[kind] += side == "before"
            point = self._point
            if self._has_crashed or point is None or (point.kind, point.side) != (kind, side):
                return
            if self._counts[kind] == point.number:
                self._has_crashed = True
                for suffix in ("", "-wal", "-count"):
                    file = self.path.with_name(self.path.name + suffix)
                    if file.exists():
                        shutil.copy(file, self._successor.with_name(self._successor.name + suffix))
                self._loop.call_soon_threadsafe(self.crashed.set)

    def _check_write_ahead(self, request: Request) -> None:
        """Note a charge or an ask that is sent while the disk has no INTENDED row for it."""
        step = {"charges.create": Step.CHARGE, "asks.create": Step.ASK}.get(request.operation)
        if step is None:
            return
        body = json.loads(request.body or b"{}")
        contact = _normalize(body.get("email") or body["phone"])
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            sql = "SELECT row_index FROM rows WHERE step = ? AND state = ?"
            intended = [index for (index,) in connection.execute(sql, (step, State.INTENDED))]
        finally:
            connection.close()
        if not any(contact in self._contacts[index] for index in intended):
            self.sent_too_early.append(contact)

    def set_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store the contacts of each row, by which `_check_write_ahead` finds a request's rows."""
        self._contacts = [
            {_normalize(row[name]) for name in ("email", "phone") if name in row} for row in rows
        ]


def _normalize(contact: str) -> str:
    return contact.strip().lower()


async def run_in_process(
    process: JobProcess, rows: Sequence[Mapping[str, Any]], **options: Any
) -> tuple[Report, list[str]] | None:
    """Run a job; return its report and the outcomes of its rows, or None if the process crashed."""
    options = {"reconcile_after": 0.0, **options}

    async def work() -> tuple[Report, list[str]]:
        async with (
            MoreGoodClient(KEY, transport=process) as client,
            Job(client, rows, journal=process.path, **options) as job,
        ):
            async for _ in job.run():
                pass
            return job.report(), [result.outcome async for result in job.results()]

    process.set_rows(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "open_database", process.open_database)
        task = asyncio.ensure_future(work())
        crash = asyncio.ensure_future(process.crashed.wait())
        await asyncio.wait({task, crash}, return_when=asyncio.FIRST_COMPLETED)
        has_crashed = process.crashed.is_set()
        for each in (crash, *([task] if has_crashed else [])):
            each.cancel()
        results = await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(crash, return_exceptions=True)
    _check_journal_rules(process)
    if has_crashed:
        return None
    [result] = results
    if isinstance(result, BaseException):
        raise result
    return result


def _check_journal_rules(process: JobProcess) -> None:
    """Assert that INTENDED was stored before each request, and that all transitions are allowed."""
    assert process.sent_too_early == []
    for *old, step, state in process.changes:
        start = tuple(old)
        allowed = _FIRST_POINTS if start == (None, None) else REACHABLE[start]  # type: ignore[index]
        assert (step, state) in allowed, f"a commit changed a row from {start} to {(step, state)}"


async def run_with_crashes(
    folder: Path,
    sandbox: Sandbox,
    rows: Sequence[Mapping[str, Any]],
    points: Iterable[CrashPoint],
    **options: Any,
) -> tuple[Report, list[str], int]:
    """Resume a job after each crash until it is done.

    Return its report, the outcomes of its rows and the number of crashes.
    """
    for crashes, point in enumerate((*points, None)):
        path, successor = folder / f"{crashes}.journal", folder / f"{crashes + 1}.journal"
        process = JobProcess(sandbox, path, successor, point)
        result = await run_in_process(process, rows, **options)
        if result is not None:
            return *result, crashes
        sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
    raise AssertionError("a process without a crash point did not end")
