"""Opening, closing, and what a closed or forgotten client says."""

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
from tests.middleware.doubles import told, until


async def test_a_client_opens_with_async_with_and_closes_with_it(server: RawServer) -> None:
    """And its connections with it."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        assert 200 == await ping(client)
        assert 1 == server.open_connections
    await until(lambda: server.open_connections == 0)


async def test_a_client_opens_with_its_first_use_and_closes_with_aclose(server: RawServer) -> None:
    """Without ``async with``: for places where no block is at hand."""
    client = MoreGoodClient(KEY, base_url=server.url)
    assert 200 == await ping(client)
    await client.aclose()
    await until(lambda: server.open_connections == 0)


def test_a_client_is_made_without_a_loop() -> None:
    """At import time, say; nothing is open, so nothing is to be closed."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client = MoreGoodClient(KEY)
        del client
        gc.collect()


async def test_closing_twice_is_fine(server: RawServer) -> None:
    """Also where it was never opened."""
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
async def test_after_closing_every_use_is_client_closed(
    server: RawServer, call: Callable[[MoreGoodClient], Awaitable[object]]
) -> None:
    """And nothing is sent."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        await ping(client)
    with pytest.raises(ClientClosed, match="nothing was sent"):
        await call(client)
    assert 1 == len(server.received)


async def test_a_view_made_before_is_closed_too(server: RawServer) -> None:
    """Its connections are the client's."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        view = client.with_options(deadline=1.0)
        await ping(view)
    with pytest.raises(ClientClosed):
        await ping(view)


async def test_those_who_wait_for_their_turn_are_told_when_the_client_closes(
    server: RawServer,
) -> None:
    """They send nothing: those in flight break, and the queue moves up to `ClientClosed`."""
    server.answer = silent
    client = MoreGoodClient(KEY, base_url=server.url, max_concurrency=2, max_attempts=1)
    calls = [asyncio.ensure_future(ping(client)) for _ in range(6)]
    await until(lambda: len(server.received) == 2)
    await client.aclose()
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert 4 == sum(isinstance(error, ClientClosed) for error in errors)
    assert all(isinstance(error, MoreGoodError) for error in errors)
    assert 2 == len(server.received)


async def test_a_handler_of_ones_own_is_not_called_after_closing() -> None:
    """Nor by a call that had waited for a time that the server named."""
    heard: list[Request] = []

    async def handler(request: Request) -> Response:
        heard.append(request)
        return told(0)

    client = MoreGoodClient(KEY, transport=handler)
    call = asyncio.ensure_future(ping(client))
    await until(lambda: len(heard) == 1)
    await client.aclose()
    with pytest.raises(ClientClosed) as caught:
        await call
    assert (1, ["429"]) == (len(heard), [attempt.outcome for attempt in caught.value.attempts])


async def test_a_users_session_is_never_closed(server: RawServer) -> None:
    """Who opened it closes it."""
    async with aiohttp.ClientSession() as session:
        async with MoreGoodClient(KEY, base_url=server.url, session=session) as client:
            await ping(client)
        assert not session.closed
        assert 1 == server.open_connections


async def test_a_users_session_that_is_closed_is_client_closed(server: RawServer) -> None:
    """In our words, and not as a ``RuntimeError``."""
    async with aiohttp.ClientSession() as session:
        client = MoreGoodClient(KEY, base_url=server.url, session=session)
    with pytest.raises(ClientClosed):
        await ping(client)
    await client.aclose()


async def test_a_forgotten_client_warns_and_names_the_line(server: RawServer) -> None:
    """Where it was made; and its connections close all the same."""
    client = MoreGoodClient(KEY, base_url=server.url)
    line = sys._getframe().f_lineno - 1
    await ping(client)
    with pytest.warns(ResourceWarning, match=re.escape(f"{__file__}:{line} was never closed")):
        del client
    await until(lambda: server.open_connections == 0)


async def test_a_view_that_is_forgotten_warns_nobody(server: RawServer) -> None:
    """It has nothing of its own."""
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        view = client.with_options(deadline=1.0)
        await ping(view)
        await view.aclose()
        del view
        gc.collect()
        assert 200 == await ping(client)
