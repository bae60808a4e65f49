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
class Counted:
    """A transport that counts its uses and its closings."""

    sent: int = 0
    closed: int = 0

    async def __call__(self, request: Request) -> Response:
        self.sent += 1
        return build_response()

    async def close(self) -> None:
        self.closed += 1


@attrs.define
class Maker:
    """A factory that keeps the transports it made."""

    made: list[Counted] = attrs.field(factory=list[Counted])

    def __call__(self) -> Counted:
        self.made.append(Counted())
        return self.made[-1]


@pytest.fixture
def maker() -> Maker:
    return Maker()


def connections_of(maker: Maker) -> Connections:
    return Connections(maker, created_at="here.py:1")


async def test_a_loop_has_one_transport(maker: Maker) -> None:
    """Also when many tasks ask for it at once."""
    connections = connections_of(maker)
    found = await asyncio.gather(*(connections.for_running_loop() for _ in range(50)))
    assert ({id(found[0])}, 1) == ({id(each) for each in found}, len(maker.made))
    await connections.aclose()


def test_each_loop_has_its_own_transport_and_closes_it_at_its_end(maker: Maker) -> None:
    """No `aclose` is needed in a loop that has ended."""
    connections = connections_of(maker)
    first = asyncio.run(connections.for_running_loop())
    second = asyncio.run(connections.for_running_loop())
    assert first is not second
    assert [1, 1] == [transport.closed for transport in maker.made]
    asyncio.run(connections.aclose())
    assert [1, 1] == [transport.closed for transport in maker.made]


def test_two_alternating_loops_each_keep_their_transport(maker: Maker) -> None:
    """The cache holds the last loop only; the lookup finds the others."""
    connections = connections_of(maker)
    with asyncio.Runner() as one, asyncio.Runner() as other:
        first, second = (
            one.run(connections.for_running_loop()),
            other.run(connections.for_running_loop()),
        )
        assert first is one.run(connections.for_running_loop())
        assert second is other.run(connections.for_running_loop())
        one.run(connections.aclose())
    assert 2 == len(maker.made)


async def test_closing_closes_each_transport_once(maker: Maker) -> None:
    """However often `aclose` is called."""
    connections = connections_of(maker)
    here = await connections.for_running_loop()
    await connections.aclose()
    await connections.aclose()
    await here.close()
    assert [1] == [transport.closed for transport in maker.made]


async def test_closed_connections_send_nothing(maker: Maker) -> None:
    """Neither through a new lookup nor through an object from before."""
    connections = connections_of(maker)
    here = await connections.for_running_loop()
    assert 200 == (await here.send(request())).status
    await connections.aclose()
    with pytest.raises(ClientClosed, match="nothing was sent"):
        await connections.for_running_loop()
    with pytest.raises(ClientClosed, match="nothing was sent"):
        await here.send(request())
    assert [1] == [transport.sent for transport in maker.made]


async def test_connections_of_one_loop_can_be_closed_and_are_made_again(maker: Maker) -> None:
    """The client itself stays open."""
    connections = connections_of(maker)
    first = await connections.for_running_loop()
    await first.close()
    second = await connections.for_running_loop()
    assert (False, True, 2) == (second.is_closed, first is not second, len(maker.made))
    await connections.aclose()


def test_a_key_has_one_pace_in_a_loop(maker: Maker) -> None:
    """Equal keys share it, whichever object holds them."""
    here = LoopConnections(maker())
    pace = here.pace(ApiKey("one"), LIMITS)
    assert pace is here.pace(ApiKey("one"), Limits(99, Rate(1)))
    assert pace is not here.pace(ApiKey("two"), LIMITS)


async def test_only_used_and_unclosed_connections_warn(maker: Maker) -> None:
    """The warning names the line that made the client."""
    used = connections_of(maker)
    await used.for_running_loop()
    with pytest.warns(ResourceWarning, match=r"made at here\.py:1 was never closed"):
        del used
    closed = connections_of(maker)
    await closed.for_running_loop()
    await closed.aclose()
    unused = connections_of(maker)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del closed, unused


async def test_a_forked_child_makes_its_own_connections(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the parent stay open and referenced: its requests may be in flight."""
    connections = connections_of(maker)
    parents = await connections.for_running_loop()
    monkeypatch.setattr("os.getpid", lambda: -1)
    childs = await connections.for_running_loop()
    assert childs is not parents
    assert childs is await connections.for_running_loop()
    del parents
    gc.collect()
    await run_ready_tasks()
    await connections.aclose()
    assert [0, 1] == [transport.closed for transport in maker.made]


async def test_closing_closes_the_transport_of_another_threads_loop(maker: Maker) -> None:
    """In that loop, and before `aclose` returns."""
    connections = connections_of(maker)
    with LoopThread() as elsewhere:
        there = await elsewhere.run(connections.for_running_loop())
        here = await connections.for_running_loop()
        await connections.aclose()
        assert (True, True) == (here.is_closed, there.is_closed)
        assert [1, 1] == [transport.closed for transport in maker.made]


def test_a_close_cancelled_by_the_end_of_its_loop_is_completed(maker: Maker) -> None:
    """`asyncio.run` first cancels the tasks, then closes the async generators."""
    connections = connections_of(maker)

    async def main() -> asyncio.Task[None]:
        here = await connections.for_running_loop()
        return asyncio.ensure_future(here.close())

    assert asyncio.run(main()).cancelled()
    assert [1] == [transport.closed for transport in maker.made]
    asyncio.run(connections.aclose())
    assert [1] == [transport.closed for transport in maker.made]


async def test_two_concurrent_closes_close_the_transport_once(maker: Maker) -> None:
    """The second waits for the first."""
    connections = connections_of(maker)
    await connections.for_running_loop()
    await asyncio.gather(connections.aclose(), connections.aclose())
    assert [1] == [transport.closed for transport in maker.made]


async def test_aclose_in_a_forked_child_closes_nothing_of_the_parent(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = connections_of(maker)
    parents = await connections.for_running_loop()
    monkeypatch.setattr("os.getpid", lambda: -1)
    await connections.aclose()
    assert [0] == [transport.closed for transport in maker.made]
    await parents.close()
