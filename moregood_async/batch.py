"""Many calls at once: a source is worked off side by side, and each row says what became of it."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
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


class WorkedOff(Generic[I, R]):
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
        self._next = _reader(source)
        self._work = work
        self._workers = workers
        self._ordered = ordered
        self._window = workers * (8 if ordered else 2)
        self._count = 0
        self._ended = False
        self._broken: Exception | None = None

    def stop(self) -> None:
        """Read no further; what was read is finished."""
        self._ended = True

    async def results(self) -> AsyncGenerator[R, None]:
        """What came of each item, as it comes, or in the source's order where ``ordered``."""
        room = asyncio.Semaphore(self._window)
        ready: asyncio.Queue[tuple[int, R] | None] = asyncio.Queue()
        crew = asyncio.ensure_future(self._crew(room, ready))
        try:
            async for result in self._in_turn(ready):
                room.release()
                yield result
            await crew
        finally:
            crew.cancel()
            await asyncio.gather(crew, return_exceptions=True)
        if self._broken is not None:
            raise self._broken

    async def _crew(
        self, room: asyncio.Semaphore, ready: asyncio.Queue[tuple[int, R] | None]
    ) -> None:
        reading = asyncio.Lock()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._worker(room, reading, ready))
        finally:
            ready.put_nowait(None)

    async def _worker(
        self,
        room: asyncio.Semaphore,
        reading: asyncio.Lock,
        ready: asyncio.Queue[tuple[int, R] | None],
    ) -> None:
        while True:
            await room.acquire()
            async with reading:
                if not await self._read():
                    return
                index, item = self._count, self._item
                self._count += 1
            ready.put_nowait((index, await self._work(index, item)))

    async def _read(self) -> bool:
        """Reads the next item; False at the end, or where the source broke."""
        if self._ended:
            return False
        try:
            self._item = await self._next()
        except StopAsyncIteration:
            self._ended = True
        except Exception as error:  # noqa: BLE001 - it is the user's, and raised at the end
            self._ended, self._broken = True, error
        return not self._ended

    async def _in_turn(self, ready: asyncio.Queue[tuple[int, R] | None]) -> AsyncIterator[R]:
        early: dict[int, R] = {}
        turn = 0
        while (result := await ready.get()) is not None:
            if not self._ordered:
                yield result[1]
                continue
            early[result[0]] = result[1]
            while turn in early:
                yield early.pop(turn)
                turn += 1


def _reader(source: Items[I]) -> Callable[[], Awaitable[I]]:
    if isinstance(source, AsyncIterable):
        return aiter(source).__anext__
    items = iter(source)

    async def read() -> I:
        for item in items:
            return item
        raise StopAsyncIteration

    return read


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
        self._rows = WorkedOff(source, self._row, workers=workers, ordered=ordered)
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

    results: Any = WorkedOff(keys, work, workers=workers, ordered=False).results()
    try:
        async for key, items in results:
            if isinstance(items, Exception):
                raise items
            for item in items:
                yield key, item
    finally:
        await results.aclose()
