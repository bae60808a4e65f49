"""`Engine`: one run over the rows of a job; many customers concurrently, one row step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum, auto
from typing import Final

from moregood_async.batch import WorkerPool
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.states import State
from moregood_async.bulk.run.actions import next_action
from moregood_async.bulk.run.reader import RowReader
from moregood_async.bulk.run.row import RowTask
from moregood_async.bulk.run.scheduler import Scheduler
from moregood_async.bulk.run.steps import Next, RunContext, StepRunner

CONCURRENT_ROWS: Final = 96
"""Rows in work at the same time. Three times the client's 32 requests in flight, so that requests
go on while a third of the rows waits for a commit and another is being prepared."""


class Worked(Enum):
    """Why a worker has put a row aside."""

    ENDED = auto()
    """Nothing more is done for the row in this run: it is over, or unknown."""
    DELAYED = auto()
    """The row waits for a time; the scheduler has it."""
    STOPPED = auto()
    """The run stops, and the row is left as the journal has it."""


class Engine:
    """Takes rows from the reader, in the order of the input, and works on them until they end."""

    def __init__(self, context: RunContext, reader: RowReader, *, asks: int) -> None:
        self._context = context
        self._clock = context.clock
        self._switch = context.switch
        self._reader = reader
        self._steps = StepRunner(context, asks=asks)
        self._scheduler = Scheduler()
        self._in_work = 0

    @property
    def delayed(self) -> int:
        """Rows that wait for a time: to be attempted or reconciled again."""
        return self._scheduler.delayed

    async def ended(self) -> AsyncGenerator[JournalEntry, None]:
        """Yield the entry of each row that ends, as it ends."""
        pool = WorkerPool(self._tasks(), self._work, workers=CONCURRENT_ROWS, ordered=False)
        async with aclosing(pool.results()) as results:
            async for task, worked in results:
                if worked is Worked.ENDED:
                    yield task.entry

    # which row is next

    async def _tasks(self) -> AsyncGenerator[RowTask, None]:
        """Yield the rows that can be worked on: delayed ones that are due, then new ones."""
        async with aclosing(self._reader.tasks()) as new_tasks:
            is_exhausted = False
            while not self._switch.is_on:
                self._switch.changed.clear()
                task = self._scheduler.pop_due(self._clock.now())
                if task is None and not is_exhausted and not self._scheduler.is_full:
                    try:
                        task = await anext(new_tasks)
                    except StopAsyncIteration:
                        is_exhausted = True
                        continue
                    if task is None or not self._scheduler.admit(task):
                        continue  # the input is slow, or an earlier row of the person is in work
                if task is not None:
                    self._in_work += 1
                    yield task
                elif is_exhausted and not self._in_work and not self._scheduler.delayed:
                    return
                else:
                    await self._wait_for_change()

    async def _wait_for_change(self) -> None:
        """Wait until a delayed row is due, a row in work ends, or the run stops."""
        due = self._scheduler.next_due
        seconds = None if due is None else max(0.0, due - self._clock.now())
        try:
            async with asyncio.timeout(seconds):
                await self._switch.changed.wait()
        except TimeoutError:
            return

    # what is done for a row

    async def _work(self, _: int, task: RowTask) -> tuple[RowTask, Worked]:
        """Work on a row until it ends, has to wait, or the run stops."""
        try:
            while not self._switch.is_on:
                now = self._clock.now()
                action, due = next_action(task, self._context.options, now)
                if due > now:
                    self._scheduler.delay(task, due)
                    return task, Worked.DELAYED
                if await self._steps.do(action, task) is Next.REST:
                    break
            return task, self._end(task)
        finally:
            self._in_work -= 1
            self._switch.changed.set()

    def _end(self, task: RowTask) -> Worked:
        """Let the person's next row go; return whether the row has ended."""
        self._scheduler.release(task)
        entry = task.entry
        if entry.state in (State.DONE, State.FAILED):
            self._switch.record(entry.error_class, entry.error)
        is_left = entry.state in (State.READY, State.INTENDED)
        return Worked.STOPPED if is_left else Worked.ENDED
