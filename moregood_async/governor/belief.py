"""What can be believed of a server's limit: the shape that all beliefs share."""

from __future__ import annotations

from typing import Protocol

import attrs

from moregood_async.config import Rate
from moregood_async.governor.ledger import Ledger, Sent
from moregood_async.wire import Response


@attrs.frozen(kw_only=True)
class Believed:
    """A belief in the user's terms."""

    rate: float | None = None
    """Requests a second that the server is believed to let in; None where nothing limits them."""
    window: Rate | None = None
    """The fixed window in which it counts, once its length is known."""
    burst: int | None = None
    """How many requests its token bucket holds, where it has one."""


class Belief(Protocol):
    """Decides when requests may go by what the server is believed to count."""

    @property
    def left(self) -> float | None:
        """How many requests are left; None where that is not counted."""
        ...

    def opens_at(self, now: float, in_flight: int) -> float:
        """When the next request may go: ``now`` or before, at once; inf: once one has ended."""
        ...

    def sent(self, now: float, number: int, in_flight: int) -> bool:
        """A request goes; whether it asks, so that all others wait for its answer."""
        ...

    def lost(self, sent: Sent) -> None:
        """A request ended without an answer; it may have been counted."""
        ...

    def let_in(
        self, sent: Sent, response: Response, seconds: float, ledger: Ledger
    ) -> Belief | None:
        """A request was let in, and under way so long; gives what is believed from now on."""
        ...

    def refused(self, now: float, sent: Sent, response: Response, ledger: Ledger) -> Belief:
        """A request got a 429, the first of those that were under way together."""
        ...

    def believed(self) -> Believed:
        """It, in the user's terms."""
        ...
