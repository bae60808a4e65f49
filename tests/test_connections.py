"""`Connections`: one transport for each event loop, one pace for each key, and closing."""

from __future__ import annotations

import asyncio
import gc
import warnings

import attrs
import pytest

from moregood_async.config import Limits, Rate
from moregood_async.connections import Connections, LoopConnections
from moregood_async.errors import ClientClosed
from moregood_async.privacy import ApiKey
from moregood_async.wire import Request, Response
from tests.middleware.doubles import LoopThread, build_response, request, run_ready_tasks

LIMITS = Limits(3, None)


@attrs.define
class CountingTransport:
    """A transport that counts its uses and its closings."""

    sent: int = 0
    closed: int = 0

    async def __call__(self, request: Request) -> Response:
        self.sent += 1
        return build_response()

    async def close(self) -> None:
        self.closed += 1


@attrs.define
class TransportFactory:
    """A factory that keeps the transports it made."""

    made: list[CountingTransport] = attrs.field(factory=list[CountingTransport])

    def __call__(self) -> CountingTransport:
        self.made.append(CountingTransport())
        return self.made[-1]


@pytest.fixture
def factory() -> TransportFactory:
    return TransportFactory()


def connections_of(factory: TransportFactory) -> Connections:
    return Connections(factory, created_at="here.py:1")


async def test_a_loop_has_one_transport(factory: TransportFactory) -> None:
    """Many tasks that ask for it at once get the same one."""
    connections = connections_of(factory)
    results = await asyncio.gather(*(connections.for_running_loop() for _ in range(50)))
    assert {id(each) for each in results} == {id(results[0])}
    assert len(factory.made) == 1
    await connections.aclose()


def test_each_loop_has_its_own_transport_and_closes_it_at_its_end(
    factory: TransportFactory,
) -> None:
    """No `aclose` is needed in a loop that has ended."""
    connections = connections_of(factory)
    first = asyncio.run(connections.for_running_loop())
    second = asyncio.run(connections.for_running_loop())
    assert first is not second
    assert [transport.closed for transport in factory.made] == [1, 1]
    asyncio.run(connections.aclose())
    assert [transport.closed for transport in factory.made] == [1, 1]


def test_two_alternating_loops_each_keep_their_transport(factory: TransportFactory) -> None:
    """The cache holds the last loop only; the lookup finds the others."""
    connections = connections_of(factory)
    with asyncio.Runner() as one, asyncio.Runner() as other:
        first, second = (
            one.run(connections.for_running_loop()),
            other.run(connections.for_running_loop()),
        )
        assert one.run(connections.for_running_loop()) is first
        assert other.run(connections.for_running_loop()) is second
        one.run(connections.aclose())
    assert len(factory.made) == 2


async def test_closing_closes_each_transport_once(factory: TransportFactory) -> None:
    connections = connections_of(factory)
    local = await connections.for_running_loop()
    await connections.aclose()
    await connections.aclose()
    await local.close()
    assert [transport.closed for transport in factory.made] == [1]


async def test_closed_connections_send_nothing(factory: TransportFactory) -> None:
    """Neither a new lookup nor an earlier object sends a request."""
    connections = connections_of(factory)
    local = await connections.for_running_loop()
    assert (await local.send(request())).status == 200
    await connections.aclose()
    with pytest.raises(ClientClosed, match="nothing was sent"):
        await connections.for_running_loop()
    with pytest.raises(ClientClosed, match="nothing was sent"):
        await local.send(request())
    assert [transport.sent for transport in factory.made] == [1]


async def test_connections_of_one_loop_can_be_closed_and_are_made_again(
    factory: TransportFactory,
) -> None:
    """The client itself stays open."""
    connections = connections_of(factory)
    first = await connections.for_running_loop()
    await first.close()
    second = await connections.for_running_loop()
    assert not second.is_closed
    assert first is not second
    assert len(factory.made) == 2
    await connections.aclose()


def test_a_key_has_one_pace_in_a_loop(factory: TransportFactory) -> None:
    """Equal keys share it, whichever object holds them."""
    local = LoopConnections(factory())
    pace = local.pace(ApiKey("one"), LIMITS)
    assert local.pace(ApiKey("one"), Limits(99, Rate(1))) is pace
    assert pace is not local.pace(ApiKey("two"), LIMITS)


async def test_only_used_and_unclosed_connections_warn(factory: TransportFactory) -> None:
    """The warning names the line that made the client."""
    used = connections_of(factory)
    await used.for_running_loop()
    with pytest.warns(ResourceWarning, match=r"made at here\.py:1 was never closed"):
        del used
    closed = connections_of(factory)
    await closed.for_running_loop()
    await closed.aclose()
    unused = connections_of(factory)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del closed, unused


async def test_a_forked_child_makes_its_own_connections(
    factory: TransportFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the parent stay open and referenced: its requests may be in flight."""
    connections = connections_of(factory)
    parents = await connections.for_running_loop()
    monkeypatch.setattr("os.getpid", lambda: -1)
    childs = await connections.for_running_loop()
    assert childs is not parents
    assert await connections.for_running_loop() is childs
    del parents
    gc.collect()
    await run_ready_tasks()
    await connections.aclose()
    assert [transport.closed for transport in factory.made] == [0, 1]


async def test_closing_closes_the_transport_of_another_threads_loop(
    factory: TransportFactory,
) -> None:
    """In that loop, and before `aclose` returns."""
    connections = connections_of(factory)
    with LoopThread() as elsewhere:
        remote = await elsewhere.run(connections.for_running_loop())
        local = await connections.for_running_loop()
        await connections.aclose()
        assert local.is_closed
        assert remote.is_closed
        assert [transport.closed for transport in factory.made] == [1, 1]


def test_a_close_cancelled_by_the_end_of_its_loop_is_completed(factory: TransportFactory) -> None:
    """`asyncio.run` first cancels the tasks, then closes the async generators."""
    connections = connections_of(factory)

    async def main() -> asyncio.Task[None]:
        local = await connections.for_running_loop()
        return asyncio.ensure_future(local.close())

    assert asyncio.run(main()).cancelled()
    assert [transport.closed for transport in factory.made] == [1]
    asyncio.run(connections.aclose())
    assert [transport.closed for transport in factory.made] == [1]


async def test_two_concurrent_closes_close_the_transport_once(factory: TransportFactory) -> None:
    """The second waits for the first."""
    connections = connections_of(factory)
    await connections.for_running_loop()
    await asyncio.gather(connections.aclose(), connections.aclose())
    assert [transport.closed for transport in factory.made] == [1]


async def test_aclose_in_a_forked_child_closes_nothing_of_the_parent(
    factory: TransportFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = connections_of(factory)
    parents = await connections.for_running_loop()
    monkeypatch.setattr("os.getpid", lambda: -1)
    await connections.aclose()
    assert [transport.closed for transport in factory.made] == [0]
    await parents.close()
