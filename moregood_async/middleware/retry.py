"""Retry: what may be sent again, when, and how often.

=============================================  ======================  =========================
what happened                                  reads, upsert, update   charges, asks, location
=============================================  ======================  =========================
no connection: nothing was sent                retry                   retry
429, or 503 with ``Retry-After``               retry after the delay   retry after the delay
408, other 5xx                                 retry with backoff      no: `may_have_applied`
lost or timed out after sending began          retry with backoff      no: `may_have_applied`
response not understood                        no                      no: `may_have_applied`
other 4xx                                      no                      no
=============================================  ======================  =========================

`can_retry` and `may_have_applied` are this table. `decide` adds the limits of a call: attempts,
deadline, drain. `_RetriedCall` drives the attempts with tenacity, and spends the client's retry
budget.

The delay that a server asks for is not waited for here: `pace` holds back every request with that
key, so a retry after a 429 is sent to the queue at once. The delays here are backoff.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import random
import time
from collections.abc import Awaitable, Callable

import attrs
from tenacity import AsyncRetrying, RetryCallState

from moregood_async.errors import Attempt, DeadlineExceeded, MoreGoodError, NoResponse
from moregood_async.wire import Handler, Request, Response, is_rate_limited

logger: logging.Logger = logging.getLogger("moregood_async")

FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 20.0
"""The longest backoff. Six attempts reach it; a server that is down for longer is asked three
times a minute."""

TIMER_TOLERANCE_SECONDS = 0.001
"""How early a timer of the event loop may fire. An attempt that the deadline cuts off ends this
much before the deadline at most, and counts as cut off by it."""

MAX_RATE_LIMITED_ATTEMPTS = 50
"""How many times a call may be rate limited. It bounds bulk calls, for which rate limited attempts
do not count against ``max_attempts``."""

Outcome = Response | NoResponse
"""How an attempt ended."""


def may_have_applied(request: Request, outcome: Outcome) -> bool:
    """Return whether a write with this outcome may have had its effect on the server."""
    if not request.writes:
        return False
    if isinstance(outcome, NoResponse):
        return outcome.sent
    unclear = outcome.status == 408 or outcome.status >= 500 or 300 <= outcome.status <= 399
    return unclear and not is_rate_limited(outcome)


def can_retry(request: Request, outcome: Outcome) -> bool:
    """Return whether another attempt can succeed and does no harm: the table above."""
    if isinstance(outcome, NoResponse):
        return request.idempotent or not outcome.sent
    if is_rate_limited(outcome):
        return True
    return request.idempotent and (outcome.status == 408 or outcome.status >= 500)


def max_backoff_seconds(attempt: int) -> float:
    """Return the upper bound of the backoff after an attempt: 0.5, 1, 2, … 20 seconds.

    The backoff itself is random between 0 and this bound ("full jitter"), so that clients that
    failed together do not come back together.
    """
    doubled: float = FIRST_BACKOFF_SECONDS * 2 ** min(attempt - 1, 16)
    return min(MAX_BACKOFF_SECONDS, doubled)


def attempt_of(request: Request, outcome: Outcome) -> Attempt:
    """Return the record of one attempt."""
    if isinstance(outcome, Response):
        phase, summary = "received", str(outcome.status)
    else:
        phase, summary = outcome.phase, outcome.problem
    return Attempt(
        number=request.attempt,
        phase=phase,
        seconds=outcome.seconds,
        outcome=summary,
        may_have_applied=may_have_applied(request, outcome),
    )


class StopReason(enum.Enum):
    """Why a call is not retried."""

    FINAL = "the outcome is final"
    MAX_ATTEMPTS = "the call has used its max_attempts"
    RATE_LIMITED_TOO_OFTEN = "the call was rate limited too often"
    DRAINED = "the call was drained"
    DEADLINE = "the backoff would pass the deadline"
    BUDGET = "the client's retry budget is used up"


@attrs.frozen
class RetryNow:
    """Send the request to the queue of `pace`, which knows when the server allows it."""


@attrs.frozen
class RetryAfter:
    """Send the request again after a backoff."""

    backoff_seconds: float


@attrs.frozen
class Stop:
    """Return the response, or raise the error, of the last attempt."""

    reason: StopReason


Decision = RetryNow | RetryAfter | Stop


@attrs.frozen(kw_only=True)
class FailedAttempt:
    """All that the decision after an attempt depends on."""

    request: Request
    outcome: Outcome
    attempts: int
    """Attempts of the call so far, this one included."""
    rate_limited_attempts: int
    """How many of them were rate limited."""
    max_attempts: int
    now: float
    """On the clock of the deadline."""
    backoff_seconds: float
    """The backoff that a retry would begin with."""


def decide(failed: FailedAttempt) -> Decision:
    """Return what to do after an attempt. It costs nothing yet: `RetryAfter` needs budget."""
    request = failed.request
    if not can_retry(request, failed.outcome):
        return Stop(StopReason.FINAL)
    # A bulk call is patient: a rate limited attempt was no fault of the request. With
    # max_attempts=4, a row may be rate limited 50 times and fail otherwise 3 times.
    is_patient = request.priority == "bulk"
    counted = failed.attempts - (failed.rate_limited_attempts if is_patient else 0)
    if counted >= failed.max_attempts:
        return Stop(StopReason.MAX_ATTEMPTS)
    if failed.rate_limited_attempts > MAX_RATE_LIMITED_ATTEMPTS:
        return Stop(StopReason.RATE_LIMITED_TOO_OFTEN)
    if request.is_drained:
        return Stop(StopReason.DRAINED)
    # The deadline is not looked at here: pace knows when the server allows the next request, and
    # raises DeadlineExceeded with that time.
    if _is_rate_limited(failed.outcome):
        return RetryNow()
    if failed.now + failed.backoff_seconds >= request.deadline.at:
        return Stop(StopReason.DEADLINE)
    return RetryAfter(failed.backoff_seconds)


class RetryBudget:
    """Limits the retries of all calls of a client, so that they do not overload a broken server.

    A token bucket: a retry costs one token, a successful call returns a tenth of one. While a
    server fails all requests, a client sends 100 retries and then one request per call.
    """

    __slots__ = ("_tokens", "capacity", "earned")

    def __init__(self, capacity: float = 100.0, earned: float = 0.1) -> None:
        self.capacity: float = capacity
        self.earned: float = earned
        self._tokens = capacity

    def earn(self) -> None:
        """Return a part of a token, for a successful call."""
        if self._tokens < self.capacity:
            self._tokens = min(self.capacity, self._tokens + self.earned)

    def spend(self) -> bool:
        """Take a token for a retry. Return False if there is none."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


