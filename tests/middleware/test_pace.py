"""The order of requests, the bound on those in flight, and calls that leave the queue."""

from __future__ import annotations

import asyncio

import pytest

from moregood_async.config import Limits
from moregood_async.governor.governor import Governor
from moregood_async.governor.state import PaceState
from moregood_async.middleware.pace import Pace
from moregood_async.wire import Request, Response
from tests.middleware.doubles import (
    Clock,
    Stage,
    build_response,
    request,
    retry_after_response,
    run_ready_tasks,
)
from tests.middleware.pacing import Server, call, pace, respond_at_once
from tests.middleware.virtual_time import now, virtually

# Order and bound


def test_requests_are_sent_in_the_order_of_arrival_within_the_bound() -> None:
    async def main() -> Stage:
        stage, through = Stage(), pace(2)
        calls = [call(through, stage, str(number)) for number in range(6)]
        await run_ready_tasks()
        for number in (1, 0, 3, 2, 5, 4):
            await stage.end(str(number))
        await asyncio.gather(*calls)
        return stage

    stage = virtually(main)
    assert stage.order == ["0", "1", "2", "3", "4", "5"]
    assert stage.max_in_flight == 2


def test_interactive_requests_are_sent_before_bulk_ones() -> None:
    """A single call made while a batch runs is next; each kind keeps its own order."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = [call(through, stage, f"bulk {number}", patient=True) for number in range(3)]
        await run_ready_tasks()
        calls += [call(through, stage, f"single {number}") for number in range(2)]
        await run_ready_tasks()
        for name in ("bulk 0", "single 0", "single 1", "bulk 1", "bulk 2"):
            await stage.end(name)
        await asyncio.gather(*calls)
        return stage.order

    assert virtually(main) == ["bulk 0", "single 0", "single 1", "bulk 1", "bulk 2"]


def test_its_state_counts_the_calls_in_flight_and_waiting() -> None:
    """Cancelled calls no longer wait."""

    async def main() -> tuple[PaceState, PaceState]:
        stage, through = Stage(), pace(1)
        names = ["a", "b", "c", "d"]
        calls = [call(through, stage, name, patient=name == "d") for name in names]
        await run_ready_tasks()
        calls[1].cancel()
        await run_ready_tasks()
        during = through.state
        for name in ("a", "c", "d"):
            await stage.end(name)
        await asyncio.wait(calls)
        return during, through.state

    during, afterwards = virtually(main)
    assert during.in_flight == 1
    assert during.waiting == 2
    assert afterwards.in_flight == 0


def test_a_new_call_does_not_overtake_the_queue() -> None:
    """A free slot belongs to the first call in the queue."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = [call(through, stage, name) for name in ("first", "waiting")]
        await run_ready_tasks()
        stage.in_flight["first"].set_result(build_response())
        await asyncio.sleep(0)
        calls.append(call(through, stage, "late"))
        await run_ready_tasks()
        await stage.end("waiting")
        await stage.end("late")
        await asyncio.gather(*calls)
        return stage.order

    assert virtually(main) == ["first", "waiting", "late"]


async def test_a_call_at_the_end_of_a_delay_does_not_overtake_the_queue() -> None:
    """The delay is over, but the queue's timer has not fired yet."""
    clock, stage = Clock(), Stage()
    through = Pace(Governor(Limits(1, None)), clock=clock)
    await through(request(), Server([retry_after_response(5, 503)]))
    names = ["first", "second", "third"]
    calls = [call(through, stage, name) for name in names[:2]]
    await run_ready_tasks()
    clock.now += 10.0
    calls.append(call(through, stage, names[2]))
    for name in names:
        await stage.arrival(name)
        await stage.end(name)
    await asyncio.gather(*calls)
    assert stage.order == names


def test_one_timer_serves_the_whole_queue() -> None:
    async def main() -> int:
        server, through = Server([retry_after_response(5, 503)]), pace()
        await call(through, server)
        calls = [call(through, server) for _ in range(50)]
        await run_ready_tasks()
        timers = len(getattr(asyncio.get_running_loop(), "_scheduled"))  # noqa: B009
        await asyncio.gather(*calls)
        return timers

    assert virtually(main) == 1


@pytest.mark.parametrize(("bound", "rounds"), [(1, 10), (3, 10), (32, 13)])
def test_the_bound_is_kept_and_used_in_full(bound: int, rounds: int) -> None:
    """Measured at the handler; it starts at 4 and doubles each round."""

    async def main() -> tuple[int, float]:
        in_flight = most = 0

        async def handler(_: Request) -> Response:
            nonlocal in_flight, most
            in_flight += 1
            most = max(most, in_flight)
            await asyncio.sleep(1.0)
            in_flight -= 1
            return build_response()

        through, started_at = pace(bound), now()
        await asyncio.gather(*(call(through, handler) for _ in range(bound * 10)))
        return most, now() - started_at

    most, seconds = virtually(main)
    assert most == bound
    assert seconds == pytest.approx(rounds)


@pytest.mark.parametrize(
    "failure", [ValueError("broke"), asyncio.CancelledError()], ids=["error", "cancelled"]
)
def test_a_request_that_fails_frees_its_slot(failure: BaseException) -> None:
    async def main() -> int:
        through = pace(1)

        async def broken(_: Request) -> Response:
            raise failure

        with pytest.raises(type(failure)):
            await through(request(), broken)
        return (await through(request(), respond_at_once)).status

    assert virtually(main) == 200


# Cancellation


def test_the_calls_behind_a_cancelled_one_move_up() -> None:
    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = {name: call(through, stage, name) for name in ("a", "b", "c", "d")}
        await run_ready_tasks()
        calls["b"].cancel()
        calls["c"].cancel()
        await stage.end("a")
        await stage.end("d")
        await asyncio.wait(calls.values())
        return stage.order

    assert virtually(main) == ["a", "d"]


def test_a_call_cancelled_just_as_its_turn_is_granted_passes_the_turn_on() -> None:
    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = {name: call(through, stage, name) for name in ("a", "b", "c")}
        await run_ready_tasks()
        stage.in_flight["a"].set_result(build_response())
        while not calls["a"].done():  # noqa: ASYNC110 - not one tick longer
            await asyncio.sleep(0)
        calls["b"].cancel()
        await run_ready_tasks()
        await stage.end("c")
        await asyncio.wait(calls.values())
        return stage.order

    assert virtually(main) == ["a", "c"]


def test_a_queue_of_cancelled_calls_holds_up_nobody() -> None:
    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        first, waiting = call(through, stage, "a"), call(through, stage, "b")
        await run_ready_tasks()
        waiting.cancel()
        await run_ready_tasks()
        await stage.end("a")
        late = call(through, stage, "c")
        await run_ready_tasks()
        await stage.end("c")
        await asyncio.wait([first, waiting, late])
        return stage.order

    assert virtually(main) == ["a", "c"]
