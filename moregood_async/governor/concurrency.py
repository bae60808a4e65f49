"""How many requests may be in flight: more while the server keeps up, fewer when it does not.

Theory of operation:

- **Start**: 4 requests may be in flight. Each timely response adds 1, so the number doubles with
  each round of responses: 4, 8, 16, 32.
- **Overload**: a 502, 503 or 504, or a request without a response, halves the number: 32, 16.
- **Slow responses**: a response that takes more than 4 times its operation's baseline means that
  requests queue up inside the server, where more of them only wait longer. The number is
  multiplied by 0.7: 32, 22.4. (22.4 allows 22 requests.)
- **Once per wave**: requests that were in flight together suffered from the same event, so they
  shrink the number once.
- **Recovery**: after the first shrink the number grows by 1 with each round of responses.
- **Baseline**: the shortest response time of an operation. Each slow response of a new wave raises
  the baseline by a tenth, so that a server that is slower for good is used in full again.
"""

from __future__ import annotations

import attrs

INITIAL_CONCURRENCY = 4
"""Requests that may be in flight before the first response."""

SLOW_FACTOR = 4.0
"""A response is slow if it takes more than this many times its operation's baseline."""

SLOW_SECONDS = 0.5
"""A shorter response is never slow: milliseconds vary by chance."""

BASELINE_GROWTH = 0.1
"""The share by which a slow response raises the baseline."""

SHORTEST_BASELINE_SECONDS = 0.001
"""The least baseline. A response within the clock's resolution takes 0.0 s, and 4 times 0.0 would
make every later response slow; growth by a tenth would never raise it."""

SLOW_SHRINK_FACTOR = 0.7
"""Slow responses shrink less than overload does (0.5): they prove less."""

MIN_SHARE_WHEN_SLOW = 0.125
"""Latency alone never reduces concurrency below this fraction of the maximum.

Responses can be slow for reasons that fewer requests do not cure.
"""

MAX_OPERATIONS = 64
"""How many baselines are kept: paths of `MoreGoodClient.request` are unlimited in number."""


@attrs.define
class Concurrency:
    """The number of requests that may be in flight now, between 1 and ``maximum``."""

    maximum: int
    allowed: float = attrs.field(init=False, default=1.0)
    """A fraction of a request allows none: 22.4 allows 22."""
    _has_shrunk: bool = False
    """Whether growth is slow from now on, because the server's capacity was once exceeded."""
    _shrunk_at_number: int = 0
    """The newest request at the time of the last shrink: the end of that wave."""
    _baseline_seconds: dict[str, float] = attrs.field(factory=dict[str, float])
    """By operation: a listing takes longer than an upsert."""

    def __attrs_post_init__(self) -> None:
        self.allowed = float(min(INITIAL_CONCURRENCY, self.maximum))

    def back_off(self, number: int, newest: int) -> None:
        """Halve the concurrency: request ``number`` had no response, or a 502, 503 or 504.

        ``newest`` is the number of the newest request sent.
        """
        self._shrink(max(1.0, self.allowed / 2), number, newest)

    def observe(self, operation: str, seconds: float, number: int, newest: int) -> None:
        """Grow or shrink after request ``number``, which succeeded within ``seconds``."""
        baseline = self._baseline_seconds.get(operation)
        if baseline is None or seconds < baseline:
            self._set_baseline(operation, seconds)
        elif seconds > SLOW_FACTOR * baseline and seconds > SLOW_SECONDS:
            self._shrink_for_latency(operation, number, newest)
            return
        if self.allowed < self.maximum:
            # At 16 allowed, 16 responses make a round: 16 x 1 doubles, 16 x 1/16 adds one.
            step = 1.0 / self.allowed if self._has_shrunk else 1.0
            self.allowed = min(float(self.maximum), self.allowed + step)

    def _set_baseline(self, operation: str, seconds: float) -> None:
        # Starting over is cheaper than tracking which baseline was used last, and costs little:
        # each operation's next response becomes its baseline again.
        if len(self._baseline_seconds) >= MAX_OPERATIONS:
            self._baseline_seconds.clear()
        self._baseline_seconds[operation] = max(seconds, SHORTEST_BASELINE_SECONDS)

    def _shrink_for_latency(self, operation: str, number: int, newest: int) -> None:
        if number > self._shrunk_at_number:
            self._baseline_seconds[operation] *= 1.0 + BASELINE_GROWTH
        # With a maximum of 160, latency stops at 20. Where overload has already gone below that,
        # say to 1, latency must not raise the number to 20: the floor is then 1.
        floor = min(self.allowed, max(1.0, self.maximum * MIN_SHARE_WHEN_SLOW))
        self._shrink(max(floor, self.allowed * SLOW_SHRINK_FACTOR), number, newest)

    def _shrink(self, allowed: float, number: int, newest: int) -> None:
        if number > self._shrunk_at_number:  # sent after the last shrink, so of a new wave
            self.allowed, self._has_shrunk, self._shrunk_at_number = allowed, True, newest
