"""Proxies, sessions of the user, and what aiohttp is called with."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import aiohttp
import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    ConnectionLost,
)
from moregood_async.transport import AiohttpTransport
from moregood_async.transport.ordinary_path import USER_AGENT
from tests.aiohttp_doubles import (
    MockedResponse,
    RawServer,
    Received,
    http,
    saying,
)
from tests.transport.raw_requests import KEY, asked, failure, get, post, told


async def test_a_proxy_is_used_where_one_is_given() -> None:
    """It gets the whole address."""
    async with RawServer() as proxy:
        transport = AiohttpTransport(proxy=proxy.url)
        await transport(get("http://beacon.invalid"))
        await transport.close()
    assert ["http://beacon.invalid/beacon/asks"] == [each.target for each in proxy.received]


@pytest.mark.parametrize(
    ("trust_env", "no_proxy", "proxied"),
    [(True, "", 1), (True, "127.0.0.1", 0), (True, "*", 0), (False, "", 0)],
    ids=["trusted", "an exception", "everything an exception", "not trusted"],
)
async def test_the_environments_proxy_is_used_only_where_it_is_trusted(
    monkeypatch: pytest.MonkeyPatch, trust_env: bool, no_proxy: str, proxied: int
) -> None:
    """``trust_env=True`` reads ``http_proxy`` and ``no_proxy``, as curl does."""
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with RawServer() as server, RawServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", no_proxy)
        transport = AiohttpTransport(trust_env=trust_env)
        await transport(get(server.url))
        await transport.close()
    assert (proxied, 1 - proxied) == (len(proxy.received), len(server.received))


async def test_a_users_session_is_never_closed() -> None:
    """Who opened it closes it."""
    async with RawServer() as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session)
        await transport(post(server.url))
        await transport.close()
        assert not session.closed


async def test_a_users_session_brings_its_own_habits_and_they_do_no_harm() -> None:
    """Default headers are added, ours win; a 500 is an answer; its jar is its own affair."""
    async with (
        RawServer(saying(http("500 Oops", b"{}", "Set-Cookie: a=1"), http())) as server,
        aiohttp.ClientSession(
            headers={"Accept": "text/html", "X-Mine": "yes", "authorization": "Basic other"},
            raise_for_status=True,
            timeout=aiohttp.ClientTimeout(total=0.000001),
            cookie_jar=aiohttp.CookieJar(unsafe=True),
        ) as session,
    ):
        transport = AiohttpTransport(session)
        statuses = [(await transport(post(server.url))).status for _ in range(2)]
        kept = len(session.cookie_jar)
    assert ([500, 200], 1) == (statuses, kept)
    first, second = server.received
    assert (["application/json"], ["yes"], [f"Bearer {KEY}"]) == (
        first.all("Accept"),
        first.all("X-Mine"),
        first.all("Authorization"),
    )
    assert [f"Bearer {KEY}"] == second.all("Authorization")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
async def test_a_write_is_sent_once_by_a_users_session_too(method: str) -> None:
    """Aiohttp would send PUT and DELETE again on its own; a body goes out once."""
    async with RawServer(saying(http(), b"", http())) as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session)
        await transport(get(server.url))
        error = await failure(transport, post(server.url, method=method))
        await asyncio.sleep(0.02)
    assert (ConnectionLost, "waiting", True) == told(error)
    assert ["GET", method] == [received.method for received in server.received]


async def test_aiohttp_is_asked_to_follow_and_raise_nothing(mocked: Any) -> None:
    """Method, address and headers as the session manager made them; no timeout of aiohttp's."""
    url = "https://api.moregoodreviews.com/beacon/asks"
    mocked.post(url, payload={"data": {}}, response_class=MockedResponse)
    async with MoreGoodClient(KEY) as client:
        await client.asks.create(email="ada@example.com", channels=["email"])
    kwargs = asked(mocked, "POST", url)
    assert (False, False, None) == (
        kwargs["allow_redirects"],
        kwargs["raise_for_status"],
        kwargs["proxy"],
    )
    assert aiohttp.ClientTimeout(total=None) == kwargs["timeout"]
    assert {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
    } == dict(kwargs["headers"])


async def test_aiohttp_is_asked_for_a_list_without_a_body(mocked: Any) -> None:
    """The page is in the address; there is nothing whose type would have to be said."""
    url = "https://api.moregoodreviews.com/beacon/reviews?page=1"
    mocked.get(url, payload={"success": True, "data": []}, response_class=MockedResponse)
    async with MoreGoodClient(KEY) as client:
        assert [] == await client.reviews.list().collect()
    kwargs = asked(mocked, "GET", url)
    headers = {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
    }
    assert (None, headers) == (kwargs["data"], dict(kwargs["headers"]))


async def test_no_limit_of_time_is_no_limit(transport: AiohttpTransport) -> None:
    """Neither an attempt's nor the call's: then the answer is waited for."""

    async def slow(_: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(http())

    async with RawServer(slow) as server:
        assert math.inf == post(server.url).attempt_timeout
        assert 200 == (await transport(post(server.url))).status
