"""A fixed window: so many requests, then none until it ends, then all of them again.

Laravel's throttle is one. It opens with its first request, counts what it lets in, and says
``X-RateLimit-Remaining`` on every answer, but never its length: that is learned.

- What is left is the least that an answer said, less what is under way: answers are as old as
  their way back, and what is under way will count too.
- Once it is used up and nobody knows for how long, one request asks. The refusal names the wait
  in whole seconds; with the time that the window has been open for it gives the length, which is
  a whole number of seconds. Laravel rounds the wait down. Where a server rounds up, the length is
  one second less, so one request tries that, once.
- A window opens again one length after its first request was sent: the next one has the same
  way. The first time, one request goes alone; once the prediction has held, all go.
"""

from __future__ import annotations

import math

import attrs

from moregood_async.config import Rate
from moregood_async.governor.answers import Allowance, allowance, told_seconds
from moregood_async.governor.belief import Belief, Believed
from moregood_async.governor.bucket import TokenBucket
from moregood_async.governor.ledger import Ledger, Sent
from moregood_async.wire import Response, rate_reset

MARGIN_SECONDS = 0.004
"""How much later than predicted a window's first request goes: a network is not that even."""

WIDER_MARGIN_SECONDS = 0.05
WIDER = 5.0
"""The margin after the first prediction that was too early, and by how much it grows with each
that follows: some of Laravel's caches keep windows for up to a second too long."""

NARROWER = 0.85
"""By how much the margin becomes smaller with each prediction that holds."""

EARLY_SECONDS = 0.1
"""How long after the earliest end a request tries it; its own margin, since it goes but once."""

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
"""The first and the longest wait that no answer has named."""

SIGNS_OF_A_BUCKET = 2
"""So often must more be left than before until it is no window; once, others can be the reason."""

MUST_HOLD_AGAIN = 16
"""Once all were too early, so many predictions must hold before all go at once again."""

UNSEEN_SECONDS = 5.0
"""After so long without a request nobody knows whether the window is still the same."""

SHORTEST_WINDOW_SECONDS = 0.9
SAME_MOMENT_SECONDS = 0.001

WINDOWS_OF_A_BUCKET = 3
"""So many times its limit must have come back, in windows that others opened, until it is none."""

LATE_SECONDS = 0.05
"""By how much a window may be older than it seems from here."""

FASTEST_FADES = 1.0005
"""The fastest answer is forgotten slowly: a way can become longer."""

ROUNDING_SECONDS = 1.0
"""Waits are named in whole seconds, rounded down (Laravel) or up."""


