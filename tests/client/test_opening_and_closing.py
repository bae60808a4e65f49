"""Opening, closing, and the errors and warnings of closed and unclosed clients."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import warnings
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import ClientClosed, MoreGoodError
from moregood_async.wire import Request, Response
from tests.aiohttp_doubles import RawServer, silent
from tests.client.raw_client import KEY, ping
from tests.middleware.doubles import retry_after_response, until


async def test_async_with_closes_the_connections(server: RawServer) -> None:
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        assert await ping(client) == 200
        assert server.open_connections == 1
    await until(lambda: server.open_connections == 0)


async def test_a_client_works_without_async_with(server: RawServer) -> None:
    """The first call opens the connection, and `aclose` closes it."""
    client = MoreGoodClient(KEY, base_url=server.url)
    assert await ping(client) == 200
    await client.aclose()
    await until(lambda: server.open_connections == 0)


def test_a_client_can_be_made_without_an_event_loop() -> None:
    """A client without connections needs no closing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client = MoreGoodClient(KEY)
        del client
        gc.collect()


async def test_a_client_can_be_closed_twice(server: RawServer) -> None:
    """The same holds for a client that was never used."""
    client = MoreGoodClient(KEY, base_url=server.url)
    await ping(client)
    await client.aclose()
    await client.aclose()
    unused = MoreGoodClient(KEY)
    await unused.aclose()
    await unused.aclose()


CALLS: dict[str, Callable[[MoreGoodClient], Awaitable[object]]] = {
    "a request": ping,
    "a list": lambda client: client.reviews.list().collect(),
    "a write": lambda client: client.locations.create(name="A"),
    "async with": lambda client: client.__aenter__(),
    "a view": lambda client: ping(client.with_options(deadline=1.0)),
    "a view of another key": lambda client: ping(client.with_options(api_key="other")),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_each_use_of_a_closed_client_raises_client_closed(
    server: RawServer, call: Callable[[MoreGoodClient], Awaitable[object]]
) -> None:
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        await ping(client)
    with pytest.raises(ClientClosed, match="nothing was sent"):
        await call(client)
    assert len(server.received) == 1


async def test_closing_a_client_closes_its_earlier_views(server: RawServer) -> None:
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        view = client.with_options(deadline=1.0)
        await ping(view)
    with pytest.raises(ClientClosed):
        await ping(view)


async def test_closing_a_client_raises_client_closed_in_queued_calls(
    server: RawServer,
) -> None:
    """Queued calls send nothing; the requests in flight break."""
    server.answer = silent
    client = MoreGoodClient(KEY, base_url=server.url, max_concurrency=2, max_attempts=1)
    calls = [asyncio.ensure_future(ping(client)) for _ in range(6)]
    await until(lambda: len(server.received) == 2)
    await client.aclose()
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(error, ClientClosed) for error in errors) == 4
    assert all(isinstance(error, MoreGoodError) for error in errors)
    assert len(server.received) == 2


async def test_a_custom_handler_is_not_called_after_closing() -> None:
    """The call waits for a Retry-After while the client closes."""
    requests: list[Request] = []

    async def handler(request: Request) -> Response:
        requests.append(request)
        return retry_after_response(0)

    client = MoreGoodClient(KEY, transport=handler)
    call = asyncio.ensure_future(ping(client))
    await until(lambda: len(requests) == 1)
    await client.aclose()
    with pytest.raises(ClientClosed) as caught:
        await call
    assert len(requests) == 1
    assert [attempt.outcome for attempt in caught.value.attempts] == ["429"]


async def test_a_session_of_the_caller_is_never_closed(server: RawServer) -> None:
    async with aiohttp.ClientSession() as session:
        async with MoreGoodClient(KEY, base_url=server.url, session=session) as client:
            await ping(client)
        assert not session.closed
        assert server.open_connections == 1


async def test_a_closed_session_of_the_caller_raises_client_closed(server: RawServer) -> None:
    """Aiohttp alone would raise a ``RuntimeError``."""
    async with aiohttp.ClientSession() as session:
        client = MoreGoodClient(KEY, base_url=server.url, session=session)
    with pytest.raises(ClientClosed):
        await ping(client)
    await client.aclose()


async def test_an_unclosed_client_warns_and_its_connections_close(server: RawServer) -> None:
    """The warning names the line that made the client."""
    client = MoreGoodClient(KEY, base_url=server.url)
    line = sys._getframe().f_lineno - 1
    await ping(client)
    with pytest.warns(ResourceWarning, match=re.escape(f"{__file__}:{line} was never closed")):
        del client
    await until(lambda: server.open_connections == 0)


async def test_an_unclosed_view_does_not_warn(server: RawServer) -> None:
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        view = client.with_options(deadline=1.0)
        await ping(view)
        await view.aclose()
        del view
        gc.collect()
        assert await ping(client) == 200
