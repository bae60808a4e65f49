"""`StopSwitch`: whether a run stops, and why; it holds the circuit breaker."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import Final

import attrs

from moregood_async.errors import MoreGoodError
from moregood_async.wire import Drain

WINDOW_ROWS: Final = 200
"""The circuit breaker looks at the last 200 rows: enough to tell a pattern from bad rows."""

MAX_ALIKE: Final = WINDOW_ROWS // 10
"""The run stops when more than 10 % of them fail with the same error class."""


class TooManyFailures(MoreGoodError):
    """The circuit breaker stopped the run: too many rows failed with the same error.

    Nothing is lost, and rows in flight were finished.
    """

    advice = "Mend the cause, and resume."


@attrs.define
class CircuitBreaker:
    """Counts the error classes of the last 200 rows.

    >>> breaker = CircuitBreaker()
    >>> any(breaker.record("ValidationFailed phone") for _ in range(20))
    False
    >>> breaker.record("ValidationFailed phone")
    True
    """

    _last: deque[str] = attrs.field(factory=lambda: deque[str](maxlen=WINDOW_ROWS))
    _counts: Counter[str] = attrs.field(factory=Counter[str])

    def record(self, error_class: str) -> bool:
        """Count one row, with an empty class if it did not fail; return whether to stop."""
        if len(self._last) == WINDOW_ROWS:
            self._counts[self._last[0]] -= 1
        self._last.append(error_class)
        self._counts[error_class] += 1
        return bool(error_class) and self._counts[error_class] > MAX_ALIKE


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
