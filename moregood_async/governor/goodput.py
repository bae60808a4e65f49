"""A server that refuses and says nothing else: its rate is what it lets in.

Between two refusals it has let in what it had to give in that time. Requests go evenly, a little
faster than that, so that a rate that has risen is found; each refusal measures anew.
"""

from __future__ import annotations

import math

import attrs

from moregood_async.governor.answers import told_seconds
from moregood_async.governor.belief import Belief, Believed
from moregood_async.governor.ledger import Ledger, Sent
from moregood_async.wire import Response

FASTER_SHARE = 0.015
"""By how much requests go faster than the server was measured: about one in 70 is refused."""

FIRST_RATE = 5.0
"""Requests a second to begin with, where too few were let in to tell."""

SLOWEST, FASTEST = 1.0 / 30.0, 1e6
"""Requests a second: one in two of the longest waits, and what nothing here reaches."""

IDLE_SECONDS = 1.0
MEASURED_REQUESTS = 10
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 60.0
ROUNDING_SECONDS = 1.0
"""A wait that is named may be rounded down."""

SLOWER_SHARE = 0.3
"""By how much requests go slower after a refusal so soon that it measures nothing."""

SEEKING_SHARE = 0.03
SEEKING_SLOWS = 3.0
"""By how much requests go faster with each that is let in, at first; a third with each measure."""

UNREFUSED_REQUESTS = 100
RISING_SHARE = 0.003
"""The same, later on, after so many without a refusal: the rate has risen."""


@attrs.define
class Goodput:
    """What is believed of such a server, and what follows from it."""

    _began: float
    """When the first request was sent."""
    rate: float = math.inf
    """Requests a second; inf before the first refusal."""
    _refused_at: float = 0.0
    _refused_after: int = 0
    """How many had been let in before the last refusal that measured."""
    _next_at: float = -math.inf
    _rising: float = SEEKING_SHARE
    left: None = None

    def opens_at(self, now: float, in_flight: int) -> float:
        """See `Belief.opens_at`."""
        return self._next_at

    def sent(self, now: float, number: int, in_flight: int) -> bool:
        """See `Belief.sent`."""
        idle = now - self._next_at
        if math.inf > idle > max(IDLE_SECONDS, 2.0 / self.rate):  # not the server's slowness
            self._refused_at += idle
        gap = 1.0 / (self.rate * (1.0 + FASTER_SHARE))
        self._next_at = max(self._next_at, now - gap) + gap
        return False

    def lost(self, sent: Sent) -> None:
        """See `Belief.lost`."""

    def let_in(self, sent: Sent, response: Response, seconds: float, ledger: Ledger) -> Belief:
        """See `Belief.let_in`."""
        unrefused = ledger.let_in - self._refused_after
        if self._rising > RISING_SHARE or unrefused > UNREFUSED_REQUESTS:
            self.rate *= 1.0 + self._rising
        self.rate = min(self.rate, FASTEST)
        return self

    def refused(self, now: float, sent: Sent, response: Response, ledger: Ledger) -> Belief:
        """See `Belief.refused`."""
        told = told_seconds(response)
        count = ledger.let_in - self._refused_after
        if self.rate == math.inf:
            self._measure_from(sent, ledger)
        elif count >= MEASURED_REQUESTS:
            seconds = max(sent.at - self._refused_at, 1.0 / FASTEST)
            self.rate = count / seconds
            self._rising = max(RISING_SHARE, self._rising / SEEKING_SLOWS)
            self._measure_from(sent, ledger)
        elif ledger.tries == 1:
            self.rate *= 1.0 - SLOWER_SHARE
        self._next_at = now + self._wait(told, ledger.tries, soon=count > 0)
        if self.rate == math.inf:
            self.rate = max(FIRST_RATE, ledger.let_in / (self._next_at - self._began))
        self.rate = max(self.rate, SLOWEST)
        return self

    def _wait(self, told: float | None, tries: int, *, soon: bool) -> float:
        """Until one request may ask."""
        if told is not None:
            wait = ROUNDING_SECONDS
        elif soon and self.rate < math.inf:
            wait = 2.0 / self.rate
        else:
            wait = FIRST_WAIT_SECONDS
        return (told or 0.0) + min(LONGEST_WAIT_SECONDS, wait * 2.0 ** min(tries - 1, 10))

    def _measure_from(self, sent: Sent, ledger: Ledger) -> None:
        self._refused_at, self._refused_after = sent.at, ledger.let_in

    def believed(self) -> Believed:
        """See `Belief.believed`."""
        return Believed(rate=self.rate)
