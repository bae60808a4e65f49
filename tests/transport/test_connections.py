"""Connections: kept, dropped when idle, left alone by a fork, closed."""

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
from tests.transport.raw_requests import BODY, METHODS, failure, get, post, told


@METHODS
async def test_connections_are_kept_and_used_again(transport: AiohttpTransport, make: Any) -> None:
    """A hundred calls one after the other need one connection."""
    async with RawServer() as server:
        for _ in range(100):
            await transport(make(server.url))
    assert (100, 1) == (len(server.received), server.connections)


@METHODS
async def test_a_connection_that_the_server_has_closed_is_not_used_again(
    transport: AiohttpTransport, make: Any
) -> None:
    """Where the close has arrived before the next call, that call does not notice."""
    async with RawServer(saying_and_closing(http())) as server:
        for _ in range(3):
            assert 200 == (await transport(make(server.url))).status
            await asyncio.sleep(0.02)
    assert (3, 3) == (len(server.received), server.connections)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_a_request_on_a_stale_connection_is_sent_once(
    transport: AiohttpTransport, method: str
) -> None:
    """Aiohttp would send it again by itself; here an attempt is one request, and counted."""
    body = None if method == "GET" else BODY
    async with RawServer(saying(http(), b"", http())) as server:
        await transport(get(server.url))
        error = await failure(transport, post(server.url, method=method, body=body))
    assert (ConnectionLost, "waiting", True) == told(error)
    assert (["GET", method], 1) == (
        [received.method for received in server.received],
        server.connections,
    )


async def test_idle_connections_are_dropped_before_apache_drops_them() -> None:
    """Its default is 5 s; the one who closes first should be us."""
    assert KEEP_ALIVE_SECONDS < 5.0
    transport = AiohttpTransport()
    connector = transport._own_session.connector if transport._own_session else None
    assert isinstance(connector, aiohttp.TCPConnector)
    assert KEEP_ALIVE_SECONDS == connector._keepalive_timeout
    await transport.close()


async def test_a_connector_that_a_fork_copied_is_not_torn_down_in_the_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its destructor would close, and say over TLS, what the parent still uses."""
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


async def test_closing_twice_is_fine_and_after_it_nothing_is_sent() -> None:
    """`ClientClosed`, and not aiohttp's own ``RuntimeError``."""
    transport = AiohttpTransport()
    async with RawServer() as server:
        await transport(post(server.url))
        await transport.close()
        await transport.close()
        with pytest.raises(ClientClosed, match="nothing was sent"):
            await transport(post(server.url))
    assert 1 == len(server.received)


async def test_cancellation_closes_the_connection_at_once(transport: AiohttpTransport) -> None:
    """An answer that nobody waits for must not be read as the next one's."""
    async with RawServer(silent) as server:
        call = asyncio.ensure_future(transport(post(server.url)))
        await until(lambda: bool(server.received))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        server.answer = saying(http())
        assert 200 == (await transport(post(server.url))).status
        assert 2 == server.connections
