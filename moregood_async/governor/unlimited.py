"""The first limit model: no response has stated a limit and none was throttled."""

from __future__ import annotations

import math

import attrs

from moregood_async.governor.goodput import Goodput
from moregood_async.governor.ledger import Ledger, Ticket
from moregood_async.governor.limit_model import LimitEstimate, LimitModel
from moregood_async.governor.rate_headers import read_allowance
from moregood_async.governor.window import FixedWindow
from moregood_async.wire import Response


@attrs.frozen
class Unlimited:
    """Allows every request at once, until a response reveals a limit.

    A response with ``X-RateLimit-*`` headers starts a `FixedWindow`, the more common kind; that
    model turns into a `TokenBucket` by itself. A 429 without these headers starts a `Goodput`.
    """

    remaining: None = None

    def next_allowed_at(self, now: float, in_flight: int) -> float:
        """See `LimitModel.next_allowed_at`."""
        return -math.inf

    def start(self, now: float, number: int, in_flight: int) -> bool:
        """See `LimitModel.start`."""
        return False

    def release(self, ticket: Ticket) -> None:
        """See `LimitModel.release`."""

    def accept(
        self, ticket: Ticket, response: Response, seconds: float, ledger: Ledger
    ) -> LimitModel:
        """See `LimitModel.accept`."""
        allowance = read_allowance(response)
        if allowance is None:
            return self
        return FixedWindow.from_response(ticket, allowance, seconds, ledger.accepted)

    def throttle(
        self, now: float, ticket: Ticket, response: Response, ledger: Ledger
    ) -> LimitModel:
        """See `LimitModel.throttle`."""
        allowance = read_allowance(response)
        if allowance is None:
            return Goodput(ledger.first_sent_at).throttle(now, ticket, response, ledger)
        seconds = now - ticket.sent_at
        window = FixedWindow.from_response(ticket, allowance, seconds, ledger.accepted)
        return window.throttle(now, ticket, response, ledger)

    def estimate(self) -> LimitEstimate:
        """See `LimitModel.estimate`."""
        return LimitEstimate()
