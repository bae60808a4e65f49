"""What a response's headers state about the server's rate limit."""

from __future__ import annotations

import attrs

from moregood_async.wire import Response, rate_reset, retry_after

LARGEST_LIMIT = 10**9
"""A larger ``X-RateLimit-Limit`` is ignored: a header can hold a number that overflows a float."""


@attrs.define
class Allowance:
    """``X-RateLimit-Limit`` and ``X-RateLimit-Remaining``."""

    limit: int
    remaining: int
    """At the time when the server handled the request. Laravel can report a negative number."""


def retry_delay(response: Response) -> float | None:
    """Return the delay in seconds that a throttled response names, or None.

    ``Retry-After`` wins over ``X-RateLimit-Reset``.
    """
    seconds = retry_after(response)
    return rate_reset(response) if seconds is None else seconds


def read_allowance(response: Response) -> Allowance | None:
    """Return the response's allowance, or None if its headers are missing or make no sense."""
    headers = response.headers
    remaining_text = headers.get("X-RateLimit-Remaining")
    if remaining_text is None:
        return None
    try:
        limit, remaining = int(headers.get("X-RateLimit-Limit", "")), int(remaining_text)
    except ValueError:
        return None
    if not (1 <= limit <= LARGEST_LIMIT and remaining <= limit):
        return None
    return Allowance(limit, max(remaining, -limit))
