"""Views share connections, and each key has one pace and one set of limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from moregood_async.config import Rate
from moregood_async.errors import ConfigurationError, MoreGoodError
from moregood_async.wire import Request, Response
from tests.aiohttp_doubles import RawServer
from tests.client.raw_client import KEY, _slow, ping
from tests.middleware.doubles import answer, told


async def test_views_share_the_connections(server: RawServer) -> None:
    """Five hundred projects through one pool."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        for number in range(20):
            view = client.with_options(api_key=f"key-{number}", attempt_timeout=5.0)
            await ping(view)
        await ping(client)
    assert (21, 1) == (len(server.received), server.connections)
    sent = [value for received in server.received for value in received.all("Authorization")]
    assert [*(f"Bearer key-{number}" for number in range(20)), f"Bearer {KEY}"] == sent


async def test_views_of_one_key_share_its_pace() -> None:
    """The server counts by key, and does not know of views."""
    most: dict[str, int] = {}
    async with MoreGoodClient(
        KEY, transport=_slow(most, per_key=False), max_concurrency=3
    ) as client:
        views = [client.with_options(deadline=30.0 + number) for number in range(4)]
        await asyncio.gather(*(ping(view) for view in views * 5))
    assert {"": 3} == most


async def test_each_key_has_a_pace_of_its_own() -> None:
    """Its own bound in flight, and its own waits."""
    most: dict[str, int] = {}
    async with MoreGoodClient(
        KEY, transport=_slow(most, per_key=True), max_concurrency=3
    ) as client:
        other = client.with_options(api_key="other", max_concurrency=5)
        await asyncio.gather(*(ping(each) for each in [client, other] * 15))
    assert {f"Bearer {KEY}": 3, "Bearer other": 5} == most


async def test_a_key_that_waits_holds_up_no_other() -> None:
    """One project's 429 is that project's."""

    async def handler(request: Request) -> Response:
        return told(600) if KEY in request.headers["authorization"] else answer()

    async with MoreGoodClient(KEY, transport=handler, max_attempts=1) as client:
        with pytest.raises(MoreGoodError):
            await ping(client)
        async with asyncio.timeout(1.0):
            assert 200 == await ping(client.with_options(api_key="other"))


@pytest.mark.parametrize(
    "limits",
    [{"max_concurrency": 5}, {"max_rate": Rate(60)}, {"api_key": KEY, "max_concurrency": 5}],
    ids=["concurrency", "rate", "the key said again"],
)
async def test_a_key_has_one_set_of_limits(limits: dict[str, Any]) -> None:
    """Two views that want the same key paced differently cannot both have it."""
    client = MoreGoodClient(KEY, max_concurrency=3)
    with pytest.raises(ConfigurationError, match="this key already has"):
        client.with_options(**limits)
    client.with_options(max_concurrency=3)
    client.with_options(api_key="other", max_concurrency=5, max_rate=Rate(60))
    with pytest.raises(ConfigurationError, match="this key already has"):
        client.with_options(api_key="other", max_concurrency=6)
