"""`decide`: a pure function from a failed attempt to a retry or the end of the call."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.errors import ConnectionFailed, ConnectionLost
from moregood_async.middleware.retry import (
    MAX_RATE_LIMITED_ATTEMPTS,
    Decision,
    FailedAttempt,
    Outcome,
    RetryAfter,
    RetryNow,
    Stop,
    StopReason,
    can_retry,
    decide,
)
from moregood_async.privacy import Headers
from moregood_async.wire import Deadline, Drain, Priority, Request, Response, is_rate_limited


def make_response(status: int, retry_after: int | None = None) -> Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(status=status, headers=Headers(headers), body=b"{}")


def make_request(method: str, *, idempotent: bool) -> Request:
    return Request(
        method=method, url="http://127.0.0.1/x", headers=Headers({}), idempotent=idempotent
    )


READ = make_request("GET", idempotent=True)
UPSERT = make_request("POST", idempotent=True)
ASK = make_request("POST", idempotent=False)

NOT_SENT = ConnectionFailed("refused", phase="connecting", seconds=0.0, sent=False)
LOST = ConnectionLost("lost", phase="waiting", seconds=0.0, sent=True)
FAILED = make_response(500)
RATE_LIMITED = make_response(429, 1)
MAX_ATTEMPTS = 4
NOW = 1000.0

STARTED_DRAIN = Drain()
STARTED_DRAIN.start()


def make_failed_attempt(**changes: Any) -> FailedAttempt:
    """Return the first failed attempt of a read with a backoff of 2 seconds."""
    first = FailedAttempt(
        request=READ,
        outcome=FAILED,
        attempts=1,
        rate_limited_attempts=0,
        max_attempts=MAX_ATTEMPTS,
        now=NOW,
        backoff_seconds=2.0,
    )
    return attrs.evolve(first, **changes)


def rate_limited(times: int, **changes: Any) -> FailedAttempt:
    return make_failed_attempt(
        **{"outcome": RATE_LIMITED, "attempts": times, "rate_limited_attempts": times, **changes}
    )


def read(**changes: Any) -> Request:
    return attrs.evolve(READ, **changes)


BULK = read(priority="bulk")
DRAINED = read(drain=STARTED_DRAIN)

TABLE: dict[str, tuple[FailedAttempt, Decision]] = {
    "a read that failed": (make_failed_attempt(), RetryAfter(2.0)),
    "an upsert whose response was lost": (
        make_failed_attempt(request=UPSERT, outcome=LOST),
        RetryAfter(2.0),
    ),
    "an ask that was not sent": (
        make_failed_attempt(request=ASK, outcome=NOT_SENT),
        RetryAfter(2.0),
    ),
    "an ask that may have applied": (
        make_failed_attempt(request=ASK, outcome=LOST),
        Stop(StopReason.FINAL),
    ),
    "an ask that was rate limited": (rate_limited(1, request=ASK), RetryNow()),
    "a 404": (make_failed_attempt(outcome=make_response(404)), Stop(StopReason.FINAL)),
    "a success": (make_failed_attempt(outcome=make_response(200)), Stop(StopReason.FINAL)),
    "the last attempt but one": (make_failed_attempt(attempts=3), RetryAfter(2.0)),
    "the last attempt": (make_failed_attempt(attempts=4), Stop(StopReason.MAX_ATTEMPTS)),
    "rate limited at the last attempt": (rate_limited(4), Stop(StopReason.MAX_ATTEMPTS)),
    "a bulk call rate limited at the same attempt": (rate_limited(4, request=BULK), RetryNow()),
    "a bulk call at its limit of rate limited attempts": (
        rate_limited(MAX_RATE_LIMITED_ATTEMPTS, request=BULK),
        RetryNow(),
    ),
    "a bulk call above that limit": (
        rate_limited(MAX_RATE_LIMITED_ATTEMPTS + 1, request=BULK),
        Stop(StopReason.RATE_LIMITED_TOO_OFTEN),
    ),
    "a bulk call with three other failures": (
        make_failed_attempt(request=BULK, attempts=13, rate_limited_attempts=10),
        RetryAfter(2.0),
    ),
    "a bulk call with four other failures": (
        make_failed_attempt(request=BULK, attempts=14, rate_limited_attempts=10),
        Stop(StopReason.MAX_ATTEMPTS),
    ),
    "drained": (make_failed_attempt(request=DRAINED), Stop(StopReason.DRAINED)),
    "drained while rate limited": (rate_limited(1, request=DRAINED), Stop(StopReason.DRAINED)),
    "a backoff that ends before the deadline": (
        make_failed_attempt(request=read(deadline=Deadline(NOW + 2.1))),
        RetryAfter(2.0),
    ),
    "a backoff that ends at the deadline": (
        make_failed_attempt(request=read(deadline=Deadline(NOW + 2.0))),
        Stop(StopReason.DEADLINE),
    ),
    "rate limited after the deadline, which pace reports": (
        rate_limited(1, request=read(deadline=Deadline(NOW - 1.0))),
        RetryNow(),
    ),
}


@pytest.mark.parametrize(("failed", "decision"), TABLE.values(), ids=TABLE)
def test_each_row_of_the_table_has_its_decision(failed: FailedAttempt, decision: Decision) -> None:
    assert decide(failed) == decision


def test_the_table_has_every_stop_reason_of_decide() -> None:
    """`decide` does not know the budget, so its caller stops for that reason."""
    reasons = {decision.reason for _, decision in TABLE.values() if isinstance(decision, Stop)}
    assert reasons == set(StopReason) - {StopReason.BUDGET}


def _view_request(
    request: Request, priority: Priority, deadline: float, drain: Drain | None
) -> Request:
    return attrs.evolve(request, priority=priority, deadline=Deadline(deadline), drain=drain)


PRIORITIES: list[Priority] = ["interactive", "bulk"]
REQUESTS = st.builds(
    _view_request,
    st.sampled_from([READ, UPSERT, ASK]),
    st.sampled_from(PRIORITIES),
    st.floats(NOW - 10.0, NOW + 100.0),
    st.sampled_from([None, Drain(), STARTED_DRAIN]),
)
OUTCOMES: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(make_response, st.integers(100, 599)),
    st.builds(make_response, st.sampled_from([429, 503]), st.integers(0, 60)),
    st.sampled_from([LOST, NOT_SENT]),
)
FAILED_ATTEMPTS = st.integers(1, 70).flatmap(
    lambda attempts: st.builds(
        FailedAttempt,
        request=REQUESTS,
        outcome=OUTCOMES,
        attempts=st.just(attempts),
        rate_limited_attempts=st.integers(0, attempts),
        max_attempts=st.integers(1, 10),
        now=st.just(NOW),
        backoff_seconds=st.floats(0.0, 20.0),
    )
)


@given(failed=FAILED_ATTEMPTS)
def test_every_retry_is_safe_and_within_the_deadline_and_the_limits(failed: FailedAttempt) -> None:
    decision = decide(failed)
    if isinstance(decision, Stop):
        return
    assert can_retry(failed.request, failed.outcome)
    assert not failed.request.is_drained
    assert failed.rate_limited_attempts <= MAX_RATE_LIMITED_ATTEMPTS
    assert failed.attempts < failed.max_attempts + failed.rate_limited_attempts
    if isinstance(decision, RetryAfter):
        assert decision.backoff_seconds == failed.backoff_seconds
        assert failed.now + decision.backoff_seconds < failed.request.deadline.at


@given(failed=FAILED_ATTEMPTS)
def test_a_retry_has_no_backoff_exactly_if_the_attempt_was_rate_limited(
    failed: FailedAttempt,
) -> None:
    limited = not isinstance(failed.outcome, Exception) and is_rate_limited(failed.outcome)
    assert not isinstance(decide(failed), RetryAfter if limited else RetryNow)
