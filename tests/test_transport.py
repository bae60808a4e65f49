"""One attempt on real sockets: how far it came, whether anything was sent, and what was sent."""

from __future__ import annotations

import asyncio
import functools
import gzip
import math
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
from aioresponses import aioresponses
from yarl import URL

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    AttemptTimedOut,
    ClientClosed,
    ConnectionFailed,
    ConnectionLost,
    NoResponse,
    UnexpectedResponse,
)
from moregood_async.privacy import Headers
from moregood_async.transport import AiohttpTransport
from moregood_async.transport.fast_path import MAX_FAST_PATHS
from moregood_async.transport.ordinary_path import KEEP_ALIVE_SECONDS, USER_AGENT
from moregood_async.wire import Deadline, Request
from tests.aiohttp_doubles import (
    MockedResponse,
    RawServer,
    Received,
    free_port,
    http,
    resetting,
    saying,
    saying_and_closing,
    silent,
)
from tests.middleware.doubles import until

KEY = "canary-key"
BODY = b'{"email":"ada@example.com"}'


def post(server: str, **given: Any) -> Request:
    headers = {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    plain = Request(method="POST", url=f"{server}/beacon/asks", headers=Headers(headers), body=BODY)
    return attrs.evolve(plain, **given)


def get(server: str, **given: Any) -> Request:
    return post(server, method="GET", body=None, **given)


METHODS = pytest.mark.parametrize("make", [post, get], ids=["POST", "GET"])


@pytest.fixture(params=["lane", "session"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[AiohttpTransport]:
    """Everything holds on both roads."""
    ours = AiohttpTransport()
    if request.param == "session":
        ours._fast_paths = None
    yield ours
    await ours.close()


async def failure(transport: AiohttpTransport, request: Request) -> NoResponse:
    with pytest.raises(NoResponse) as caught:
        await transport(request)
    error = caught.value
    assert error.seconds >= 0
    assert error.__cause__ is not None
    assert error.__cause__.__traceback__ is None
    assert KEY not in str(error)
    return error


def told(error: NoResponse) -> tuple[type[NoResponse], str, bool]:
    return type(error), error.phase, error.sent


# Nothing left


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


@contextmanager
def full_backlog() -> Generator[str]:
    """A host that neither accepts nor refuses: its queue of connections is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listening.getsockname())
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            for each in waiting:
                each.close()


async def test_a_timeout_while_connecting_has_sent_nothing(transport: AiohttpTransport) -> None:
    """The body's first write never came, so a write is safe to repeat."""
    with full_backlog() as url:
        error = await failure(transport, post(url, attempt_timeout=0.15))
    assert (AttemptTimedOut, "connecting", False) == told(error)
    assert 0.15 <= error.seconds < 1.0


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


# Something left


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
    assert [(3, "answered", request.writes)] == [
        (each.number, each.phase, each.may_have_applied) for each in error.attempts
    ]
    assert error.problem.startswith("the response is not HTTP: ")
    assert server.url not in str(error)


async def test_an_error_holds_nobody_who_was_in_the_address(transport: AiohttpTransport) -> None:
    """A foreign error's text can hold the address with its query, and people in it."""
    url = "http://127.0.0.1:1/beacon/customers?email=ada@example.com"
    error = await failure(transport, get("", url=url))
    assert "ada@example.com" not in str(error)


# Connections


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


# What is sent


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


# The two roads


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


# Proxies


async def test_a_proxy_is_used_where_one_is_given() -> None:
    """It gets the whole address."""
    async with RawServer() as proxy:
        transport = AiohttpTransport(proxy=proxy.url)
        await transport(get("http://beacon.invalid"))
        await transport.close()
    assert ["http://beacon.invalid/beacon/asks"] == [each.target for each in proxy.received]


@pytest.mark.parametrize(
    ("trust_env", "no_proxy", "proxied"),
    [(True, "", 1), (True, "127.0.0.1", 0), (True, "*", 0), (False, "", 0)],
    ids=["trusted", "an exception", "everything an exception", "not trusted"],
)
async def test_the_environments_proxy_is_used_only_where_it_is_trusted(
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
    assert (proxied, 1 - proxied) == (len(proxy.received), len(server.received))


# A session of the user's


async def test_a_users_session_is_never_closed() -> None:
    """Who opened it closes it."""
    async with RawServer() as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session)
        await transport(post(server.url))
        await transport.close()
        assert not session.closed


async def test_a_users_session_brings_its_own_habits_and_they_do_no_harm() -> None:
    """Default headers are added, ours win; a 500 is an answer; its jar is its own affair."""
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
        kept = len(session.cookie_jar)
    assert ([500, 200], 1) == (statuses, kept)
    first, second = server.received
    assert (["application/json"], ["yes"], [f"Bearer {KEY}"]) == (
        first.all("Accept"),
        first.all("X-Mine"),
        first.all("Authorization"),
    )
    assert [f"Bearer {KEY}"] == second.all("Authorization")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
async def test_a_write_is_sent_once_by_a_users_session_too(method: str) -> None:
    """Aiohttp would send PUT and DELETE again on its own; a body goes out once."""
    async with RawServer(saying(http(), b"", http())) as server, aiohttp.ClientSession() as session:
        transport = AiohttpTransport(session)
        await transport(get(server.url))
        error = await failure(transport, post(server.url, method=method))
        await asyncio.sleep(0.02)
    assert (ConnectionLost, "waiting", True) == told(error)
    assert ["GET", method] == [received.method for received in server.received]


# What aiohttp is asked for


@pytest.fixture
def mocked() -> Iterator[Any]:
    with aioresponses() as mocked:
        yield mocked


def asked(mocked: Any, method: str, url: str) -> Mapping[str, Any]:
    [call] = mocked.requests[(method, URL(url))]
    kwargs: Mapping[str, Any] = call.kwargs
    return kwargs


async def test_aiohttp_is_asked_to_follow_and_raise_nothing(mocked: Any) -> None:
    """Method, address and headers as the session manager made them; no timeout of aiohttp's."""
    url = "https://api.moregoodreviews.com/beacon/asks"
    mocked.post(url, payload={"data": {}}, response_class=MockedResponse)
    async with MoreGoodClient(KEY) as client:
        await client.asks.create(email="ada@example.com", channels=["email"])
    kwargs = asked(mocked, "POST", url)
    assert (False, False, None) == (
        kwargs["allow_redirects"],
        kwargs["raise_for_status"],
        kwargs["proxy"],
    )
    assert aiohttp.ClientTimeout(total=None) == kwargs["timeout"]
    assert {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
    } == dict(kwargs["headers"])


async def test_aiohttp_is_asked_for_a_list_without_a_body(mocked: Any) -> None:
    """The page is in the address; there is nothing whose type would have to be said."""
    url = "https://api.moregoodreviews.com/beacon/reviews?page=1"
    mocked.get(url, payload={"success": True, "data": []}, response_class=MockedResponse)
    async with MoreGoodClient(KEY) as client:
        assert [] == await client.reviews.list().collect()
    kwargs = asked(mocked, "GET", url)
    headers = {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
    }
    assert (None, headers) == (kwargs["data"], dict(kwargs["headers"]))


async def test_no_limit_of_time_is_no_limit(transport: AiohttpTransport) -> None:
    """Neither an attempt's nor the call's: then the answer is waited for."""

    async def slow(_: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(http())

    async with RawServer(slow) as server:
        assert math.inf == post(server.url).attempt_timeout
        assert 200 == (await transport(post(server.url))).status


# Secrets


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def test_no_cause_of_an_error_holds_the_key_or_the_query(
    transport: AiohttpTransport,
) -> None:
    """Neither its text nor its repr; aiohttp's ``ClientResponseError`` has both."""
    async with RawServer(saying_and_closing(b"SSH-2.0\r\n\r\n")) as server:
        url = f"{server.url}/beacon/customers?name=Ada-Lovelace"
        with pytest.raises(UnexpectedResponse) as caught:
            await transport(get("", url=url))
    for error in chain_of(caught.value):
        text = f"{error} {error!r} {error.args} {vars(error)}"
        assert KEY not in text
        assert "Lovelace" not in text


async def test_no_cause_of_an_error_holds_the_password_of_the_proxy() -> None:
    async with RawServer(saying_and_closing(http("407 Proxy Authentication Required"))) as proxy:
        transport = AiohttpTransport(proxy=f"http://user:secret-pass@127.0.0.1:{proxy.port}")
        error = await failure(transport, get("https://api.moregoodreviews.com"))
        await transport.close()
    for each in chain_of(error):
        assert "secret-pass" not in f"{each} {each!r} {each.args} {vars(each)}"
