"""Calls that are called back: nothing of them leaves, and what is in flight is finished."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from moregood_async.errors import Drained
from moregood_async.middleware.pace import Pace
from moregood_async.middleware.retry import Retry, RetryBudget
from moregood_async.wire import Drain, Request, Response
from tests.middleware.doubles import Script, Stage, answer, request, settled, started, told
from tests.middleware.pacing import Server, call, pace
from tests.middleware.virtual_time import now, virtually


def recallable(drain: Drain, through: Pace, stage: Stage, name: str) -> asyncio.Task[Response]:
    """A bulk call that can be called back, under way."""
    sent = attrs.evolve(request(operation=name, priority="bulk"), drain=drain)
    return started(through(sent, stage))


def test_those_that_wait_leave_the_queue_at_once_and_the_others_move_up() -> None:
    """What is in flight ends as it would; a call that cannot be called back keeps its place."""

    async def main() -> tuple[list[str], list[str], int]:
        drain, stage, through = Drain(), Stage(), pace(1)
        calls = [recallable(drain, through, stage, name) for name in ("a", "b", "c")]
        calls.append(call(through, stage, "other", patient=True))
        await settled()
        drain.start()
        drain.start()
        await settled()
        ended = [one.get_name() for one in calls if one.done()]
        state = through.state.waiting
        await stage.end("a")
        await stage.end("other")
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [calls[1].get_name(), calls[2].get_name()] == ended
        return stage.order, [type(result).__name__ for result in results], state

    order, results, waiting = virtually(main)
    assert ["a", "other"] == order
    assert ["Response", "Drained", "Drained", "Response"] == results
    assert 1 == waiting


def test_a_wait_that_the_server_named_is_not_waited_for() -> None:
    """However long it is."""

    async def main() -> float:
        drain, through, began = Drain(), pace(), now()
        await call(through, Server([told(3600)]))
        waiting = recallable(drain, through, Stage(), "late")
        await asyncio.sleep(1)
        drain.start()
        with pytest.raises(Drained):
            await waiting
        return now() - began

    assert 1 == virtually(main)


def test_a_call_after_it_does_not_begin() -> None:
    """Also where nobody waits."""

    async def main() -> list[str]:
        drain, stage = Drain(), Stage()
        drain.start()
        with pytest.raises(Drained, match="nothing was sent"):
            await recallable(drain, pace(), stage, "late")
        return stage.order

    assert [] == virtually(main)


def test_a_turn_that_is_granted_in_the_same_moment_is_passed_on() -> None:
    """It leaves no hole in the bound."""

    async def main() -> list[str]:
        drain, stage, through = Drain(), Stage(), pace(1)
        calls = [recallable(drain, through, stage, name) for name in ("a", "b")]
        calls.append(call(through, stage, "other", patient=True))
        await settled()
        stage.in_flight["a"].set_result(answer())
        while not calls[0].done():  # noqa: ASYNC110 - to the very tick
            await asyncio.sleep(0)
        drain.start()
        await settled()
        await stage.end("other")
        await asyncio.wait(calls)
        return stage.order

    assert ["a", "other"] == virtually(main)


def test_those_who_were_cancelled_are_not_told() -> None:
    """Nor is a recall that nobody waits for."""

    async def main() -> int:
        drain, stage, through = Drain(), Stage(), pace(1)
        calls = [recallable(drain, through, stage, name) for name in ("a", "b")]
        await settled()
        calls[1].cancel()
        await settled()
        drain.start()
        await stage.end("a")
        await asyncio.wait(calls)
        assert calls[1].cancelled()
        return through.state.in_flight

    assert 0 == virtually(main)


async def test_what_failed_in_flight_is_not_repeated() -> None:
    """Its own answer is its end."""
    drain = Drain()
    script = Script([answer(500), answer()])

    async def then_recalled(sent: Request) -> Response:
        response = await script(sent)
        drain.start()
        return response

    sent = attrs.evolve(request(idempotent=True), drain=drain)
    response = await Retry(4, RetryBudget())(sent, then_recalled)
    assert (500, 1) == (response.status, len(script.heard))


def test_one_that_backs_off_tells_what_it_had_sent() -> None:
    """An earlier attempt may have taken effect, and that is not forgotten."""

    async def main() -> Drained:
        drain, through = Drain(), pace()
        script = Script([answer(500), answer()])

        async def paced(sent: Request) -> Response:
            return await through(sent, script)

        sent = attrs.evolve(request(idempotent=True), drain=drain)
        repeating = started(Retry(4, RetryBudget(), jitter=lambda _: 5.0)(sent, paced))
        await asyncio.sleep(1)
        drain.start()
        with pytest.raises(Drained) as recalled:
            await repeating
        assert 1 == len(script.heard)
        return recalled.value

    error = virtually(main)
    assert error.may_have_applied
    assert [(1, "500")] == [(attempt.number, attempt.outcome) for attempt in error.attempts]
