"""Decisions about a retry: whether it is safe, its delay, and the retry budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.errors import NoResponse
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
    build_response,
    connection_failure,
    connection_loss,
    request,
    retry_after_response,
    timeout_failure,
)
from tests.middleware.retry_cases import ONCE, READ, UPSERT

UPDATE = request("PUT", idempotent=True, operation="locations.update")


REQUESTS = [READ, UPSERT, UPDATE, ONCE]


NOT_SENT = [connection_failure(), timeout_failure(sent=False)]


RATE_LIMITED = [
    build_response(429),
    retry_after_response(3),
    retry_after_response("soon"),
    retry_after_response(0, 503),
    retry_after_response("Wed, 21 Oct 2037 07:28:00 GMT"),
]


SERVER_ERRORS = [
    build_response(408),
    build_response(500),
    build_response(502),
    build_response(503),
    build_response(504),
    build_response(507),
    build_response(599),
]


RESPONSE_LOST = [connection_loss(), timeout_failure(sent=True)]


CLIENT_ERRORS = [
    build_response(status) for status in (400, 401, 403, 404, 405, 409, 410, 413, 418, 422, 451)
]


REDIRECTS = [
    build_response(301),
    build_response(302),
    build_response(303),
    build_response(307),
    build_response(308),
]


def _name(value: object) -> str:
    if isinstance(value, Request):
        return value.operation
    if isinstance(value, Response):
        seconds = value.headers.get("retry-after")
        return f"{value.status}, Retry-After {seconds}" if seconds else str(value.status)
    return f"{type(value).__name__}, sent={value.sent}" if isinstance(value, NoResponse) else ""


def each_outcome(values: list[Outcome]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("outcome", values, ids=_name)


each_request = pytest.mark.parametrize("sent", REQUESTS, ids=_name)


@each_request
@each_outcome(
    [*NOT_SENT, build_response(429), retry_after_response(3), retry_after_response(0, 503)]
)
def test_a_request_that_surely_had_no_effect_is_retried(sent: Request, outcome: Outcome) -> None:
    """Either the request was not sent, or the server throttled it."""
    assert can_retry(sent, outcome)
    assert not may_have_applied(sent, outcome)


@each_request
@each_outcome([*SERVER_ERRORS, *RESPONSE_LOST])
def test_a_request_that_may_have_applied_is_retried_only_if_it_is_idempotent(
    sent: Request, outcome: Outcome
) -> None:
    """The server failed, the connection broke, or the attempt timed out."""
    assert can_retry(sent, outcome) == (sent is not ONCE)
    assert may_have_applied(sent, outcome) == (sent is not READ)


@each_request
@each_outcome([*CLIENT_ERRORS, build_response(200), build_response(204)])
def test_a_success_and_a_client_error_are_not_retried(sent: Request, outcome: Outcome) -> None:
    assert not can_retry(sent, outcome)
    assert not may_have_applied(sent, outcome)


@each_request
@each_outcome([*REDIRECTS])
def test_a_redirect_is_not_retried_and_a_write_may_have_applied(
    sent: Request, outcome: Outcome
) -> None:
    assert not can_retry(sent, outcome)
    assert may_have_applied(sent, outcome) == (sent is not READ)


@pytest.mark.parametrize("outcome", RATE_LIMITED, ids=_name)
def test_a_429_and_a_503_with_retry_after_are_rate_limited(outcome: Response) -> None:
    """A 429 needs no ``Retry-After``, and its ``Retry-After`` may be invalid."""
    assert is_rate_limited(outcome)


@pytest.mark.parametrize(
    "outcome",
    [
        build_response(200, {"Retry-After": "3"}),
        build_response(503),
        retry_after_response("soon", 503),
        retry_after_response(3, 502),
    ],
    ids=_name,
)
def test_other_responses_are_not_rate_limited(outcome: Response) -> None:
    """Neither a 503 without a valid ``Retry-After``, nor a ``Retry-After`` on another status."""
    assert not is_rate_limited(outcome)


OUTCOMES = st.one_of(
    st.builds(build_response, st.integers(100, 599)),
    st.builds(
        retry_after_response, st.floats() | st.text(max_size=8), st.sampled_from([429, 500, 503])
    ),
    st.sampled_from([*NOT_SENT, *RESPONSE_LOST]),
)


@given(outcome=OUTCOMES)
def test_a_request_that_is_not_idempotent_is_never_retried_if_it_may_have_applied(
    outcome: Outcome,
) -> None:
    """This main guarantee holds for each status, header and failure."""
    assert not (may_have_applied(ONCE, outcome) and can_retry(ONCE, outcome))


@given(outcome=OUTCOMES, sent=st.sampled_from(REQUESTS))
def test_an_attempt_records_whether_it_may_have_applied_and_a_read_never_has(
    outcome: Outcome, sent: Request
) -> None:
    assert attempt_of(sent, outcome).may_have_applied == may_have_applied(sent, outcome)
    assert not may_have_applied(READ, outcome)


@given(attempt=st.integers(1, 10_000))
def test_the_max_backoff_seconds_doubles_up_to_its_limit(attempt: int) -> None:
    """The values are 0.5, 1, 2, 4, 8, 16, and then 20 seconds."""
    expected = 0.5 * 2 ** (attempt - 1) if attempt <= 6 else 20.0
    assert max_backoff_seconds(attempt) == expected


@given(attempt=st.integers(1, 30))
def test_full_jitter_stays_between_zero_and_the_max_backoff_seconds(attempt: int) -> None:
    """Both halves of the range are used."""
    max_seconds = max_backoff_seconds(attempt)
    delays = [Retry(4, RetryBudget()).jitter(max_seconds) for _ in range(200)]
    assert 0.0 <= min(delays) < max_seconds / 2 < max(delays) <= max_seconds


def test_a_budget_allows_as_many_retries_as_it_holds() -> None:
    budget = RetryBudget(3.0)
    assert [budget.spend() for _ in range(5)] == [True, True, True, False, False]


def test_successes_refill_the_budget_up_to_its_capacity() -> None:
    """In this test eight successes pay for one retry."""
    budget = RetryBudget(2.0, earned=0.125)
    budget.earn()
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    for _ in range(8):
        budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]


@given(steps=st.lists(st.booleans(), max_size=300), capacity=st.integers(1, 20))
def test_a_budget_never_allows_more_retries_than_it_held_and_earned(
    steps: list[bool], capacity: int
) -> None:
    """The bound holds for each order of successes and retries."""
    budget = RetryBudget(float(capacity), earned=0.125)
    retries = 0
    for spends in steps:
        if spends:
            retries += budget.spend()
        else:
            budget.earn()
    assert retries <= capacity + 0.125 * steps.count(False)
