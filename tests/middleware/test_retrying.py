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
    build_response,
    connection_failure,
    connection_loss,
    retry_after_response,
    timeout_failure,
)
from tests.middleware.retry_cases import ONCE, READ, UPSERT


def make_retry(
    clock: Clock | None = None,
    *,
    max_attempts: int = 4,
    budget: RetryBudget | None = None,
    jitter: Jitter = lambda max_seconds: max_seconds,
) -> Retry:
    clock = clock or Clock()
    return Retry(
        max_attempts, budget or RetryBudget(), clock=clock, sleep=clock.sleep, jitter=jitter
    )


async def test_a_first_success_is_returned_unchanged_and_without_delay() -> None:
    """The middleware makes no copy and records no attempt."""
    response, clock = build_response(), Clock()
    assert await make_retry(clock)(READ, Script([response])) is response
    assert clock.slept == []


async def test_retries_back_off_and_are_recorded() -> None:
    """The final response carries all attempts of the call."""
    clock, script = Clock(), Script([build_response(500), connection_loss(), build_response(200)])
    response = await make_retry(clock)(UPSERT, script)
    assert clock.slept == [0.5, 1.0]
    assert [sent.attempt for sent in script.requests] == [1, 2, 3]
    recorded = [(a.number, a.phase, a.outcome, a.may_have_applied) for a in response.attempts]
    assert recorded == [
        (1, "received", "500", True),
        (2, "waiting", "broke", True),
        (3, "received", "200", False),
    ]


async def test_the_last_response_is_returned_after_max_attempts() -> None:
    """``max_attempts`` includes the first request."""
    script = Script([build_response(502)])
    response = await make_retry(max_attempts=3)(READ, script)
    assert len(script.requests) == 3
    assert response.status == 502
    assert len(response.attempts) == 3


async def test_max_attempts_1_never_retries() -> None:
    """Even a 429, which is safe to retry, is returned."""
    script = Script([build_response(429), build_response(200)])
    response = await make_retry(max_attempts=1)(READ, script)
    assert len(script.requests) == 1
    assert response.status == 429


@pytest.mark.parametrize(
    ("failure", "error_class"),
    [
        (connection_failure(), ConnectionFailed),
        (connection_loss(), ConnectionLost),
        (timeout_failure(sent=True), AttemptTimedOut),
    ],
    ids=["refused", "lost", "timed out"],
)
async def test_the_last_failure_is_raised_if_no_attempt_got_a_response(
    failure: NoResponse, error_class: type[NoResponse]
) -> None:
    """The error has the attempts, and the error of the network library as its cause."""
    failure.__cause__ = cause = OSError("connection reset")
    with pytest.raises(error_class) as caught:
        await make_retry(max_attempts=2)(UPSERT, Script([failure]))
    assert [attempt.number for attempt in caught.value.attempts] == [1, 2]
    assert cause is caught.value.__cause__
    assert caught.value.may_have_applied == failure.sent


async def test_an_earlier_lost_response_counts_if_the_last_attempt_sent_nothing() -> None:
    """The first attempt may have taken effect, so the call may have taken effect."""
    with pytest.raises(ConnectionFailed) as caught:
        await make_retry(max_attempts=2)(UPSERT, Script([connection_loss(), connection_failure()]))
    assert caught.value.may_have_applied
    assert "It may have taken effect." in caught.value.explain()


async def test_retry_does_not_sleep_for_a_retry_after() -> None:
    """The pace middleware waits instead."""
    clock = Clock()
    await make_retry(clock)(ONCE, Script([retry_after_response(300), build_response(200)]))
    assert clock.slept == [0]


async def test_a_custom_clock_makes_long_backoffs_instant() -> None:
    """Clock, sleep and jitter are fields of `Retry`."""
    clock = Clock()
    await make_retry(clock, max_attempts=35)(READ, Script([build_response(500)]))
    assert sum(clock.slept) == 0.5 + 1 + 2 + 4 + 8 + 16 + 28 * 20
    assert clock.now == 1000.0 + sum(clock.slept)


async def test_a_delay_that_would_exceed_the_deadline_is_not_begun() -> None:
    """The last response is returned at once."""
    clock = Clock()
    sent = attrs.evolve(READ, deadline=Deadline(clock.now + 2.0))
    script = Script([build_response(500)])
    response = await make_retry(clock)(sent, script)
    assert clock.slept == [0.5, 1.0]
    assert len(script.requests) == 3
    assert response.status == 500


@pytest.mark.parametrize("early", [0.0, 0.0009], ids=["on time", "timer fired early"])
async def test_an_attempt_cut_off_by_the_deadline_raises_deadline_exceeded(early: float) -> None:
    """`AttemptTimedOut` would suggest a longer ``attempt_timeout``, which would not help."""
    clock = Clock()
    sent = attrs.evolve(ONCE, deadline=Deadline(clock.now + early))
    with pytest.raises(DeadlineExceeded) as caught:
        await make_retry(clock)(sent, Script([timeout_failure(sent=True)]))
    assert caught.value.may_have_applied
    assert len(caught.value.attempts) == 1


async def test_the_budget_is_shared_by_all_calls() -> None:
    """A failing server gets one request for each call, and the retries that the budget allows."""
    budget, script = RetryBudget(5.0), Script([build_response(500)])
    retrying = make_retry(budget=budget)
    await asyncio.gather(*(retrying(READ, script) for _ in range(100)))
    assert len(script.requests) == 105


async def test_retries_after_a_throttled_response_cost_no_budget() -> None:
    """The pace middleware delays these retries."""
    script = Script([retry_after_response(1), retry_after_response(1), build_response(200)])
    response = await make_retry(budget=RetryBudget(0.0))(ONCE, script)
    assert len(script.requests) == 3
    assert response.status == 200


