"""A token bucket: it fills at a rate, up to its burst, and each request takes a token.

It says ``X-RateLimit-Limit`` (the burst) and ``X-RateLimit-Remaining`` (its whole tokens). Its
double is kept here, which fills at the same rate and gives a token to each request as it is
sent. Each answer says what the bucket held when its request came; by as much as the double was
wrong then, it is corrected now. A reserve is left in it, since requests do not arrive as evenly
as they are sent; the reserve costs nothing but itself, once.
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
"""What is left in a bucket at first: a tenth of it, and at the most so much."""

FASTER_SHARE = 0.2
"""By how much it is taken to fill faster where it was full while requests waited."""

LARGEST_RESERVE_SHARE = 0.6
"""The most that is left in it, where requests arrive so unevenly that it was empty for some."""

CORRECTED_SHARE = 0.25
"""By how much of its error the double is corrected: single answers come out of order."""

IDLE_SECONDS = 1.0
MEASURED_SECONDS = 0.5
MEASURED_TOKENS = 20.0
LONGEST_WAIT_SECONDS = 60.0
LONGEST_MEASURE_SECONDS = 10.0
"""The rate is measured over so much; a request goes after so long, however slow it seemed."""


@attrs.define
class TokenBucket:
    """What is believed of a token bucket, and what follows from it."""

    limit: int
    rate: float
    """Tokens a second."""
    _tokens: float
    """What the double held at the time ``_at``."""
    _at: float
    _since: int
    """The number of the last request that was sent before there was a double."""
    _measured_from: float
    _measured_sum: float
    """What the bucket held then, and what it had let in."""
    _reserve: float = attrs.field(init=False, default=0.0)
    _corrected: float = 0.0
    """The sum of all corrections."""
    _newest: int = 0
    """The number of the newest request that was answered."""
    _overflowed: bool = False
    """Whether it may have been full since its rate was measured, so that tokens were lost."""
    _held_back_since: float = math.inf
    """When requests began to wait for tokens, after the bucket was last seen full."""
    _shut_until: float = -math.inf

    def __attrs_post_init__(self) -> None:
        self._reserve = min(RESERVE_TOKENS, self.limit * RESERVE_SHARE)

    @classmethod
    def of(
        cls, sent: Sent, said: Allowance, rate: float, seconds: float, ledger: Ledger
    ) -> TokenBucket:
        """The belief after one answer, ``seconds`` after its request was sent."""
        held = said.remaining + rate * seconds - ledger.in_flight
        held_and_let_in = said.remaining + ledger.let_in
        now = sent.at + seconds
        return cls(said.limit, rate, held, now, ledger.sent, sent.at, held_and_let_in)

    @property
    def left(self) -> float:
        """See `Belief.left`; without the corrections, so that later ones can be told apart."""
        return self._tokens - self._corrected

    def _held(self, now: float) -> float:
        return min(float(self.limit), self._tokens + self.rate * (now - self._at))

    def opens_at(self, now: float, in_flight: int) -> float:
        """See `Belief.opens_at`."""
        missing = min(1.0 + self._reserve, float(self.limit)) - self._held(now)
        if missing <= 0:
            return max(now, self._shut_until)
        comes_at = min(now + missing / self.rate, self._at + LONGEST_MEASURE_SECONDS)
        if comes_at > self._shut_until:  # it is not a wait that was named which holds them back
            self._held_back_since = min(self._held_back_since, now)
        return max(comes_at, self._shut_until)

    def sent(self, now: float, number: int, in_flight: int) -> bool:
        """See `Belief.sent`."""
        held = self._held(now)
        self._overflowed |= held >= self.limit - 0.5 and now - self._at > IDLE_SECONDS
        self._tokens, self._at = held - 1.0, now
        return False

    def lost(self, sent: Sent) -> None:
        """See `Belief.lost`."""

    def let_in(
        self, sent: Sent, response: Response, seconds: float, ledger: Ledger
    ) -> Belief | None:
        """See `Belief.let_in`; None where nothing comes in, so that it is no bucket."""
        said = allowance(response)
        if said is None or sent.number < self._newest:
            return self
        self.limit, self._newest = said.limit, sent.number
        self._correct(sent, said.remaining, CORRECTED_SHARE, seconds, ledger.in_flight)
        held_and_let_in = said.remaining + ledger.let_in
        if said.remaining < said.limit - 1 and not self._overflowed:
            self._measure(sent.at, held_and_let_in)
            return self if self.rate > 0 else None
        full = said.remaining >= said.limit - 1
        if full and sent.at > self._held_back_since:  # for no reason: it fills faster
            self._held_back_since = math.inf
            self.rate *= 1.0 + FASTER_SHARE
        self._overflowed = False
        self._measured_from, self._measured_sum = sent.at, held_and_let_in  # what comes is lost
        return self

    def _correct(
        self, sent: Sent, held: float, share: float, seconds: float, in_flight: int
    ) -> None:
        """The bucket held this much after the request; the double may have been wrong."""
        if sent.number <= self._since or sent.left is None:
            self._at = sent.at + seconds
            self._tokens = held + self.rate * seconds - in_flight
        else:
            error = share * (held - (sent.left + self._corrected))
            self._tokens += error
            self._corrected += error

    def refused(self, now: float, sent: Sent, response: Response, ledger: Ledger) -> Belief:
        """See `Belief.refused`."""
        if sent.number >= self._newest:
            self._newest = sent.number
            self._correct(sent, 0.0, 1.0, now - sent.at, ledger.in_flight)
            self._reserve = min(self.limit * LARGEST_RESERVE_SHARE, self._reserve * 1.5 + 0.5)
        self._held_back_since = math.inf
        wait = min(LONGEST_WAIT_SECONDS, 2.0 ** min(ledger.tries - 1, 10) / self.rate)
        self._shut_until = now + max(told_seconds(response) or 0.0, wait)
        return self

    def believed(self) -> Believed:
        """See `Belief.believed`."""
        return Believed(rate=self.rate, burst=self.limit)

    def _measure(self, at: float, held_and_let_in: float) -> None:
        seconds, came = at - self._measured_from, held_and_let_in - self._measured_sum
        if seconds < MEASURED_SECONDS:
            return
        if came >= MEASURED_TOKENS or seconds >= LONGEST_MEASURE_SECONDS:
            self.rate = came / seconds
            self._measured_from, self._measured_sum = at, held_and_let_in
