"""Cancellation and timeouts of the caller."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from tests.aiohttp_doubles import RawServer, saying, silent
from tests.client.raw_client import KEY, ping
from tests.middleware.doubles import until


def others() -> set[asyncio.Task[Any]]:
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current}


async def test_cancellation_passes_through_at_once_and_leaks_nothing(server: RawServer) -> None:
    """In flight, in the queue or backing off: no task stays, and no connection."""
    server.answer = silent
    async with MoreGoodClient(KEY, base_url=server.url, max_concurrency=4) as client:
        before = others()
        calls = [asyncio.ensure_future(ping(client)) for _ in range(20)]
        await until(lambda: len(server.received) == 4)
        for call in calls:
            call.cancel()
        done, _ = await asyncio.wait(calls, timeout=1.0)
        assert (20, True) == (len(done), all(call.cancelled() for call in calls))
        await until(lambda: server.open_connections == 0)
        assert set() == {
            task for task in others() - before if task.get_name().startswith("moregood")
        }
        server.answer = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        assert [200] * 20 == await asyncio.gather(*(ping(client) for _ in range(20)))
        assert 4 == server.open_connections


async def test_a_timeout_of_the_users_own_is_obeyed_at_once(server: RawServer) -> None:
    """``asyncio.timeout`` around a call is a cancellation like any other."""
    server.answer = silent
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ping(client)
        assert loop.time() - begun < 1.0


async def test_no_task_is_left_after_closing(server: RawServer) -> None:
    """Neither by calls that went well nor by one that was cancelled."""
    before = others()
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        await asyncio.gather(*(ping(client) for _ in range(50)))
    await until(lambda: server.open_connections == 0)
    await asyncio.sleep(0)
    assert before >= others()
