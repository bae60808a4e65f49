"""`ProgressStream`: the events of a run: rows that end, how far the job is, how fast it goes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, cast

import attrs

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.outcomes import OUTCOMES, RowResult, make_row_result
from moregood_async.bulk.report import Report
from moregood_async.bulk.run.engine import Engine
from moregood_async.bulk.run.steps import RunContext

TICK_SECONDS: Final = 1.0
"""How often progress is yielded while no row ends."""

MAX_UNREAD_ROWS: Final = 1_000
"""Rows that may have ended before their events are read. More make the engine wait."""

RATE_WINDOW_SECONDS: Final = 10.0
"""The time over which the rate is measured: long enough to be steady, short enough to be true."""


@attrs.define(kw_only=True)
class Progress:
    """How far a job is, all its runs together, and the row that has just ended."""

    row: RowResult | None
    """None if no row has ended for a second."""
    done: int
    failed: int
    unknown: int
    rejected: int
    asked: int
    """People whose ask the API has accepted."""
    total: int | None
    """Rows of the input, perhaps an estimate; None if it is not known."""
    rate: float
    """Rows per second, over the last 10 seconds."""
    eta: float | None
    """Seconds that are left, as an estimate; None if there is none."""
    rate_limit_wait: float
    """Seconds until the server's rate limit allows the next request; 0.0 if it does now."""
    delayed: int
    """Rows that wait: to be reconciled, or attempted again."""


@attrs.define(kw_only=True)
class Counts:
    """Rows of a job by their outcome, all its runs together."""

    done: int
    failed: int
    rejected: int
    asked: int
    unknown: int = 0

    @classmethod
    def of(cls, report: Report) -> Counts:
        """Return the counts with which a run begins. Rows that are unknown will end once more."""
        return cls(
            done=report.done,
            failed=report.failed,
            rejected=report.rejected,
            asked=report.people_asked,
        )

    @property
    def ended(self) -> int:
        """Rows that are over or unknown."""
        return self.done + self.failed + self.unknown + self.rejected

    def add(self, entry: JournalEntry) -> None:
        """Count one row that has ended."""
        outcome = OUTCOMES[entry.state]
        setattr(self, outcome, getattr(self, outcome) + 1)
        self.asked += entry.was_asked


class Meter:
    """Makes `Progress` of counts and time."""

    def __init__(
        self, counts: Counts, total: int | None, engine: Engine, context: RunContext
    ) -> None:
        self._counts = counts
        self._total = total
        self._engine = engine
        self._client = context.client
        self._samples: deque[tuple[float, int]] = deque([(time.monotonic(), counts.ended)])

    def progress(self, entry: JournalEntry | None) -> Progress:
        """Return the progress after one more row has ended, or None if only time has passed."""
        counts = self._counts
        if entry is not None:
            counts.add(entry)
        rate = self._rate()
        left = None if self._total is None else max(0, self._total - counts.ended)
        return Progress(
            row=None if entry is None else make_row_result(entry),
            done=counts.done,
            failed=counts.failed,
            unknown=counts.unknown,
            rejected=counts.rejected,
            asked=counts.asked,
            total=self._total,
            rate=rate,
            eta=left / rate if left is not None and rate else None,
            rate_limit_wait=self._client.pace.next_allowed_in if entry is None else 0.0,
            delayed=self._engine.delayed,
        )

    def _rate(self) -> float:
        now, samples = time.monotonic(), self._samples
        if now - samples[-1][0] >= TICK_SECONDS:
            samples.append((now, self._counts.ended))
            if now - samples[0][0] > RATE_WINDOW_SECONDS:
                samples.popleft()
        began, ended = samples[0]
        return (self._counts.ended - ended) / max(now - began, 1e-6) if now > began else 0.0


class ProgressStream:
    """Runs an engine, and yields a `Progress` for each row that ends, and one a second."""

    def __init__(self, engine: Engine, meter: Meter, context: RunContext) -> None:
        self._engine = engine
        self._meter = meter
        self._context = context
        self._unread: deque[JournalEntry] = deque()
        self._has_news, self._has_room = asyncio.Event(), asyncio.Event()
        self._tick_is_due = False
        self._tasks: tuple[asyncio.Future[None], ...] = ()

    async def events(self) -> AsyncGenerator[Progress, None]:
        """Yield until the engine has ended; raise the engine's error if it has one."""
        running = asyncio.ensure_future(self._run())
        running.add_done_callback(lambda _: self._has_news.set())
        heartbeat = asyncio.ensure_future(self._context.journal.keep_heartbeat())
        self._tasks = (running, heartbeat, asyncio.ensure_future(self._tick()))
        try:
            while self._unread or not running.done():
                if self._unread:
                    self._has_room.set()
                    yield self._meter.progress(self._unread.popleft())
                elif self._tick_is_due:
                    self._tick_is_due = False
                    yield self._meter.progress(None)
                else:
                    self._has_news.clear()
                    await self._has_news.wait()
            _raise_error_of(running)
        finally:
            await self.close()

    async def close(self) -> None:
        """Cancel what is under way. Calling it twice is fine."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        async with aclosing(self._engine.ended()) as ended:
            async for entry in ended:
                self._unread.append(entry)
                self._has_news.set()
                while len(self._unread) >= MAX_UNREAD_ROWS:
                    self._has_room.clear()
                    await self._has_room.wait()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._tick_is_due = not self._unread
            self._has_news.set()


def _raise_error_of(task: asyncio.Future[None]) -> None:
    """Raise the first error of a task, without the groups that task groups put around it."""
    error: BaseException | None = task.exception()
    while isinstance(error, BaseExceptionGroup):
        inner: tuple[BaseException, ...] = cast("Any", error).exceptions
        error = inner[0]
    if error is not None:
        raise error
