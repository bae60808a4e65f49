"""The governor: one for each key, and all that it believes of the server's limit.

It learns from every answer, and what it cannot learn it asks, with one request at a time:

===============================  ==================================================
what answers say                 what it follows
===============================  ==================================================
nothing, and none is refused     how many may be in flight (`Concurrency`)
how many are left                a fixed window (`FixedWindow`), until that rises within one:
                                 then a token bucket (`TokenBucket`)
429, but not how many are left   what the server lets in (`Goodput`)
a wait                           the wait, for everybody; the first back goes alone
===============================  ==================================================

Decisions only: nothing here waits, or looks at a clock.
"""

from __future__ import annotations

import math

from moregood_async.config import Limits
from moregood_async.governor.answers import told_seconds
from moregood_async.governor.belief import Belief
from moregood_async.governor.concurrency import Concurrency
from moregood_async.governor.ledger import Ledger, Sent
from moregood_async.governor.state import PaceState
from moregood_async.governor.stated import StatedRate
from moregood_async.governor.unlimited import Unlimited
from moregood_async.wire import Response, is_rate_limited

STRUGGLING = frozenset({502, 503, 504})
"""A gateway or a server that cannot keep up."""

MARGIN_SECONDS = 1.0
"""A 503's ``Retry-After`` may be rounded down; the margin doubles while it proves too short."""

LONGEST_MARGIN_SECONDS = 60.0


class Governor:
    """Decides when requests go. All times are seconds on one monotonic clock."""

    __slots__ = ("_alone", "_asking", "_ledger", "_shut_until", "_stated", "belief", "concurrency")

    def __init__(self, limits: Limits) -> None:
        self.belief: Belief = Unlimited()
        self.concurrency: Concurrency = Concurrency(limits.max_concurrency)
        self._ledger = Ledger()
        self._stated = None if limits.max_rate is None else StatedRate(limits.max_rate)
        self._shut_until = -math.inf
        self._alone = False  # whether the next request goes alone
        self._asking = 0  # the number of the request that does; 0 where none does

    def opens_at(self, now: float) -> float:
        """When the next request may go: ``now`` or before, at once; inf: once one has ended."""
        in_flight = self._ledger.in_flight
        if self._asking or in_flight + 1 > self.concurrency.allowed:
            return math.inf
        opens = max(self._shut_until, self.belief.opens_at(now, in_flight))
        return opens if self._stated is None else max(opens, self._stated.opens_at())

    def started(self, now: float) -> Sent:
        """A request goes."""
        ledger, belief = self._ledger, self.belief
        in_flight, number = ledger.in_flight, ledger.starts(now)
        if belief.sent(now, number, in_flight) or self._alone:
            self._asking = number
        if self._stated is not None:
            self._stated.sent(now)
        return Sent(number, now, belief.left, in_flight)

    def gone(self, sent: Sent) -> None:
        """A request ended by cancellation, or by an error of ours: that says nothing."""
        self._ends(sent)
        self.belief.lost(sent)

    def _ends(self, sent: Sent) -> None:
        self._ledger.in_flight -= 1
        if sent.number == self._asking:
            self._asking = 0

    def unanswered(self, sent: Sent) -> None:
        """No answer came."""
        self.gone(sent)
        self.concurrency.struggled(sent.number, self._ledger.sent)

    def answered(self, now: float, sent: Sent, operation: str, response: Response) -> None:
        """An answer came, whatever its status."""
        self._ends(sent)
        if response.status >= 400 and is_rate_limited(response):
            self._was_refused(now, sent, response)
            return
        ledger, seconds = self._ledger, now - sent.at
        if response.status < 300:
            self.concurrency.answered(operation, seconds, sent.number, ledger.sent)
        elif response.status in STRUGGLING:
            self.concurrency.struggled(sent.number, ledger.sent)
        if ledger.lets_in(sent):
            self._alone = False
        self.belief = self.belief.let_in(sent, response, seconds, ledger) or Unlimited()

    def _was_refused(self, now: float, sent: Sent, response: Response) -> None:
        ledger, told = self._ledger, told_seconds(response) or 0.0
        self._shut_until = max(self._shut_until, now + told)
        if not ledger.refuses(sent):
            return
        self._alone = True
        if response.status == 429:
            self.belief = self.belief.refused(now, sent, response, ledger)
        else:
            margin = MARGIN_SECONDS * 2.0 ** min(ledger.tries - 1, 10)
            self._shut_until += min(LONGEST_MARGIN_SECONDS, margin)

    def state(self, now: float, waiting: int) -> PaceState:
        """What is believed, to look at."""
        believed, opens = self.belief.believed(), self.opens_at(now)
        return PaceState(
            rate=believed.rate,
            window=believed.window,
            burst=believed.burst,
            concurrency=int(self.concurrency.allowed),
            sent=self._ledger.sent,
            in_flight=self._ledger.in_flight,
            waiting=waiting,
            throttled=self._ledger.refused,
            next_allowed_in=0.0 if opens == math.inf else max(0.0, opens - now),
        )
