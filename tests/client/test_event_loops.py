"""One client in several event loops."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from moregood_async import MoreGoodClient
from moregood_async.connections import LoopConnections
from moregood_async.errors import ClientClosed
from tests.aiohttp_doubles import RawServer
from tests.client.raw_client import KEY, _slow, ping
from tests.middleware.doubles import Elsewhere, until


def test_one_client_serves_one_loop_after_the_other() -> None:
    """`asyncio.run` after `asyncio.run`; loops that have ended are not kept."""
    seen: list[weakref.ref[asyncio.AbstractEventLoop]] = []
    connections: list[int] = []

    async def main(client: MoreGoodClient) -> None:
        seen.append(weakref.ref(asyncio.get_running_loop()))
        async with RawServer() as server:
            view = client.with_options(base_url=server.url)
            await asyncio.gather(*(ping(view) for _ in range(3)))
            await ping(view)
            connections.append(server.connections)

    client = MoreGoodClient(KEY)
    for _ in range(10):
        asyncio.run(main(client))
    gc.collect()
    assert ([3] * 10, 1) == (connections, sum(loop() is not None for loop in seen))
    asyncio.run(client.aclose())
    gc.collect()
    assert 0 == sum(loop() is not None for loop in seen)


def test_a_client_that_was_closed_in_one_loop_is_closed_in_the_next() -> None:
    """Closed is closed."""

    async def use(client: MoreGoodClient) -> None:
        async with client:
            pass

    client = MoreGoodClient(KEY)
    asyncio.run(use(client))
    with pytest.raises(ClientClosed):
        asyncio.run(use(client))


async def test_two_loops_use_a_client_at_once_and_one_closes_it(server: RawServer) -> None:
    """Each has its own connections, and `aclose` closes those of both."""
    client = MoreGoodClient(KEY, base_url=server.url)
    with Elsewhere() as elsewhere:
        here = [ping(client) for _ in range(30)]
        there = [elsewhere.run(ping(client)) for _ in range(30)]
        assert [200] * 60 == await asyncio.gather(*here, *there)
        assert server.open_connections >= 2
        await client.aclose()
        await until(lambda: server.open_connections == 0)
        with pytest.raises(ClientClosed):
            await elsewhere.run(ping(client))


async def test_closing_waits_for_no_loop_that_has_ended(server: RawServer) -> None:
    """It closed its connections itself when it ended."""
    client = MoreGoodClient(KEY, base_url=server.url)
    with Elsewhere() as elsewhere:
        await elsewhere.run(ping(client))
    await until(lambda: server.open_connections == 0)
    async with asyncio.timeout(1.0):
        await client.aclose()


async def test_closing_does_not_hang_on_a_loop_that_ends_just_then(server: RawServer) -> None:
    """Whoever of both closes first: there is an end, and nothing stays open."""
    clients: list[MoreGoodClient] = []
    for delay in (0.0, 0.0002, 0.0005, 0.001, 0.002) * 4:
        client = MoreGoodClient(KEY, base_url=server.url)
        clients.append(client)
        with Elsewhere() as elsewhere:
            await elsewhere.run(ping(client))
            elsewhere.stop()
            await asyncio.sleep(delay)
            async with asyncio.timeout(2.0):
                await client.aclose()
    await until(lambda: server.open_connections == 0)


class Ending(asyncio.SelectorEventLoop):
    """A loop that runs when it is looked at, and no more at the next look."""

    looks = 0

    def is_running(self) -> bool:
        self.looks -= 1
        return self.looks >= 0 or super().is_running()


@pytest.mark.parametrize("ended", [True, False], ids=["before the call", "before the answer"])
async def test_closing_waits_for_no_loop_that_ends_unnoticed(ended: bool) -> None:
    """Between the look at it and the call into it, or between that and its answer."""
    loop = Ending()
    if ended:
        loop.close()
    client = MoreGoodClient(KEY, transport=_slow({}, per_key=False))
    connections = client._session.connections
    connections._loops[loop] = LoopConnections(connections._make_transport())
    loop.looks = 1
    async with asyncio.timeout(2.0):
        await client.aclose()
    if not ended:  # what was left to be done there, so that it is not left for ever
        await asyncio.to_thread(lambda: loop.run_until_complete(asyncio.sleep(0.01)))
        loop.close()
