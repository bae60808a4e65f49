"""The governor: decides when each request of one key may be sent.

Theory of operation. A request may be sent once all of these allow it:

- the concurrency (`Concurrency`): how many requests may be in flight;
- the limit model (`LimitModel`): what the server is expected to accept;
- the user's own limit (`MaxRate`), if ``max_rate`` is set;
- the delay that the server named last, which holds for every request of the key.

The limit model changes with what the responses reveal:

=============================================  =============================
responses                                      model
=============================================  =============================
no rate limit headers, none throttled          `Unlimited`
``X-RateLimit-*``                              `FixedWindow`
``X-RateLimit-*``, and ``Remaining`` rises     `TokenBucket`
within one window
429 without ``X-RateLimit-*``                  `Goodput`
=============================================  =============================

What no response states is found out by a **probe**: a request that is sent alone, while all others
wait for its response. After a throttled response the first request is always a probe.

The governor only decides. It never waits and never reads a clock: every method takes ``now``, in
seconds on one monotonic clock.
"""

from __future__ import annotations

import math

from moregood_async.config import Limits
from moregood_async.governor.concurrency import Concurrency
from moregood_async.governor.ledger import Ledger, Ticket
from moregood_async.governor.limit_model import LimitModel
from moregood_async.governor.max_rate import MaxRate
from moregood_async.governor.rate_headers import retry_delay
from moregood_async.governor.state import PaceState
from moregood_async.governor.unlimited import Unlimited
from moregood_async.wire import Response, is_rate_limited

OVERLOAD_STATUSES = frozenset({502, 503, 504})
"""A gateway or a server that cannot keep up."""

MARGIN_SECONDS = 1.0
"""Added to a 503's ``Retry-After``, which may be rounded down to whole seconds.

The margin doubles with each further 503, so that ``Retry-After: 0`` does not cause a retry storm.
"""

LONGEST_MARGIN_SECONDS = 60.0
"""Limits the doubling: a server that is back is noticed within a minute."""


class Governor:
    """Decides when the requests of one key may be sent."""

    __slots__ = (
        "_blocked_until",
        "_ledger",
        "_max_rate",
        "_next_is_probe",
        "_probing",
        "concurrency",
        "model",
    )

    def __init__(self, limits: Limits) -> None:
        self.model: LimitModel = Unlimited()
        self.concurrency: Concurrency = Concurrency(limits.max_concurrency)
        self._ledger = Ledger()
        self._max_rate = None if limits.max_rate is None else MaxRate(limits.max_rate)
        self._blocked_until = -math.inf  # the end of the latest delay that the server named
        self._next_is_probe = False
        self._probing = 0  # the number of the probe in flight; 0 if there is none

    def next_allowed_at(self, now: float) -> float:
        """Return when the next request may be sent.

        ``now`` or earlier means at once; infinity means once a request in flight has ended.
        """
        in_flight = self._ledger.in_flight
        if self._probing or in_flight + 1 > self.concurrency.allowed:
            return math.inf
        at = max(self._blocked_until, self.model.next_allowed_at(now, in_flight))
        return at if self._max_rate is None else max(at, self._max_rate.next_allowed_at())

    def start(self, now: float) -> Ticket:
        """Record that a request is sent. Return its ticket.

        Each ticket is handed back once: to `receive`, `fail` or `release`.
        """
        ledger, model = self._ledger, self.model
        in_flight, number = ledger.in_flight, ledger.start(now)
        # The model is asked first, because it must record every request, probes included.
        if model.start(now, number, in_flight) or self._next_is_probe:
            self._probing = number
        if self._max_rate is not None:
            self._max_rate.start(now)
        return Ticket(number, now, model.remaining, in_flight)

    def release(self, ticket: Ticket) -> None:
        """Record that a request was cancelled or failed locally, so nothing is learned from it."""
        self._end(ticket)
        self.model.release(ticket)

    def fail(self, ticket: Ticket) -> None:
        """Record that a request stayed unanswered: a timeout or a lost connection."""
        self.release(ticket)
        self.concurrency.back_off(ticket.number, self._ledger.sent)

    def receive(self, now: float, ticket: Ticket, operation: str, response: Response) -> None:
        """Learn from a response, whatever its status."""
        self._end(ticket)
        if response.status >= 400 and is_rate_limited(response):
            self._throttle(now, ticket, response)
            return
        ledger, seconds = self._ledger, now - ticket.sent_at
        # Only success has a typical duration: a 401 or 404 is quicker than the work it replaces,
        # and would make every success look slow. A 500 says nothing about load.
        if response.status < 300:
            self.concurrency.observe(operation, seconds, ticket.number, ledger.sent)
        elif response.status in OVERLOAD_STATUSES:
            self.concurrency.back_off(ticket.number, ledger.sent)
        # A request that was sent before the throttle became known proves nothing about the time
        # after it, so the next request remains a probe.
        if ledger.accept(ticket):
            self._next_is_probe = False
        self.model = self.model.accept(ticket, response, seconds, ledger) or Unlimited()

    def _end(self, ticket: Ticket) -> None:
        self._ledger.in_flight -= 1
        if ticket.number == self._probing:  # however the probe ended, the next may be sent
            self._probing = 0

    def _throttle(self, now: float, ticket: Ticket, response: Response) -> None:
        ledger, delay = self._ledger, retry_delay(response) or 0.0
        # Every response of a wave may name its own delay, and the longest one holds.
        self._blocked_until = max(self._blocked_until, now + delay)
        if not ledger.throttle(ticket):
            return
        self._next_is_probe = True
        if response.status == 429:
            self.model = self.model.throttle(now, ticket, response, ledger)
        else:
            # A 503 with Retry-After is maintenance, not a rate limit: the model learns nothing.
            # Margins after 1, 2, 3, ... throttles in a row: 1, 2, 4, ..., 32, 60, 60 s. The
            # exponent is capped because 2.0 ** 1024 overflows.
            margin = MARGIN_SECONDS * 2.0 ** min(ledger.throttles_in_a_row - 1, 10)
            self._blocked_until += min(LONGEST_MARGIN_SECONDS, margin)

    def state(self, now: float, waiting: int) -> PaceState:
        """Return the estimate and the counts. ``waiting`` is the length of the queue."""
        estimate, allowed_at = self.model.estimate(), self.next_allowed_at(now)
        return PaceState(
            rate=estimate.rate,
            window=estimate.window,
            burst=estimate.burst,
            concurrency=int(self.concurrency.allowed),
            sent=self._ledger.sent,
            in_flight=self._ledger.in_flight,
            waiting=waiting,
            throttled=self._ledger.throttled,
            next_allowed_in=0.0 if allowed_at == math.inf else max(0.0, allowed_at - now),
        )
