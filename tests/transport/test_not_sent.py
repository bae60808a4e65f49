"""Failures before anything was sent: no connection, DNS, TLS, proxies, connect timeouts."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from moregood_async.errors import (
    AttemptTimedOut,
    ConnectionFailed,
)
from moregood_async.transport import AiohttpTransport
from tests.aiohttp_doubles import (
    RawServer,
    free_port,
    http,
    saying_and_closing,
)
from tests.transport.raw_requests import KEY, METHODS, failure, full_backlog, post, told


@METHODS
async def test_a_refused_connection_has_sent_nothing(
    transport: AiohttpTransport, make: Any
) -> None:
    """Nobody listens there."""
    error = await failure(transport, make(f"http://127.0.0.1:{free_port()}"))
    assert (ConnectionFailed, "connecting", False) == told(error)
    assert str(error).startswith("no connection, nothing was sent: ClientConnectorError")


@METHODS
async def test_a_host_that_no_dns_knows_has_got_nothing(
    transport: AiohttpTransport, make: Any
) -> None:
    """RFC 6761 keeps ``.invalid`` empty for ever."""
    error = await failure(transport, make("http://beacon.invalid"))
    assert (ConnectionFailed, "connecting", False) == told(error)


@METHODS
async def test_tls_against_a_server_without_it_has_sent_nothing(
    transport: AiohttpTransport, make: Any
) -> None:
    """The handshake fails before the request."""
    heard: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(2000))
        writer.write(http("400 Bad Request"))
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(transport, make(f"https://127.0.0.1:{port}"))
    assert (ConnectionFailed, "connecting", False) == told(error)
    assert [False] == [KEY.encode() in said for said in heard]


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """A certificate for which nobody stands but itself."""
    if shutil.which("openssl") is None:
        pytest.skip("makes a certificate with openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@METHODS
async def test_a_certificate_that_nobody_signed_gets_nothing(
    transport: AiohttpTransport, make: Any, self_signed: ssl.SSLContext
) -> None:
    """Verified by default, and not to be switched off but with a session of one's own."""
    async with RawServer(ssl=self_signed) as server:
        error = await failure(transport, make(f"https://127.0.0.1:{server.port}"))
    assert (ConnectionFailed, "connecting", False) == told(error)
    assert [] == server.received


@METHODS
async def test_a_proxy_that_refuses_the_connection_has_got_nothing(make: Any) -> None:
    """Nor has the server behind it."""
    async with RawServer() as server:
        transport = AiohttpTransport(proxy=f"http://127.0.0.1:{free_port()}")
        error = await failure(transport, make(server.url))
        await transport.close()
    assert (ConnectionFailed, "connecting", False) == told(error)
    assert 0 == server.connections


@METHODS
async def test_a_proxy_that_wants_a_password_opens_no_tunnel(make: Any) -> None:
    """A 407 to CONNECT: the request itself has not left, and the key was not shown."""
    async with RawServer(saying_and_closing(http("407 Proxy Authentication Required"))) as proxy:
        transport = AiohttpTransport(proxy=proxy.url)
        error = await failure(transport, make("https://api.moregoodreviews.com"))
        await transport.close()
    assert (ConnectionFailed, "connecting", False) == told(error)
    assert ["CONNECT"] == [received.method for received in proxy.received]
    assert [[]] == [received.all("Authorization") for received in proxy.received]


async def test_a_timeout_while_connecting_has_sent_nothing(transport: AiohttpTransport) -> None:
    """The body's first write never came, so a write is safe to repeat."""
    with full_backlog() as url:
        error = await failure(transport, post(url, attempt_timeout=0.15))
    assert (AttemptTimedOut, "connecting", False) == told(error)
    assert 0.15 <= error.seconds < 1.0
