"""The model of a fixed window: a number of requests, then none until it ends, then all again.

Theory of operation. Laravel's throttle is a fixed window. It opens with its first request, counts
the requests that it accepts, and states ``X-RateLimit-Remaining`` on every response. It never
states its length, so the model learns the length, in this order (limit 60, length 6 s):

1. **Count.** The first response states 59 of 60: this request opened the window, at 0.0 s. A
   request may be sent while ``remaining`` exceeds the requests in flight. ``remaining`` is the
   least number that a response stated: a response is older than the requests sent since.
2. **Probe.** After 60 requests, at 0.3 s, nothing remains and nobody knows for how long. One
   request is sent alone; its 429 says ``Retry-After: 5``. The window is 0.3 s old, so its length
   is 5.3 s or more, and a whole number of seconds: 6.
3. **Early probe.** A server that rounds up would have named 6, and the length would seem to be 7.
   So one request is sent alone one second before the expected end, once. If the server accepts
   it, the length is one second less.
4. **Predict.** The next window opens one length after the request that opened this one: both
   requests take the same time to arrive, so network latency cancels out. The first request of the
   predicted window is sent alone. Once a prediction has held, the whole limit is sent at once.
5. **Recover.** If a prediction was too early, the margin grows (4 ms, 50 ms, 250 ms, 1 s, ...) and
   a probe comes first again.

Three things blur the picture, and each has its own state: responses overtake each other
(``first_number``), requests without a response may have been counted (*uncertain* requests), and
requests sent before a new window may arrive in it (*late arrivals*).

A server that looks like a window but is a token bucket is replaced by one: see `bucket_signs`.
"""

from __future__ import annotations

import math

import attrs

from moregood_async.config import Rate
from moregood_async.governor.bucket_signs import BucketSigns
from moregood_async.governor.ledger import Ledger, Ticket
from moregood_async.governor.limit_model import LimitEstimate, LimitModel
from moregood_async.governor.rate_headers import Allowance, read_allowance, retry_delay
from moregood_async.governor.window_timing import (
    MARGIN_DECAY,
    MARGIN_SECONDS,
    ROUNDING_SECONDS,
    infer_length,
    probe_delay,
    wider_margin,
)
from moregood_async.wire import Response, rate_reset

EARLY_MARGIN_SECONDS = 0.1
"""How long after the earliest possible end the early probe is sent: it is sent only once."""

REQUIRED_AFTER_FAILURE = 16
"""Predictions that must hold before the whole limit is sent at once, after one that failed.

A failed prediction throttles a whole window's requests, so it must stay rare.
"""

UNSEEN_SECONDS = 5.0
"""After this time without a request, another client may have opened a new window unseen."""

LAST_MOMENT_SECONDS = 2 * MARGIN_SECONDS
"""Nothing is sent so shortly before the end of a proven window.

A request that is sent 1 ms before the end may arrive after it, and use up one of the next window,
which nobody notices if its response returns before the next window is predicted. The wait is 8 ms
at most, and only in windows that are not exhausted.
"""

LATENCY_GROWTH = 1.0005
"""The shortest latency grows with each response: the network can become slower."""


