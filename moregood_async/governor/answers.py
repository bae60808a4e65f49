"""What an answer says about the server's limit."""

from __future__ import annotations

import attrs

from moregood_async.wire import Response, rate_reset, retry_after

LARGEST_LIMIT = 10**9
"""A server that names a larger one is not believed."""


@attrs.define
class Allowance:
    """``X-RateLimit-Limit`` and ``X-RateLimit-Remaining``."""

    limit: int
    remaining: int
    """As it was when the server handled the request; Laravel can go below 0."""


def told_seconds(response: Response) -> float | None:
    """The wait that a refusal names, by ``Retry-After`` or else ``X-RateLimit-Reset``."""
    told = retry_after(response)
    return rate_reset(response) if told is None else told


def allowance(response: Response) -> Allowance | None:
    """What is left, or None where the answer does not say it, or says nonsense."""
    said = response.headers
    remaining = said.get("X-RateLimit-Remaining")
    if remaining is None:
        return None
    try:
        limit, left = int(said.get("X-RateLimit-Limit", "")), int(remaining)
    except ValueError:
        return None
    if not (1 <= limit <= LARGEST_LIMIT and left <= limit):
        return None
    return Allowance(limit, max(left, -limit))
