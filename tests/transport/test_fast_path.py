"""The fast path and the ordinary path write the same bytes; what switches the fast path off."""

from __future__ import annotations

import functools
from typing import Any

import aiohttp
import attrs
import pytest
from aioresponses import aioresponses

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    ConnectionFailed,
)
from moregood_async.privacy import Headers
from moregood_async.transport import AiohttpTransport
from moregood_async.transport.fast_path import MAX_FAST_PATHS
from tests.aiohttp_doubles import (
    MockedResponse,
    RawServer,
    Received,
)
from tests.transport.raw_requests import BODY, KEY, failure, get, post, told


def as_said(received: Received) -> tuple[str, frozenset[tuple[str, str]], bytes]:
    headers = frozenset((name.lower(), value) for name, value in received.headers)
    return received.method, headers - {("content-type", "application/octet-stream")}, received.body


@pytest.mark.parametrize("body", [None, b"", BODY], ids=["bodiless", "empty", "a body"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("own", [{}, {"user-agent": "mine", "X-Mine": "yes"}], ids=["ours", "own"])
async def test_both_roads_say_the_same(
    method: str, body: bytes | None, own: dict[str, str]
) -> None:
    """Down to each header; aiohttp's own type of a body that is not there is left out."""
    transport = AiohttpTransport()
    async with RawServer() as server:
        headers = Headers({"Authorization": f"Bearer {KEY}", **own})
        request = post(server.url, method=method, body=body, headers=headers)
        assert transport._fast_paths is not None
        assert transport._fast_paths.can_send(request)
        await transport(request)
        transport._fast_paths = None
        await transport(request)
    await transport.close()
    by_lane, by_session = map(as_said, server.received)
    assert by_session == by_lane


async def test_the_same_headers_go_with_a_body_and_without(transport: AiohttpTransport) -> None:
    """A body's length is told only of one that is there."""
    async with RawServer() as server:
        request = post(server.url, attempt_timeout=2.0)
        for body in (BODY, None, b"", BODY):
            await transport(attrs.evolve(request, body=body))
    assert [BODY, b"", b"", BODY] == [each.body for each in server.received]
    lengths = [each.all("Content-Length") for each in server.received]
    assert [[str(len(BODY))], ["0"], ["0"], [str(len(BODY))]] == lengths


async def test_lanes_are_few(transport: AiohttpTransport) -> None:
    """Pages have addresses without end."""
    async with RawServer() as server:
        for page in range(MAX_FAST_PATHS + 2):
            await transport(get("", url=f"{server.url}/beacon/reviews?page={page}"))
    if transport._fast_paths is not None:
        assert 2 == len(transport._fast_paths._paths)


async def test_this_aiohttp_was_tried() -> None:
    """Where this fails, see that all of this file holds with it, and add it to `TRIED`."""
    transport = AiohttpTransport()
    assert transport._fast_paths is not None
    assert transport._fast_paths.can_send(post("http://127.0.0.1"))
    await transport.close()


async def test_an_aiohttp_that_nobody_tried_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its inner parts may be others."""
    monkeypatch.setattr(aiohttp, "__version__", "3.99.0")
    transport = AiohttpTransport()
    assert transport._fast_paths is not None
    assert not transport._fast_paths.can_send(post("http://127.0.0.1"))
    await transport.close()


@pytest.mark.parametrize("name", ["_request", "request"])
async def test_who_stands_around_aiohttps_requests_is_asked(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Such as an instrumentation, from one call to the next."""
    seen = list[str]()
    aiohttps_own = getattr(aiohttp.ClientSession, name)

    @functools.wraps(aiohttps_own)
    def watched(self: aiohttp.ClientSession, method: str, url: Any, **given: Any) -> Any:
        seen.append(method)
        return aiohttps_own(self, method, url, **given)

    transport = AiohttpTransport()
    async with RawServer() as server:
        await transport(post(server.url))
        with monkeypatch.context() as watching:
            watching.setattr(aiohttp.ClientSession, name, watched)
            await transport(post(server.url))
        await transport(post(server.url))
    await transport.close()
    assert (["POST"], 3) == (seen, len(server.received))


async def test_a_session_that_is_traced_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instrumentation can put its trace into every new session."""
    monkeypatch.setattr(
        aiohttp.ClientSession, "trace_configs", property(lambda _: [aiohttp.TraceConfig()])
    )
    transport = AiohttpTransport()
    assert transport._fast_paths is not None
    assert not transport._fast_paths.can_send(post("http://127.0.0.1"))
    await transport.close()


async def test_a_long_body_is_left_to_aiohttp() -> None:
    """Which writes it while it reads."""
    transport = AiohttpTransport()
    assert transport._fast_paths is not None
    assert transport._fast_paths.can_send(post("http://127.0.0.1", body=b"x" * 2**16))
    assert not transport._fast_paths.can_send(post("http://127.0.0.1", body=b"x" * (2**16 + 1)))
    await transport.close()


async def test_a_mock_answers_a_client_that_was_used_before_and_after() -> None:
    """The mock stands in front of connections that are there already."""
    async with RawServer() as server, MoreGoodClient(KEY, base_url=server.url) as client:
        await client.request("POST", "x", json={})
        with aioresponses() as standing_in:
            mocked: Any = standing_in
            mocked.post(f"{server.url}/x", status=201, body="{}", response_class=MockedResponse)
            assert 201 == (await client.request("POST", "x", json={})).status
        await client.request("POST", "x", json={})
    assert 2 == len(server.received)


async def test_a_connection_that_is_lost_before_the_write_has_sent_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then the body's first write never came."""
    transport = AiohttpTransport()
    connect = aiohttp.TCPConnector.connect

    async def torn(self: aiohttp.TCPConnector, *given: Any, **more: Any) -> Any:
        connection = await connect(self, *given, **more)
        assert connection.transport is not None
        connection.transport.close()
        return connection

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", torn)
    async with RawServer() as server:
        error = await failure(transport, post(server.url))
    await transport.close()
    assert (ConnectionFailed, "connecting", False) == told(error)
    assert [] == server.received
