"""Many calls at once: a source is worked off side by side, and each row says what became of it."""

from __future__ import annotations

import asyncio
import warnings
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Iterable,
)
from typing import Any, Generic, Literal, TypeVar

import attrs

from moregood_async.errors import MoreGoodError

I = TypeVar("I")  # noqa: E741 - the item of a row
R = TypeVar("R")

Outcome = Literal["done", "failed", "unknown"]
"""``unknown``: the call failed here and may have taken effect all the same."""

Items = Iterable[I] | AsyncIterable[I]


@attrs.frozen(kw_only=True)
class Result(Generic[I, R]):
    """What became of one row. Its ``repr`` shows no row."""

    index: int
    """The row's place in the source; counts from 0."""
    item: I = attrs.field(repr=False)
    value: R | None = None
    """What the API answered; None where it failed."""
    error: Exception | None = None
    """A `MoreGoodError`, or whatever a middleware of yours raised."""

    @property
    def outcome(self) -> Outcome:
        """``done``, ``failed``, or ``unknown`` where it may have taken effect."""
        if self.error is None:
            return "done"
        surely = isinstance(self.error, MoreGoodError) and not self.error.may_have_applied
        return "failed" if surely else "unknown"


@attrs.define
class BatchStats:
    """Counts of a batch as it goes. ``read`` rows are done, failed, unknown or still in flight."""

    read: int = 0
    done: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def in_flight(self) -> int:
        """Rows that were read and are not yet known to be done, failed or unknown."""
        return self.read - self.done - self.failed - self.unknown

    def count(self, outcome: Outcome) -> None:
        """One more row has ended like this."""
        setattr(self, outcome, getattr(self, outcome) + 1)


class WorkerPool(Generic[I, R]):
    """Works off a source with a number of workers; gives what comes of it, once.

    Bounded whatever the source's length: an item is read only when a worker is free for it and
    fewer than ``window`` results wait to be taken. When the source itself breaks, what was read
    is finished and given before its error is raised.
    """

    def __init__(
        self,
        source: Items[I],
        work: Callable[[int, I], Awaitable[R]],
        *,
        workers: int,
        ordered: bool,
    ) -> None:
        self._waits = isinstance(source, AsyncIterable)
        self._next: Callable[[], Any] = (
            aiter(source).__anext__ if isinstance(source, AsyncIterable) else iter(source).__next__
        )
        self._work = work
        self._workers = workers
        self._ordered = ordered
        self._window = workers * (8 if ordered else 2)
        self._read = self._given = 0
        self._reading = asyncio.Lock()
        self._room, self._news = asyncio.Event(), asyncio.Event()
        self._early: dict[int, R] = {}
        self._ready: deque[R] = deque()
        self._ended = False
        self._broken: Exception | None = None

    def stop(self) -> None:
        """Read no further; what was read is finished."""
        self._ended = True

    async def results(self) -> AsyncGenerator[R, None]:
        """What came of each item, as it comes, or in the source's order where ``ordered``."""
        crew = asyncio.ensure_future(self._crew())
        crew.add_done_callback(lambda _: self._news.set())
        try:
            while self._ready or not crew.done():
                if self._ready:
                    self._given += 1
                    self._room.set()
                    yield self._ready.popleft()
                else:
                    await self._news.wait()
                    self._news.clear()
            await crew
        finally:
            crew.cancel()
            await asyncio.gather(crew, return_exceptions=True)
        if self._broken is not None:
            raise self._broken

    async def _crew(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._worker())

    async def _worker(self) -> None:
        while (row := await self._row()) is not None:
            self._done(row[0], await self._work(*row))

    def _done(self, index: int, result: R) -> None:
        if not self._ordered:
            self._ready.append(result)
        else:
            self._early[index] = result
            while (turn := self._given + len(self._ready)) in self._early:
                self._ready.append(self._early.pop(turn))
        self._news.set()

    async def _row(self) -> tuple[int, I] | None:
        """The next item and its place, once there is room for its result; None at the end."""
        in_turn = self._waits or not self._has_room()
        if in_turn:
            await self._reading.acquire()
        try:
            while not self._has_room():
                self._room.clear()
                await self._room.wait()
            if self._ended:
                return None
            item: I = await self._next() if self._waits else self._next()
            self._read += 1
            return self._read - 1, item
        except (StopIteration, StopAsyncIteration):
            self._ended = True
        except Exception as error:  # noqa: BLE001 - it is the user's, and raised at the end
            self._ended, self._broken = True, error
        finally:
            if in_turn:
                self._reading.release()
        return None

    def _has_room(self) -> bool:
        return self._read - self._given < self._window


class Batch(Generic[I, R]):
    """Many calls of one kind, side by side, a `Result` for each.

    ``async for result in batch`` sends, and gives results as they complete, or in the order of
    the source with ``ordered=True``. Nothing is sent before. One bad row never stops the rest.
    The source is read only as fast as it is worked off, so it can be a generator of any length;
    when it raises, what was read is finished first. A batch runs once.

    Leaving the loop early cancels what is in flight; `stop` lets it finish.
    """

    def __init__(
        self,
        source: Items[I],
        send: Callable[[I], Awaitable[R]],
        *,
        workers: int,
        ordered: bool = False,
    ) -> None:
        self.stats: BatchStats = BatchStats()
        self._send = send
        self._rows = WorkerPool(source, self._row, workers=workers, ordered=ordered)
        self._started = False

    def stop(self) -> None:
        """Read no further rows; those in flight finish and are given."""
        self._rows.stop()

    def __aiter__(self) -> AsyncGenerator[Result[I, R], None]:
        if self._started:
            raise RuntimeError("a batch runs once: make a new one, or keep its results")
        self._started = True
        return self._rows.results()

    async def _row(self, index: int, item: I) -> Result[I, R]:
        result: Result[I, R]  # not Result[I, R](…): a frozen value costs that twice the time
        self.stats.read += 1
        try:
            value = await self._send(item)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - it is the row's
            result = Result(index=index, item=item, error=_of_the_row(error))
        else:
            result = Result(index=index, item=item, value=value)
        self.stats.count(result.outcome)
        return result

    def __del__(self) -> None:
        if not getattr(self, "_started", True):
            warnings.warn(
                "a batch was never run, so nothing was sent: `async for result in batch`",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )


def _of_the_row(error: BaseException) -> Exception:
    """A row's error. A cancellation is its own only where nobody cancels the worker."""
    if isinstance(error, Exception):
        return error
    task = asyncio.current_task()
    if task is None or task.cancelling():
        raise error
    cancelled = RuntimeError("the call was cancelled from within, as a cancelled future does it")
    cancelled.__cause__ = error
    return cancelled


async def each_of(
    keys: Items[int], read: Callable[[int], Awaitable[list[R]]], *, workers: int
) -> AsyncGenerator[tuple[int, R], None]:
    """Reads the list behind each key, many at once; gives ``(key, item)`` as they come."""

    async def work(_: int, key: int) -> tuple[int, list[R] | Exception]:
        try:
            return key, await read(key)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - raised below
            error.add_note(f"while reading for {key}")
            return key, _of_the_row(error)

    results: Any = WorkerPool(keys, work, workers=workers, ordered=False).results()
    try:
        async for key, items in results:
            if isinstance(items, Exception):
                raise items
            for item in items:
                yield key, item
    finally:
        await results.aclose()