async def test_successes_refill_the_budget() -> None:
    """A success after a retry counts; client errors and throttled responses do not."""
    budget = RetryBudget(10.0, earned=0.5)
    for _ in range(10):
        budget.spend()
    retrying = make_retry(budget=budget)
    await retrying(READ, Script([build_response(200)]))
    await retrying(READ, Script([build_response(404)]))
    await retrying(ONCE, Script([build_response(429), build_response(200)]))
    assert [budget.spend(), budget.spend()] == [True, False]


async def test_throttled_attempts_of_a_bulk_call_do_not_count() -> None:
    """A row of a batch waits for the rate limit as long as necessary."""
    sent = attrs.evolve(ONCE, priority="bulk")
    script = Script([*[retry_after_response(1)] * 20, build_response(200)])
    response = await make_retry(max_attempts=2)(sent, script)
    assert len(script.requests) == 21
    assert response.status == 200


async def test_the_throttled_attempts_of_a_bulk_call_are_bounded() -> None:
    """A server that always throttles cannot keep a call running for ever."""
    sent = attrs.evolve(ONCE, priority="bulk")
    script = Script([retry_after_response(1)])
    response = await make_retry(max_attempts=2)(sent, script)
    assert len(script.requests) == MAX_RATE_LIMITED_ATTEMPTS + 1
    assert response.status == 429


async def test_failed_attempts_of_a_bulk_call_count() -> None:
    sent = attrs.evolve(READ, priority="bulk")
    script = Script(
        [retry_after_response(1), build_response(500), retry_after_response(1), build_response(500)]
    )
    await make_retry(max_attempts=2)(sent, script)
    assert len(script.requests) == 4


async def test_an_error_of_the_pace_middleware_ends_the_call_with_its_attempts() -> None:
    """The pace middleware raises `DeadlineExceeded` if a wait would exceed the deadline."""
    script = Script([retry_after_response(300), DeadlineExceeded("too late")])
    with pytest.raises(DeadlineExceeded) as caught:
        await make_retry()(READ, script)
    assert [attempt.outcome for attempt in caught.value.attempts] == ["429"]


async def test_an_error_of_a_middleware_ends_the_call_on_any_attempt() -> None:
    """An error of a middleware is not retried."""
    script = Script([build_response(500), ValueError("mine")])
    with pytest.raises(ValueError, match=r"^mine$"):
        await make_retry()(READ, script)
    with pytest.raises(ClientClosed):
        await make_retry()(READ, Script([ClientClosed("closed")]))
    assert len(script.requests) == 2


@pytest.mark.parametrize("first", [build_response(500), connection_loss()], ids=["500", "lost"])
async def test_a_cancelled_retry_cancels_the_call(first: Response | NoResponse) -> None:
    """Tenacity catches every exception, so this needs its own test."""
    script = Script([first, asyncio.CancelledError()])
    with pytest.raises(asyncio.CancelledError):
        await make_retry()(READ, script)
    assert len(script.requests) == 2


async def test_a_cancelled_backoff_cancels_the_call() -> None:
    retrying = Retry(4, RetryBudget(), jitter=lambda max_seconds: 60.0)
    call = asyncio.ensure_future(retrying(READ, Script([build_response(500)])))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_concurrent_calls_do_not_mix_up_their_attempts() -> None:
    """A shared tenacity object would mix up the attempts of several calls."""
    slow = asyncio.Event()

    async def flaky(sent: Request) -> Response:
        await (slow.wait() if sent.attempt == 1 else asyncio.sleep(0))
        fails = int(sent.operation)
        return build_response(500 if sent.attempt <= fails else 200)

    retrying = make_retry(budget=RetryBudget(1000.0))
    calls = [
        retrying(attrs.evolve(READ, operation=str(number % 4)), flaky) for number in range(200)
    ]
    slow.set()
    responses = await asyncio.gather(*calls)
    assert {response.status for response in responses} == {200}
    assert [len(response.attempts) for response in responses] == [
        max(0, number % 4 + 1 if number % 4 else 0) for number in range(200)
    ]


async def test_each_retry_is_one_log_line_at_info(caplog: pytest.LogCaptureFixture) -> None:
    """The line has the operation, delay, attempt and reason, but no key, body or personal data."""
    caplog.set_level(logging.INFO, logger="moregood_async")
    failure = ConnectionLost(
        "cut off while ada@example.com was sent", phase="waiting", seconds=0.1, sent=True
    )
    await make_retry()(UPSERT, Script([failure, build_response(503), build_response(200)]))
    assert caplog.messages == [
        "customers.upsert is retried in 0.50 s, after attempt 1 of 4: cut off while *** was sent",
        "customers.upsert is retried in 1.00 s, after attempt 2 of 4: 503",
    ]
    assert {record.levelno for record in caplog.records} == {logging.INFO}


async def test_the_log_line_of_a_throttled_attempt_names_the_rate_limit(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The pace middleware decides the length of the wait."""
    caplog.set_level(logging.INFO, logger="moregood_async")
    await make_retry()(ONCE, Script([build_response(429), build_response(200)]))
    [line] = caplog.messages
    assert line.endswith("is retried when the rate limit allows it, after attempt 1 of 4: 429")


async def test_a_final_failure_is_not_logged_as_a_retry(caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets the response, so a log line would add nothing."""
    caplog.set_level(logging.INFO, logger=retry.logger.name)
    await make_retry(max_attempts=1)(READ, Script([build_response(500)]))
    await make_retry()(ONCE, Script([build_response(500)]))
    assert caplog.messages == []
