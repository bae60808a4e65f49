"""Drives a `Governor` step by step, on a clock that the test sets."""

from __future__ import annotations

import math

import attrs

from moregood_async.config import Limits, Rate
from moregood_async.governor.bucket import TokenBucket
from moregood_async.governor.goodput import Goodput
from moregood_async.governor.governor import Governor
from moregood_async.governor.ledger import Ticket
from moregood_async.governor.limit_model import LimitModel
from moregood_async.governor.state import PaceState
from moregood_async.governor.window import FixedWindow
from moregood_async.wire import Response
from tests.governor.servers import Server, make_response

ONE_WAY = 0.025
"""Seconds from the client to the server, and back."""

UNTIL_ONE_ENDS = math.inf
"""What `Driver.next_allowed_at` returns if a request in flight must end first."""


@attrs.define
class Driver:
    """Sends only what the governor allows; the test, or a server, supplies the responses."""

    governor: Governor

    @classmethod
    def create(cls, max_concurrency: int = 32, max_rate: Rate | None = None) -> Driver:
        """Return a driver with a new governor."""
        return cls(Governor(Limits(max_concurrency, max_rate)))

    def next_allowed_at(self, at: float) -> float:
        """Return when the next request may be sent; ``at`` itself means at once."""
        return max(at, self.governor.next_allowed_at(at))

    def send(self, at: float) -> Ticket:
        """Send a request. Fail if the governor does not allow it."""
        allowed_at = self.next_allowed_at(at)
        assert allowed_at == at, f"at {at} the next is allowed at {allowed_at}: {self.model}"
        return self.governor.start(at)

    def send_all(self, at: float, most: int = 1000) -> list[Ticket]:
        """Send as many requests as the governor allows at once."""
        tickets: list[Ticket] = []
        while len(tickets) < most and self.next_allowed_at(at) == at:
            tickets.append(self.governor.start(at))
        return tickets

    def receive(self, at: float, ticket: Ticket, response: Response) -> None:
        """Receive the response to a request."""
        self.governor.receive(at, ticket, "customers.upsert", response)

    def exchange(self, at: float, response: Response) -> Ticket:
        """Send a request and receive this response."""
        ticket = self.send(at)
        self.receive(at + 2 * ONE_WAY, ticket, response)
        return ticket

    def request(self, at: float, server: Server) -> Response:
        """Send a request to a server and return its response."""
        response = server.handle(at + ONE_WAY)
        self.exchange(at, response)
        return response

    def request_asap(self, at: float, server: Server, times: int) -> float:
        """Send requests one after the other, each as soon as allowed. Return the time."""
        for _ in range(times):
            at = self.next_allowed_at(at)
            assert at < math.inf
            self.request(at, server)
            at += 2 * ONE_WAY
        return at

    def grow_to(self, most: int, at: float = 0.0) -> float:
        """Exchange responses without a limit until ``most`` may be in flight. Return the time."""
        while self.state(at).concurrency < most:
            self.exchange(at, make_response())
            at += 2 * ONE_WAY
        return at

    def state(self, at: float, waiting: int = 0) -> PaceState:
        """Return the governor's state."""
        return self.governor.state(at, waiting)

    @property
    def model(self) -> LimitModel:
        """The governor's limit model."""
        return self.governor.model

    @property
    def window(self) -> FixedWindow:
        """The model, which must be a window."""
        assert isinstance(self.model, FixedWindow)
        return self.model

    @property
    def bucket(self) -> TokenBucket:
        """The model, which must be a bucket."""
        assert isinstance(self.model, TokenBucket)
        return self.model

    @property
    def goodput(self) -> Goodput:
        """The model, which must be a goodput."""
        assert isinstance(self.model, Goodput)
        return self.model
