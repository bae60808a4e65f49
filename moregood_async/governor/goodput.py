"""The model of a server that throttles and states nothing else: a 429 without headers.

Theory of operation. The only facts are which requests the server accepted and when it throttled.

- **Measure**: between two throttles the server accepted what its limit allows for that time. 40
  accepted requests in 2 s mean 20 requests a second. Each throttle ends one measurement and starts
  the next.
- **Spread**: requests are sent evenly, 1.5 % faster than the measured rate. At 20 a second the gap
  is 49.3 ms instead of 50 ms, so the server throttles about one request in 70, which is the price
  for noticing when its limit rises.
- **Search**: the first measurements are coarse, so the rate grows by 3 % with each accepted
  request until a throttle. Each measurement divides the growth by 3: 3 %, 1 %, 0.33 %, 0.3 %. At
  0.3 % the rate counts as known and grows only after 100 accepted requests without a throttle,
  which means that the limit has risen.
- **Wait**: after a throttle one probe is sent after the named delay and a margin, which doubles
  while the probes are throttled too.
"""

from __future__ import annotations

import math

import attrs

from moregood_async.governor.ledger import Ledger, Ticket
from moregood_async.governor.limit_model import LimitEstimate, LimitModel
from moregood_async.governor.rate_headers import retry_delay
from moregood_async.wire import Response

OVERSHOOT_SHARE = 0.015
"""By how much requests are sent faster than the measured rate; about one in 70 is throttled."""

INITIAL_RATE = 5.0
"""The least rate, in requests a second, after a first throttle that came too soon to measure."""

MIN_RATE, MAX_RATE = 1.0 / 30.0, 1e6
"""Bounds of the rate, in requests a second.

The minimum is one request in 30 s, half of the longest delay; no client reaches the maximum.
"""

IDLE_SECONDS = 1.0
"""A longer pause between requests is this client's own idleness."""

MIN_MEASURED_REQUESTS = 10
"""Fewer accepted requests between two throttles measure no rate."""

FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 60.0
"""The first and the longest delay before a probe if the server names none."""

ROUNDING_SECONDS = 1.0
"""Added to a named delay, which may be rounded down to whole seconds."""

SLOWDOWN_SHARE = 0.3
"""By how much the rate falls after a throttle that came too soon to measure."""

SEARCH_GROWTH_SHARE = 0.03
"""By how much the rate grows with each accepted request before the first measurement."""

SEARCH_GROWTH_DIVISOR = 3.0
"""Each measurement divides the growth by this number, down to `STEADY_GROWTH_SHARE`."""

STEADY_GROWTH_SHARE = 0.003
"""By how much a known rate grows with each accepted request after `UNTHROTTLED_REQUESTS`."""

UNTHROTTLED_REQUESTS = 100
"""More accepted requests in a row mean that the limit has risen: one in 70 would be throttled."""


@attrs.define
class Goodput:
    """Estimates the rate of a server from the requests that it accepts."""

    _first_sent_at: float
    """When the first request of the key was sent."""
    rate: float = math.inf
    """Requests a second; infinity before the first throttle."""
    _measured_from: float = 0.0
    """The start of the current measurement."""
    _accepted_before: int = 0
    """Requests accepted before the current measurement."""
    _next_at: float = -math.inf
    """When the next request may be sent."""
    _growth: float = SEARCH_GROWTH_SHARE
    remaining: None = None

    def next_allowed_at(self, now: float, in_flight: int) -> float:
        """See `LimitModel.next_allowed_at`."""
        return self._next_at

    def start(self, now: float, number: int, in_flight: int) -> bool:
        """See `LimitModel.start`."""
        # An idle hour must not make 40 accepted requests look like 40 an hour, so the start of
        # the measurement moves later by the idle time. A slow rate pauses by itself: at 0.5
        # requests a second only a pause of more than 4 s is idleness.
        idle = now - self._next_at
        if math.inf > idle > max(IDLE_SECONDS, 2.0 / self.rate):
            self._measured_from += idle
        # Requests that waited may catch up by one gap and no more: after an idle hour at 20 a
        # second two requests are sent at once, not 72,000.
        gap = 1.0 / (self.rate * (1.0 + OVERSHOOT_SHARE))
        self._next_at = max(self._next_at, now - gap) + gap
        return False

    def release(self, ticket: Ticket) -> None:
        """See `LimitModel.release`."""

    def accept(
        self, ticket: Ticket, response: Response, seconds: float, ledger: Ledger
    ) -> LimitModel:
        """See `LimitModel.accept`."""
        unthrottled = ledger.accepted - self._accepted_before
        if self._growth > STEADY_GROWTH_SHARE or unthrottled > UNTHROTTLED_REQUESTS:
            self.rate *= 1.0 + self._growth
        self.rate = min(self.rate, MAX_RATE)
        return self

    def throttle(
        self, now: float, ticket: Ticket, response: Response, ledger: Ledger
    ) -> LimitModel:
        """See `LimitModel.throttle`."""
        delay = retry_delay(response)
        measured = ledger.accepted - self._accepted_before
        if self.rate == math.inf:
            # The first throttle: the time before it includes the server's burst, which is not
            # its rate. Measuring begins here.
            self._start_measuring(ticket, ledger)
        elif measured >= MIN_MEASURED_REQUESTS:
            seconds = max(ticket.sent_at - self._measured_from, 1.0 / MAX_RATE)
            self.rate = measured / seconds
            self._growth = max(STEADY_GROWTH_SHARE, self._growth / SEARCH_GROWTH_DIVISOR)
            self._start_measuring(ticket, ledger)
        elif ledger.throttles_in_a_row == 1:
            # Too soon to measure, but certainly too fast. Further throttles in a row are probes,
            # which say nothing about the rate.
            self.rate *= 1.0 - SLOWDOWN_SHARE
        throttles = ledger.throttles_in_a_row
        self._next_at = now + self._probe_delay(delay, throttles, has_accepted=measured > 0)
        if self.rate == math.inf:
            # The first estimate: what the server accepted, over the time until the probe. 60
            # requests within a second and a delay of 0.25 s mean 48 requests a second.
            self.rate = max(INITIAL_RATE, ledger.accepted / (self._next_at - self._first_sent_at))
        self.rate = max(self.rate, MIN_RATE)
        return self

    def _probe_delay(self, named: float | None, throttles: int, *, has_accepted: bool) -> float:
        """Return the seconds until a probe may be sent."""
        if named is not None:
            margin = ROUNDING_SECONDS
        elif has_accepted and self.rate < math.inf:
            # A server with a known rate has room for the next request soon: two gaps suffice.
            margin = 2.0 / self.rate
        else:
            margin = FIRST_DELAY_SECONDS
        # The exponent is capped because 2.0 ** 1024 overflows.
        doubled = margin * 2.0 ** min(throttles - 1, 10)
        return (named or 0.0) + min(LONGEST_DELAY_SECONDS, doubled)

    def _start_measuring(self, ticket: Ticket, ledger: Ledger) -> None:
        self._measured_from, self._accepted_before = ticket.sent_at, ledger.accepted

    def estimate(self) -> LimitEstimate:
        """See `LimitModel.estimate`."""
        return LimitEstimate(rate=self.rate)
