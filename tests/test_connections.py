"""What a client and its views share, taken apart: loops, paces, and what is closed when."""

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
from tests.middleware.doubles import Elsewhere, answer, request, settled

LIMITS = Limits(3, None)


@attrs.define
class Counted:
    """A transport that knows how often it was used and closed."""

    sent: int = 0
    closed: int = 0

    async def __call__(self, request: Request) -> Response:
        self.sent += 1
        return answer()

    async def close(self) -> None:
        self.closed += 1


@attrs.define
class Maker:
    """Makes transports, and keeps them."""

    made: list[Counted] = attrs.field(factory=list[Counted])

    def __call__(self) -> Counted:
        self.made.append(Counted())
        return self.made[-1]


@pytest.fixture
def maker() -> Maker:
    return Maker()


def connections_of(maker: Maker) -> Connections:
    return Connections(maker, created_at="here.py:1")


async def test_a_loop_has_one_transport_however_often_it_is_asked_for(maker: Maker) -> None:
    """Also by many at once."""
    connections = connections_of(maker)
    found = await asyncio.gather(*(connections.for_running_loop() for _ in range(50)))
    assert ({id(found[0])}, 1) == ({id(each) for each in found}, len(maker.made))
    await connections.aclose()


def test_each_loop_has_a_transport_of_its_own_and_closes_it_when_it_ends(maker: Maker) -> None:
    """Nobody has to call `aclose` in a loop that is over."""
    connections = connections_of(maker)
    first = asyncio.run(connections.for_running_loop())
    second = asyncio.run(connections.for_running_loop())
    assert first is not second
    assert [1, 1] == [transport.closed for transport in maker.made]
    asyncio.run(connections.aclose())
    assert [1, 1] == [transport.closed for transport in maker.made]


def test_two_loops_in_turn_each_find_their_own_again(maker: Maker) -> None:
    """The quick way knows the latest; the slow way knows all."""
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
    """However often it is called."""
    connections = connections_of(maker)
    here = await connections.for_running_loop()
    await connections.aclose()
    await connections.aclose()
    await here.close()
    assert [1] == [transport.closed for transport in maker.made]


async def test_what_is_closed_sends_nothing(maker: Maker) -> None:
    """Neither by asking again nor by those who had asked before."""
    connections = connections_of(maker)
    here = await connections.for_running_loop()
    assert 200 == (await here.send(request())).status
    await connections.aclose()
    with pytest.raises(ClientClosed, match="nothing was sent"):
        await connections.for_running_loop()
    with pytest.raises(ClientClosed, match="nothing was sent"):
        await here.send(request())
    assert [1] == [transport.sent for transport in maker.made]


async def test_a_loops_connections_that_were_closed_are_made_anew(maker: Maker) -> None:
    """Where the client itself was not."""
    connections = connections_of(maker)
    first = await connections.for_running_loop()
    await first.close()
    second = await connections.for_running_loop()
    assert (False, True, 2) == (second.is_closed, first is not second, len(maker.made))
    await connections.aclose()


def test_a_key_has_one_pace_in_a_loop(maker: Maker) -> None:
    """By what the key is, not by which object says it."""
    here = LoopConnections(maker())
    pace = here.pace(ApiKey("one"), LIMITS)
    assert pace is here.pace(ApiKey("one"), Limits(99, Rate(1)))
    assert pace is not here.pace(ApiKey("two"), LIMITS)


async def test_a_forgotten_one_warns_and_a_closed_or_unused_one_does_not(maker: Maker) -> None:
    """With the line at which the client was made."""
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


async def test_after_a_fork_the_parents_connections_are_not_the_childs(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are kept as they are, unclosed: what goes on there is the parent's."""
    connections = connections_of(maker)
    parents = await connections.for_running_loop()
    monkeypatch.setattr("os.getpid", lambda: -1)
    childs = await connections.for_running_loop()
    assert childs is not parents
    assert childs is await connections.for_running_loop()
    del parents
    gc.collect()
    await settled()
    await connections.aclose()
    assert [0, 1] == [transport.closed for transport in maker.made]


async def test_closing_closes_what_belongs_to_the_loop_of_another_thread(maker: Maker) -> None:
    """In that loop, and it is done when `aclose` returns."""
    connections = connections_of(maker)
    with Elsewhere() as elsewhere:
        there = await elsewhere.run(connections.for_running_loop())
        here = await connections.for_running_loop()
        await connections.aclose()
        assert (True, True) == (here.is_closed, there.is_closed)
        assert [1, 1] == [transport.closed for transport in maker.made]


def test_a_close_that_the_loops_end_cancels_is_made_up_for(maker: Maker) -> None:
    """A loop that ends cancels its tasks first, and closes its generators after that."""
    connections = connections_of(maker)

    async def main() -> asyncio.Task[None]:
        here = await connections.for_running_loop()
        return asyncio.ensure_future(here.close())

    assert asyncio.run(main()).cancelled()
    assert [1] == [transport.closed for transport in maker.made]
    asyncio.run(connections.aclose())
    assert [1] == [transport.closed for transport in maker.made]


async def test_two_who_close_at_once_close_it_once(maker: Maker) -> None:
    """The second waits for the first."""
    connections = connections_of(maker)
    await connections.for_running_loop()
    await asyncio.gather(connections.aclose(), connections.aclose())
    assert [1] == [transport.closed for transport in maker.made]


async def test_a_child_that_only_closes_closes_nothing_of_its_parents(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`aclose` in the child is the child's."""
    connections = connections_of(maker)
    parents = await connections.for_running_loop()
    monkeypatch.setattr("os.getpid", lambda: -1)
    await connections.aclose()
    assert [0] == [transport.closed for transport in maker.made]
    await parents.close()
