"""The order in which requests go, the bound, and those who leave the queue."""

from __future__ import annotations

import asyncio

import pytest

from moregood_async.config import Limits
from moregood_async.governor.governor import Governor
from moregood_async.middleware.pace import Pace
from moregood_async.wire import Request, Response
from tests.middleware.doubles import Clock, Stage, answer, request, settled, told
from tests.middleware.pacing import Server, at_once, call, pace
from tests.middleware.virtual_time import now, virtually

# Order and bound


def test_requests_go_in_the_order_in_which_they_came() -> None:
    """First come, first served, with a bound on how many are in flight."""

    async def main() -> Stage:
        stage, through = Stage(), pace(2)
        calls = [call(through, stage, str(number)) for number in range(6)]
        await settled()
        for number in (1, 0, 3, 2, 5, 4):
            await stage.end(str(number))
        await asyncio.gather(*calls)
        return stage

    stage = virtually(main)
    assert stage.order == ["0", "1", "2", "3", "4", "5"]
    assert stage.most == 2


def test_interactive_requests_go_before_bulk_ones() -> None:
    """A single call made while a batch runs is next; each kind keeps its own order."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = [call(through, stage, f"bulk {number}", patient=True) for number in range(3)]
        await settled()
        calls += [call(through, stage, f"single {number}") for number in range(2)]
        await settled()
        for name in ("bulk 0", "single 0", "single 1", "bulk 1", "bulk 2"):
            await stage.end(name)
        await asyncio.gather(*calls)
        return stage.order

    assert virtually(main) == ["bulk 0", "single 0", "single 1", "bulk 1", "bulk 2"]


def test_its_state_tells_who_is_in_flight_and_who_waits() -> None:
    """The cancelled do not wait any more."""

    async def main() -> tuple[int, int, int]:
        stage, through = Stage(), pace(1)
        names = ["a", "b", "c", "d"]
        calls = [call(through, stage, name, patient=name == "d") for name in names]
        await settled()
        calls[1].cancel()
        await settled()
        state = through.state
        for name in ("a", "c", "d"):
            await stage.end(name)
        await asyncio.wait(calls)
        return state.in_flight, state.waiting, through.state.in_flight

    assert virtually(main) == (1, 2, 0)


def test_nobody_overtakes_those_who_wait() -> None:
    """A slot that falls free belongs to the first in the queue, not to who comes just then."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = [call(through, stage, name) for name in ("first", "waiting")]
        await settled()
        stage.in_flight["first"].set_result(answer())
        await asyncio.sleep(0)
        calls.append(call(through, stage, "late"))
        await settled()
        await stage.end("waiting")
        await stage.end("late")
        await asyncio.gather(*calls)
        return stage.order

    assert virtually(main) == ["first", "waiting", "late"]


async def test_who_comes_as_the_door_opens_does_not_overtake_those_before_it() -> None:
    """The wait is over, but the timer of those who waited has not rung yet."""
    clock, stage = Clock(), Stage()
    through = Pace(Governor(Limits(1, None)), clock=clock)
    await through(request(), Server([told(5, 503)]))
    names = ["first", "second", "third"]
    calls = [call(through, stage, name) for name in names[:2]]
    await settled()
    clock.now += 10.0
    calls.append(call(through, stage, names[2]))
    for name in names:
        await stage.arrival(name)
        await stage.end(name)
    await asyncio.gather(*calls)
    assert stage.order == names


def test_one_timer_serves_all_who_wait() -> None:
    """However many there are."""

    async def main() -> int:
        server, through = Server([told(5, 503)]), pace()
        await call(through, server)
        calls = [call(through, server) for _ in range(50)]
        await settled()
        timers = len(getattr(asyncio.get_running_loop(), "_scheduled"))  # noqa: B009
        await asyncio.gather(*calls)
        return timers

    assert virtually(main) == 1


@pytest.mark.parametrize(("bound", "rounds"), [(1, 10), (3, 10), (32, 13)])
def test_the_bound_is_kept_and_used_to_the_full(bound: int, rounds: int) -> None:
    """Measured where it counts: at the handler; it begins with 4, and doubles each round."""

    async def main() -> tuple[int, float]:
        in_flight = most = 0

        async def handler(_: Request) -> Response:
            nonlocal in_flight, most
            in_flight += 1
            most = max(most, in_flight)
            await asyncio.sleep(1.0)
            in_flight -= 1
            return answer()

        through, begun = pace(bound), now()
        await asyncio.gather(*(call(through, handler) for _ in range(bound * 10)))
        return most, now() - begun

    most, took = virtually(main)
    assert most == bound
    assert took == pytest.approx(rounds)


@pytest.mark.parametrize(
    "failure", [ValueError("broke"), asyncio.CancelledError()], ids=["error", "cancelled"]
)
def test_a_request_that_fails_gives_its_slot_back(failure: BaseException) -> None:
    """Whatever it fails with."""

    async def main() -> int:
        through = pace(1)

        async def broken(_: Request) -> Response:
            raise failure

        with pytest.raises(type(failure)):
            await through(request(), broken)
        return (await through(request(), at_once)).status

    assert virtually(main) == 200


# Cancellation


def test_a_cancelled_waiter_leaves_no_hole_in_the_queue() -> None:
    """Those behind it move up."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = {name: call(through, stage, name) for name in ("a", "b", "c", "d")}
        await settled()
        calls["b"].cancel()
        calls["c"].cancel()
        await stage.end("a")
        await stage.end("d")
        await asyncio.wait(calls.values())
        return stage.order

    assert virtually(main) == ["a", "d"]


def test_a_waiter_that_is_cancelled_just_as_its_turn_comes_passes_it_on() -> None:
    """The slot that it was granted in the same moment is not lost."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = {name: call(through, stage, name) for name in ("a", "b", "c")}
        await settled()
        stage.in_flight["a"].set_result(answer())
        while not calls["a"].done():  # noqa: ASYNC110 - to the very tick
            await asyncio.sleep(0)
        calls["b"].cancel()
        await settled()
        await stage.end("c")
        await asyncio.wait(calls.values())
        return stage.order

    assert virtually(main) == ["a", "c"]


def test_where_all_who_waited_are_gone_the_next_comer_goes_at_once() -> None:
    """The dead in the queue hold up nobody."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        first, waiting = call(through, stage, "a"), call(through, stage, "b")
        await settled()
        waiting.cancel()
        await settled()
        await stage.end("a")
        late = call(through, stage, "c")
        await settled()
        await stage.end("c")
        await asyncio.wait([first, waiting, late])
        return stage.order

    assert virtually(main) == ["a", "c"]
