"""`RunCounters`: what one run sent, and what its time was spent on."""

from __future__ import annotations

import time
from typing import Any

import attrs

from moregood_async.wire import Handler, Request, Response, is_rate_limited


@attrs.define
class RunCounters:
    """Counts the requests of one run.

    `count_request` is a middleware of the run's own view of the client, so that requests of
    other users of the same key are not counted.
    """

    requests: int = 0
    throttled: int = 0
    """Requests that the server rate limited."""
    retries: int = 0
    """Requests that were second or later attempts of their call."""
    timings: dict[str, float] = attrs.field(factory=dict[str, float])
    """Seconds by phase, summed over rows that run concurrently."""

    async def count_request(self, request: Request, call_next: Handler) -> Response:
        """Count an attempt as it is sent."""
        self.requests += 1
        self.retries += request.attempt > 1
        response = await call_next(request)
        if response.status >= 400:
            self.throttled += is_rate_limited(response)
        return response

    def add_time(self, phase: str, began: float) -> None:
        """Add the time since ``began``, on the monotonic clock, to a phase."""
        self.timings[phase] = self.timings.get(phase, 0.0) + time.monotonic() - began

    def as_json(self) -> dict[str, Any]:
        """Return the counters as the journal stores them."""
        timings = {phase: round(seconds, 3) for phase, seconds in self.timings.items()}
        return attrs.asdict(self) | {"timings": timings}
