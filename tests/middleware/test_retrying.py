"""The retry middleware: attempts, backoff, deadlines, the budget and its log."""

from __future__ import annotations

import asyncio
import logging

import attrs
import pytest

from moregood_async.errors import (
    AttemptTimedOut,
    ClientClosed,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    NoResponse,
)
from moregood_async.middleware import retry
from moregood_async.middleware.retry import (
    MAX_RATE_LIMITED_ATTEMPTS,
    Retry,
    RetryBudget,
)
from moregood_async.wire import Deadline, Request, Response
from tests.middleware.doubles import (
    Clock,
    Jitter,
    Script,
    answer,
    lost,
    refused,
    timed_out,
    told,
)
from tests.middleware.retry_cases import ONCE, READ, UPSERT


def policy(
    clock: Clock | None = None,
    *,
    max_attempts: int = 4,
    budget: RetryBudget | None = None,
    jitter: Jitter = lambda most: most,
) -> Retry:
    clock = clock or Clock()
    return Retry(
        max_attempts, budget or RetryBudget(), clock=clock, sleep=clock.sleep, jitter=jitter
    )


async def test_a_success_at_once_is_passed_on_as_it_came() -> None:
    """The good path makes no copy, no record and no wait."""
    response, clock = answer(), Clock()
    assert response is await policy(clock)(READ, Script([response]))
    assert [] == clock.slept


async def test_repeats_back_off_and_are_recorded() -> None:
    """The answer that is final carries all the attempts that led to it."""
    clock, script = Clock(), Script([answer(500), lost(), answer(200)])
    response = await policy(clock)(UPSERT, script)
    assert [0.5, 1.0] == clock.slept
    assert [1, 2, 3] == [sent.attempt for sent in script.heard]
    recorded = [(a.number, a.phase, a.outcome, a.may_have_applied) for a in response.attempts]
    assert [
        (1, "received", "500", True),
        (2, "waiting", "broke", True),
        (3, "received", "200", False),
    ] == recorded


async def test_the_last_answer_is_given_once_the_attempts_are_used_up() -> None:
    """``max_attempts`` counts requests, the first one included."""
    script = Script([answer(502)])
    response = await policy(max_attempts=3)(READ, script)
    assert (3, 502, 3) == (len(script.heard), response.status, len(response.attempts))


async def test_one_attempt_never_repeats() -> None:
    """``max_attempts=1`` takes the first answer, even where a repeat would do no harm."""
    script = Script([answer(429), answer(200)])
    response = await policy(max_attempts=1)(READ, script)
    assert (1, 429) == (len(script.heard), response.status)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (refused(), ConnectionFailed),
        (lost(), ConnectionLost),
        (timed_out(sent=True), AttemptTimedOut),
    ],
    ids=["refused", "lost", "timed out"],
)
async def test_where_no_answer_came_the_last_failure_is_raised(
    failure: NoResponse, kind: type[NoResponse]
) -> None:
    """With its attempts, and the foreign error behind it as its cause."""
    failure.__cause__ = cause = OSError("the socket's own words")
    with pytest.raises(kind) as caught:
        await policy(max_attempts=2)(UPSERT, Script([failure]))
    assert [1, 2] == [attempt.number for attempt in caught.value.attempts]
    assert cause is caught.value.__cause__
    assert failure.sent == caught.value.may_have_applied


async def test_a_lost_answer_counts_even_where_the_last_attempt_sent_nothing() -> None:
    """What the first attempt may have done, the second one's refusal does not undo."""
    with pytest.raises(ConnectionFailed) as caught:
        await policy(max_attempts=2)(UPSERT, Script([lost(), refused()]))
    assert caught.value.may_have_applied
    assert "It may have taken effect." in caught.value.explain()


async def test_no_wait_of_its_own_where_the_server_named_one() -> None:
    """Those are pace's: it lets nobody pass before the time."""
    clock = Clock()
    await policy(clock)(ONCE, Script([told(300), answer(200)]))
    assert [0] == clock.slept


async def test_ten_minutes_of_backing_off_take_no_time_with_a_clock_of_ones_own() -> None:
    """Clock, sleep and jitter are fields, so a test brings its own."""
    clock = Clock()
    await policy(clock, max_attempts=35)(READ, Script([answer(500)]))
    assert 0.5 + 1 + 2 + 4 + 8 + 16 + 28 * 20 == sum(clock.slept)
    assert 1000.0 + sum(clock.slept) == clock.now


async def test_a_wait_that_the_deadline_does_not_allow_is_not_begun() -> None:
    """The failure is told at once instead: there is no sleeping towards a certain end."""
    clock = Clock()
    sent = attrs.evolve(READ, deadline=Deadline(clock.now + 2.0))
    script = Script([answer(500)])
    response = await policy(clock)(sent, script)
    assert ([0.5, 1.0], 3, 500) == (clock.slept, len(script.heard), response.status)


@pytest.mark.parametrize("early", [0.0, 0.0009], ids=["on time", "timer rang early"])
async def test_an_attempt_cut_off_by_the_deadline_is_the_calls_end(early: float) -> None:
    """`DeadlineExceeded` and not `AttemptTimedOut`: more ``attempt_timeout`` would not help."""
    clock = Clock()
    sent = attrs.evolve(ONCE, deadline=Deadline(clock.now + early))
    with pytest.raises(DeadlineExceeded) as caught:
        await policy(clock)(sent, Script([timed_out(sent=True)]))
    assert caught.value.may_have_applied
    assert 1 == len(caught.value.attempts)


async def test_the_budget_is_shared_by_all_calls() -> None:
    """A broken server gets one request a call, and what the budget allows on top."""
    budget, script = RetryBudget(5.0), Script([answer(500)])
    retrying = policy(budget=budget)
    await asyncio.gather(*(retrying(READ, script) for _ in range(100)))
    assert 105 == len(script.heard)


