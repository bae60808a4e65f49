"""Processes that die at a chosen statement or request, and what is left of them for the next.

A `Life` is one process: a client, a job and a journal's file. At its `CrashPoint` the files are
copied as they stand, and from then on nothing that it still does reaches the server or the copy.
Its heir goes on with the copy.
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
BETWEEN_LIVES_SECONDS = 30
"""Of the server's time: as long as a dead process's requests may be under way."""

PAYING = ChargeTemplate(amount="Total", currency="USD")
BY_EMAIL = AskTemplate(channels=["email"])

Point = tuple[int, int]
"""A step and its state as the journal stores them, or `SKIPPED`."""

SKIPPED = 6
"""Stands for the state DONE of a row whose ask was skipped: nothing was sent."""


@attrs.frozen
class CrashPoint:
    """Where a process dies: at which statement or request, before it or after it."""

    kind: Literal["statement", "request"]
    side: Literal["before", "after"]
    number: int


class Killed(sqlite3.OperationalError):
    """What a dead process's statements get, so that it ends soon."""


def _arrows(step: Step, state: int) -> Iterable[Point]:
    """Yield where one event can lead, by the table of transitions."""
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


_PROMISES = {(Step.CHARGE, State.INTENDED), (Step.ASK, State.INTENDED)}
"""They are on the disk before anything leaves: no commit passes over them."""


def _reached(begin: Point) -> frozenset[Point]:
    """Where a row may be found by the next commit that has it."""
    found: set[Point] = {begin}
    left = [begin]
    while left:
        point = left.pop()
        if point in _PROMISES and point != begin:
            continue
        step, state = point
        new = set(_arrows(Step(step), state)) - found
        found |= new
        left += new
    return frozenset(found)


MOVES: dict[Point, frozenset[Point]] = {
    (step, state): _reached((step, state)) for step in Step for state in (*State, SKIPPED)
}
BIRTHS = {(Step.UPSERT, state) for state in (State.READY, State.INTENDED, State.REJECTED)}

_HOOK = """
    CREATE TEMP TABLE moves (was_step, was_state, step, state);
    CREATE TEMP TRIGGER move BEFORE INSERT ON main.rows BEGIN
        INSERT INTO moves VALUES (
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


class Watched:
    """A journal's connection: its statements are counted, and its rows' moves are watched."""

    def __init__(self, life: Life, connection: sqlite3.Connection) -> None:
        self._life = life
        self._connection = connection
        connection.executescript(_HOOK)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """A statement, which the process may not survive."""
        return self._life.survives(lambda: self._executed(sql, values))

    def executemany(self, sql: str, each: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """The same for each; outside a transaction, each is committed by itself."""
        [*_, last] = [self.execute(sql, values) for values in each]
        return last

    def _executed(self, sql: str, values: Sequence[Any]) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self._life.moves += self._connection.execute("SELECT * FROM moves").fetchall()
            self._connection.execute("DELETE FROM moves")
        return self._connection.execute(sql, values)

    @property
    def in_transaction(self) -> bool:
        """As sqlite3 says."""
        return self._connection.in_transaction

    def close(self) -> None:
        """Close it."""
        self._connection.close()


class Life:
    """One process of a job; a transport for its client."""

    def __init__(
        self, sandbox: Sandbox, path: Path, heir: Path, point: CrashPoint | None = None
    ) -> None:
        self.path = path
        self.crashed: asyncio.Event = asyncio.Event()
        self.moves: list[tuple[int | None, ...]] = []
        self.unpromised: list[str] = []
        """Asks and charges that left before the disk had them as intended."""
        self._sandbox = sandbox
        self._heir = heir
        self._point = point
        self._loop = asyncio.get_running_loop()
        self._lock = threading.RLock()
        self._dead = False
        self._counts = {"statement": 0, "request": 0}
        self._contacts: list[set[str]] = []

    def opened(self, path: Path | None) -> Any:
        """Stands in for `opening.opened`."""
        return Watched(self, open_database(path))

    def survives(self, statement: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        """Run a statement, unless the process is dead or dies of it."""
        with self._lock:
            self._dies("statement", "before")
            if self._dead:
                raise Killed("the process was killed")
            cursor = statement()
            self._dies("statement", "after")
            if self._dead:
                raise Killed("the process was killed")
        return cursor

    async def __call__(self, request: Request) -> Response:
        """Answer a request; those of a dead process never leave."""
        self._dies("request", "before")
        await self._only_alive()
        self._check_promise(request)
        try:
            return await self._sandbox(request)
        finally:
            self._dies("request", "after")
            await self._only_alive()

    async def _only_alive(self) -> None:
        if self._dead:
            await asyncio.Event().wait()

    def _dies(self, kind: Literal["statement", "request"], side: str) -> None:
        with self._lock:
            self._counts[kind] += side == "before"
            point = self._point
            if self._dead or point is None or (point.kind, point.side) != (kind, side):
                return
            if self._counts[kind] == point.number:
                self._dead = True
                for suffix in ("", "-wal", "-count"):
                    part = self.path.with_name(self.path.name + suffix)
                    if part.exists():
                        shutil.copy(part, self._heir.with_name(self._heir.name + suffix))
                self._loop.call_soon_threadsafe(self.crashed.set)

    def _check_promise(self, request: Request) -> None:
        """What is about to leave stands on the disk as intended."""
        step = {"charges.create": Step.CHARGE, "asks.create": Step.ASK}.get(request.operation)
        if step is None:
            return
        sent = json.loads(request.body or b"{}")
        contact = _plain(sent.get("email") or sent["phone"])
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            sql = "SELECT row_index FROM rows WHERE step = ? AND state = ?"
            promised = [place for (place,) in connection.execute(sql, (step, State.INTENDED))]
        finally:
            connection.close()
        if not any(contact in self._contacts[place] for place in promised):
            self.unpromised.append(contact)

    def knows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Whose rows these are, by place."""
        self._contacts = [
            {_plain(row[name]) for name in ("email", "phone") if name in row} for row in rows
        ]


