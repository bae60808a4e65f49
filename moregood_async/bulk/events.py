"""The events of a run: the rows that end, how far it is, and how fast it goes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, cast

from moregood_async.bulk.engine import Engine
from moregood_async.bulk.journal import Journal
from moregood_async.bulk.journal.entry import Entry
from moregood_async.bulk.outcomes import Counts, Progress, RowEnd
from moregood_async.client import MoreGoodClient

TICK_SECONDS: Final = 1.0
"""So often progress is told where nothing ends."""

MOST_UNTOLD: Final = 1_000
"""Rows that may have ended before their events are taken."""

_RATE_OVER_SECONDS: Final = 10.0


class Meter:
    """How far a run is, and how fast."""

    def __init__(
        self, counts: Counts, total: int | None, engine: Engine, client: MoreGoodClient
    ) -> None:
        self._counts = counts
        self._total = total
        self._engine = engine
        self._client = client
        self._marks: deque[tuple[float, int]] = deque([(time.monotonic(), counts.ended)])

    def event(self, entry: Entry | None) -> Progress:
        """One more row has ended, or a second has passed."""
        counts, now = self._counts, time.monotonic()
        if entry is not None:
            counts.add(entry)
        if now - self._marks[-1][0] >= TICK_SECONDS:
            self._marks.append((now, counts.ended))
            if now - self._marks[0][0] > _RATE_OVER_SECONDS:
                self._marks.popleft()
        since, ended = self._marks[0]
        rate = (counts.ended - ended) / max(now - since, 1e-6) if now > since else 0.0
        left = None if self._total is None else max(0, self._total - counts.ended)
        return Progress(
            row=None if entry is None else RowEnd.of(entry),
            done=counts.done,
            failed=counts.failed,
            unknown=counts.unknown,
            rejected=counts.rejected,
            asked=counts.asked,
            total=self._total,
            rate=rate,
            eta=left / rate if left is not None and rate else None,
            waits=self._client.pace.next_allowed_in if entry is None else 0.0,
            settling=self._engine.waiting,
        )


class Events:
    """The rows that end, as events, and a tick where none does for a second."""

    def __init__(self, engine: Engine, journal: Journal, meter: Meter) -> None:
        self._engine = engine
        self._journal = journal
        self._meter = meter
        self._ended: deque[Entry] = deque()
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._ticks = False
        self._tasks: tuple[asyncio.Future[None], ...] = ()

    async def all(self) -> AsyncGenerator[Progress, None]:
        """Until the engine has ended, and with its error if it has one."""
        pumping = asyncio.ensure_future(self._pump())
        pumping.add_done_callback(lambda _: self._news.set())
        beside = (asyncio.ensure_future(self._journal.beat()), asyncio.ensure_future(self._tick()))
        self._tasks = (pumping, *beside)
        try:
            while self._ended or not pumping.done():
                if self._ended:
                    self._room.set()
                    yield self._meter.event(self._ended.popleft())
                elif self._ticks:
                    self._ticks = False
                    yield self._meter.event(None)
                else:
                    self._news.clear()
                    await self._news.wait()
            _raise_what_broke(pumping)
        finally:
            await self.close()

    async def close(self) -> None:
        """End whatever is under way; twice is fine."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pump(self) -> None:
        async with aclosing(self._engine.ends()) as ends:
            async for entry in ends:
                self._ended.append(entry)
                self._news.set()
                while len(self._ended) >= MOST_UNTOLD:
                    self._room.clear()
                    await self._room.wait()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._ticks = not self._ended
            self._news.set()


def _raise_what_broke(task: asyncio.Future[None]) -> None:
    error: BaseException | None = task.exception()
    while isinstance(error, BaseExceptionGroup):
        inner: tuple[BaseException, ...] = cast("Any", error).exceptions
        error = inner[0]
    if error is not None:
        raise error
