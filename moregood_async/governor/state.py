"""The state of a pace as a value: `MoreGoodClient.pace`."""

from __future__ import annotations

import attrs

from moregood_async.governor.limit_model import LimitEstimate


@attrs.frozen(kw_only=True)
class PaceState(LimitEstimate):
    """The estimate of the server's limit, and the requests of this key in numbers."""

    concurrency: int
    """How many requests may be in flight now; at most ``max_concurrency``."""
    sent: int
    """Requests sent so far, retries included."""
    in_flight: int
    waiting: int
    """Calls in the queue."""
    throttled: int
    """Requests of this key that were rate limited (429, or 503 with ``Retry-After``)."""
    next_allowed_in: float
    """Seconds until the next request may be sent.

    0.0 means at once, or as soon as a request in flight has ended.
    """
