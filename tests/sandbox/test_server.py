"""The sandbox on a socket, as raw HTTP clients see it."""

import asyncio
import gc
import io
import logging
import socket
import subprocess
import sys
import threading
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
    """No test may cause a log record outside asyncio."""
    with caplog.at_level(logging.INFO):
        yield
    assert [record.getMessage() for record in caplog.records if record.name != "asyncio"] == []


@pytest.fixture
async def server(sandbox: Sandbox) -> AsyncIterator[Server]:
    """A server of the sandbox."""
    async with sandbox.serve() as server:
        yield server


@pytest.fixture
async def raw() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain aiohttp session, which retries nothing."""
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        yield session


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true that another task brings about."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the server signals no event
            await asyncio.sleep(0.01)


async def test_a_response_has_laravels_headers_in_laravels_spelling(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    async with raw.post(f"{server.base_url}/customers", json=ADA) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/json"
        assert b"Cache-Control" in dict(response.raw_headers)
        ada = (await response.json())["data"]
    assert ada["review_link"].startswith("https://")
    assert sandbox.audit().customers == 1


async def test_the_links_of_a_page_contain_the_host_header(
    server: Server, raw: aiohttp.ClientSession
) -> None:
    url = f"{server.base_url}/customers/?page=1"
    for host in ("shop.example", f"127.0.0.1:{server.port}"):
        async with raw.get(url, headers={"Host": host}) as response:
            page = await response.json()
        assert page["pagination"]["path"] == f"http://{host}/beacon/customers"


async def test_head_has_the_content_length_of_get_and_no_body(
    server: Server, raw: aiohttp.ClientSession
) -> None:
    url = f"{server.base_url}/customers"
    async with raw.get(url) as get, raw.head(url) as head:
        assert head.status == 200
        assert await head.read() == b""
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


async def test_options_lists_the_methods(server: Server, raw: aiohttp.ClientSession) -> None:
    async with raw.options(f"{server.base_url}/customers") as response:
        assert response.headers["Allow"] == "GET,HEAD,POST"
        assert await response.read() == b""


async def test_a_429_has_all_headers_of_the_throttle(raw: aiohttp.ClientSession) -> None:
    with Sandbox(throttle=Throttle(1)) as sandbox:
        async with sandbox.serve() as server:
            for status in (200, 429):
                async with raw.get(f"{server.base_url}/reviews") as response:
                    assert response.status == status
            names = {name.decode() for name, _ in response.raw_headers}
    assert {"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"} <= names
    assert "X-RateLimit-Reset" in names


@pytest.mark.parametrize(
    ("fault", "customers"), [(DropBeforeEffect(), 0), (DropAfterEffect(), 1)], ids=repr
)
async def test_a_dropped_connection_is_closed_without_a_byte(
    sandbox: Sandbox, server: Server, fault: Fault, customers: int
) -> None:
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
    assert sandbox.audit().customers == customers


async def test_a_dropped_connection_that_was_used_before_is_a_disconnect_to_aiohttp(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    """The next request works."""
    url = f"{server.base_url}/customers"
    async with raw.post(url, json=ADA) as response:
        assert response.status == 200
    sandbox.faults = DropAfterEffect(times=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await raw.post(url, json=ADA)
    async with raw.post(url, json=ADA) as response:
        assert response.status == 200
    assert sandbox.audit().requests == {"customers.upsert": 3}


async def test_a_cut_body_is_shorter_than_its_content_length(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    """The status and a part of the JSON arrive before the connection ends."""
    sandbox.faults = CutBody()
    async with raw.post(f"{server.base_url}/customers", json=ADA) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert sandbox.audit().customers == 1


async def test_an_html_page_has_the_status_and_content_type_of_a_proxys_page(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    sandbox.faults = Html(502)
    async with raw.get(f"{server.base_url}/customers") as response:
        assert response.status == 502
        assert response.content_type == "text/html"


async def test_a_body_of_more_than_a_megabyte_is_the_proxys_413(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:
    """The request does not reach the sandbox. A slightly smaller body is read."""
    url = f"{server.base_url}/customers"
    async with raw.post(url, data=io.BytesIO(b" " * (2 << 20))) as response:
        assert response.status == 413
        assert response.content_type == "text/html"
    assert sandbox.audit().requests == {}
    async with raw.post(url, data=b'{"first_name":"Ada"}' + b" " * 1_000_000) as response:
        assert response.status == 200


async def test_expect_100_continue_gets_a_100_before_the_body(
    server: Server, raw: aiohttp.ClientSession
) -> None:
    """Curl sends the header with large bodies."""
    timeout = aiohttp.ClientTimeout(total=5)
    url = f"{server.base_url}/customers"
    async with raw.post(url, json=ADA, expect100=True, timeout=timeout) as response:
        assert response.status == 200


async def test_request_targets_that_are_not_paths_are_handled(server: Server) -> None:
    """``OPTIONS *`` is a 404 and the absolute form is a 200, without a ``Host`` header too."""
    for target, status in ((b"*", b"404"), (b"http://x.example/beacon/customers", b"200")):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"OPTIONS %s HTTP/1.0\r\n\r\n" % target)
        line = await asyncio.wait_for(reader.readline(), 5)
        assert line.split()[1] == status
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_disconnects_does_not_stop_the_effect(
    sandbox: Sandbox, server: Server
) -> None:
    """A gateway's timeout does not stop PHP either."""
    sandbox.faults = Delay(0.1)
    timeout = aiohttp.ClientTimeout(total=0.02)
    async with aiohttp.ClientSession(headers=HEADERS, timeout=timeout) as impatient:
        with pytest.raises(TimeoutError):
            await impatient.post(f"{server.base_url}/customers", json=ADA)
    await wait_until(lambda: sandbox.audit().customers == 1)


