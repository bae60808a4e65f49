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
from tests.client.raw_client import KEY, ping, slow_handler
from tests.middleware.doubles import LoopThread, until


def test_a_client_can_be_used_in_one_loop_after_another() -> None:
    """The client keeps no reference to a loop that has ended."""
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []
    connection_counts: list[int] = []

    async def main(client: MoreGoodClient) -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        async with RawServer() as server:
            view = client.with_options(base_url=server.url)
            await asyncio.gather(*(ping(view) for _ in range(3)))
            await ping(view)
            connection_counts.append(server.connections)

    client = MoreGoodClient(KEY)
    for _ in range(10):
        asyncio.run(main(client))
    gc.collect()
    assert connection_counts == [3] * 10
    assert sum(loop() is not None for loop in loops) == 1
    asyncio.run(client.aclose())
    gc.collect()
    assert sum(loop() is not None for loop in loops) == 0


def test_a_client_closed_in_one_loop_is_closed_in_the_next() -> None:

    async def use(client: MoreGoodClient) -> None:
        async with client:
            pass

    client = MoreGoodClient(KEY)
    asyncio.run(use(client))
    with pytest.raises(ClientClosed):
        asyncio.run(use(client))


async def test_a_client_used_in_two_loops_is_closed_from_one_of_them(server: RawServer) -> None:
    """Each loop has its own connections, and `aclose` closes those of both."""
    client = MoreGoodClient(KEY, base_url=server.url)
    with LoopThread() as elsewhere:
        local_calls = [ping(client) for _ in range(30)]
        remote_calls = [elsewhere.run(ping(client)) for _ in range(30)]
        assert await asyncio.gather(*local_calls, *remote_calls) == [200] * 60
        assert server.open_connections >= 2
        await client.aclose()
        await until(lambda: server.open_connections == 0)
        with pytest.raises(ClientClosed):
            await elsewhere.run(ping(client))


async def test_closing_does_not_wait_for_a_loop_that_has_ended(server: RawServer) -> None:
    """The loop closed its connections when the loop ended."""
    client = MoreGoodClient(KEY, base_url=server.url)
    with LoopThread() as elsewhere:
        await elsewhere.run(ping(client))
    await until(lambda: server.open_connections == 0)
    async with asyncio.timeout(1.0):
        await client.aclose()


async def test_closing_does_not_hang_on_a_loop_that_ends_at_the_same_time(
    server: RawServer,
) -> None:
    """No connection stays open, whichever of the two closes first."""
    clients: list[MoreGoodClient] = []
    for delay in (0.0, 0.0002, 0.0005, 0.001, 0.002) * 4:
        client = MoreGoodClient(KEY, base_url=server.url)
        clients.append(client)
        with LoopThread() as elsewhere:
            await elsewhere.run(ping(client))
            elsewhere.stop()
            await asyncio.sleep(delay)
            async with asyncio.timeout(2.0):
                await client.aclose()
    await until(lambda: server.open_connections == 0)


class EndingLoop(asyncio.SelectorEventLoop):
    """A loop that reports itself as running for a number of checks, and then as ended."""

    remaining_checks = 0

    def is_running(self) -> bool:
        self.remaining_checks -= 1
        return self.remaining_checks >= 0 or super().is_running()


@pytest.mark.parametrize(
    "ends_before_call", [True, False], ids=["before the call", "before the reply"]
)
async def test_closing_does_not_wait_for_a_loop_that_ends_after_the_check(
    ends_before_call: bool,
) -> None:
    """The loop ends after `is_running` returned true, before or after the call into the loop."""
    loop = EndingLoop()
    if ends_before_call:
        loop.close()
    client = MoreGoodClient(KEY, transport=slow_handler({}, per_key=False))
    connections = client._session.connections
    connections._loops[loop] = LoopConnections(connections._make_transport())
    loop.remaining_checks = 1
    async with asyncio.timeout(2.0):
        await client.aclose()
    if not ends_before_call:  # run the close that `aclose` scheduled in the loop
        await asyncio.to_thread(lambda: loop.run_until_complete(asyncio.sleep(0.01)))
        loop.close()
