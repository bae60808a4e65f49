"""A token bucket: it fills at a rate, up to its burst, and each request takes a token.

It says ``X-RateLimit-Limit`` (the burst) and ``X-RateLimit-Remaining`` (its whole tokens). What
it holds now is what the newest answer said, and what has come since, less what is under way. A
reserve is left in it, since requests do not arrive as evenly as they are sent; the reserve costs
nothing but itself, once.
"""

from __future__ import annotations

import math

import attrs

from moregood_async.governor.answers import Allowance, allowance, told_seconds
from moregood_async.governor.belief import Belief, Believed
from moregood_async.governor.ledger import Ledger, Sent
from moregood_async.wire import Response

RESERVE_SHARE = 0.1
RESERVE_TOKENS = 2.0
MEASURED_SECONDS = 0.5
MEASURED_TOKENS = 20.0
LONGEST_MEASURE_SECONDS = 10.0


@attrs.define
class TokenBucket:
    """What is believed of a token bucket, and what follows from it."""

    limit: int
    rate: float
    """Tokens a second."""
    tokens: float
    """By the newest answer."""
    at: float
    """When the request was sent that it answers."""
    newest: int
    """The number of that request."""
    _measured_from: float
    _measured_sum: float
    """What the bucket held then, and what it had let in."""
    _shut_until: float = -math.inf

    left: None = None

    @classmethod
    def of(cls, sent: Sent, said: Allowance, rate: float, let_in: int) -> TokenBucket:
        """The belief after one answer; ``let_in`` counts all so far."""
        tokens = float(said.remaining)
        return cls(said.limit, rate, tokens, sent.at, sent.number, sent.at, tokens + let_in)

    @property
    def _reserve(self) -> float:
        return min(RESERVE_TOKENS, self.limit * RESERVE_SHARE)

    def opens_at(self, now: float, in_flight: int) -> float:
        """See `Belief.opens_at`."""
        held = min(float(self.limit), self.tokens + self.rate * (now - self.at)) - in_flight
        missing = 1.0 + self._reserve - held
        opens = now if missing <= 0 else now + missing / self.rate
        return max(opens, self._shut_until)

    def sent(self, now: float, number: int, in_flight: int) -> bool:
        """See `Belief.sent`."""
        return False

    def let_in(
        self, sent: Sent, response: Response, seconds: float, ledger: Ledger
    ) -> Belief | None:
        """See `Belief.let_in`; None where nothing comes in, so that it is no bucket."""
        said = allowance(response)
        if said is None or sent.number < self.newest:
            return self
        self.limit, self.tokens = said.limit, float(said.remaining)
        self.at, self.newest = sent.at, sent.number
        if said.remaining >= said.limit - 1:  # full: what comes is lost, and cannot be measured
            self._measure_from(sent.at, ledger.let_in)
        else:
            self._measure(sent.at, ledger.let_in)
        return self if self.rate > 0 else None

    def refused(self, now: float, sent: Sent, response: Response, ledger: Ledger) -> Belief:
        """See `Belief.refused`."""
        if sent.number >= self.newest:
            self.tokens, self.at, self.newest = 0.0, sent.at, sent.number
        told = told_seconds(response) or 0.0
        self._shut_until = now + max(told, 1.0 / self.rate) * 2.0 ** min(ledger.tries - 1, 10)
        return self

    def believed(self) -> Believed:
        """See `Belief.believed`."""
        return Believed(rate=self.rate, burst=self.limit)

    def _measure(self, at: float, let_in: int) -> None:
        seconds = at - self._measured_from
        if seconds < MEASURED_SECONDS:
            return
        came = self.tokens + let_in - self._measured_sum
        if came >= MEASURED_TOKENS or seconds >= LONGEST_MEASURE_SECONDS:
            self.rate = came / seconds
            self._measure_from(at, let_in)

    def _measure_from(self, at: float, let_in: int) -> None:
        self._measured_from, self._measured_sum = at, self.tokens + let_in