async def test_a_hundred_concurrent_upserts_of_one_email_are_one_customer(
    sandbox: Sandbox, server: Server, raw: aiohttp.ClientSession
) -> None:

    async def send(number: int) -> int:
        customer = {**ADA, "city": str(number)}
        async with raw.post(f"{server.base_url}/customers", json=customer) as response:
            return response.status

    assert set(await asyncio.gather(*map(send, range(100)))) == {200}
    assert sandbox.audit().customers == 1


async def test_a_server_stops_despite_idle_connections_and_long_requests(
    raw: aiohttp.ClientSession,
) -> None:
    with Sandbox(faults=Delay(60, on="reviews.list")) as sandbox:
        async with asyncio.timeout(20), sandbox.serve() as server:
            async with raw.get(f"{server.base_url}/customers") as response:
                await response.read()
            delayed = asyncio.ensure_future(raw.get(f"{server.base_url}/reviews"))
            await wait_until(lambda: "reviews.list" in sandbox.audit().requests)
        with pytest.raises(aiohttp.ClientError):
            await delayed


def sandbox_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "sandbox"]


async def test_a_port_in_use_is_an_oserror_in_the_caller(server: Server) -> None:
    """No thread is left running."""
    with Sandbox() as other:
        with pytest.raises(OSError, match=str(server.port)):
            async with other.serve(port=server.port):
                pass
        with pytest.raises(OSError, match=str(server.port)):
            other.serve_in_thread(port=server.port).__enter__()
    assert sandbox_threads() == []


def test_an_impossible_port_is_an_error_in_the_caller_of_a_threaded_server(
    sandbox: Sandbox,
) -> None:
    with pytest.raises(OverflowError), sandbox.serve_in_thread(port=99_999):
        pass
    assert sandbox_threads() == []


def test_a_threaded_server_can_be_entered_again_at_the_same_port(sandbox: Sandbox) -> None:
    """The port is closed in between."""
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


def test_leaving_a_threaded_server_that_was_not_entered_does_nothing(sandbox: Sandbox) -> None:
    sandbox.serve_in_thread().__exit__(None, None, None)


def unclosed_warnings(run: Callable[[], None]) -> list[str]:
    """Run a function and return the warnings about sockets that it left open."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
        gc.collect()
    return [str(warning.message) for warning in caught if "unclosed" in str(warning.message)]


def test_a_connection_that_is_made_while_the_server_stops_is_closed(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Sixty rounds with 0 to 3 connections, because the moment of the stop is not exact."""

    def connect_and_stop() -> None:
        for number in range(60):
            with sandbox.serve_in_thread() as server:
                connections = [
                    socket.create_connection(("127.0.0.1", server.port)) for _ in range(number % 4)
                ]
            for connection in connections:
                connection.close()

    assert unclosed_warnings(connect_and_stop) == []
    assert [record.getMessage() for record in caplog.records] == []


def test_a_response_that_the_client_does_not_read_is_dropped_when_the_server_stops() -> None:
    """The response is larger than the buffers of the network."""
    started = threading.Event()

    async def respond_with_30_mb(_: Request) -> Response:
        started.set()
        return Response(status=200, headers=Headers({}), body=b"x" * 30_000_000)

    def read_one_byte_and_stop() -> None:
        with ThreadedServer(Server(respond_with_30_mb, "127.0.0.1", 0)) as server:
            connection = socket.create_connection(("127.0.0.1", server.port))
            connection.sendall(b"GET /beacon/customers HTTP/1.1\r\nHost: a.test\r\n\r\n")
            assert started.wait(5.0)
            assert connection.recv(1)
        connection.close()

    assert unclosed_warnings(read_one_byte_and_stop) == []


def test_the_base_url_has_an_ipv6_host_in_brackets(sandbox: Sandbox) -> None:
    assert sandbox.serve("::1", 80).base_url == "http://[::1]:80/beacon"


def test_importing_the_sandbox_does_not_import_aiohttp() -> None:
    code = "import sys, moregood_async.sandbox; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
