"""The fast path sends the same requests as the ordinary path; conditions that disable it."""

from __future__ import annotations

import functools
from typing import Any

import aiohttp
import attrs
import pytest
from aioresponses import aioresponses

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    ConnectionFailed,
)
from moregood_async.privacy import Headers
from moregood_async.transport import AiohttpTransport
from moregood_async.transport.fast_path import MAX_FAST_PATHS
from tests.aiohttp_doubles import (
    MockedResponse,
    RawServer,
    Received,
)
from tests.transport.raw_requests import BODY, KEY, Summary, failure, get, post, summary_of


def normalized(received: Received) -> tuple[str, frozenset[tuple[str, str]], bytes]:
    """Return method, headers and body, without the content type that aiohttp adds by itself."""
    headers = frozenset((name.lower(), value) for name, value in received.headers)
    return received.method, headers - {("content-type", "application/octet-stream")}, received.body


@pytest.mark.parametrize("body", [None, b"", BODY], ids=["no body", "empty body", "body"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "headers", [{}, {"user-agent": "mine", "X-Mine": "yes"}], ids=["default", "custom"]
)
async def test_the_fast_path_and_the_ordinary_path_send_the_same_request(
    method: str, body: bytes | None, headers: dict[str, str]
) -> None:
    transport = AiohttpTransport()
    async with RawServer() as server:
        all_headers = Headers({"Authorization": f"Bearer {KEY}", **headers})
        request = post(server.url, method=method, body=body, headers=all_headers)
        assert transport._fast_paths is not None
        assert transport._fast_paths.can_send(request)
        await transport(request)
        transport._fast_paths = None
        await transport(request)
    await transport.close()
    by_fast_path, by_ordinary_path = map(normalized, server.received)
    assert by_ordinary_path == by_fast_path


async def test_content_length_is_that_of_each_body(transport: AiohttpTransport) -> None:
    """The same headers are used for requests with a body and without one."""
    async with RawServer() as server:
        request = post(server.url, attempt_timeout=2.0)
        for body in (BODY, None, b"", BODY):
            await transport(attrs.evolve(request, body=body))
    assert [BODY, b"", b"", BODY] == [each.body for each in server.received]
    lengths = [each.all("Content-Length") for each in server.received]
    assert [[str(len(BODY))], ["0"], ["0"], [str(len(BODY))]] == lengths


async def test_the_number_of_fast_paths_is_bounded(transport: AiohttpTransport) -> None:
    """The pages of a list have an unlimited number of URLs."""
    async with RawServer() as server:
        for page in range(MAX_FAST_PATHS + 2):
            await transport(get("", url=f"{server.url}/beacon/reviews?page={page}"))
    if transport._fast_paths is not None:
        assert 2 == len(transport._fast_paths._paths)


async def test_the_installed_aiohttp_is_a_tested_release() -> None:
    """If this fails: check that this file passes, and add the release to `TESTED_RELEASES`."""
    transport = AiohttpTransport()
    assert transport._fast_paths is not None
    assert transport._fast_paths.can_send(post("http://127.0.0.1"))
    await transport.close()


async def test_an_untested_aiohttp_release_disables_the_fast_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The private API of aiohttp may differ in that release."""
    monkeypatch.setattr(aiohttp, "__version__", "3.99.0")
    transport = AiohttpTransport()
    assert transport._fast_paths is not None
    assert not transport._fast_paths.can_send(post("http://127.0.0.1"))
    await transport.close()


@pytest.mark.parametrize("name", ["_request", "request"])
async def test_a_wrapper_of_aiohttps_request_methods_is_called(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An instrumentation may be installed and removed between two requests."""
    wrapped_methods = list[str]()
    original = getattr(aiohttp.ClientSession, name)

    @functools.wraps(original)
    def wrapper(self: aiohttp.ClientSession, method: str, url: Any, **kwargs: Any) -> Any:
        wrapped_methods.append(method)
        return original(self, method, url, **kwargs)

    transport = AiohttpTransport()
    async with RawServer() as server:
        await transport(post(server.url))
        with monkeypatch.context() as watching:
            watching.setattr(aiohttp.ClientSession, name, wrapper)
            await transport(post(server.url))
        await transport(post(server.url))
    await transport.close()
    assert ["POST"] == wrapped_methods
    assert 3 == len(server.received)


async def test_trace_configs_disable_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instrumentation can add its trace config to every new session."""
    monkeypatch.setattr(
        aiohttp.ClientSession, "trace_configs", property(lambda _: [aiohttp.TraceConfig()])
    )
    transport = AiohttpTransport()
    assert transport._fast_paths is not None
    assert not transport._fast_paths.can_send(post("http://127.0.0.1"))
    await transport.close()


async def test_a_long_body_takes_the_ordinary_path() -> None:
    """Aiohttp reads the response while it writes a long body."""
    transport = AiohttpTransport()
    assert transport._fast_paths is not None
    assert transport._fast_paths.can_send(post("http://127.0.0.1", body=b"x" * 2**16))
    assert not transport._fast_paths.can_send(post("http://127.0.0.1", body=b"x" * (2**16 + 1)))
    await transport.close()


async def test_a_mock_responds_while_it_is_active_to_a_client_that_is_already_connected() -> None:
    async with RawServer() as server, MoreGoodClient(KEY, base_url=server.url) as client:
        await client.request("POST", "x", json={})
        with aioresponses() as active_mock:
            mocked: Any = active_mock
            mocked.post(f"{server.url}/x", status=201, body="{}", response_class=MockedResponse)
            assert 201 == (await client.request("POST", "x", json={})).status
        await client.request("POST", "x", json={})
    assert 2 == len(server.received)


async def test_a_connection_that_is_lost_before_the_write_has_sent_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The connection is lost before the first byte of the request is written."""
    transport = AiohttpTransport()
    connect = aiohttp.TCPConnector.connect

    async def connect_and_lose(self: aiohttp.TCPConnector, *args: Any, **kwargs: Any) -> Any:
        connection = await connect(self, *args, **kwargs)
        assert connection.transport is not None
        connection.transport.close()
        return connection

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", connect_and_lose)
    async with RawServer() as server:
        error = await failure(transport, post(server.url))
    await transport.close()
    assert Summary(ConnectionFailed, phase="connecting", sent=False) == summary_of(error)
    assert [] == server.received
