"""The counts of one key: requests sent, in flight, accepted and throttled.

A *wave* is the set of requests that were in flight together when a response was throttled. A wave
counts as one throttle, because its requests were sent before anybody could know better. Example:
requests 1 to 4 are in flight and the server throttles all four. The first 429 sets ``wave_end``
to 4; the three others have numbers up to 4, so they add nothing. Request 5 is sent later: if the
server throttles it too, that is the second throttle in a row, and the delay doubles.
"""

from __future__ import annotations

import math

import attrs


@attrs.define
class Ticket:
    """The permission to send one request, and what was known when it was sent."""

    number: int
    """Counts from 1, in the order of sending."""
    sent_at: float
    remaining: float | None = None
    """What the limit model expected to remain at that time; None if the model does not count."""
    others_in_flight: int = 0
    """Other requests in flight when this one was sent."""


@attrs.define
class Ledger:
    """The counts of one key."""

    sent: int = 0
    """Requests sent so far, which is also the number of the newest ticket."""
    in_flight: int = 0
    accepted: int = 0
    """Requests with a response that was not rate limited, whatever its status."""
    throttled: int = 0
    """Requests with a rate limited response."""
    first_sent_at: float = math.inf
    throttles_in_a_row: int = 0
    """Throttled waves since the last accepted request."""
    wave_end: int = 0
    """The newest request that was sent before the last throttle became known."""

    def start(self, now: float) -> int:
        """Count a request as sent. Return its number."""
        if not self.sent:
            self.first_sent_at = now
        self.sent += 1
        self.in_flight += 1
        return self.sent

    def accept(self, ticket: Ticket) -> bool:
        """Count a request as accepted. Return whether it was sent after the last throttle.

        Only such a request proves that the server accepts requests again.
        """
        self.accepted += 1
        if ticket.number <= self.wave_end:
            return False
        self.throttles_in_a_row = 0
        return True

    def throttle(self, ticket: Ticket) -> bool:
        """Count a request as throttled. Return whether it is the first of its wave."""
        self.throttled += 1
        if ticket.number <= self.wave_end:
            return False
        self.wave_end = self.sent
        self.throttles_in_a_row += 1
        return True
