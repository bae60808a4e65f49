"""Raw client: what the tests of this folder share."""

from __future__ import annotations

import asyncio

from moregood_async import MoreGoodClient
from moregood_async.wire import Handler, Request, Response
from tests.middleware.doubles import answer

KEY = "canary-key"


async def ping(client: MoreGoodClient) -> int:
    return (await client.request("GET", "reviews")).status


def _slow(most: dict[str, int], per_key: bool) -> Handler:
    in_flight: dict[str, int] = {}

    async def handler(request: Request) -> Response:
        key = request.headers["authorization"] if per_key else ""
        in_flight[key] = in_flight.get(key, 0) + 1
        most[key] = max(most.get(key, 0), in_flight[key])
        await asyncio.sleep(0.01)
        in_flight[key] -= 1
        return answer()

    return handler
