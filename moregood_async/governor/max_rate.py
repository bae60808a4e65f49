"""The limit that the user sets: ``max_rate``."""

from __future__ import annotations

import math
from collections import deque

import attrs

from moregood_async.config import Rate


@attrs.define
class MaxRate:
    """Allows at most ``rate.limit`` requests in any ``rate.per`` seconds (a sliding window).

    The model keeps the times of the last ``limit`` requests. With ``Rate(2, per=10.0)`` and
    requests at 0 s and 3 s, the third may be sent at 10 s and the fourth at 13 s.
    """

    rate: Rate
    _sent_at: deque[float] = attrs.field(factory=deque[float])

    def next_allowed_at(self) -> float:
        """Return when the next request may be sent; minus infinity means at once."""
        if len(self._sent_at) < self.rate.limit:
            return -math.inf
        return self._sent_at[0] + self.rate.per

    def start(self, now: float) -> None:
        """Record that a request is sent."""
        if len(self._sent_at) == self.rate.limit:
            self._sent_at.popleft()
        self._sent_at.append(now)
