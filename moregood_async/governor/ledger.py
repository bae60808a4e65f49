"""What was sent and what became of it: counts, and no judgement."""

from __future__ import annotations

import math

import attrs


@attrs.define
class Sent:
    """A request under way."""

    number: int
    """Counts from 1, in the order of sending."""
    at: float
    left: float | None = None
    """What was left, by the belief of that time; None where it did not count that."""
    in_flight: int = 0
    """The others that were under way when it was sent."""


@attrs.define
class Ledger:
    """The counts of one key."""

    sent: int = 0
    """The number of the last request that was sent."""
    in_flight: int = 0
    let_in: int = 0
    refused: int = 0
    """Told to wait."""
    began: float = math.inf
    """When the first request was sent."""
    tries: int = 0
    """Refusals since the last request was let in; those under way together count as one."""
    wave: int = 0
    """Requests up to this number were under way, or over, when the last refusal came."""

    def starts(self, now: float) -> int:
        """A request goes; gives its number."""
        if not self.sent:
            self.began = now
        self.sent += 1
        self.in_flight += 1
        return self.sent

    def lets_in(self, sent: Sent) -> bool:
        """A request was let in; whether it was sent after the last refusal was known."""
        self.let_in += 1
        if sent.number <= self.wave:
            return False
        self.tries = 0
        return True

    def refuses(self, sent: Sent) -> bool:
        """A request was refused; whether it is the first of those that were under way together."""
        self.refused += 1
        if sent.number <= self.wave:
            return False
        self.wave = self.sent
        self.tries += 1
        return True
