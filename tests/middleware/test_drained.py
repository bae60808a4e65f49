"""Drained calls: waiting calls send nothing, and requests in flight finish."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from moregood_async.errors import Drained
from moregood_async.middleware.pace import Pace
from moregood_async.middleware.retry import Retry, RetryBudget
from moregood_async.wire import Drain, Request, Response
from tests.middleware.doubles import (
    Script,
    Stage,
    build_response,
    request,
    retry_after_response,
    run_ready_tasks,
    start_call,
)
from tests.middleware.pacing import Server, call, make_pace
from tests.middleware.virtual_time import now, run_virtually


def start_drainable(drain: Drain, pace: Pace, stage: Stage, name: str) -> asyncio.Task[Response]:
    """Start a bulk call that has a drain."""
    sent = attrs.evolve(request(operation=name, priority="bulk"), drain=drain)
    return start_call(pace(sent, stage))


def test_drained_calls_leave_the_queue_and_the_others_move_up() -> None:
    """A request in flight finishes, and a call without the drain stays in the queue."""

    async def main() -> tuple[list[str], list[str], int]:
        drain, stage, pace = Drain(), Stage(), make_pace(1)
        calls = [start_drainable(drain, pace, stage, name) for name in ("a", "b", "c")]
        calls.append(call(pace, stage, "other", is_bulk=True))
        await run_ready_tasks()
        drain.start()
        drain.start()
        await run_ready_tasks()
        drained = [each.get_name() for each in calls if each.done()]
        waiting = pace.state.waiting
        await stage.end("a")
        await stage.end("other")
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert drained == [calls[1].get_name(), calls[2].get_name()]
        return stage.order, [type(result).__name__ for result in results], waiting

    order, results, waiting = run_virtually(main)
    assert order == ["a", "other"]
    assert results == ["Response", "Drained", "Drained", "Response"]
    assert waiting == 1


def test_a_drain_ends_the_wait_for_a_retry_after() -> None:

    async def main() -> float:
        drain, pace, started_at = Drain(), make_pace(), now()
        await call(pace, Server([retry_after_response(3600)]))
        waiting = start_drainable(drain, pace, Stage(), "late")
        await asyncio.sleep(1)
        drain.start()
        with pytest.raises(Drained):
            await waiting
        return now() - started_at

    assert run_virtually(main) == 1


def test_a_call_after_the_drain_sends_nothing() -> None:
    """The call fails even if the queue is empty."""

    async def main() -> list[str]:
        drain, stage = Drain(), Stage()
        drain.start()
        with pytest.raises(Drained, match="nothing was sent"):
            await start_drainable(drain, make_pace(), stage, "late")
        return stage.order

    assert run_virtually(main) == []


def test_a_drained_call_passes_on_the_slot_that_it_just_got() -> None:
    """Otherwise the slot would be lost for the other calls."""

    async def main() -> list[str]:
        drain, stage, pace = Drain(), Stage(), make_pace(1)
        calls = [start_drainable(drain, pace, stage, name) for name in ("a", "b")]
        calls.append(call(pace, stage, "other", is_bulk=True))
        await run_ready_tasks()
        stage.in_flight["a"].set_result(build_response())
        while not calls[0].done():  # noqa: ASYNC110 - start the drain in this iteration
            await asyncio.sleep(0)
        drain.start()
        await run_ready_tasks()
        await stage.end("other")
        await asyncio.wait(calls)
        return stage.order

    assert run_virtually(main) == ["a", "other"]


def test_a_drain_leaves_a_cancelled_call_cancelled() -> None:

    async def main() -> int:
        drain, stage, pace = Drain(), Stage(), make_pace(1)
        calls = [start_drainable(drain, pace, stage, name) for name in ("a", "b")]
        await run_ready_tasks()
        calls[1].cancel()
        await run_ready_tasks()
        drain.start()
        await stage.end("a")
        await asyncio.wait(calls)
        assert calls[1].cancelled()
        return pace.state.in_flight

    assert run_virtually(main) == 0


async def test_a_request_that_fails_after_the_drain_is_not_retried() -> None:
    """The call ends with the response to its last attempt."""
    drain = Drain()
    script = Script([build_response(500), build_response()])

    async def respond_then_drain(sent: Request) -> Response:
        response = await script(sent)
        drain.start()
        return response

    sent = attrs.evolve(request(idempotent=True), drain=drain)
    response = await Retry(4, RetryBudget())(sent, respond_then_drain)
    assert response.status == 500
    assert len(script.requests) == 1


def test_drained_reports_the_attempts_before_a_backoff() -> None:
    """An earlier attempt may have taken effect."""

    async def main() -> Drained:
        drain, pace = Drain(), make_pace()
        script = Script([build_response(500), build_response()])

        async def paced(sent: Request) -> Response:
            return await pace(sent, script)

        sent = attrs.evolve(request(idempotent=True), drain=drain)
        retrying = start_call(Retry(4, RetryBudget(), jitter=lambda _: 5.0)(sent, paced))
        await asyncio.sleep(1)
        drain.start()
        with pytest.raises(Drained) as caught:
            await retrying
        assert len(script.requests) == 1
        return caught.value

    error = run_virtually(main)
    assert error.may_have_applied
    assert [(attempt.number, attempt.outcome) for attempt in error.attempts] == [(1, "500")]
