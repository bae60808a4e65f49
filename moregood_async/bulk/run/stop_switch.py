"""`StopSwitch`: whether a run stops, and why."""

from __future__ import annotations

import asyncio

from moregood_async.bulk.run.circuit_breaker import (
    WINDOW_ROWS,
    CircuitBreaker,
    TooManyFailures,
)
from moregood_async.wire import Drain


class StopSwitch:
    """Stops a run: no further row is read, and its queued requests are drained."""

    def __init__(self) -> None:
        self.drain: Drain = Drain()
        self.stopped_by: Exception | None = None
        """Why the run stopped by itself; None if it did not."""
        self.changed: asyncio.Event = asyncio.Event()
        """Set when the run stops, or a row has ended or waits: the engine looks again."""
        self._breaker = CircuitBreaker()

    @property
    def is_on(self) -> bool:
        """Whether the run stops."""
        return self.drain.is_started

    def stop(self, reason: Exception | None = None) -> None:
        """Stop the run. The first reason counts."""
        self.stopped_by = self.stopped_by or reason
        self.drain.start()
        self.changed.set()

    def record(self, error_class: str, error: str) -> None:
        """Count a row that ended, or failed an attempt; stop the run if too many are alike."""
        if not self.is_on and self._breaker.record(error_class):
            self.stop(
                TooManyFailures(
                    f"more than 10 % of the last {WINDOW_ROWS} rows failed the same way: {error}"
                )
            )
