"""How many requests may be in flight: more while the server keeps up, fewer when it does not.

It begins with a few and doubles with each round trip. A 503, a gateway's 502 or 504, or no answer
in time halves it, at most once for those that were in flight together. So does an answer that
takes several times as long as that operation's usual: then requests queue up in the server, and
more of them only wait longer. What is usual rises slowly, so that a server that has become slower
for good is used in full again.
"""

from __future__ import annotations

import attrs

FIRST = 4
SLOW_TIMES = 4.0
SLOW_SECONDS = 0.5
USUAL_RISES = 0.1
QUICKEST_SECONDS = 0.001
SHRINKS_TO = 0.7
LEAST_SHARE = 0.125
"""Slow answers alone leave so much of the most: they may have reasons of their own."""

MOST_OPERATIONS = 64


@attrs.define
class Concurrency:
    """How many may be in flight now, between 1 and ``most``."""

    most: int
    allowed: float = attrs.field(init=False, default=1.0)
    _settled: bool = False
    _shrunk_at: int = 0
    _usual: dict[str, float] = attrs.field(factory=dict[str, float])

    def __attrs_post_init__(self) -> None:
        self.allowed = float(min(FIRST, self.most))

    def struggled(self, number: int, newest: int) -> None:
        """Request ``number`` got no answer, or a 5xx of an overload; ``newest`` was sent last."""
        self._shrink(max(1.0, self.allowed / 2), number, newest)

    def answered(self, operation: str, seconds: float, number: int, newest: int) -> None:
        """Request ``number`` was let in and took so long; ``newest`` was sent last."""
        if self._slow(operation, seconds):
            if number > self._shrunk_at:
                self._usual[operation] *= 1.0 + USUAL_RISES
            least = min(self.allowed, max(1.0, self.most * LEAST_SHARE))
            self._shrink(max(least, self.allowed * SHRINKS_TO), number, newest)
        elif self.allowed < self.most:
            grown = self.allowed + (1.0 / self.allowed if self._settled else 1.0)
            self.allowed = min(float(self.most), grown)

    def _slow(self, operation: str, seconds: float) -> bool:
        usual = self._usual.get(operation)
        if usual is None or seconds < usual:
            if len(self._usual) >= MOST_OPERATIONS:
                self._usual.clear()
            self._usual[operation] = max(seconds, QUICKEST_SECONDS)
            return False
        return seconds > SLOW_TIMES * usual and seconds > SLOW_SECONDS

    def _shrink(self, allowed: float, number: int, newest: int) -> None:
        if number > self._shrunk_at:  # sent after the last time
            self.allowed, self._settled, self._shrunk_at = allowed, True, newest
