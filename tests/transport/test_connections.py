"""Connections: reuse, idle timeout, forks, closing, and cancellation."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from moregood_async.errors import (
    ClientClosed,
    ConnectionLost,
)
from moregood_async.transport import AiohttpTransport
from moregood_async.transport.ordinary_path import KEEP_ALIVE_SECONDS
from tests.aiohttp_doubles import (
    RawServer,
    http,
    saying,
    saying_and_closing,
    silent,
)
from tests.middleware.doubles import until
from tests.transport.raw_requests import BODY, METHODS, Summary, failure, get, post, summary_of


@METHODS
async def test_a_connection_is_reused(transport: AiohttpTransport, make: Any) -> None:
    """A hundred consecutive requests need one connection."""
    async with RawServer() as server:
        for _ in range(100):
            await transport(make(server.url))
    assert (100, 1) == (len(server.received), server.connections)


@METHODS
async def test_a_connection_that_the_server_has_closed_is_not_reused(
    transport: AiohttpTransport, make: Any
) -> None:
    """A close that arrives before the next request does not fail that request."""
    async with RawServer(saying_and_closing(http())) as server:
        for _ in range(3):
            assert 200 == (await transport(make(server.url))).status
            await asyncio.sleep(0.02)
    assert (3, 3) == (len(server.received), server.connections)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_a_request_on_a_stale_connection_is_sent_once(
    transport: AiohttpTransport, method: str
) -> None:
    """Aiohttp would retry the request by itself; here an attempt is exactly one request."""
    body = None if method == "GET" else BODY
    async with RawServer(saying(http(), b"", http())) as server:
        await transport(get(server.url))
        error = await failure(transport, post(server.url, method=method, body=body))
    assert Summary(ConnectionLost, phase="waiting", sent=True) == summary_of(error)
    assert ["GET", method] == [received.method for received in server.received]
    assert 1 == server.connections


async def test_an_idle_connection_is_closed_before_apache_closes_it() -> None:
    """Apache closes an idle connection after 5 s by default; the client should close it first."""
    assert KEEP_ALIVE_SECONDS < 5.0
    transport = AiohttpTransport()
    connector = transport._own_session.connector if transport._own_session else None
    assert isinstance(connector, aiohttp.TCPConnector)
    assert KEEP_ALIVE_SECONDS == connector._keepalive_timeout
    await transport.close()


async def test_a_forked_child_does_not_close_the_connector_of_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The destructor would close connections that the parent still uses, with a TLS alert."""
    transport = AiohttpTransport()
    async with RawServer() as server:
        await transport(post(server.url))
        assert transport._own_session is not None
        connector = transport._own_session.connector
        assert connector is not None
        monkeypatch.setattr("os.getpid", lambda: -1)
        connector.__del__()
        assert not connector.closed
        await transport.close()


async def test_close_is_idempotent_and_nothing_is_sent_afterwards() -> None:
    """The error is `ClientClosed`, and not the ``RuntimeError`` of aiohttp."""
    transport = AiohttpTransport()
    async with RawServer() as server:
        await transport(post(server.url))
        await transport.close()
        await transport.close()
        with pytest.raises(ClientClosed, match="nothing was sent"):
            await transport(post(server.url))
    assert 1 == len(server.received)


async def test_cancellation_closes_the_connection_at_once(transport: AiohttpTransport) -> None:
    """The response to a cancelled request must not be read as the response to the next request."""
    async with RawServer(silent) as server:
        call = asyncio.ensure_future(transport(post(server.url)))
        await until(lambda: bool(server.received))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        server.answer = saying(http())
        assert 200 == (await transport(post(server.url))).status
        assert 2 == server.connections
