"""Repeating, decided: the table of `design.md` section 3 as pure questions, and the waiting."""

from __future__ import annotations

import asyncio
import logging

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    Outcome,
    Retry,
    RetryBudget,
    attempt_of,
    can_retry,
    max_backoff_seconds,
    may_have_applied,
)
from moregood_async.wire import Deadline, Request, Response, is_rate_limited
from tests.middleware.doubles import (
    Clock,
    Jitter,
    Script,
    answer,
    lost,
    refused,
    request,
    timed_out,
    told,
)

READ = request("GET", idempotent=True, operation="reviews.list")
UPSERT = request("POST", idempotent=True, operation="customers.upsert")
UPDATE = request("PUT", idempotent=True, operation="locations.update")
ONCE = request("POST", idempotent=False)
REQUESTS = [READ, UPSERT, UPDATE, ONCE]

NOTHING_LEFT = [refused(), timed_out(sent=False)]
TOLD = [answer(429), told(3), told("soon"), told(0, 503), told("Wed, 21 Oct 2037 07:28:00 GMT")]
FAILED = [answer(408), answer(500), answer(502), answer(503), answer(504), answer(507), answer(599)]
BROKEN = [lost(), timed_out(sent=True)]
REFUSED = [answer(status) for status in (400, 401, 403, 404, 405, 409, 410, 413, 418, 422, 451)]
REDIRECTED = [answer(301), answer(302), answer(303), answer(307), answer(308)]


def _name(value: object) -> str:
    if isinstance(value, Request):
        return value.operation
    if isinstance(value, Response):
        waits = value.headers.get("retry-after")
        return f"{value.status}, Retry-After {waits}" if waits else str(value.status)
    return f"{type(value).__name__}, sent={value.sent}" if isinstance(value, NoResponse) else ""


def by_name(values: list[Outcome]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("outcome", values, ids=_name)


each_request = pytest.mark.parametrize("sent", REQUESTS, ids=_name)


@each_request
@by_name([*NOTHING_LEFT, answer(429), told(3), told(0, 503)])
def test_what_provably_did_not_happen_is_repeated_whatever_it_is(
    sent: Request, outcome: Outcome
) -> None:
    """Rows one and two: nothing left, or the server refused for now."""
    assert (True, False) == (can_retry(sent, outcome), may_have_applied(sent, outcome))


@each_request
@by_name([*FAILED, *BROKEN])
def test_what_may_have_happened_is_repeated_only_where_it_does_no_harm(
    sent: Request, outcome: Outcome
) -> None:
    """Rows three and four: a failed server, a broken or late answer."""
    expected = (sent is not ONCE, sent is not READ)
    assert expected == (can_retry(sent, outcome), may_have_applied(sent, outcome))


@each_request
@by_name([*REFUSED, answer(200), answer(204)])
def test_what_was_answered_is_final(sent: Request, outcome: Outcome) -> None:
    """Row six: every other 4xx; and a success, of course."""
    assert (False, False) == (can_retry(sent, outcome), may_have_applied(sent, outcome))


@each_request
@by_name([*REDIRECTED])
def test_a_redirect_is_final_and_proves_nothing(sent: Request, outcome: Outcome) -> None:
    """Row five: a write behind a redirect may have had its effect."""
    expected = (False, sent is not READ)
    assert expected == (can_retry(sent, outcome), may_have_applied(sent, outcome))


@pytest.mark.parametrize("outcome", TOLD, ids=_name)
def test_a_429_or_a_503_that_names_a_wait_is_told_to_wait(outcome: Response) -> None:
    """A 429 needs no ``Retry-After``; what it names need not make sense."""
    assert is_rate_limited(outcome)


@pytest.mark.parametrize(
    "outcome",
    [answer(200, {"Retry-After": "3"}), answer(503), told("soon", 503), told(3, 502)],
    ids=_name,
)
def test_anything_else_is_not_told_to_wait(outcome: Response) -> None:
    """Neither a 503 that names no wait that makes sense, nor a wait on another status."""
    assert not is_rate_limited(outcome)


OUTCOMES = st.one_of(
    st.builds(answer, st.integers(100, 599)),
    st.builds(told, st.floats() | st.text(max_size=8), st.sampled_from([429, 500, 503])),
    st.sampled_from([*NOTHING_LEFT, *BROKEN]),
)


@given(outcome=OUTCOMES)
def test_what_may_have_applied_is_never_sent_again_where_once_is_enough(outcome: Outcome) -> None:
    """The promise behind everything: no status, header or failure gets round it."""
    assert not (may_have_applied(ONCE, outcome) and can_retry(ONCE, outcome))


@given(outcome=OUTCOMES, sent=st.sampled_from(REQUESTS))
def test_a_read_never_has_an_effect_and_an_attempt_says_what_the_question_says(
    outcome: Outcome, sent: Request
) -> None:
    """The record of an attempt agrees with the decision, and reads apply nothing."""
    assert may_have_applied(sent, outcome) == attempt_of(sent, outcome).may_have_applied
    assert not may_have_applied(READ, outcome)


@given(attempt=st.integers(1, 10_000))
def test_the_max_backoff_seconds_doubles_up_to_its_limit(attempt: int) -> None:
    """0.5, 1, 2, 4, 8, 16, and then 20 seconds for ever."""
    expected = 0.5 * 2 ** (attempt - 1) if attempt <= 6 else 20.0
    assert expected == max_backoff_seconds(attempt)


@given(attempt=st.integers(1, 30))
def test_full_jitter_stays_between_nothing_and_the_max_backoff_seconds(attempt: int) -> None:
    """The wait is anything from 0 to the most, and both halves are used."""
    most = max_backoff_seconds(attempt)
    waits = [Retry(4, RetryBudget()).jitter(most) for _ in range(200)]
    assert 0.0 <= min(waits) < most / 2 < max(waits) <= most


# The budget


def test_a_budget_is_spent_one_repeat_at_a_time() -> None:
    """What is there can be spent, and no more."""
    budget = RetryBudget(3.0)
    assert [True, True, True, False, False] == [budget.spend() for _ in range(5)]


def test_a_success_earns_a_tenth_of_a_repeat() -> None:
    """Ten successes pay for one repeat; a full budget stays full."""
    budget = RetryBudget(2.0, earned=0.125)
    budget.earn()
    assert [True, True, False] == [budget.spend() for _ in range(3)]
    for _ in range(8):
        budget.earn()
    assert [True, False] == [budget.spend() for _ in range(2)]


@given(steps=st.lists(st.booleans(), max_size=300), capacity=st.integers(1, 20))
def test_a_budget_never_allows_more_than_it_had_and_earned(
    steps: list[bool], capacity: int
) -> None:
    """Whatever the order of successes and repeats."""
    budget = RetryBudget(float(capacity), earned=0.125)
    repeats = 0
    for spends in steps:
        if spends:
            repeats += budget.spend()
        else:
            budget.earn()
    assert repeats <= capacity + 0.125 * steps.count(False)


# The middleware


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
        (1, "answered", "500", True),
        (2, "waiting", "broke", True),
        (3, "answered", "200", False),
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
