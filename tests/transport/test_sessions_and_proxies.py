"""Proxies, user-supplied sessions, and the arguments of aiohttp calls."""

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
from tests.transport.raw_requests import (
    KEY,
    Summary,
    call_arguments,
    failure,
    get,
    post,
    summary_of,
)


async def test_a_configured_proxy_is_used() -> None:
    """The proxy receives the absolute URL."""
    async with RawServer() as proxy:
        transport = AiohttpTransport(proxy=proxy.url)
        await transport(get("http://beacon.invalid"))
        await transport.close()
    assert ["http://beacon.invalid/beacon/asks"] == [each.target for each in proxy.received]


@pytest.mark.parametrize(
    ("trust_env", "no_proxy", "proxied"),
    [(True, "", 1), (True, "127.0.0.1", 0), (True, "*", 0), (False, "", 0)],
    ids=["trusted", "host in no_proxy", "every host in no_proxy", "not trusted"],
)
async def test_the_proxy_of_the_environment_is_used_only_with_trust_env(
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
    assert proxied == len(proxy.received)
    assert 1 - proxied == len(server.received)


async def test_a_users_session_is_never_closed() -> None:
    async with RawServer() as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session)
        await transport(post(server.url))
        await transport.close()
        assert not session.closed


async def test_the_settings_of_a_users_session_do_not_change_the_results() -> None:
    """The session's headers are added but replace none of the client's; cookies are stored."""
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
        cookies = len(session.cookie_jar)
    assert [500, 200] == statuses
    assert 1 == cookies
    first, second = server.received
    assert ["application/json"] == first.all("Accept")
    assert ["yes"] == first.all("X-Mine")
    assert [f"Bearer {KEY}"] == first.all("Authorization")
    assert [f"Bearer {KEY}"] == second.all("Authorization")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
async def test_a_users_session_sends_a_write_once(method: str) -> None:
    """Aiohttp would retry PUT and DELETE by itself."""
    async with RawServer(saying(http(), b"", http())) as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session)
        await transport(get(server.url))
        error = await failure(transport, post(server.url, method=method))
        await asyncio.sleep(0.02)
    assert Summary(ConnectionLost, phase="waiting", sent=True) == summary_of(error)
    assert ["GET", method] == [received.method for received in server.received]


async def test_aiohttp_neither_follows_redirects_nor_raises_for_a_status(mocked: Any) -> None:
    """Method, URL and headers are the session manager's; aiohttp's own timeout is disabled."""
    url = "https://api.moregoodreviews.com/beacon/asks"
    mocked.post(url, payload={"data": {}}, response_class=MockedResponse)
    async with MoreGoodClient(KEY) as client:
        await client.asks.create(email="ada@example.com", channels=["email"])
    kwargs = call_arguments(mocked, "POST", url)
    assert kwargs["allow_redirects"] is False
    assert kwargs["raise_for_status"] is False
    assert kwargs["proxy"] is None
    assert aiohttp.ClientTimeout(total=None) == kwargs["timeout"]
    assert {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
    } == dict(kwargs["headers"])


async def test_a_list_request_has_neither_a_body_nor_a_content_type(mocked: Any) -> None:
    url = "https://api.moregoodreviews.com/beacon/reviews?page=1"
    mocked.get(url, payload={"success": True, "data": []}, response_class=MockedResponse)
    async with MoreGoodClient(KEY) as client:
        assert [] == await client.reviews.list().collect()
    kwargs = call_arguments(mocked, "GET", url)
    headers = {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
    }
    assert kwargs["data"] is None
    assert headers == dict(kwargs["headers"])


async def test_an_infinite_attempt_timeout_is_no_limit(transport: AiohttpTransport) -> None:
    """The transport waits for a slow response if neither attempt nor call has a time limit."""

    async def slow(_: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(http())

    async with RawServer(slow) as server:
        assert math.inf == post(server.url).attempt_timeout
        assert 200 == (await transport(post(server.url))).status
