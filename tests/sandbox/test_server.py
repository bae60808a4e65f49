"""The sandbox on a socket: what a raw client sees of it."""

import asyncio
import gc
import io
import logging
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator

import aiohttp
import pytest

from moregood_async.privacy import Headers
from moregood_async.sandbox import (
    CutBody,
    Delay,
    DropAfterEffect,
    DropBeforeEffect,
    Fault,
    Html,
    Sandbox,
    Server,
    Throttle,
)
from moregood_async.sandbox.server import ThreadedServer
from moregood_async.wire import Request, Response
from tests.sandbox.api import ADA, JSON

HEADERS = {**JSON, "Authorization": "Bearer test-key"}


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever happens on the socket, nobody complains of it."""
    with caplog.at_level(logging.INFO):
        yield
    assert [record.getMessage() for record in caplog.records if record.name != "asyncio"] == []


@pytest.fixture
async def server(sandbox: Sandbox) -> AsyncIterator[Server]:
    """The sandbox, listening."""
    async with sandbox.serve() as server:
        yield server


@pytest.fixture
async def raw() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain session, which repeats nothing."""
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        yield session


async def until(true: Callable[[], bool]) -> None:
    """Waits for what another task brings about."""
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


async def test_it_answers_over_http(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    """With the same bytes as without a socket, and Laravel's header names."""
    async with raw.post(f"{server.base_url}/customers", json=ADA) as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert "charset" not in answer.headers["Content-Type"]
        assert b"Cache-Control" in dict(answer.raw_headers)
        ada = (await answer.json())["data"]
    assert ada["review_link"].startswith("https://")
    assert sandbox.audit().customers == 1


async def test_links_name_the_host_that_was_asked(
    server: Server, raw: aiohttp.ClientSession
) -> None:
    """They are made from the ``Host`` header."""
    for host in ("shop.example", f"127.0.0.1:{server.port}"):
        async with raw.get(f"{server.base_url}/customers/?page=1", headers={"Host": host}) as got:
            told = await got.json()
        assert told["pagination"]["path"] == f"http://{host}/beacon/customers"


async def test_head_and_options(server: Server, raw: aiohttp.ClientSession) -> None:
    """HEAD has the headers of GET and no body; OPTIONS names the methods."""
    url = f"{server.base_url}/customers"
    async with raw.get(url) as got, raw.head(url) as head, raw.options(url) as options:
        assert (head.status, await head.read()) == (200, b"")
        assert head.headers["Content-Length"] == got.headers["Content-Length"]
        assert (options.headers["Allow"], await options.read()) == ("GET,HEAD,POST", b"")


async def test_errors_keep_their_status_and_headers(raw: aiohttp.ClientSession) -> None:
    """A 429 comes with all that a client wants to know."""
    with Sandbox(throttle=Throttle(1)) as sandbox:
        async with sandbox.serve() as server:
            for status in (200, 429):
                async with raw.get(f"{server.base_url}/reviews") as answer:
                    assert answer.status == status
            names = {name.decode() for name, _ in answer.raw_headers}
    assert {"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"} <= names
    assert "X-RateLimit-Reset" in names


@pytest.mark.parametrize(
    ("fault", "applied"), [(DropBeforeEffect(), 0), (DropAfterEffect(), 1)], ids=repr
)
async def test_a_drop_closes_the_connection_without_an_answer(
    sandbox: Sandbox, server: Server, fault: Fault, applied: int
) -> None:
    """Not a byte comes, and the end of the connection does."""
    sandbox.faults = fault
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    body = b'{"first_name":"Ada"}'
    writer.write(
        b"POST /beacon/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test-key\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    await writer.wait_closed()
    assert sandbox.audit().customers == applied


async def test_a_dropped_connection_is_what_aiohttp_calls_disconnected(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    """Also on a connection that was used before; the next request works."""
    url = f"{server.base_url}/customers"
    async with raw.post(url, json=ADA) as answer:
        assert answer.status == 200
    sandbox.faults = DropAfterEffect(times=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await raw.post(url, json=ADA)
    async with raw.post(url, json=ADA) as answer:
        assert answer.status == 200
    assert sandbox.audit().requests == {"customers.upsert": 3}


async def test_a_cut_body_announces_more_than_comes(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    """The status and a part of the JSON arrive, then the connection ends."""
    sandbox.faults = CutBody()
    async with raw.post(f"{server.base_url}/customers", json=ADA) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    assert sandbox.audit().customers == 1


async def test_a_proxys_page_comes_as_html(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    """With the status that it was given."""
    sandbox.faults = Html(502)
    async with raw.get(f"{server.base_url}/customers") as answer:
        assert (answer.status, answer.content_type) == (502, "text/html")


async def test_a_body_of_over_a_megabyte_is_the_proxys_413(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    """HTML, and the sandbox never saw the request; a little less is read."""
    url = f"{server.base_url}/customers"
    async with raw.post(url, data=io.BytesIO(b" " * (2 << 20))) as answer:
        assert (answer.status, answer.content_type) == (413, "text/html")
    assert sandbox.audit().requests == {}
    async with raw.post(url, data=b'{"first_name":"Ada"}' + b" " * 1_000_000) as answer:
        assert answer.status == 200


async def test_who_asks_before_sending_a_body_is_told_to_go_on(
    server: Server, raw: aiohttp.ClientSession
) -> None:
    """``Expect: 100-continue``, as curl sends it with large bodies."""
    timeout = aiohttp.ClientTimeout(total=5)
    url = f"{server.base_url}/customers"
    async with raw.post(url, json=ADA, expect100=True, timeout=timeout) as answer:
        assert answer.status == 200


async def test_what_is_no_path_is_a_404(server: Server) -> None:
    """``OPTIONS *``, a proxy's absolute form, and no ``Host`` at all."""
    for target, status in ((b"*", b"404"), (b"http://x.example/beacon/customers", b"200")):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"OPTIONS %s HTTP/1.0\r\n\r\n" % target)
        line = await asyncio.wait_for(reader.readline(), 5)
        assert line.split()[1] == status
        writer.close()
        await writer.wait_closed()


async def test_who_hangs_up_does_not_stop_the_effect(sandbox: Sandbox, server: Server) -> None:
    """A gateway's timeout does not stop PHP either."""
    sandbox.faults = Delay(0.1)
    timeout = aiohttp.ClientTimeout(total=0.02)
    async with aiohttp.ClientSession(headers=HEADERS, timeout=timeout) as hasty:
        with pytest.raises(TimeoutError):
            await hasty.post(f"{server.base_url}/customers", json=ADA)
    await until(lambda: sandbox.audit().customers == 1)


async def test_many_at_once_are_all_answered(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    """One email sent by all of them at the same time is one customer."""

    async def send(number: int) -> int:
        async with raw.post(f"{server.base_url}/customers", json={**ADA, "city": str(number)}) as a:
            return a.status

    assert set(await asyncio.gather(*map(send, range(100)))) == {200}
    assert sandbox.audit().customers == 1


async def test_it_stops_quickly_whoever_is_still_there(raw: aiohttp.ClientSession) -> None:
    """An idle connection and a request in the middle of a long delay do not hold it up."""
    with Sandbox(faults=Delay(60, on="reviews.list")) as sandbox:
        async with sandbox.serve() as server:
            async with raw.get(f"{server.base_url}/customers") as answer:
                await answer.read()
            waiting = asyncio.ensure_future(raw.get(f"{server.base_url}/reviews"))
            await until(lambda: "reviews.list" in sandbox.audit().requests)
            began = time.monotonic()
        assert time.monotonic() - began < 20
        with pytest.raises(aiohttp.ClientError):
            await waiting


async def test_a_port_in_use_is_an_oserror(server: Server) -> None:
    """In the loop and in a thread, in the caller; nothing is left running."""
    with Sandbox() as other:
        with pytest.raises(OSError, match=str(server.port)):
            async with other.serve(port=server.port):
                pass
        with pytest.raises(OSError, match=str(server.port)):
            other.serve_in_thread(port=server.port).__enter__()
    assert not [each for each in threading.enumerate() if each.name == "sandbox"]


def test_a_port_that_is_none_is_refused_in_the_caller(sandbox: Sandbox) -> None:
    """Whatever the error, the caller gets it and does not wait."""
    with pytest.raises(OverflowError), sandbox.serve_in_thread(port=99_999):
        pass
    assert not [each for each in threading.enumerate() if each.name == "sandbox"]


def test_in_a_thread_it_serves_and_stops(sandbox: Sandbox) -> None:
    """As often as it is entered, at the same port; afterwards nobody listens."""
    threaded = sandbox.serve_in_thread()
    ports: list[int] = []
    for _ in range(2):
        with threaded as server:
            ports.append(server.port)
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(b"GET /beacon/customers HTTP/1.0\r\n\r\n")
                assert connection.recv(64).startswith(b"HTTP/1.0 302 ")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port))
    assert ports == [threaded.port] * 2
    assert threaded.base_url == f"http://127.0.0.1:{ports[0]}/beacon"


def test_a_thread_that_never_ran_is_left_without_a_word(sandbox: Sandbox) -> None:
    """Leaving what was not entered does nothing."""
    sandbox.serve_in_thread().__exit__(None, None, None)


def left_open(stopped: Callable[[], None]) -> list[str]:
    """Warnings of what was not closed."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        stopped()
        gc.collect()
    return [str(warning.message) for warning in told if "unclosed" in str(warning.message)]


def test_a_connection_that_comes_as_it_stops_is_closed(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """However far it had come."""

    def stopped() -> None:
        for number in range(60):
            with sandbox.serve_in_thread() as server:
                calls = [
                    socket.create_connection(("127.0.0.1", server.port)) for _ in range(number % 4)
                ]
            for call in calls:
                call.close()

    assert [] == left_open(stopped)
    assert [] == [record.getMessage() for record in caplog.records]


def test_an_answer_that_nobody_reads_is_dropped_as_it_stops() -> None:
    """It is larger than what the network holds."""
    began = threading.Event()

    async def large(_: Request) -> Response:
        began.set()
        return Response(status=200, headers=Headers({}), body=b"x" * 30_000_000)

    def stopped() -> None:
        with ThreadedServer(Server(large, "127.0.0.1", 0)) as server:
            call = socket.create_connection(("127.0.0.1", server.port))
            call.sendall(b"GET /beacon/customers HTTP/1.1\r\nHost: here\r\n\r\n")
            assert began.wait(5.0)
            assert call.recv(1)
        call.close()

    assert [] == left_open(stopped)


def test_an_ipv6_host_is_written_in_brackets(sandbox: Sandbox) -> None:
    """As URLs want it."""
    assert sandbox.serve("::1", 80).base_url == "http://[::1]:80/beacon"


def test_importing_the_sandbox_does_not_import_aiohttp() -> None:
    """Only a socket needs it."""
    code = "import sys, moregood_async.sandbox; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