async def test_waits_that_the_server_named_cost_no_budget() -> None:
    """They storm nobody: pace spaces them."""
    script = Script([told(1), told(1), answer(200)])
    response = await policy(budget=RetryBudget(0.0))(ONCE, script)
    assert (3, 200) == (len(script.heard), response.status)


async def test_successes_fill_the_budget_again() -> None:
    """At once, or after a repeat; refusals do not."""
    budget = RetryBudget(10.0, earned=0.5)
    for _ in range(10):
        budget.spend()
    retrying = policy(budget=budget)
    await retrying(READ, Script([answer(200)]))
    await retrying(READ, Script([answer(404)]))
    await retrying(ONCE, Script([answer(429), answer(200)]))
    assert [True, False] == [budget.spend(), budget.spend()]


async def test_a_patient_call_is_not_counted_its_refusals() -> None:
    """A batch's row waits for the server's limit as long as it takes."""
    sent = attrs.evolve(ONCE, priority="bulk")
    script = Script([*[told(1)] * 20, answer(200)])
    response = await policy(max_attempts=2)(sent, script)
    assert (21, 200) == (len(script.heard), response.status)


async def test_even_a_patient_call_gives_up_in_the_end() -> None:
    """Every loop of attempts is bounded."""
    sent = attrs.evolve(ONCE, priority="bulk")
    script = Script([told(1)])
    response = await policy(max_attempts=2)(sent, script)
    assert (MAX_RATE_LIMITED_ATTEMPTS + 1, 429) == (len(script.heard), response.status)


async def test_a_patient_calls_failures_are_counted() -> None:
    """Patience is for waits that were named, not for a broken server."""
    sent = attrs.evolve(READ, priority="bulk")
    script = Script([told(1), answer(500), told(1), answer(500)])
    await policy(max_attempts=2)(sent, script)
    assert 4 == len(script.heard)


async def test_an_error_that_is_no_answer_of_the_server_ends_the_call() -> None:
    """Such as pace's, when the wait is longer than the deadline; with the attempts before it."""
    script = Script([told(300), DeadlineExceeded("too late")])
    with pytest.raises(DeadlineExceeded) as caught:
        await policy()(READ, script)
    assert ["429"] == [attempt.outcome for attempt in caught.value.attempts]


async def test_what_a_middleware_raises_ends_the_call() -> None:
    """Whatever it is, and on whichever attempt; it is not repeated."""
    script = Script([answer(500), ValueError("mine")])
    with pytest.raises(ValueError, match=r"^mine$"):
        await policy()(READ, script)
    with pytest.raises(ClientClosed):
        await policy()(READ, Script([ClientClosed("closed")]))
    assert 2 == len(script.heard)


@pytest.mark.parametrize("first", [answer(500), lost()], ids=["500", "lost"])
async def test_cancellation_passes_through_a_repeat(first: Response | NoResponse) -> None:
    """Tenacity catches everything; a cancelled attempt is still a cancelled call."""
    script = Script([first, asyncio.CancelledError()])
    with pytest.raises(asyncio.CancelledError):
        await policy()(READ, script)
    assert 2 == len(script.heard)


async def test_cancellation_passes_through_a_wait() -> None:
    """Backing off is left at once."""
    retrying = Retry(4, RetryBudget(), jitter=lambda most: 60.0)
    call = asyncio.ensure_future(retrying(READ, Script([answer(500)])))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_concurrent_calls_do_not_mix_up_their_attempts() -> None:
    """Each call has its own tenacity: a shared one would confuse who failed how often."""
    slow = asyncio.Event()

    async def flaky(sent: Request) -> Response:
        await (slow.wait() if sent.attempt == 1 else asyncio.sleep(0))
        fails = int(sent.operation)
        return answer(500 if sent.attempt <= fails else 200)

    retrying = policy(budget=RetryBudget(1000.0))
    calls = [
        retrying(attrs.evolve(READ, operation=str(number % 4)), flaky) for number in range(200)
    ]
    slow.set()
    responses = await asyncio.gather(*calls)
    assert {200} == {response.status for response in responses}
    assert [max(0, number % 4 + 1 if number % 4 else 0) for number in range(200)] == [
        len(response.attempts) for response in responses
    ]


async def test_each_repeat_is_one_line_at_info(caplog: pytest.LogCaptureFixture) -> None:
    """Operation, wait, count and reason; neither key nor body nor person."""
    caplog.set_level(logging.INFO, logger="moregood_async")
    failure = ConnectionLost(
        "cut off while ada@example.com was sent", phase="waiting", seconds=0.1, sent=True
    )
    await policy()(UPSERT, Script([failure, answer(503), answer(200)]))
    assert [
        "customers.upsert is retried in 0.50 s, after attempt 1 of 4: cut off while *** was sent",
        "customers.upsert is retried in 1.00 s, after attempt 2 of 4: 503",
    ] == caplog.messages
    assert {logging.INFO} == {record.levelno for record in caplog.records}


async def test_a_wait_that_the_server_names_is_logged_as_such(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its length is pace's to know."""
    caplog.set_level(logging.INFO, logger="moregood_async")
    await policy()(ONCE, Script([answer(429), answer(200)]))
    [line] = caplog.messages
    assert line.endswith("is retried when the rate limit allows it, after attempt 1 of 4: 429")


async def test_a_final_failure_is_not_logged_as_a_repeat(caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets the error; the log does not shout."""
    caplog.set_level(logging.INFO, logger=retry.logger.name)
    await policy(max_attempts=1)(READ, Script([answer(500)]))
    await policy()(ONCE, Script([answer(500)]))
    assert [] == caplog.messages
