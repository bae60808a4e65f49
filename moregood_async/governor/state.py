"""What a governor believes, as a value to look at."""

from __future__ import annotations

import attrs

from moregood_async.governor.belief import Believed


@attrs.frozen(kw_only=True)
class PaceState(Believed):
    """What `MoreGoodClient.pace` shows: what is believed of the server's limit, and who waits."""

    concurrency: int
    """How many requests may be in flight now; ``max_concurrency`` at the most."""
    sent: int
    """Requests that went, repeats included, all in all."""
    in_flight: int
    waiting: int
    """Calls whose turn has not come."""
    throttled: int
    """Requests of this key that were rate limited (429, or 503 with ``Retry-After``)."""
    next_allowed_in: float
    """Seconds until the next request may go; 0.0 where it may at once, or once one has ended."""
