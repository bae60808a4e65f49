"""The signs by which a token bucket differs from a fixed window.

Both servers state the same two headers. ``Remaining`` of a window only falls, until a new window
brings it back to the whole limit at once. ``Remaining`` of a bucket rises a little all the time:
19, 18, 17, 17, 17. A single rise proves nothing, because another client of the same key may have
opened a new window in between, so the signs are counted.
"""

from __future__ import annotations

import attrs

from moregood_async.governor.bucket import TokenBucket
from moregood_async.governor.ledger import Ledger, Ticket
from moregood_async.governor.rate_headers import Allowance

REQUIRED_SIGNS = 2
"""Rises, or refills, that make a bucket. One can have another cause."""

WINDOWS_OF_A_BUCKET = 3
"""More tokens than this many limits, within what seems one window, make a bucket."""

SHORTEST_WINDOW_SECONDS = 0.9
"""No window is shorter: servers count in whole seconds."""

SAME_MOMENT_SECONDS = 0.001
"""Requests this close together say nothing about time."""


@attrs.define
class BucketSigns:
    """Counts the signs of a token bucket."""

    _full_at: float
    """When the server last stated its whole limit, less the request itself."""
    _full_total: int
    """At that time: requests remaining plus requests accepted so far."""
    is_bucket: bool = False
    """Whether the signs so far prove a bucket."""
    _rises: int = 0
    """How often more remained than before, though no new window can have begun."""
    _refills: int = 0
    """How often the whole limit came back sooner than any window ends."""

    def record_full(self, ticket: Ticket, allowance: Allowance, ledger: Ledger) -> None:
        """Record a response that states the whole limit."""
        self._full_at = ticket.sent_at
        self._full_total = allowance.remaining + ledger.accepted

    def count(self, ticket: Ticket, allowance: Allowance, ledger: Ledger, limit: int) -> None:
        """Count the signs in one response. ``limit`` is the window's limit until now."""
        remaining, full = allowance.remaining, allowance.limit - 1
        if remaining >= full:
            # A window is full once, when it opens. Full again after 0.2 s: it filled up.
            since_full = ticket.sent_at - self._full_at
            self._refills += SAME_MOMENT_SECONDS < since_full < SHORTEST_WINDOW_SECONDS
            self.is_bucket = self._refills >= REQUIRED_SIGNS
            return
        if ticket.remaining is None or remaining < ticket.remaining:
            return  # it fell, as it does in both kinds
        # It rose. A new window would state the limit less those of our requests that may have
        # arrived before this one. With a limit of 20 and 3 such requests that is 16 or more, so
        # 15 is a rise within the same window.
        own = ticket.others_in_flight + ledger.in_flight
        self._rises += remaining < full - own
        # Since the last full response, the server accepted these many more than remained then.
        gained = remaining + ledger.accepted - self._full_total
        has_gained = gained > WINDOWS_OF_A_BUCKET * limit
        self.is_bucket = self._rises >= REQUIRED_SIGNS or has_gained

    def make_bucket(
        self, ticket: Ticket, allowance: Allowance, seconds: float, ledger: Ledger
    ) -> TokenBucket:
        """Return the bucket, with the rate at which it has filled since it was last full."""
        gained = max(1, allowance.remaining + ledger.accepted - self._full_total)
        rate = gained / max(SAME_MOMENT_SECONDS, seconds, ticket.sent_at - self._full_at)
        return TokenBucket.from_response(ticket, allowance, rate, seconds, ledger)
