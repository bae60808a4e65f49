"""`Batch`: a call for each row of a source, and what the caller learns of each."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, Literal, TypeVar

import attrs

from moregood_async.batch.worker_pool import Items, WorkerPool, as_row_error
from moregood_async.errors import MoreGoodError

I = TypeVar("I")  # noqa: E741 - the item of a row
R = TypeVar("R")

Outcome = Literal["done", "failed", "unknown"]
"""How a row ended. ``unknown``: the call failed, and may have taken effect all the same."""


@attrs.frozen(kw_only=True)
class Result(Generic[I, R]):
    """The result of one row of a `Batch`. Its ``repr`` does not show the row."""

    index: int
    """The row's position in the source, counted from 0."""
    item: I = attrs.field(repr=False)
    """The row itself, as the source returned it."""
    value: R | None = None
    """The model that the call returned; None if it failed."""
    error: Exception | None = None
    """Why the call failed: a `MoreGoodError`, or an exception that one of your middlewares
    raised. None if it succeeded."""

    @property
    def outcome(self) -> Outcome:
        """``done``, ``failed`` (certainly without an effect), or ``unknown``.

        Send a ``failed`` row again as you like. Before you send an ``unknown`` charge or ask again,
        look at the customer: ``error.verify_hint`` says where.
        """
        if self.error is None:
            return "done"
        # An exception of a middleware says nothing about how far the request came.
        is_certain = isinstance(self.error, MoreGoodError) and not self.error.may_have_applied
        return "failed" if is_certain else "unknown"


@attrs.define
class BatchStats:
    """The counts of a batch, updated while it runs. All of them count rows."""

    read: int = 0
    """Rows read from the source."""
    done: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def in_flight(self) -> int:
        """Rows that were read and have no outcome yet."""
        return self.read - self.done - self.failed - self.unknown

    def count(self, outcome: Outcome) -> None:
        """Add one row with this outcome."""
        setattr(self, outcome, getattr(self, outcome) + 1)


class Batch(Generic[I, R]):
    """A call for each row of a source, many at once, with a `Result` for each row.

    A batch sends nothing until it is run, and runs once, in one of two ways:

    - ``async for result in batch`` returns results as they complete, or in the order of the source
      with ``ordered=True``. Memory does not grow with the number of rows.
    - ``await batch.collect()`` returns all results as a list, in the order of the source.

    Each row costs one request and is retried as the single call is: upserts freely, charges and
    asks only if they certainly had no effect. A row that fails has an ``error`` and stops no other
    row. At most ``max_concurrency`` rows are in flight. Rows have the priority ``bulk``, so
    interactive calls go first and a row's deadline is extended while the row is queued.

    The source can be any iterable or async iterable, and of any length: it is read only as fast as
    rows finish. If it raises, the rows that were read are finished and returned before its error.

    Leaving the loop early cancels the rows in flight, which may have taken effect; `stop` lets them
    finish.

    >>> import asyncio
    >>> from moregood_async import MoreGoodClient
    >>> from moregood_async.sandbox import Sandbox
    >>> rows = [
    ...     {"first_name": "Ada", "email": "ada@example.com"},
    ...     {"first_name": "Bob", "emial": "bob@example.com"},
    ... ]
    >>> async def main() -> None:
    ...     async with MoreGoodClient("test-key", transport=Sandbox()) as client:
    ...         batch = client.customers.upsert_many(rows)
    ...         for result in await batch.collect():
    ...             print(result.index, result.outcome)
    ...             if result.error:
    ...                 print(result.error)
    ...         print(batch.stats)
    >>> asyncio.run(main())
    0 done
    1 failed
    customers.upsert: nothing was sent: emial: there is no such field; did you mean email?
    BatchStats(read=2, done=1, failed=1, unknown=0)
    """

    stats: BatchStats
    """The counts so far."""

    def __init__(
        self,
        source: Items[I],
        send: Callable[[I], Awaitable[R]],
        *,
        workers: int,
        ordered: bool = False,
    ) -> None:
        self.stats = BatchStats()
        self._send = send
        self._pool = WorkerPool(source, self._send_row, workers=workers, ordered=ordered)
        self._is_started = False

    def stop(self) -> None:
        """Read no further row. The rows in flight finish, and their results are returned."""
        self._pool.stop()

    def __aiter__(self) -> AsyncGenerator[Result[I, R], None]:
        if self._is_started:
            raise RuntimeError("a batch runs once: make a new one, or keep its results")
        self._is_started = True
        return self._pool.results()

    async def collect(self) -> list[Result[I, R]]:
        """Run the batch and return all results in the order of the source.

        The list holds one `Result` for each row, with the row and the model of its response. For
        sources too long for the memory, iterate over the batch instead. If the source raises, its
        error is raised after the rows that were read have finished, and their results are lost.
        """
        return sorted([result async for result in self], key=lambda result: result.index)

    async def _send_row(self, index: int, item: I) -> Result[I, R]:
        result: Result[I, R]  # not Result[I, R](…): the subscript doubles the cost of making one
        self.stats.read += 1
        try:
            value = await self._send(item)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - it is the row's
            result = Result(index=index, item=item, error=as_row_error(error))
        else:
            result = Result(index=index, item=item, value=value)
        self.stats.count(result.outcome)
        return result

    def __del__(self) -> None:
        if not getattr(self, "_is_started", True):  # missing if __init__ raised
            warnings.warn(
                "a batch was never run, so nothing was sent: "
                "use `async for result in batch` or `await batch.collect()`",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )
