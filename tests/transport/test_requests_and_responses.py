"""What the transport writes of a request, and what it reads of a response."""

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


async def test_a_request_is_sent_unchanged(transport: AiohttpTransport) -> None:
    """The server receives the method, the target, each header once, and the bytes of the body."""
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


async def test_the_query_is_sent_unchanged(transport: AiohttpTransport) -> None:
    """The query is not percent-encoded a second time."""
    async with RawServer() as server:
        await transport(get("", url=f"{server.url}/beacon/customers?page=2&q=a%2Bb%20c"))
    assert "/beacon/customers?page=2&q=a%2Bb%20c" == server.received[0].target


async def test_a_response_is_returned_unchanged(transport: AiohttpTransport) -> None:
    """`Response` has the status, case-insensitive headers, the whole body, and the seconds."""
    async with RawServer(
        saying(http("422 Unprocessable", b'{"message":"no"}', "X-A: b"))
    ) as server:
        response = await transport(post(server.url))
    assert 422 == response.status
    assert b'{"message":"no"}' == response.body
    assert "b" == response.headers["x-a"]
    assert 0 < response.seconds < 5.0


async def test_a_big_body_is_sent_and_received_whole(transport: AiohttpTransport) -> None:
    """Three megabytes in each direction, without the warning of aiohttp about the size."""
    big = b'"' + b"a" * 3_000_000 + b'"'
    async with RawServer(saying(http(body=big))) as server:
        response = await transport(post(server.url, body=big))
    assert big == response.body == server.received[0].body


async def test_an_empty_body_is_no_error(transport: AiohttpTransport) -> None:
    """Proxies send an empty body with a 502; the transport does not interpret responses."""
    async with RawServer(saying(http("502 Bad Gateway", b""))) as server:
        response = await transport(post(server.url))
    assert (502, b"") == (response.status, response.body)


async def test_a_redirect_is_not_followed(transport: AiohttpTransport) -> None:
    """The API key must not be sent to another host."""
    async with RawServer() as target:
        location = f"Location: {target.url}/login"
        async with RawServer(saying(http("302 Found", b"", location))) as server:
            response = await transport(post(server.url))
    assert (302, 0) == (response.status, target.connections)


async def test_cookies_are_not_stored(transport: AiohttpTransport) -> None:
    """The cookie of a load balancer would bind every request to one server."""
    async with RawServer(saying(http("200 OK", b"{}", "Set-Cookie: laravel=1; Path=/"))) as server:
        await transport(post(server.url))
        await transport(post(server.url))
    assert [[], []] == [received.all("Cookie") for received in server.received]


async def test_interim_responses_are_skipped(transport: AiohttpTransport) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    async with RawServer(saying(interim + http("201 Created", b"{}"))) as server:
        response = await transport(post(server.url))
    assert (201, b"{}") == (response.status, response.body)


async def test_the_response_to_a_head_request_has_no_body(transport: AiohttpTransport) -> None:
    """The transport ignores its Content-Length, and reuses the connection."""
    head_response = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    async with RawServer(saying(head_response)) as server:
        for _ in range(2):
            response = await transport(post(server.url, method="HEAD", body=None))
            assert (200, b"") == (response.status, response.body)
    assert (2, 1) == (len(server.received), server.connections)


async def test_a_gzip_response_is_decompressed(transport: AiohttpTransport) -> None:
    compressed = http("200 OK", gzip.compress(b'{"data":{}}'), "Content-Encoding: gzip")
    async with RawServer(saying(compressed)) as server:
        response = await transport(post(server.url))
    assert b'{"data":{}}' == response.body
    assert "gzip" in server.received[0].all("Accept-Encoding")[0]


@METHODS
async def test_a_header_with_a_line_break_is_not_sent(
    transport: AiohttpTransport, make: Any
) -> None:
    """A middleware could copy a customer's name, with a forged header in it, into a header."""
    async with RawServer() as server:
        request = make(server.url, headers=Headers({"X-Name": "Ada\r\nX-Role: admin"}))
        with pytest.raises(ValueError):
            await transport(request)
        await asyncio.sleep(0.02)
    assert [] == server.received


async def test_each_request_has_its_own_key_and_body(transport: AiohttpTransport) -> None:
    """The projects of an agency have different keys, share a transport, and use one URL."""
    async with RawServer() as server:
        for number in range(3 * MAX_FAST_PATHS):
            headers = Headers({"Authorization": f"Bearer {number}"})
            await transport(post(server.url, headers=headers, body=b"%d" % number))
    received = [(each.all("Authorization"), each.body) for each in server.received]
    assert [([f"Bearer {n}"], b"%d" % n) for n in range(3 * MAX_FAST_PATHS)] == received
