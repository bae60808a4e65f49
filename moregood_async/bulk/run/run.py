"""`Run`: what `Job.run` returns, to be awaited or iterated."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from typing import Any

from moregood_async.bulk.report import Report
from moregood_async.bulk.run.progress import Progress


class Run:
    """One run of a job, which begins when it is awaited or iterated. Single use.

    ``report = await job.run()`` runs to the end and returns the report. ``async for progress in
    job.run()`` yields a `Progress` for each row that ends, and one a second. Leaving the loop
    stops at once, and `Job.stop` lets requests in flight finish; both can be resumed.
    """

    def __init__(
        self,
        begin: Callable[[], AsyncGenerator[Progress, None]],
        report: Callable[[], Report],
    ) -> None:
        self._begin = begin
        self._report = report
        self._is_used = False
        self._events: AsyncGenerator[Progress, None] | None = None

    def __aiter__(self) -> AsyncGenerator[Progress, None]:
        if self._is_used:
            raise RuntimeError("a run is used once; call job.run() again for another")
        self._is_used = True
        self._events = self._begin()
        return self._events

    async def aclose(self) -> None:
        """Stop at once, for ``async with aclosing(job.run()) as run``. Twice is fine."""
        self._is_used = True
        if self._events is not None:
            await self._events.aclose()

    def __await__(self) -> Generator[Any, None, Report]:
        return self._to_end().__await__()

    async def _to_end(self) -> Report:
        async with aclosing(aiter(self)) as events:
            async for _ in events:
                pass
        return self._report()

    def __del__(self) -> None:
        if not getattr(self, "_is_used", True):
            warnings.warn(
                "a run was never started, so nothing was sent: `await job.run()`, or "
                "`async for progress in job.run()`",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )
