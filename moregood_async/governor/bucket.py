"""The model of a token bucket, which fills at a rate up to its burst; a request takes a token.

Theory of operation. Such a server states ``X-RateLimit-Limit`` (the burst) and
``X-RateLimit-Remaining`` (its whole tokens). The model keeps a copy of the bucket:

- **Predict**: the copy fills at the same rate and loses a token when a request is *sent*; the
  server's bucket loses the token when the request *arrives*. A request may be sent while the copy
  holds a token beyond the reserve.
- **Correct**: a response states what the server's bucket held when its request arrived. The ticket
  holds what the copy predicted for that request. The copy moves by a quarter of the difference.
  Example: predicted 12, stated 8: the copy loses 1 token, and the next responses take the rest.
- **Measure**: what the server accepted plus what its bucket gained, over time, is the rate. 15
  tokens left and 100 accepted at 3 s, 5 left and 150 accepted at 5 s: (155 - 115) / 2 s = 20 a
  second. An interval in which the bucket was full measures nothing, because tokens overflowed.
- **Reserve**: requests do not arrive as evenly as they are sent, so up to 2 tokens stay in the
  bucket. The reserve costs 2 requests once, not a share of the rate; each throttle widens it.
"""

from __future__ import annotations

import math

import attrs

from moregood_async.governor.ledger import Ledger, Ticket
from moregood_async.governor.limit_model import LimitEstimate, LimitModel
from moregood_async.governor.rate_headers import Allowance, read_allowance, retry_delay
from moregood_async.wire import Response

RESERVE_SHARE = 0.1
RESERVE_TOKENS = 2.0
"""The reserve at first: a tenth of the burst, and at most 2 tokens."""

LARGEST_RESERVE_SHARE = 0.6
"""The largest reserve, for a network that is very uneven: 40 % of the burst stay usable."""

SPEEDUP_SHARE = 0.2
"""By how much the rate grows if the bucket was full while requests waited for tokens."""

CORRECTION_SHARE = 0.25
"""How much of its error the copy corrects with each response: responses overtake each other."""

IDLE_SECONDS = 1.0
"""A full bucket after a longer pause has overflowed; after a shorter one it has just filled."""

MIN_MEASURED_SECONDS = 0.5
MIN_MEASURED_TOKENS = 20.0
"""A shorter interval or fewer tokens measure no rate: ``Remaining`` counts whole tokens."""

LONGEST_MEASURE_SECONDS = 10.0
"""A measurement ends after this time, however few the tokens.

The longest wait for a token, too: a rate that was measured as far too low is found out.
"""

LONGEST_DELAY_SECONDS = 60.0
"""The longest delay after a throttle if the server names none."""


@attrs.define
class TokenBucket:
    """A copy of the server's token bucket."""

    limit: int
    """The burst."""
    rate: float
    """Tokens a second."""
    _tokens: float
    """What the copy held at the time ``_tokens_at``."""
    _tokens_at: float
    _predicted_after: int
    """Requests after this number were sent under this model, so their tickets hold predictions."""
    _measured_from: float
    """The start of the current measurement."""
    _measured_from_total: float
    """At that time: tokens in the bucket plus requests accepted so far."""
    _reserve: float = attrs.field(init=False, default=0.0)
    _corrections: float = 0.0
    """The sum of all corrections."""
    _newest_number: int = 0
    """The newest request with a response."""
    _may_have_overflowed: bool = False
    """Whether the bucket may have been full since the current measurement began."""
    _held_back_since: float = math.inf
    """When requests began to wait for tokens, after the bucket was last seen full."""
    _blocked_until: float = -math.inf
    """The end of the delay after a throttle."""

    def __attrs_post_init__(self) -> None:
        self._reserve = min(RESERVE_TOKENS, self.limit * RESERVE_SHARE)

    @classmethod
    def from_response(
        cls, ticket: Ticket, allowance: Allowance, rate: float, seconds: float, ledger: Ledger
    ) -> TokenBucket:
        """Return the model after one response, ``seconds`` after its request was sent."""
        # What the bucket held, what it gained since, and what the requests in flight take.
        tokens = allowance.remaining + rate * seconds - ledger.in_flight
        now, total = ticket.sent_at + seconds, allowance.remaining + ledger.accepted
        return cls(allowance.limit, rate, tokens, now, ledger.sent, ticket.sent_at, total)

    @property
    def remaining(self) -> float:
        """What the copy holds without its corrections.

        A ticket keeps this number while later responses correct the copy. `_correct` adds the
        corrections made until then, so that no error is corrected twice.
        """
        return self._tokens - self._corrections

    def _held(self, now: float) -> float:
        return min(float(self.limit), self._tokens + self.rate * (now - self._tokens_at))

    def next_allowed_at(self, now: float, in_flight: int) -> float:
        """See `LimitModel.next_allowed_at`."""
        # A bucket of one token cannot keep a reserve: the copy then needs only the one token.
        missing = min(1.0 + self._reserve, float(self.limit)) - self._held(now)
        if missing <= 0:
            return max(now, self._blocked_until)
        filled_at = min(now + missing / self.rate, self._tokens_at + LONGEST_MEASURE_SECONDS)
        # Requests wait for tokens only if no longer delay of the server holds them back anyway.
        # `accept` uses this: a bucket that is full although requests waited fills faster.
        if filled_at > self._blocked_until:
            self._held_back_since = min(self._held_back_since, now)
        return max(filled_at, self._blocked_until)

    def start(self, now: float, number: int, in_flight: int) -> bool:
        """See `LimitModel.start`."""
        held = self._held(now)
        # Half a token of tolerance: the copy may be slightly behind the server's bucket.
        is_full = held >= self.limit - 0.5
        self._may_have_overflowed |= is_full and now - self._tokens_at > IDLE_SECONDS
        self._tokens, self._tokens_at = held - 1.0, now
        return False

    def release(self, ticket: Ticket) -> None:
        """See `LimitModel.release`.

        The token counts as taken. If the request never arrived, later responses correct the copy.
        """

    def accept(
        self, ticket: Ticket, response: Response, seconds: float, ledger: Ledger
    ) -> LimitModel | None:
        """See `LimitModel.accept`; None if nothing flows in, so that the server has no bucket."""
        allowance = read_allowance(response)
        if allowance is None or ticket.number < self._newest_number:
            return self  # nothing stated, or a newer request's response has already been used
        self.limit, self._newest_number = allowance.limit, ticket.number
        self._correct(ticket, allowance.remaining, CORRECTION_SHARE, seconds, ledger.in_flight)
        total = allowance.remaining + ledger.accepted
        is_full = allowance.remaining >= allowance.limit - 1
        if not is_full and not self._may_have_overflowed:
            self._measure(ticket.sent_at, total)
            return self if self.rate > 0 else None
        # Full although requests waited for tokens: they waited without need.
        if is_full and ticket.sent_at > self._held_back_since:
            self._held_back_since = math.inf
            self.rate *= 1.0 + SPEEDUP_SHARE
        # Tokens overflowed, so the current measurement would be too low: start a new one.
        self._may_have_overflowed = False
        self._measured_from, self._measured_from_total = ticket.sent_at, total
        return self

    def _correct(
        self, ticket: Ticket, held: float, share: float, seconds: float, in_flight: int
    ) -> None:
        """Move the copy towards ``held``, the tokens that were left after the request."""
        if ticket.number <= self._predicted_after or ticket.remaining is None:
            # No prediction to compare: start the copy again from what the response states.
            self._tokens_at = ticket.sent_at + seconds
            self._tokens = held + self.rate * seconds - in_flight
        else:
            error = share * (held - (ticket.remaining + self._corrections))
            self._tokens += error
            self._corrections += error

    def throttle(
        self, now: float, ticket: Ticket, response: Response, ledger: Ledger
    ) -> LimitModel:
        """See `LimitModel.throttle`."""
        if ticket.number >= self._newest_number:
            self._newest_number = ticket.number
            # The bucket was certainly empty, so the copy corrects its whole error at once.
            self._correct(ticket, 0.0, 1.0, now - ticket.sent_at, ledger.in_flight)
            # Reserves of a burst of 20 after each throttle: 2, 3.5, 5.75, 9.1, 12, 12.
            largest = self.limit * LARGEST_RESERVE_SHARE
            self._reserve = min(largest, self._reserve * 1.5 + 0.5)
        self._held_back_since = math.inf
        # The time of one token, and double of that with each throttle in a row. The exponent is
        # capped because 2.0 ** 1024 overflows.
        doubled = 2.0 ** min(ledger.throttles_in_a_row - 1, 10) / self.rate
        delay = max(retry_delay(response) or 0.0, min(LONGEST_DELAY_SECONDS, doubled))
        self._blocked_until = now + delay
        return self

    def estimate(self) -> LimitEstimate:
        """See `LimitModel.estimate`."""
        return LimitEstimate(rate=self.rate, burst=self.limit)

    def _measure(self, at: float, total: float) -> None:
        seconds, gained = at - self._measured_from, total - self._measured_from_total
        if seconds < MIN_MEASURED_SECONDS:
            return
        if gained >= MIN_MEASURED_TOKENS or seconds >= LONGEST_MEASURE_SECONDS:
            self.rate = gained / seconds
            self._measured_from, self._measured_from_total = at, total
