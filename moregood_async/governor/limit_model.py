"""The interface of a limit model: what the governor needs to know about a server's limit."""

from __future__ import annotations

from typing import Protocol

import attrs

from moregood_async.config import Rate
from moregood_async.governor.ledger import Ledger, Ticket
from moregood_async.wire import Response


@attrs.frozen(kw_only=True)
class LimitEstimate:
    """The server's limit as far as it is known."""

    rate: float | None = None
    """Requests a second that the server accepts; None while no limit is known."""
    window: Rate | None = None
    """The server's fixed window, once its length is known."""
    burst: int | None = None
    """The capacity of the server's token bucket, if it has one."""


class LimitModel(Protocol):
    """Predicts when the server accepts the next request.

    The methods that read a response return the model to use from then on: a model that does not
    fit what the server does replaces itself.
    """

    @property
    def remaining(self) -> float | None:
        """Requests that the server still accepts; None if the model does not count them."""
        ...

    def next_allowed_at(self, now: float, in_flight: int) -> float:
        """Return when the next request may be sent.

        ``now`` or earlier means at once; infinity means once a request in flight has ended.
        """
        ...

    def start(self, now: float, number: int, in_flight: int) -> bool:
        """Record that a request is sent. Return whether it is a probe, which must be alone.

        ``in_flight`` counts the other requests in flight.
        """
        ...

    def release(self, ticket: Ticket) -> None:
        """Record that a request ended without a response. The server may have counted it."""
        ...

    def accept(
        self, ticket: Ticket, response: Response, seconds: float, ledger: Ledger
    ) -> LimitModel | None:
        """Learn from an accepted request that was in flight for ``seconds``.

        Return the model to use from now on, or None to start from nothing.
        """
        ...

    def throttle(
        self, now: float, ticket: Ticket, response: Response, ledger: Ledger
    ) -> LimitModel:
        """Learn from a 429, the first of its wave. Return the model to use from now on."""
        ...

    def estimate(self) -> LimitEstimate:
        """Return the limit as far as the model knows it."""
        ...
