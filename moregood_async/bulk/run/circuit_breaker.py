"""`CircuitBreaker`: when too many rows fail alike for a run to go on."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

import attrs

from moregood_async.errors import MoreGoodError

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
