"""A limit that the user knows: ``max_rate``."""

from __future__ import annotations

import math
from collections import deque

import attrs

from moregood_async.config import Rate


@attrs.define
class StatedRate:
    """At most ``limit`` requests in any ``per`` seconds."""

    rate: Rate
    _starts: deque[float] = attrs.field(factory=deque[float])

    def opens_at(self) -> float:
        """When the next request may go."""
        if len(self._starts) < self.rate.limit:
            return -math.inf
        return self._starts[0] + self.rate.per

    def sent(self, now: float) -> None:
        """A request goes."""
        if len(self._starts) == self.rate.limit:
            self._starts.popleft()
        self._starts.append(now)