def _plain(contact: str) -> str:
    return contact.strip().lower()


async def lived(
    life: Life, rows: Sequence[Mapping[str, Any]], **orders: Any
) -> tuple[Report, list[str]] | None:
    """Run a job in this life; gives its report and how its rows ended, or None: it was killed."""
    orders = {"reconcile_after": 0.0, **orders}

    async def work() -> tuple[Report, list[str]]:
        async with (
            MoreGoodClient(KEY, transport=life) as client,
            Job(client, rows, journal=life.path, **orders) as job,
        ):
            async for _ in job.run():
                pass
            return job.report(), [end.outcome async for end in job.results()]

    life.knows(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "open_database", life.opened)
        task = asyncio.ensure_future(work())
        dead = asyncio.ensure_future(life.crashed.wait())
        await asyncio.wait({task, dead}, return_when=asyncio.FIRST_COMPLETED)
        was_killed = life.crashed.is_set()
        for each in (dead, *([task] if was_killed else [])):
            each.cancel()
        results = await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(dead, return_exceptions=True)
    _check(life)
    if was_killed:
        return None
    [result] = results
    if isinstance(result, BaseException):
        raise result
    return result


def _check(life: Life) -> None:
    """Whether it kept its promises, and to the arrows."""
    assert life.unpromised == []
    for *was, step, state in life.moves:
        begin = tuple(was)
        reached = BIRTHS if begin == (None, None) else MOVES[begin]  # type: ignore[index]
        assert (step, state) in reached, (begin, step, state)


async def lives(
    folder: Path,
    sandbox: Sandbox,
    rows: Sequence[Mapping[str, Any]],
    points: Iterable[CrashPoint],
    **orders: Any,
) -> tuple[Report, list[str], int]:
    """Live, die and be resumed, until it is done; gives report, outcomes and number of deaths."""
    for deaths, point in enumerate((*points, None)):
        path, heir = folder / f"{deaths}.journal", folder / f"{deaths + 1}.journal"
        ended = await lived(Life(sandbox, path, heir, point), rows, **orders)
        if ended is not None:
            return *ended, deaths
        sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
    raise AssertionError("a life without a crash point ends by itself")
