"""Decisions about a retry: what is retried, how long to wait, what the budget allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.errors import (
    NoResponse,
)
from moregood_async.middleware.retry import (
    Outcome,
    Retry,
    RetryBudget,
    attempt_of,
    can_retry,
    max_backoff_seconds,
    may_have_applied,
)
from moregood_async.wire import Request, Response, is_rate_limited
from tests.middleware.doubles import (
    answer,
    lost,
    refused,
    request,
    timed_out,
    told,
)
from tests.middleware.retry_cases import ONCE, READ, UPSERT

UPDATE = request("PUT", idempotent=True, operation="locations.update")


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
