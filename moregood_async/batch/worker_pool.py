"""`WorkerPool`: a number of workers over a source of any length, in bounded memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

I = TypeVar("I")  # noqa: E741 - the item of a row
R = TypeVar("R")

Items = Iterable[I] | AsyncIterable[I]

_WINDOW_PER_WORKER = 2
"""Items read and not yet returned, for each worker: one in work and one finished."""

_ORDERED_WINDOW_PER_WORKER = 8
"""The same, if results are ordered: finished items wait behind a slow one, and a small window
would leave the other workers idle meanwhile."""


class WorkerPool(Generic[I, R]):
    """Applies a function to every item of a source, with several workers at once.

    Memory is bounded whatever the source's length: an item is read only if a worker is free for it
    and fewer items than the window have been read without their results being taken. If the source
    raises, the items that were read are finished, and their results returned, before its error is
    raised. ``work`` must not raise: an exception of it ends the pool.
    """

    def __init__(
        self,
        source: Items[I],
        work: Callable[[int, I], Awaitable[R]],
        *,
        workers: int,
        ordered: bool,
    ) -> None:
        self._is_async = isinstance(source, AsyncIterable)
        self._next: Callable[[], Any] = (
            aiter(source).__anext__ if isinstance(source, AsyncIterable) else iter(source).__next__
        )
        self._work = work
        self._workers = workers
        self._ordered = ordered
        self._window = workers * (_ORDERED_WINDOW_PER_WORKER if ordered else _WINDOW_PER_WORKER)
        self._read_count = 0
        self._returned_count = 0
        self._reading = asyncio.Lock()
        self._room_changed, self._results_changed = asyncio.Event(), asyncio.Event()
        self._early: dict[int, R] = {}
        """Finished results by index, which wait for a result before them; only if ordered."""
        self._ready: deque[R] = deque()
        self._has_ended = False
        self._source_error: Exception | None = None

    def stop(self) -> None:
        """Read no further item. Items that were read are finished and their results returned."""
        self._has_ended = True

    async def results(self) -> AsyncGenerator[R, None]:
        """Return the results as they complete, or in the source's order if ``ordered``.

        Can be called once. Closing the generator cancels the workers.
        """
        # The workers run in a task of their own: a TaskGroup here would span the `yield`, and its
        # cancellation would hit whatever the consumer awaits.
        workers = asyncio.ensure_future(self._run_workers())
        workers.add_done_callback(lambda _: self._results_changed.set())
        try:
            while self._ready or not workers.done():
                if self._ready:
                    self._returned_count += 1
                    self._room_changed.set()
                    yield self._ready.popleft()
                else:
                    await self._results_changed.wait()
                    self._results_changed.clear()
            await workers  # raises the exception of `work`, if there was one
        finally:
            workers.cancel()
            await asyncio.gather(workers, return_exceptions=True)
        if self._source_error is not None:
            raise self._source_error

    async def _run_workers(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._run_worker())

    async def _run_worker(self) -> None:
        while (row := await self._next_row()) is not None:
            self._finish(row[0], await self._work(*row))

    def _finish(self, index: int, result: R) -> None:
        if not self._ordered:
            self._ready.append(result)
        else:
            # Returned and ready results are indexes 0, 1, 2, … without a gap, so their number is
            # the index of the result that comes next.
            self._early[index] = result
            while (index_due := self._returned_count + len(self._ready)) in self._early:
                self._ready.append(self._early.pop(index_due))
        self._results_changed.set()

    async def _next_row(self) -> tuple[int, I] | None:
        """Return the next index and item, once the window has room; None at the end."""
        # An async source must not be entered twice at once, and workers that wait for room have to
        # wait in line. A plain source with room needs no lock: nothing is awaited before the read.
        needs_lock = self._is_async or not self._has_room()
        if needs_lock:
            await self._reading.acquire()
        try:
            while not self._has_room():
                self._room_changed.clear()
                await self._room_changed.wait()
            if self._has_ended:
                return None
            item: I = await self._next() if self._is_async else self._next()
            self._read_count += 1
            return self._read_count - 1, item
        except (StopIteration, StopAsyncIteration):
            self._has_ended = True
        except Exception as error:  # noqa: BLE001 - the user's own error, which results() raises
            self._has_ended, self._source_error = True, error
        finally:
            if needs_lock:
                self._reading.release()
        return None

    def _has_room(self) -> bool:
        return self._read_count - self._returned_count < self._window


def as_row_error(error: BaseException) -> Exception:
    """Return the error of one row.

    A `CancelledError` belongs to the row only if nobody cancels the worker: awaiting a cancelled
    future raises it too. It becomes a `RuntimeError` then, and is raised again otherwise.
    """
    if isinstance(error, Exception):
        return error
    task = asyncio.current_task()
    if task is None or task.cancelling():
        raise error
    cancelled = RuntimeError("the call was cancelled from within, as a cancelled future does it")
    cancelled.__cause__ = error
    return cancelled
