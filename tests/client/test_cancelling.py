"""Cancelled calls, and timeouts around calls."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from tests.aiohttp_doubles import RawServer, saying, silent
from tests.client.raw_client import KEY, ping
from tests.middleware.doubles import until


def other_tasks() -> set[asyncio.Task[Any]]:
    current = asyncio.current_task()
    return {task for task in asyncio.all_tasks() if task is not current}


async def test_a_cancelled_call_leaves_no_task_and_no_connection(server: RawServer) -> None:
    """Four of the cancelled calls are in flight, and the others are in the queue."""
    server.answer = silent
    async with MoreGoodClient(KEY, base_url=server.url, max_concurrency=4) as client:
        before = other_tasks()
        calls = [asyncio.ensure_future(ping(client)) for _ in range(20)]
        await until(lambda: len(server.received) == 4)
        for call in calls:
            call.cancel()
        done, _ = await asyncio.wait(calls, timeout=1.0)
        assert len(done) == 20
        assert all(call.cancelled() for call in calls)
        await until(lambda: server.open_connections == 0)
        assert {
            task for task in other_tasks() - before if task.get_name().startswith("moregood")
        } == set()
        server.answer = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        assert await asyncio.gather(*(ping(client) for _ in range(20))) == [200] * 20
        assert server.open_connections == 4


async def test_a_timeout_around_a_call_cancels_the_call_at_once(server: RawServer) -> None:
    server.answer = silent
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ping(client)
        assert loop.time() - started_at < 1.0


async def test_a_closed_client_leaves_no_task(server: RawServer) -> None:
    before = other_tasks()
    async with MoreGoodClient(KEY, base_url=server.url) as client:
        await asyncio.gather(*(ping(client) for _ in range(50)))
    await until(lambda: server.open_connections == 0)
    await asyncio.sleep(0)
    assert other_tasks() <= before
