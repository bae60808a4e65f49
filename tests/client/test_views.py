"""Views share connections; each key has one pace and one set of limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from moregood_async.config import Rate
from moregood_async.errors import ConfigurationError, MoreGoodError
from moregood_async.wire import Request, Response
from tests.aiohttp_doubles import RawServer
from tests.client.raw_client import KEY, ping, slow_handler
from tests.middleware.doubles import build_response, retry_after_response


async def test_views_share_the_connections_of_their_client(server: RawServer) -> None:
    """An agency can call many projects through one connection pool."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        for number in range(20):
            view = client.with_options(api_key=f"key-{number}", attempt_timeout=5.0)
            await ping(view)
        await ping(client)
    assert len(server.received) == 21
    assert server.connections == 1
    sent = [value for received in server.received for value in received.all("Authorization")]
    assert [*(f"Bearer key-{number}" for number in range(20)), f"Bearer {KEY}"] == sent


async def test_views_of_one_key_share_its_pace() -> None:
    """The server counts requests for each key."""
    max_in_flight: dict[str, int] = {}
    async with MoreGoodClient(
        KEY, transport=slow_handler(max_in_flight, per_key=False), max_concurrency=3
    ) as client:
        views = [client.with_options(deadline=30.0 + number) for number in range(4)]
        await asyncio.gather(*(ping(view) for view in views * 5))
    assert max_in_flight == {"": 3}


async def test_each_key_has_its_own_pace() -> None:
    """Each key has its own concurrency limit and its own waits."""
    max_in_flight: dict[str, int] = {}
    async with MoreGoodClient(
        KEY, transport=slow_handler(max_in_flight, per_key=True), max_concurrency=3
    ) as client:
        other = client.with_options(api_key="other", max_concurrency=5)
        await asyncio.gather(*(ping(each) for each in [client, other] * 15))
    assert max_in_flight == {f"Bearer {KEY}": 3, "Bearer other": 5}


async def test_a_throttled_key_does_not_delay_other_keys() -> None:
    async def handler(request: Request) -> Response:
        return (
            retry_after_response(600)
            if KEY in request.headers["authorization"]
            else build_response()
        )

    async with MoreGoodClient(KEY, transport=handler, max_attempts=1) as client:
        with pytest.raises(MoreGoodError):
            await ping(client)
        async with asyncio.timeout(1.0):
            assert await ping(client.with_options(api_key="other")) == 200


@pytest.mark.parametrize(
    "limits",
    [{"max_concurrency": 5}, {"max_rate": Rate(60)}, {"api_key": KEY, "max_concurrency": 5}],
    ids=["concurrency", "rate", "the same key"],
)
async def test_a_key_has_one_set_of_limits(limits: dict[str, Any]) -> None:
    """A second view of a key with other limits is refused."""
    client = MoreGoodClient(KEY, max_concurrency=3)
    with pytest.raises(ConfigurationError, match="this key already has"):
        client.with_options(**limits)
    client.with_options(max_concurrency=3)
    client.with_options(api_key="other", max_concurrency=5, max_rate=Rate(60))
    with pytest.raises(ConfigurationError, match="this key already has"):
        client.with_options(api_key="other", max_concurrency=6)
