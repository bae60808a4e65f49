"""Requests as they are written, and responses as they are read."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest

from moregood_async.privacy import Headers
from moregood_async.transport import AiohttpTransport
from moregood_async.transport.fast_path import MAX_FAST_PATHS
from moregood_async.transport.ordinary_path import USER_AGENT
from tests.aiohttp_doubles import (
    RawServer,
    http,
    saying,
)
from tests.transport.raw_requests import BODY, KEY, METHODS, get, post


async def test_a_request_goes_out_as_it_was_made(transport: AiohttpTransport) -> None:
    """Method, target, headers once each, and the body's bytes."""
    async with RawServer() as server:
        await transport(post(server.url))
    [received] = server.received
    assert ("POST", "/beacon/asks", BODY) == (received.method, received.target, received.body)
    assert {
        "Authorization": [f"Bearer {KEY}"],
        "Accept": ["application/json"],
        "Content-Type": ["application/json"],
        "Content-Length": [str(len(BODY))],
        "User-Agent": [USER_AGENT],
        "Cookie": [],
        "Transfer-Encoding": [],
    } == {
        name: received.all(name)
        for name in (
            "Authorization",
            "Accept",
            "Content-Type",
            "Content-Length",
            "User-Agent",
            "Cookie",
            "Transfer-Encoding",
        )
    }


async def test_the_query_arrives_as_it_was_written(transport: AiohttpTransport) -> None:
    """Encoded once, not twice."""
    async with RawServer() as server:
        await transport(get("", url=f"{server.url}/beacon/customers?page=2&q=a%2Bb%20c"))
    assert "/beacon/customers?page=2&q=a%2Bb%20c" == server.received[0].target


async def test_an_answer_comes_back_as_it_is(transport: AiohttpTransport) -> None:
    """Status, headers by any case, the body read to its end, and the time it took."""
    async with RawServer(
        saying(http("422 Unprocessable", b'{"message":"no"}', "X-A: b"))
    ) as server:
        response = await transport(post(server.url))
    assert (422, b'{"message":"no"}', "b") == (
        response.status,
        response.body,
        response.headers["x-a"],
    )
    assert 0 < response.seconds < 5.0


async def test_a_big_body_comes_and_goes_whole(transport: AiohttpTransport) -> None:
    """Three megabytes each way, and no warning about the size."""
    big = b'"' + b"a" * 3_000_000 + b'"'
    async with RawServer(saying(http(body=big))) as server:
        response = await transport(post(server.url, body=big))
    assert big == response.body == server.received[0].body


async def test_an_empty_body_is_an_answer(transport: AiohttpTransport) -> None:
    """Proxies send them with a 502; what it means is not the transport's to say."""
    async with RawServer(saying(http("502 Bad Gateway", b""))) as server:
        response = await transport(post(server.url))
    assert (502, b"") == (response.status, response.body)


async def test_a_redirect_is_an_answer_and_not_followed(transport: AiohttpTransport) -> None:
    """The key must not travel to wherever it points."""
    async with RawServer() as target:
        location = f"Location: {target.url}/login"
        async with RawServer(saying(http("302 Found", b"", location))) as server:
            response = await transport(post(server.url))
    assert (302, 0) == (response.status, target.connections)


async def test_cookies_are_not_kept(transport: AiohttpTransport) -> None:
    """A load balancer's cookie would tie every call to one machine."""
    async with RawServer(saying(http("200 OK", b"{}", "Set-Cookie: laravel=1; Path=/"))) as server:
        await transport(post(server.url))
        await transport(post(server.url))
    assert [[], []] == [received.all("Cookie") for received in server.received]


async def test_a_100_continue_is_not_the_answer(transport: AiohttpTransport) -> None:
    """Nor is any other 1xx."""
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    async with RawServer(saying(early + http("201 Created", b"{}"))) as server:
        response = await transport(post(server.url))
    assert (201, b"{}") == (response.status, response.body)


async def test_a_head_has_no_body_to_wait_for(transport: AiohttpTransport) -> None:
    """Though it tells how long it would be; the connection is fit for the next."""
    only_head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    async with RawServer(saying(only_head)) as server:
        for _ in range(2):
            response = await transport(post(server.url, method="HEAD", body=None))
            assert (200, b"") == (response.status, response.body)
    assert (2, 1) == (len(server.received), server.connections)


async def test_a_packed_answer_is_unpacked(transport: AiohttpTransport) -> None:
    """And asked for."""
    packed = http("200 OK", gzip.compress(b'{"data":{}}'), "Content-Encoding: gzip")
    async with RawServer(saying(packed)) as server:
        response = await transport(post(server.url))
    assert b'{"data":{}}' == response.body
    assert "gzip" in server.received[0].all("Accept-Encoding")[0]


@METHODS
async def test_a_header_with_a_line_break_does_not_leave(
    transport: AiohttpTransport, make: Any
) -> None:
    """It would be two; a middleware could have made it of somebody's name."""
    async with RawServer() as server:
        request = make(server.url, headers=Headers({"X-Name": "Ada\r\nX-Role: admin"}))
        with pytest.raises(ValueError):
            await transport(request)
        await asyncio.sleep(0.02)
    assert [] == server.received


async def test_each_request_has_its_own_key_and_body(transport: AiohttpTransport) -> None:
    """To one address, with headers that come and go; an agency's projects share a transport."""
    async with RawServer() as server:
        for number in range(3 * MAX_FAST_PATHS):
            headers = Headers({"Authorization": f"Bearer {number}"})
            await transport(post(server.url, headers=headers, body=b"%d" % number))
    said = [(each.all("Authorization"), each.body) for each in server.received]
    assert [([f"Bearer {n}"], b"%d" % n) for n in range(3 * MAX_FAST_PATHS)] == said
