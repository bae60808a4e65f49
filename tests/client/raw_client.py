"""A raw request of a client, and a slow handler that measures concurrency."""

from __future__ import annotations

import asyncio

from moregood_async import MoreGoodClient
from moregood_async.wire import Handler, Request, Response
from tests.middleware.doubles import build_response

KEY = "canary-key"


async def ping(client: MoreGoodClient) -> int:
    """Send one GET request, and return the status of its response."""
    return (await client.request("GET", "reviews")).status


def slow_handler(max_in_flight: dict[str, int], per_key: bool) -> Handler:
    """Return a handler that records the most requests in flight, for each key or for all."""
    in_flight: dict[str, int] = {}

    async def handler(request: Request) -> Response:
        key = request.headers["authorization"] if per_key else ""
        in_flight[key] = in_flight.get(key, 0) + 1
        max_in_flight[key] = max(max_in_flight.get(key, 0), in_flight[key])
        await asyncio.sleep(0.01)
        in_flight[key] -= 1
        return build_response()

    return handler
