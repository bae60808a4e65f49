"""Nothing is known of a limit: no answer has spoken of one, and none was a refusal."""

from __future__ import annotations

import math

import attrs

from moregood_async.governor.answers import allowance
from moregood_async.governor.belief import Belief, Believed
from moregood_async.governor.goodput import Goodput
from moregood_async.governor.ledger import Ledger, Sent
from moregood_async.governor.window import FixedWindow
from moregood_async.wire import Response


@attrs.frozen
class Unlimited:
    """What is believed at first; requests go as they come."""

    left: None = None

    def opens_at(self, now: float, in_flight: int) -> float:
        """See `Belief.opens_at`."""
        return -math.inf

    def sent(self, now: float, number: int, in_flight: int) -> bool:
        """See `Belief.sent`."""
        return False

    def lost(self, sent: Sent) -> None:
        """See `Belief.lost`."""

    def let_in(self, sent: Sent, response: Response, seconds: float, ledger: Ledger) -> Belief:
        """See `Belief.let_in`."""
        said = allowance(response)
        return self if said is None else FixedWindow.of(sent, said, seconds, ledger.let_in)

    def refused(self, now: float, sent: Sent, response: Response, ledger: Ledger) -> Belief:
        """See `Belief.refused`."""
        said = allowance(response)
        if said is None:
            return Goodput(ledger.began).refused(now, sent, response, ledger)
        window = FixedWindow.of(sent, said, now - sent.at, ledger.let_in)
        return window.refused(now, sent, response, ledger)

    def believed(self) -> Believed:
        """See `Belief.believed`."""
        return Believed()
