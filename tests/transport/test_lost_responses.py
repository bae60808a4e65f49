"""Failures after sending began: timeouts, cut and broken responses."""

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
from tests.transport.raw_requests import METHODS, failure, full_backlog, get, told


async def test_a_read_that_times_out_counts_as_sent_in_doubt(transport: AiohttpTransport) -> None:
    """Without a body there is no first write to tell by; and a read does no harm."""
    with full_backlog() as url:
        error = await failure(transport, get(url, attempt_timeout=0.15))
    assert (AttemptTimedOut, "waiting", True) == told(error)


@METHODS
@pytest.mark.parametrize("late", [0.0, 5.0], ids=["just now", "long ago"])
async def test_a_call_whose_deadline_is_over_is_not_sent_any_more(
    transport: AiohttpTransport, make: Any, late: float
) -> None:
    """Not even on a connection that is there already, where a write would need no wait."""
    async with RawServer() as server:
        await transport(make(server.url))
        over = Deadline(time.monotonic() - late)
        with pytest.raises(AttemptTimedOut, match="nothing was sent") as caught:
            await transport(make(server.url, deadline=over))
        await asyncio.sleep(0.02)
    assert (AttemptTimedOut, "connecting", False) == told(caught.value)
    assert 1 == len(server.received)


@METHODS
async def test_a_timeout_after_sending_may_have_reached_the_server(
    transport: AiohttpTransport, make: Any
) -> None:
    """It got the request, and said nothing in time."""
    async with RawServer(silent) as server:
        error = await failure(transport, make(server.url, attempt_timeout=0.1))
    assert (AttemptTimedOut, "waiting", True) == told(error)
    assert (1, "no response in time") == (len(server.received), error.problem)


@METHODS
async def test_the_deadline_cuts_an_attempt_short(transport: AiohttpTransport, make: Any) -> None:
    """What is left of the call is less than the attempt's own time."""
    async with RawServer(silent) as server:
        deadline = Deadline(time.monotonic() + 0.1)
        error = await failure(transport, make(server.url, attempt_timeout=60.0, deadline=deadline))
    assert (AttemptTimedOut, "waiting", True) == told(error)
    assert error.seconds < 1.0


@METHODS
@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":',
    ],
    ids=["fewer bytes than announced", "no last chunk"],
)
async def test_an_answer_that_is_cut_short_is_no_answer(
    transport: AiohttpTransport, make: Any, said: bytes
) -> None:
    """Whatever came of it is not looked at."""
    async with RawServer(saying_and_closing(said)) as server:
        error = await failure(transport, make(server.url))
    assert (ConnectionLost, "reading", True) == told(error)
    assert error.problem.startswith("the response was cut short: ClientPayloadError")


@METHODS
async def test_an_answer_that_stops_half_way_times_out_while_reading(
    transport: AiohttpTransport, make: Any
) -> None:
    """The body is part of the attempt."""
    async with RawServer(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")) as server:
        error = await failure(transport, make(server.url, attempt_timeout=0.1))
    assert (AttemptTimedOut, "reading", True) == told(error)


@METHODS
@pytest.mark.parametrize(
    "answering", [saying(b""), resetting], ids=["closed without a word", "reset"]
)
async def test_a_connection_that_breaks_may_have_brought_the_request(
    transport: AiohttpTransport, make: Any, answering: Any
) -> None:
    """The server has it, and nobody knows what it did with it."""
    async with RawServer(answering) as server:
        error = await failure(transport, make(server.url))
    assert (ConnectionLost, "waiting", True) == told(error)
    assert 1 == len(server.received)


@METHODS
@pytest.mark.parametrize(
    "said",
    [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"\x00\xff\xfe\x00" * 20, b"HTTP/1.1 OK fine\r\n\r\n"],
    ids=["another protocol", "noise", "a broken status line"],
)
async def test_an_answer_that_is_not_http_is_no_connection_problem(
    transport: AiohttpTransport, make: Any, said: bytes
) -> None:
    """It is not repeated; a write may have taken effect all the same."""
    request = attrs.evolve(make("http://127.0.0.1"), attempt=3)
    async with RawServer(saying_and_closing(said)) as server:
        with pytest.raises(UnexpectedResponse) as caught:
            await transport(attrs.evolve(request, url=server.url))
    error = caught.value
    assert request.writes == error.may_have_applied
    assert [(3, "received", request.writes)] == [
        (each.number, each.phase, each.may_have_applied) for each in error.attempts
    ]
    assert error.problem.startswith("the response is not HTTP: ")
    assert server.url not in str(error)


async def test_an_error_holds_nobody_who_was_in_the_address(transport: AiohttpTransport) -> None:
    """A foreign error's text can hold the address with its query, and people in it."""
    url = "http://127.0.0.1:1/beacon/customers?email=ada@example.com"
    error = await failure(transport, get("", url=url))
    assert "ada@example.com" not in str(error)
