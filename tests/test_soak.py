"""A hundred thousand calls leak no connection, no task and no memory; about a minute."""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import MoreGoodError
from moregood_async.sandbox import CutBody, DropAfterEffect, Refuse, Sandbox
from tests.aiohttp_doubles import RawServer, http, saying
from tests.middleware.doubles import without_backoff

pytestmark = pytest.mark.soak

CALLS = 100_000
ROUNDS = 10
AT_ONCE = 64
KEY = "test-key"
MIB = 1024 * 1024


def resident_bytes() -> int:
    """Return the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


async def rounds(call: Callable[[int], Coroutine[Any, Any, object]], calls: int) -> list[int]:
    """Make the calls, some at once; return the bytes in use after each tenth of them."""
    numbers = iter(range(calls))
    used: list[int] = []

    async def worker(until: int) -> None:
        for number in numbers:
            await call(number)
            if number >= until:
                return

    for tenth in range(1, ROUNDS + 1):
        until = calls * tenth // ROUNDS - AT_ONCE
        await asyncio.gather(*(worker(until) for _ in range(AT_ONCE)))
        gc.collect()
        used.append(tracemalloc.get_traced_memory()[0])
    return used


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_hundred_thousand_calls_leave_nothing_behind() -> None:
    """Against a bare server, the memory of both sides measured from outside."""
    answer = http(body=b'{"success":true,"data":{"id":1,"first_name":"Ada"}}')
    async with (
        RawServer(saying(answer)) as server,
        MoreGoodClient(KEY, base_url=server.url, max_concurrency=32) as client,
    ):

        async def upsert(number: int) -> object:
            email = f"{number}@example.com"
            customer = await client.customers.upsert(first_name="Ada", email=email)
            server.received.clear()
            return customer

        await rounds(upsert, CALLS // 10)
        tasks, memory = len(asyncio.all_tasks()), resident_bytes()
        await rounds(upsert, CALLS - CALLS // 10)
        grown = resident_bytes() - memory
        assert (32, 32) == (server.connections, server.open_connections)
        assert tasks == len(asyncio.all_tasks())
    assert grown < 8 * MIB


async def test_calls_that_fail_leave_nothing_behind() -> None:
    """Refused, dropped, cut short, timed out and cancelled ones, by their allocations."""
    with Sandbox(keys=KEY) as sandbox:
        sandbox.faults = (
            Refuse(500, probability=0.2, seed=1)
            | DropAfterEffect(probability=0.1, seed=2)
            | CutBody(probability=0.1, seed=3)
            | Refuse(422, probability=0.1, seed=4)
        )
        async with (
            sandbox.serve() as server,
            MoreGoodClient(KEY, base_url=server.base_url) as client,
        ):
            repeating = without_backoff(client)

            async def call(number: int) -> None:
                try:
                    async with asyncio.timeout(0.004 if number % 5 == 0 else 30.0):
                        await repeating.customers.upsert(first_name="Ada", email="a@example.com")
                except (MoreGoodError, TimeoutError):
                    pass

            tracemalloc.start()
            try:
                used = await rounds(call, 4_000)
            finally:
                tracemalloc.stop()
            await asyncio.sleep(0.1)
            tasks = [task.get_coro() for task in asyncio.all_tasks()]
    assert used[-1] - used[1] < MIB, used
    assert len(tasks) < 80, tasks
