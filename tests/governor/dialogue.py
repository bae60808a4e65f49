"""A conversation with a `Governor`, step by step, on a clock that the test sets."""

from __future__ import annotations

import math

import attrs

from moregood_async.config import Limits, Rate
from moregood_async.governor.governor import Governor
from moregood_async.governor.ledger import Sent
from moregood_async.governor.state import PaceState
from moregood_async.wire import Response
from tests.governor.servers import Server, said

WAY = 0.025
"""Seconds from here to the server, and back."""

ENDS = math.inf
"""What `Dialogue.opens` gives where a request must end before the next may go."""


@attrs.define
class Dialogue:
    """Sends only what may be sent, and hears what the test says, or what a server does."""

    governor: Governor

    @classmethod
    def begun(cls, max_concurrency: int = 32, max_rate: Rate | None = None) -> Dialogue:
        """With a governor that has been told nothing."""
        return cls(Governor(Limits(max_concurrency, max_rate)))

    def opens(self, at: float) -> float:
        """When the next may go; ``at`` itself where it may at once."""
        return max(at, self.governor.opens_at(at))

    def sends(self, at: float) -> Sent:
        """A request goes, which must be allowed."""
        opens = self.opens(at)
        assert opens == at, f"at {at} it opens at {opens}: {self.governor.belief}"
        return self.governor.started(at)

    def sends_all(self, at: float, most: int = 1000) -> list[Sent]:
        """As many as may go at once."""
        sent: list[Sent] = []
        while len(sent) < most and self.opens(at) == at:
            sent.append(self.governor.started(at))
        return sent

    def hears(self, at: float, sent: Sent, response: Response) -> None:
        """An answer comes."""
        self.governor.answered(at, sent, "customers.upsert", response)

    def exchanges(self, at: float, response: Response) -> Sent:
        """A request and its answer."""
        sent = self.sends(at)
        self.hears(at + 2 * WAY, sent, response)
        return sent

    def asks(self, at: float, server: Server) -> Response:
        """A request to a server, and its answer; it must be allowed."""
        response = server.hit(at + WAY)
        self.exchanges(at, response)
        return response

    def asks_at_best(self, at: float, server: Server, times: int) -> float:
        """So many requests one after the other, each as soon as it may go; gives the time."""
        for _ in range(times):
            at = self.opens(at)
            assert at < math.inf
            self.asks(at, server)
            at += 2 * WAY
        return at

    def grows_to(self, most: int, at: float = 0.0) -> float:
        """Answers that speak of no limit, until so many may be in flight; gives the time."""
        while self.state(at).concurrency < most:
            self.exchanges(at, said())
            at += 2 * WAY
        return at

    def state(self, at: float, waiting: int = 0) -> PaceState:
        """What it believes."""
        return self.governor.state(at, waiting)
