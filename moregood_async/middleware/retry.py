"""Repeating: what may be sent again, when, and how often.

=============================================  ======================  =========================
what happened                                  reads, upsert, update   charges, asks, location
=============================================  ======================  =========================
no connection: nothing left                    again                   again
429, or 503 with ``Retry-After``               again, after the wait   again, after the wait
408, other 5xx                                 again, backing off      never: `may_have_applied`
broken or timed out after sending began        again, backing off      never: `may_have_applied`
answered, but not understood                   never                   never: `may_have_applied`
other 4xx                                      never                   never
=============================================  ======================  =========================

The first attempt is plain; tenacity drives the others. The waits that a server asks for are
`pace`'s, since everybody with that key waits them together; the waits here are backing off.
"""

from __future__ import annotations

import asyncio
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
LONGEST_BACKOFF_SECONDS = 20.0
TIMERS_RING_EARLY_SECONDS = 0.001
PATIENT_REFUSALS = 50
"""How often a bulk request (a batch's row) may be told to wait before it gives up."""

Outcome = Response | NoResponse


def may_have_applied(request: Request, outcome: Outcome) -> bool:
    """Whether a write that ended like this may have taken effect."""
    if not request.writes:
        return False
    if isinstance(outcome, NoResponse):
        return outcome.sent
    unclear = outcome.status == 408 or outcome.status >= 500 or 300 <= outcome.status <= 399
    return unclear and not is_rate_limited(outcome)


def worth_repeating(request: Request, outcome: Outcome) -> bool:
    """Whether sending it again can help and does no harm: the table above."""
    if isinstance(outcome, NoResponse):
        return request.idempotent or not outcome.sent
    if is_rate_limited(outcome):
        return True
    return request.idempotent and (outcome.status == 408 or outcome.status >= 500)


def longest_delay(attempt: int) -> float:
    """The most seconds to back off after an attempt; the wait itself is anything from 0 to it."""
    doubled: float = FIRST_BACKOFF_SECONDS * 2 ** min(attempt - 1, 16)
    return min(LONGEST_BACKOFF_SECONDS, doubled)


def attempt_of(request: Request, outcome: Outcome) -> Attempt:
    """The record of one attempt."""
    if isinstance(outcome, Response):
        phase, said = "answered", str(outcome.status)
    else:
        phase, said = outcome.phase, outcome.problem
    return Attempt(
        number=request.attempt,
        phase=phase,
        seconds=outcome.seconds,
        outcome=said,
        may_have_applied=may_have_applied(request, outcome),
    )


class RetryBudget:
    """What all calls of a client may spend on repeating, so that a broken server is not stormed.

    A bucket of tokens: a repeat takes one, a success brings a tenth of one back.
    """

    __slots__ = ("_tokens", "capacity", "earned")

    def __init__(self, capacity: float = 100.0, earned: float = 0.1) -> None:
        self.capacity: float = capacity
        self.earned: float = earned
        self._tokens = capacity

    def earn(self) -> None:
        """A call has succeeded."""
        if self._tokens < self.capacity:
            self._tokens = min(self.capacity, self._tokens + self.earned)

    def spend(self) -> bool:
        """Take what one repeat costs; False where it is used up."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


@attrs.define
class Retry:
    """The middleware that repeats. Nothing here knows HTTP beyond a status."""

    max_attempts: int
    budget: RetryBudget
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[float], float] = lambda most: random.uniform(0.0, most)

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """The first answer that is final; raises `NoResponse` where none came."""
        outcome = await _outcome(request, call_next)
        if isinstance(outcome, Response) and outcome.status < 400:
            self.budget.earn()
            return outcome
        return await _Repeating(self, request, call_next, outcome).final()


async def _outcome(request: Request, call_next: Handler) -> Outcome:
    try:
        return await call_next(request)
    except NoResponse as error:
        return error


class _Repeating:
    """One call that did not go well at once: its attempts, and the decision after each."""

    def __init__(self, policy: Retry, request: Request, call_next: Handler, first: Outcome) -> None:
        self._policy = policy
        self._request = request
        self._call_next = call_next
        self._first: Outcome | None = first
        self._attempts: list[Attempt] = []
        self._refusals = 0
        self._stopped = ""

    async def final(self) -> Response:
        retrying = AsyncRetrying(
            retry=lambda state: worth_repeating(self._request, _of(state)),
            stop=self._stop,
            wait=self._delay,
            sleep=self._policy.sleep,
            before_sleep=self._log,
            retry_error_callback=_of,
        )
        outcome: Outcome = await retrying(self._attempt)
        if isinstance(outcome, Response):
            if outcome.status < 400:
                self._policy.budget.earn()
            return attrs.evolve(outcome, attempts=tuple(self._attempts))
        raise self._error(outcome) from outcome.__cause__

    async def _attempt(self) -> Outcome:
        outcome, self._first = self._first, None
        if outcome is None:
            self._request = attrs.evolve(self._request, attempt=self._request.attempt + 1)
            try:
                outcome = await _outcome(self._request, self._call_next)
            except MoreGoodError as error:
                raise error._with_attempts((*self._attempts, *error.attempts)) from error.__cause__
        self._attempts.append(attempt_of(self._request, outcome))
        self._refusals += _refused_for_now(outcome)
        return outcome

    def _delay(self, state: RetryCallState) -> float:
        if _refused_for_now(_of(state)):
            return 0.0  # pace lets nobody pass before the time that the server named
        return self._policy.jitter(longest_delay(state.attempt_number))

    def _stop(self, state: RetryCallState) -> bool:
        refused = _refused_for_now(_of(state))
        patient = self._request.priority == "bulk"
        counted = state.attempt_number - (self._refusals if patient else 0)
        if counted >= self._policy.max_attempts or self._refusals > PATIENT_REFUSALS:
            return True
        if self._request.is_drained:
            return True
        if self._policy.clock() + state.upcoming_sleep >= self._request.deadline.at:
            return not refused  # pace knows when the server takes requests again, and says so
        return not refused and not self._policy.budget.spend()

    def _log(self, state: RetryCallState) -> None:
        last, waits = self._attempts[-1], _refused_for_now(_of(state))
        logger.info(
            "%s again %s, after attempt %d of %d: %s",
            self._request.operation,
            "once the server allows it" if waits else f"in {state.upcoming_sleep:.2f} s",
            last.number,
            self._policy.max_attempts,
            last.outcome,
        )

    def _error(self, outcome: NoResponse) -> MoreGoodError:
        attempts = tuple(self._attempts)
        if self._policy.clock() + TIMERS_RING_EARLY_SECONDS < self._request.deadline.at:
            return outcome._with_attempts(attempts)
        return DeadlineExceeded("the call ran out of time")._with_attempts(attempts)


def _refused_for_now(outcome: Outcome) -> bool:
    return isinstance(outcome, Response) and is_rate_limited(outcome)


def _of(state: RetryCallState) -> Outcome:
    assert state.outcome is not None  # noqa: S101 - tenacity sets it before it asks
    outcome: Outcome = state.outcome.result()
    return outcome
