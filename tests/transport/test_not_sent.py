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
from tests.transport.raw_requests import (
    KEY,
    METHODS,
    Summary,
    failure,
    full_backlog,
    post,
    summary_of,
)


@METHODS
async def test_nothing_is_sent_if_the_connection_is_refused(
    transport: AiohttpTransport, make: Any
) -> None:
    error = await failure(transport, make(f"http://127.0.0.1:{free_port()}"))
    assert Summary(ConnectionFailed, phase="connecting", sent=False) == summary_of(error)
    assert str(error).startswith("no connection, nothing was sent: ClientConnectorError")


@METHODS
async def test_nothing_is_sent_if_the_host_name_does_not_resolve(
    transport: AiohttpTransport, make: Any
) -> None:
    """RFC 6761 reserves ``.invalid``, so that no such name resolves."""
    error = await failure(transport, make("http://beacon.invalid"))
    assert Summary(ConnectionFailed, phase="connecting", sent=False) == summary_of(error)


@METHODS
async def test_nothing_is_sent_if_the_server_does_not_use_tls(
    transport: AiohttpTransport, make: Any
) -> None:
    """The handshake fails before the request is written."""
    handshakes: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handshakes.append(await reader.read(2000))
        writer.write(http("400 Bad Request"))
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(transport, make(f"https://127.0.0.1:{port}"))
    assert Summary(ConnectionFailed, phase="connecting", sent=False) == summary_of(error)
    [first_bytes] = handshakes
    assert KEY.encode() not in first_bytes


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    """A server context with a self-signed certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@METHODS
async def test_nothing_is_sent_to_a_server_with_a_self_signed_certificate(
    transport: AiohttpTransport, make: Any, self_signed: ssl.SSLContext
) -> None:
    """Certificates are verified, unless the user passes a session that does not verify them."""
    async with RawServer(ssl=self_signed) as server:
        error = await failure(transport, make(f"https://127.0.0.1:{server.port}"))
    assert Summary(ConnectionFailed, phase="connecting", sent=False) == summary_of(error)
    assert [] == server.received


@METHODS
async def test_nothing_is_sent_if_the_proxy_refuses_the_connection(make: Any) -> None:
    async with RawServer() as server:
        transport = AiohttpTransport(proxy=f"http://127.0.0.1:{free_port()}")
        error = await failure(transport, make(server.url))
        await transport.close()
    assert Summary(ConnectionFailed, phase="connecting", sent=False) == summary_of(error)
    assert 0 == server.connections


@METHODS
async def test_nothing_is_sent_if_the_proxy_requires_a_password(make: Any) -> None:
    """After a 407 to CONNECT, neither the request nor the API key has been sent."""
    async with RawServer(saying_and_closing(http("407 Proxy Authentication Required"))) as proxy:
        transport = AiohttpTransport(proxy=proxy.url)
        error = await failure(transport, make("https://api.moregoodreviews.com"))
        await transport.close()
    assert Summary(ConnectionFailed, phase="connecting", sent=False) == summary_of(error)
    assert ["CONNECT"] == [received.method for received in proxy.received]
    assert [[]] == [received.all("Authorization") for received in proxy.received]


async def test_nothing_is_sent_if_connecting_times_out(transport: AiohttpTransport) -> None:
    """Writing the body has not begun, so a write can be retried safely."""
    with full_backlog() as url:
        error = await failure(transport, post(url, attempt_timeout=0.15))
    assert Summary(AttemptTimedOut, phase="connecting", sent=False) == summary_of(error)
    assert 0.15 <= error.seconds < 1.0