@attrs.define
class FixedWindow:
    """What is believed of a fixed window, and what follows from it."""

    limit: int
    left: int
    """The least that an answer said; a limit where it is predicted to be new."""
    opened: float | None
    """When the request that opened it was sent; None where that was not seen."""
    first: int
    """The number of the first request that counts in it."""
    _full: tuple[float, int]
    """When it was last full, and what it held then together with what it had let in."""
    length: float | None = None
    """Seconds, once that is known."""
    _held: int = 0
    """So many predictions by this length have held, one after the other."""
    _must_hold: int = 1
    """So many must have, until the whole next window goes at once."""
    _took: float = 0.0
    """How long the request that opened it was under way: more than the fastest, it came late."""
    _fastest: float = math.inf
    _margin: float = MARGIN_SECONDS
    _opened_before: float | None = None
    """When the window opened that is predicted to be over, until an answer proves it."""
    _last: int = 0
    """The number of the last request that was sent."""
    _doubtful: int = 0
    """So many requests may have been counted, beside those in flight and in what is left."""
    _doubtful_up_to: int = 0
    """Answers to requests after this number settle that."""
    _stragglers: int = 0
    """So many requests before the first may have come after it."""
    _known: int = 0
    """Answers to requests up to this number tell of no newer window."""
    _shut_for: float = 0.0
    """A window was still shut so many seconds after it had opened."""
    _tried_early: bool = False
    _doubted: bool = False
    """Whether it seemed longer than was believed, once."""
    _sent_at: float = math.inf
    """When the last request was sent."""
    _rises: int = 0
    """So often was more left than before, though no new window can have begun."""
    _fillings: int = 0
    """So often was it full again sooner than any window."""
    _asks_at: float = -math.inf
    """Where the end is not known: when one request may ask."""

    @classmethod
    def of(cls, sent: Sent, said: Allowance, seconds: float, let_in: int) -> FixedWindow:
        """The belief after one answer: where it used the first of a window, it opened it.

        The request was under way for ``seconds``; ``let_in`` counts all so far.
        """
        opened = sent.at if said.remaining == said.limit - 1 else None
        full = sent.at, said.remaining + let_in
        window = cls(said.limit, said.remaining, opened, sent.number, full)
        window._took, window._sent_at, window._last = seconds, sent.at, sent.number
        return window

    @property
    def proven(self) -> bool:
        """Whether the length has proved itself, so that nobody needs to ask any more."""
        return self._held >= self._must_hold

    @property
    def ends_at(self) -> float:
        """When requests of the next window may go; inf where nobody knows."""
        if self.opened is None or self.length is None:
            return math.inf
        late = max(0.0, self._took - self._fastest)
        return self.opened + late + self.length + self._margin

    @property
    def _early_at(self) -> float:
        """When one request tries whether the window ends a second earlier than believed."""
        if self._tried_early or self.opened is None or self.length is None:
            return math.inf
        earlier = self.length - ROUNDING_SECONDS + EARLY_SECONDS
        if self.length <= ROUNDING_SECONDS:  # or a bucket that names a second for less
            earlier = max(earlier, self._shut_for + EARLY_SECONDS)
        return self.opened + earlier if earlier > self._shut_for else math.inf

    def opens_at(self, now: float, in_flight: int) -> float:
        """When the next request may go; inf where an answer must tell first."""
        if self.left - self._doubtful > in_flight:
            return now
        if self.proven and now >= self.ends_at:
            return now
        if in_flight:  # used up, as it seems: who asks goes alone
            return self.ends_at if self.proven else math.inf
        if self.ends_at == math.inf:
            return max(now, self._asks_at)
        return max(now, min(self.ends_at, self._early_at))

    def sent(self, now: float, number: int, in_flight: int) -> bool:
        """A request goes; whether it asks, so that the others wait for its answer."""
        if self.length is None and now - self._sent_at > UNSEEN_SECONDS:
            self.opened = None  # others may have opened another one meanwhile
        self._sent_at, self._last = now, number
        if now >= self.ends_at:
            self._opened_before, self.opened = self.opened, now
            self.first, self.left, self._doubtful = number, self.limit, 0
            return not self.proven
        if self.left - self._doubtful > in_flight:
            return False
        self._tried_early |= now >= self._early_at
        return True

    def lost(self, sent: Sent) -> None:
        """See `Belief.lost`."""
        if sent.number >= self.first:
            self._doubt(1)

    def _doubt(self, requests: int) -> None:
        """So many may have been counted, and no answer has said so yet."""
        self._doubtful += requests
        self._doubtful_up_to = self._last

    def let_in(self, sent: Sent, response: Response, seconds: float, ledger: Ledger) -> Belief:
        """See `Belief.let_in`."""
        said = allowance(response)
        if said is None:
            return self
        if not self.proven and self._is_a_bucket(sent, said, ledger):
            return self._bucket(sent, said, seconds, ledger)
        if said.remaining >= said.limit - 1:
            self._full = sent.at, said.remaining + ledger.let_in
        self._fastest = min(seconds, self._fastest * FASTEST_FADES)
        self._count(sent, said, seconds, ledger.in_flight)
        if self.length is None and self.left <= ledger.in_flight:
            self._foretold(sent, rate_reset(response))
        return self

    def _is_a_bucket(self, sent: Sent, said: Allowance, ledger: Ledger) -> bool:
        """Whether it cannot be a window, unless others have used it."""
        if said.remaining >= said.limit - 1:  # full, which a window is but once
            since = sent.at - self._full[0]
            self._fillings += SAME_MOMENT_SECONDS < since < SHORTEST_WINDOW_SECONDS
            return self._fillings >= SIGNS_OF_A_BUCKET
        if sent.left is None or said.remaining < sent.left:
            return False
        newcomers = sent.in_flight + ledger.in_flight
        self._rises += said.remaining < said.limit - 1 - newcomers  # else a new one may have begun
        came = said.remaining + ledger.let_in - self._full[1]
        return self._rises >= SIGNS_OF_A_BUCKET or came > WINDOWS_OF_A_BUCKET * self.limit

    def _bucket(self, sent: Sent, said: Allowance, seconds: float, ledger: Ledger) -> TokenBucket:
        full_at, full_total = self._full
        came = max(1, said.remaining + ledger.let_in - full_total)
        rate = came / max(SAME_MOMENT_SECONDS, seconds, sent.at - full_at)
        return TokenBucket.of(sent, said, rate, seconds, ledger)

    def _count(self, sent: Sent, said: Allowance, seconds: float, in_flight: int) -> None:
        if said.limit != self.limit:
            self.limit, self.left = said.limit, said.remaining
        opener = said.remaining == said.limit - 1
        refilled = sent.left is not None and said.remaining >= sent.left
        if refilled and sent.number > self._known:
            self._begins(sent, said, in_flight)
        in_this = sent.number >= self.first or refilled or (opener and self.opened is None)
        if not in_this:
            self._doubt(self.first - sent.number <= self._stragglers)  # it may be, all the same
            return
        if sent.number > self._doubtful_up_to:
            self._doubtful = 0  # by now they are in what is left, or not at all
        self.left = min(self.left, said.remaining)
        if opener:
            self._opened_by(sent, seconds)
        elif sent.number == self.first and said.remaining < said.limit - 1 - (
            self._last - sent.number
        ):
            self.opened, self._held = None, 0  # by others, nobody knows when

    def _opened_by(self, sent: Sent, seconds: float) -> None:
        if self._opened_before is not None:
            self._held, self._doubted = self._held + 1, False
            self._margin = max(MARGIN_SECONDS, self._margin * NARROWER)
        self.opened, self._took, self._opened_before = sent.at, seconds, None

    def _begins(self, sent: Sent, said: Allowance, in_flight: int) -> None:
        """A new window was met before it was expected."""
        if self.opened is not None and 0 < self._shut_for < sent.at - self.opened:
            self._shorten(sent.at - self.opened)
        self.opened, self._opened_before = None, None
        self.first, self.left, self._known = sent.number, said.remaining, self._last
        self._stragglers, self._doubtful = sent.in_flight, 0
        self._doubt(sent.in_flight + self._last - sent.number - in_flight)  # answered before it

    def _shorten(self, open_after: float) -> None:
        """It was shut for some time, and open ``open_after`` seconds after it had opened."""
        if self.length is None:
            whole = math.floor(self._shut_for) + 1.0
            self.length = min(whole, open_after)
        elif open_after < self.length - ROUNDING_SECONDS / 2:
            self.length = min(open_after, max(1.0, self.length - ROUNDING_SECONDS))
            self._held = 0

    def refused(self, now: float, sent: Sent, response: Response, ledger: Ledger) -> Belief:
        """See `Belief.refused`."""
        told = told_seconds(response)
        if sent.number >= self.first and self._opened_before is not None:
            self._was_too_early()
        self.left = 0
        gone = None if self.opened is None else sent.at - self.opened
        if gone is not None and gone >= 0:
            self._shut_for = max(self._shut_for, gone)
            if told is not None and self._is_longer(gone + told):
                self._lengthen(gone, told)
        self._asks_at = now + _wait(told, ledger.tries)
        return self

    def _is_longer(self, seconds: float) -> bool:
        return self.length is None or seconds > self.length + ROUNDING_SECONDS

    def _lengthen(self, gone: float, told: float) -> None:
        """It is open for longer than was believed; or somebody else has opened the next one."""
        if self.length is not None and not self._doubted:
            self.opened, self._doubted = None, True  # whoever opens one again will see
        else:
            self.length, self._doubted = _length(gone, told), False
        self._held = 0

    def _foretold(self, sent: Sent, seconds: float | None) -> None:
        """An answer may say when it ends, before anything is refused."""
        if seconds is not None and self.opened is None:
            self._asks_at = sent.at + seconds
        elif seconds is not None and self.opened is not None and sent.at >= self.opened:
            self.length = _length(sent.at - self.opened, seconds)

    def _was_too_early(self) -> None:
        self.opened, self._opened_before = self._opened_before, None
        if self.proven:
            self._must_hold = MUST_HOLD_AGAIN
        self._held = 0
        self._margin = _wider(self._margin)

    def believed(self) -> Believed:
        """See `Belief.believed`."""
        if self.length is None:
            return Believed()
        window = Rate(self.limit, per=self.length)
        return Believed(rate=self.limit / self.length, window=window)


def _wait(told: float | None, tries: int) -> float:
    """Until somebody may ask, where nobody knows how long the window has been open."""
    if told is None:
        return min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(tries - 1, 10))
    margin = ROUNDING_SECONDS if told == int(told) else LATE_SECONDS
    return told + min(LONGEST_WAIT_SECONDS, margin * 2.0 ** min(tries - 1, 10))


def _wider(margin: float) -> float:
    """The margin after a prediction that was too early by more than this one."""
    if margin >= ROUNDING_SECONDS:
        return min(LONGEST_WAIT_SECONDS, 2.0 * margin)
    return min(ROUNDING_SECONDS, max(WIDER_MARGIN_SECONDS, WIDER * margin))


def _length(gone: float, told: float) -> float:
    """The length of a window that was open for ``gone`` seconds and names a wait."""
    if told != int(told):
        return gone + told
    return float(math.ceil(gone + told + LATE_SECONDS))  # too long is found out, by asking early
