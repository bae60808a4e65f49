"""The order of requests, the limit of requests in flight, and cancelled calls."""

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
from tests.middleware.pacing import Server, call, make_pace, respond_at_once
from tests.middleware.virtual_time import now, run_virtually

# Order and concurrency


def test_requests_are_sent_in_the_order_of_arrival_within_max_concurrency() -> None:
    async def main() -> Stage:
        stage, pace = Stage(), make_pace(2)
        calls = [call(pace, stage, str(number)) for number in range(6)]
        await run_ready_tasks()
        for number in (1, 0, 3, 2, 5, 4):
            await stage.end(str(number))
        await asyncio.gather(*calls)
        return stage

    stage = run_virtually(main)
    assert stage.order == ["0", "1", "2", "3", "4", "5"]
    assert stage.max_in_flight == 2


def test_interactive_requests_are_sent_before_bulk_ones() -> None:
    """An interactive call that is made while a batch runs is sent next."""

    async def main() -> list[str]:
        stage, pace = Stage(), make_pace(1)
        calls = [call(pace, stage, f"bulk {number}", is_bulk=True) for number in range(3)]
        await run_ready_tasks()
        calls += [call(pace, stage, f"single {number}") for number in range(2)]
        await run_ready_tasks()
        for name in ("bulk 0", "single 0", "single 1", "bulk 1", "bulk 2"):
            await stage.end(name)
        await asyncio.gather(*calls)
        return stage.order

    assert run_virtually(main) == ["bulk 0", "single 0", "single 1", "bulk 1", "bulk 2"]


def test_the_state_of_a_pace_counts_the_calls_in_flight_and_waiting() -> None:
    """The state does not count cancelled calls."""

    async def main() -> tuple[PaceState, PaceState]:
        stage, pace = Stage(), make_pace(1)
        names = ["a", "b", "c", "d"]
        calls = [call(pace, stage, name, is_bulk=name == "d") for name in names]
        await run_ready_tasks()
        calls[1].cancel()
        await run_ready_tasks()
        during = pace.state
        for name in ("a", "c", "d"):
            await stage.end(name)
        await asyncio.wait(calls)
        return during, pace.state

    during, afterwards = run_virtually(main)
    assert during.in_flight == 1
    assert during.waiting == 2
    assert afterwards.in_flight == 0


def test_a_new_call_does_not_overtake_the_queue() -> None:
    """A free slot belongs to the first call in the queue."""

    async def main() -> list[str]:
        stage, pace = Stage(), make_pace(1)
        calls = [call(pace, stage, name) for name in ("first", "waiting")]
        await run_ready_tasks()
        stage.in_flight["first"].set_result(build_response())
        await asyncio.sleep(0)
        calls.append(call(pace, stage, "late"))
        await run_ready_tasks()
        await stage.end("waiting")
        await stage.end("late")
        await asyncio.gather(*calls)
        return stage.order

    assert run_virtually(main) == ["first", "waiting", "late"]


async def test_a_call_at_the_end_of_a_delay_does_not_overtake_the_queue() -> None:
    """The delay is over, but the queue's timer has not fired yet."""
    clock, stage = Clock(), Stage()
    pace = Pace(Governor(Limits(1, None)), clock=clock)
    await pace(request(), Server([retry_after_response(5, 503)]))
    names = ["first", "second", "third"]
    calls = [call(pace, stage, name) for name in names[:2]]
    await run_ready_tasks()
    clock.now += 10.0
    calls.append(call(pace, stage, names[2]))
    for name in names:
        await stage.arrival(name)
        await stage.end(name)
    await asyncio.gather(*calls)
    assert stage.order == names


def test_one_timer_serves_the_whole_queue() -> None:
    async def main() -> int:
        server, pace = Server([retry_after_response(5, 503)]), make_pace()
        await call(pace, server)
        calls = [call(pace, server) for _ in range(50)]
        await run_ready_tasks()
        timers = len(getattr(asyncio.get_running_loop(), "_scheduled"))  # noqa: B009
        await asyncio.gather(*calls)
        return timers

    assert run_virtually(main) == 1


@pytest.mark.parametrize(("max_concurrency", "rounds"), [(1, 10), (3, 10), (32, 13)])
def test_max_concurrency_is_kept_and_used_in_full(max_concurrency: int, rounds: int) -> None:
    """The handler counts the requests. The limit starts at 4 and doubles each round."""

    async def main() -> tuple[int, float]:
        in_flight = max_in_flight = 0

        async def handler(_: Request) -> Response:
            nonlocal in_flight, max_in_flight
            in_flight += 1
            max_in_flight = max(max_in_flight, in_flight)
            await asyncio.sleep(1.0)
            in_flight -= 1
            return build_response()

        pace, started_at = make_pace(max_concurrency), now()
        await asyncio.gather(*(call(pace, handler) for _ in range(max_concurrency * 10)))
        return max_in_flight, now() - started_at

    max_in_flight, seconds = run_virtually(main)
    assert max_in_flight == max_concurrency
    assert seconds == pytest.approx(rounds)


@pytest.mark.parametrize(
    "failure", [ValueError("broke"), asyncio.CancelledError()], ids=["error", "cancelled"]
)
def test_a_request_that_fails_frees_its_slot(failure: BaseException) -> None:
    async def main() -> int:
        pace = make_pace(1)

        async def broken(_: Request) -> Response:
            raise failure

        with pytest.raises(type(failure)):
            await pace(request(), broken)
        return (await pace(request(), respond_at_once)).status

    assert run_virtually(main) == 200


# Cancellation


def test_the_calls_behind_a_cancelled_one_move_up() -> None:
    async def main() -> list[str]:
        stage, pace = Stage(), make_pace(1)
        calls = {name: call(pace, stage, name) for name in ("a", "b", "c", "d")}
        await run_ready_tasks()
        calls["b"].cancel()
        calls["c"].cancel()
        await stage.end("a")
        await stage.end("d")
        await asyncio.wait(calls.values())
        return stage.order

    assert run_virtually(main) == ["a", "d"]


def test_a_call_cancelled_just_after_it_got_a_slot_passes_the_slot_on() -> None:
    async def main() -> list[str]:
        stage, pace = Stage(), make_pace(1)
        calls = {name: call(pace, stage, name) for name in ("a", "b", "c")}
        await run_ready_tasks()
        stage.in_flight["a"].set_result(build_response())
        while not calls["a"].done():  # noqa: ASYNC110 - cancel b in this iteration
            await asyncio.sleep(0)
        calls["b"].cancel()
        await run_ready_tasks()
        await stage.end("c")
        await asyncio.wait(calls.values())
        return stage.order

    assert run_virtually(main) == ["a", "c"]


def test_a_queue_of_cancelled_calls_delays_no_later_call() -> None:
    async def main() -> list[str]:
        stage, pace = Stage(), make_pace(1)
        first, waiting = call(pace, stage, "a"), call(pace, stage, "b")
        await run_ready_tasks()
        waiting.cancel()
        await run_ready_tasks()
        await stage.end("a")
        late = call(pace, stage, "c")
        await run_ready_tasks()
        await stage.end("c")
        await asyncio.wait([first, waiting, late])
        return stage.order

    assert run_virtually(main) == ["a", "c"]
