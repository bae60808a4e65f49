"""Failures after sending began: timeouts, truncated and invalid responses."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import attrs
import pytest

from moregood_async.errors import (
    AttemptTimedOut,
    ConnectionLost,
    UnexpectedResponse,
)
from moregood_async.transport import AiohttpTransport
from moregood_async.wire import Deadline
from tests.aiohttp_doubles import (
    RawServer,
    resetting,
    saying,
    saying_and_closing,
    silent,
)
from tests.transport.raw_requests import METHODS, Summary, failure, full_backlog, get, summary_of


async def test_a_get_that_times_out_counts_as_possibly_sent(transport: AiohttpTransport) -> None:
    """Without a body, the transport cannot see whether writing began; a GET changes nothing."""
    with full_backlog() as url:
        error = await failure(transport, get(url, attempt_timeout=0.15))
    assert Summary(AttemptTimedOut, phase="waiting", sent=True) == summary_of(error)


@METHODS
@pytest.mark.parametrize("late", [0.0, 5.0], ids=["just now", "long ago"])
async def test_a_request_whose_deadline_has_passed_is_not_sent(
    transport: AiohttpTransport, make: Any, late: float
) -> None:
    """The request is not sent on an open connection either, which would need no waiting."""
    async with RawServer() as server:
        await transport(make(server.url))
        passed = Deadline(time.monotonic() - late)
        with pytest.raises(AttemptTimedOut, match="nothing was sent") as caught:
            await transport(make(server.url, deadline=passed))
        await asyncio.sleep(0.02)
    assert Summary(AttemptTimedOut, phase="connecting", sent=False) == summary_of(caught.value)
    assert 1 == len(server.received)


@METHODS
async def test_a_timeout_after_sending_may_have_reached_the_server(
    transport: AiohttpTransport, make: Any
) -> None:
    """The server has received the request and does not respond in time."""
    async with RawServer(silent) as server:
        error = await failure(transport, make(server.url, attempt_timeout=0.1))
    assert Summary(AttemptTimedOut, phase="waiting", sent=True) == summary_of(error)
    assert 1 == len(server.received)
    assert "no response in time" == error.problem


@METHODS
async def test_the_deadline_shortens_an_attempt(transport: AiohttpTransport, make: Any) -> None:
    """The time until the deadline is less than the attempt timeout."""
    async with RawServer(silent) as server:
        deadline = Deadline(time.monotonic() + 0.1)
        error = await failure(transport, make(server.url, attempt_timeout=60.0, deadline=deadline))
    assert Summary(AttemptTimedOut, phase="waiting", sent=True) == summary_of(error)
    assert error.seconds < 1.0


@METHODS
@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":',
    ],
    ids=["fewer bytes than announced", "no last chunk"],
)
async def test_a_truncated_response_is_a_lost_connection(
    transport: AiohttpTransport, make: Any, response: bytes
) -> None:
    async with RawServer(saying_and_closing(response)) as server:
        error = await failure(transport, make(server.url))
    assert Summary(ConnectionLost, phase="reading", sent=True) == summary_of(error)
    assert error.problem.startswith("the response was cut short: ClientPayloadError")


@METHODS
async def test_a_response_that_stops_half_way_times_out_while_reading(
    transport: AiohttpTransport, make: Any
) -> None:
    """The attempt timeout includes reading the body."""
    async with RawServer(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")) as server:
        error = await failure(transport, make(server.url, attempt_timeout=0.1))
    assert Summary(AttemptTimedOut, phase="reading", sent=True) == summary_of(error)


@METHODS
@pytest.mark.parametrize(
    "responder", [saying(b""), resetting], ids=["closed without a response", "reset"]
)
async def test_a_connection_that_breaks_may_have_delivered_the_request(
    transport: AiohttpTransport, make: Any, responder: Any
) -> None:
    """The server has received the request; whether it took effect is unknown."""
    async with RawServer(responder) as server:
        error = await failure(transport, make(server.url))
    assert Summary(ConnectionLost, phase="waiting", sent=True) == summary_of(error)
    assert 1 == len(server.received)


@METHODS
@pytest.mark.parametrize(
    "response",
    [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"\x00\xff\xfe\x00" * 20, b"HTTP/1.1 OK fine\r\n\r\n"],
    ids=["another protocol", "noise", "an invalid status line"],
)
async def test_a_response_that_is_not_http_is_an_unexpected_response(
    transport: AiohttpTransport, make: Any, response: bytes
) -> None:
    """The request is not retried; a write may have taken effect."""
    request = attrs.evolve(make("http://127.0.0.1"), attempt=3)
    async with RawServer(saying_and_closing(response)) as server:
        with pytest.raises(UnexpectedResponse) as caught:
            await transport(attrs.evolve(request, url=server.url))
    error = caught.value
    assert request.writes == error.may_have_applied
    assert [(3, "received", request.writes)] == [
        (each.number, each.phase, each.may_have_applied) for each in error.attempts
    ]
    assert error.problem.startswith("the response is not HTTP: ")
    assert server.url not in str(error)


async def test_an_error_does_not_show_the_query(transport: AiohttpTransport) -> None:
    """The text of an aiohttp error can hold the URL, whose query can hold an email address."""
    url = "http://127.0.0.1:1/beacon/customers?email=ada@example.com"
    error = await failure(transport, get("", url=url))
    assert "ada@example.com" not in str(error)