@attrs.define
class FixedWindow:
    """Predicts when a fixed window has room for the next request."""

    limit: int
    remaining: int
    """The least number that a response stated; the limit at the start of a predicted window."""
    opened_at: float | None
    """When the request that opened the window was sent; None if another client opened it."""
    first_number: int
    """The first request that counts in this window."""
    _signs: BucketSigns
    length: float | None = None
    """Seconds; None until it is known."""
    _held_predictions: int = 0
    """Predictions in a row that held."""
    _required_predictions: int = 1
    """Predictions that must hold before the whole limit is sent at once."""
    _opener_latency: float = 0.0
    """Seconds in flight of the request that opened the window."""
    _shortest_latency: float = math.inf
    _margin: float = MARGIN_SECONDS
    """How much later than predicted the first request of a window is sent."""
    _previous_opened_at: float | None = None
    """Set while a predicted window is unconfirmed: when the window before it was opened."""
    _last_number: int = 0
    """The newest request sent."""
    _uncertain: int = 0
    """Requests that the server may have counted, beyond those in flight and in ``remaining``."""
    _uncertain_up_to: int = 0
    """A response to a request after this number settles the uncertain requests."""
    _late_arrivals: int = 0
    """Requests before ``first_number`` that may have arrived after it."""
    _settled_up_to: int = 0
    """Requests up to this number cannot reveal a newer window."""
    _exhausted_for: float = 0.0
    """The greatest age, in seconds, at which the window was still exhausted."""
    _has_probed_early: bool = False
    _has_seemed_longer: bool = False
    """Whether one response contradicted ``length``; the second one replaces it."""
    _last_sent_at: float = math.inf
    _probe_at: float = -math.inf
    """When a probe may be sent, if the end of the window is unknown."""

    @classmethod
    def from_response(
        cls, ticket: Ticket, allowance: Allowance, seconds: float, accepted: int
    ) -> FixedWindow:
        """Return the model after one response, ``seconds`` after its request was sent.

        ``accepted`` counts the accepted requests so far.
        """
        is_opener = allowance.remaining == allowance.limit - 1
        opened_at = ticket.sent_at if is_opener else None
        signs = BucketSigns(ticket.sent_at, allowance.remaining + accepted)
        window = cls(allowance.limit, allowance.remaining, opened_at, ticket.number, signs)
        window._opener_latency = seconds
        window._last_sent_at, window._last_number = ticket.sent_at, ticket.number
        return window

    @property
    def is_proven(self) -> bool:
        """Whether predictions by this length have held, so that no probe is needed."""
        return self._held_predictions >= self._required_predictions

    @property
    def ends_at(self) -> float:
        """When requests of the next window may be sent; infinity if that is unknown."""
        if self.opened_at is None or self.length is None:
            return math.inf
        # The first request of a connection also connects. Example: 330 ms in flight instead of
        # 50 ms means that it opened the window up to 280 ms later than other requests would have.
        delayed = max(0.0, self._opener_latency - self._shortest_latency)
        return self.opened_at + delayed + self.length + self._margin

    @property
    def _early_probe_at(self) -> float:
        """When a probe tests whether the window ends a second earlier; infinity for never."""
        if self._has_probed_early or self.opened_at is None or self.length is None:
            return math.inf
        age = self.length - ROUNDING_SECONDS + EARLY_MARGIN_SECONDS
        # A length of 1 s may be a token bucket, which names "1" for any shorter delay: probe soon
        # after the last exhausted moment.
        if self.length <= ROUNDING_SECONDS:
            age = max(age, self._exhausted_for + EARLY_MARGIN_SECONDS)
        # If the window was still exhausted at a greater age, an earlier end is ruled out.
        return self.opened_at + age if age > self._exhausted_for else math.inf

    def next_allowed_at(self, now: float, in_flight: int) -> float:
        """See `LimitModel.next_allowed_at`."""
        ends_at = self.ends_at if self.is_proven else math.inf
        if now >= ends_at:
            return now
        if self.remaining - self._uncertain > in_flight:
            return now if now < ends_at - LAST_MOMENT_SECONDS else ends_at
        if in_flight:
            # The window seems exhausted. A probe must be alone, so it waits for the responses in
            # flight (which may state more). A proven window needs no probe: a response that never
            # arrives must not keep the next window shut.
            return self.ends_at if self.is_proven else math.inf
        if self.ends_at == math.inf:
            return max(now, self._probe_at)
        return max(now, min(self.ends_at, self._early_probe_at))

    def start(self, now: float, number: int, in_flight: int) -> bool:
        """See `LimitModel.start`."""
        if self.length is None and now - self._last_sent_at > UNSEEN_SECONDS:
            self.opened_at = None
        self._last_sent_at, self._last_number = now, number
        if now >= self.ends_at:
            # Predict a new window, opened by this request. `_record_opener` confirms it and
            # `_revert_prediction` takes it back.
            self._previous_opened_at, self.opened_at = self.opened_at, now
            self.first_number, self.remaining, self._uncertain = number, self.limit, 0
            # Requests that are in flight were sent just before the end, and may be counted in the
            # new window. Example: at limit 5, four are sent 1 ms before the end and arrive after
            # it; with five more the new window would throttle four of them.
            self._late_arrivals = in_flight
            return not self.is_proven
        if self.remaining - self._uncertain > in_flight:
            return False
        self._has_probed_early |= now >= self._early_probe_at
        return True

    def release(self, ticket: Ticket) -> None:
        """See `LimitModel.release`."""
        if ticket.number >= self.first_number:
            self._add_uncertain(1)

    def _add_uncertain(self, requests: int) -> None:
        # Only a request that is sent later is certain to be counted after the uncertain ones.
        self._uncertain += requests
        self._uncertain_up_to = self._last_number

    def accept(
        self, ticket: Ticket, response: Response, seconds: float, ledger: Ledger
    ) -> LimitModel:
        """See `LimitModel.accept`."""
        allowance = read_allowance(response)
        if allowance is None:
            return self
        signs = self._signs
        # A proven window is one: rises in it come from other clients, not from a bucket.
        if not self.is_proven:
            signs.count(ticket, allowance, ledger, self.limit)
            if signs.is_bucket:
                return signs.make_bucket(ticket, allowance, seconds, ledger)
        if allowance.remaining >= allowance.limit - 1:
            signs.record_full(ticket, allowance, ledger)
        self._shortest_latency = min(seconds, self._shortest_latency * LATENCY_GROWTH)
        self._count(ticket, allowance, seconds, ledger.in_flight)
        # Some servers state the end on every response. It is read once the window is exhausted,
        # when its age makes the rounding small.
        if self.length is None and self.remaining <= ledger.in_flight:
            self._use_reset(ticket, rate_reset(response))
        return self

    def _count(self, ticket: Ticket, allowance: Allowance, seconds: float, in_flight: int) -> None:
        """Update what remains, and notice which window the request was counted in."""
        if allowance.limit != self.limit:
            self.limit, self.remaining = allowance.limit, allowance.remaining
        is_opener = allowance.remaining == allowance.limit - 1
        # Within one window a request leaves less than what remained when it was sent: sent at 5,
        # it leaves 4 or less. If it leaves 5 or more, it was counted in a new window.
        is_refilled = ticket.remaining is not None and allowance.remaining >= ticket.remaining
        if is_refilled and ticket.number > self._settled_up_to:
            self._start_unexpected_window(ticket, allowance, in_flight)
        is_in_window = (
            ticket.number >= self.first_number
            or is_refilled
            # The opener's own response was overtaken by that of a later request.
            or (is_opener and self.opened_at is None)
        )
        if not is_in_window:
            # The request was sent before this window, but may have arrived in it: the stated
            # number tells of the old window, so one more request becomes uncertain.
            self._add_uncertain(self.first_number - ticket.number <= self._late_arrivals)
            return
        if ticket.number > self._uncertain_up_to:
            self._uncertain = 0  # counted in the stated number by now, or never counted
        self.remaining = min(self.remaining, allowance.remaining)
        if is_opener:
            self._record_opener(ticket, seconds)
        elif ticket.number == self.first_number:
            # Our first request left less than it should have. Our later requests may have
            # overtaken it; what they do not explain, another client used: its opening is unknown.
            # With a limit of 60 and 3 later requests, 56 is explained and 55 is not.
            overtaking = self._last_number - ticket.number
            if allowance.remaining < allowance.limit - 1 - overtaking:
                self.opened_at, self._held_predictions = None, 0

    def _record_opener(self, ticket: Ticket, seconds: float) -> None:
        """Record the request that opened the window. It confirms a prediction, if there is one."""
        if self._previous_opened_at is not None:
            self._held_predictions += 1
            self._has_seemed_longer = False
            self._margin = max(MARGIN_SECONDS, self._margin * MARGIN_DECAY)
        self.opened_at, self._opener_latency = ticket.sent_at, seconds
        self._previous_opened_at = None

    def _start_unexpected_window(
        self, ticket: Ticket, allowance: Allowance, in_flight: int
    ) -> None:
        """Start a new window that was met before it was expected."""
        if self.opened_at is not None:
            age = ticket.sent_at - self.opened_at
            if 0 < self._exhausted_for < age:
                self._shorten(age)
        self.opened_at, self._previous_opened_at = None, None
        self.first_number, self.remaining = ticket.number, allowance.remaining
        self._settled_up_to = self._last_number
        self._late_arrivals, self._uncertain = ticket.others_in_flight, 0
        # Requests whose responses overtook this one may have been counted in the new window.
        # Example: 4 others were in flight when it was sent, 3 were sent since, and 5 are still in
        # flight: 2 responses are missing from both counts.
        sent_since = self._last_number - ticket.number
        self._add_uncertain(ticket.others_in_flight + sent_since - in_flight)

    def _shorten(self, age: float) -> None:
        """Learn that the window had ended at this age."""
        if self.length is None:
            # Exhausted at 4.2 s and open again at 5.1 s: the length is 5, a whole second between.
            whole = math.floor(self._exhausted_for) + 1.0
            self.length = min(whole, age)
        elif age < self.length - ROUNDING_SECONDS / 2:
            # Less than half a second early is the unevenness of the network, not a shorter window.
            self.length = min(age, max(1.0, self.length - ROUNDING_SECONDS))
            self._held_predictions = 0

    def throttle(
        self, now: float, ticket: Ticket, response: Response, ledger: Ledger
    ) -> LimitModel:
        """See `LimitModel.throttle`."""
        delay = retry_delay(response)
        if ticket.number >= self.first_number and self._previous_opened_at is not None:
            self._revert_prediction()
        self.remaining = 0
        if self.opened_at is not None and ticket.sent_at >= self.opened_at:
            age = ticket.sent_at - self.opened_at
            self._exhausted_for = max(self._exhausted_for, age)
            if delay is not None and self._is_longer(age + delay):
                self._lengthen(age, delay)
        self._probe_at = now + probe_delay(delay, ledger.throttles_in_a_row)
        return self

    def _is_longer(self, seconds: float) -> bool:
        return self.length is None or seconds > self.length + ROUNDING_SECONDS

    def _lengthen(self, age: float, delay: float) -> None:
        """Learn that the window at this age names ``delay``, which exceeds its length."""
        if self.length is not None and not self._has_seemed_longer:
            # The first time another client may have opened the next window, which then seems as
            # long as both. The next opener of our own shows which it is.
            self.opened_at, self._has_seemed_longer = None, True
        else:
            self.length, self._has_seemed_longer = infer_length(age, delay), False
        self._held_predictions = 0

    def _use_reset(self, ticket: Ticket, seconds: float | None) -> None:
        """Learn from the seconds until the window's end, stated before any throttle."""
        if seconds is None:
            return
        if self.opened_at is None:
            self._probe_at = ticket.sent_at + seconds
        elif ticket.sent_at >= self.opened_at:
            self.length = infer_length(ticket.sent_at - self.opened_at, seconds)

    def _revert_prediction(self) -> None:
        """Take back a predicted window: it was too early."""
        self.opened_at, self._previous_opened_at = self._previous_opened_at, None
        if self.is_proven:  # all requests of the window were sent at once, and all were throttled
            self._required_predictions = REQUIRED_AFTER_FAILURE
        self._held_predictions = 0
        self._margin = wider_margin(self._margin)

    def estimate(self) -> LimitEstimate:
        """See `LimitModel.estimate`."""
        if self.length is None:
            return LimitEstimate()
        window = Rate(self.limit, per=self.length)
        return LimitEstimate(rate=self.limit / self.length, window=window)