@attrs.define
class Retry:
    """The middleware that retries a view's calls."""

    max_attempts: int
    budget: RetryBudget
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[float], float] = lambda bound: random.uniform(0.0, bound)

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Return the first response that is final, with the attempts that led to it.

        Raises:
            NoResponse: The last attempt received no response.
            DeadlineExceeded: The last attempt was cut off by the deadline.
        """
        # The first attempt needs no tenacity, and most calls need no other.
        outcome = await _outcome_of(request, call_next)
        if isinstance(outcome, Response) and outcome.status < 400:
            self.budget.earn()
            return outcome
        return await _RetriedCall(self, request, call_next).result(outcome)


async def _outcome_of(request: Request, call_next: Handler) -> Outcome:
    try:
        return await call_next(request)
    except NoResponse as error:
        return error


class _RetriedCall:
    """A call whose first attempt failed."""

    def __init__(self, policy: Retry, request: Request, call_next: Handler) -> None:
        self._policy = policy
        self._request = request
        self._call_next = call_next
        self._attempts: list[Attempt] = []
        self._rate_limited_attempts = 0

    async def result(self, outcome: Outcome) -> Response:
        """Return the call's response, or raise its error, after an attempt with this outcome."""
        retrying = AsyncRetrying(
            retry=lambda state: not isinstance(_decision_in(state), Stop),
            wait=lambda state: _backoff_of(_decision_in(state)),
            sleep=self._policy.sleep,
        )
        async for attempt in retrying:
            if self._attempts:
                outcome = await self._next_attempt()
            self._record(outcome)
            # For tenacity, the result of an attempt is the decision after it. An exception that
            # is no outcome, such as a cancellation, leaves the loop and ends the call.
            attempt.retry_state.set_result(self._decide(outcome))
        return self._end(outcome)

    async def _next_attempt(self) -> Outcome:
        self._request = attrs.evolve(self._request, attempt=self._request.attempt + 1)
        try:
            return await _outcome_of(self._request, self._call_next)
        except MoreGoodError as error:  # such as Drained: the attempts before it may have applied
            raise error._with_attempts((*self._attempts, *error.attempts)) from error.__cause__

    def _record(self, outcome: Outcome) -> None:
        self._attempts.append(attempt_of(self._request, outcome))
        self._rate_limited_attempts += _is_rate_limited(outcome)

    def _decide(self, outcome: Outcome) -> Decision:
        policy, attempts = self._policy, len(self._attempts)
        decision = decide(
            FailedAttempt(
                request=self._request,
                outcome=outcome,
                attempts=attempts,
                rate_limited_attempts=self._rate_limited_attempts,
                max_attempts=policy.max_attempts,
                now=policy.clock(),
                backoff_seconds=policy.jitter(max_backoff_seconds(attempts)),
            )
        )
        # The one place that spends the budget. A rate limited retry costs nothing: pace spaces it.
        if isinstance(decision, RetryAfter) and not policy.budget.spend():
            decision = Stop(StopReason.BUDGET)
        self._log(decision)
        return decision

    def _log(self, decision: Decision) -> None:
        if isinstance(decision, Stop):
            return  # the caller gets the outcome
        last = self._attempts[-1]
        logger.info(
            "%s is retried %s, after attempt %d of %d: %s",
            self._request.operation,
            "when the rate limit allows it"
            if isinstance(decision, RetryNow)
            else f"in {decision.backoff_seconds:.2f} s",
            last.number,
            self._policy.max_attempts,
            last.outcome,
        )

    def _end(self, outcome: Outcome) -> Response:
        attempts = tuple(self._attempts)
        if isinstance(outcome, Response):
            if outcome.status < 400:
                self._policy.budget.earn()
            return attrs.evolve(outcome, attempts=attempts)
        # An attempt that the deadline cut off looks like one that took too long. The caller has to
        # know which of the two settings to change.
        if self._policy.clock() + TIMER_TOLERANCE_SECONDS >= self._request.deadline.at:
            error = DeadlineExceeded("the call ran out of time")
            raise error._with_attempts(attempts) from outcome.__cause__
        raise outcome._with_attempts(attempts) from outcome.__cause__


def _is_rate_limited(outcome: Outcome) -> bool:
    return isinstance(outcome, Response) and is_rate_limited(outcome)


def _decision_in(state: RetryCallState) -> Decision:
    assert state.outcome is not None  # noqa: S101 - `result` sets it before tenacity reads it
    decision: Decision = state.outcome.result()
    return decision


def _backoff_of(decision: Decision) -> float:
    return decision.backoff_seconds if isinstance(decision, RetryAfter) else 0.0
