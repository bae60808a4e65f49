"""Pace: when a request may go.

Decisions are a `Governor`'s, which neither waits nor looks at a clock; `Pace` does the waiting:
first come, first served, one timer for all. One pace for each key, in each event loop.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import attrs

from moregood_async.config import Rate
from moregood_async.errors import DeadlineExceeded
from moregood_async.middleware.retry import told_to_wait
from moregood_async.wire import Deadline, Handler, Request, Response, rate_reset, retry_after

SHORTEST_MARGIN_SECONDS = 1.0
LONGEST_MARGIN_SECONDS = 60.0


class Governor(Protocol):
    """Decides when requests go. All times are seconds on one monotonic clock."""

    def opens_at(self, now: float) -> float:
        """When the next request may go: ``now`` or before it at once, inf once one has ended."""
        ...

    def started(self, now: float) -> None:
        """A request goes."""
        ...

    def ended(self, now: float, started: float, response: Response | None) -> None:
        """The request that went at ``started`` is over; None where no answer came."""
        ...


@attrs.define
class StatedLimits:
    """Obeys what it is told: so many in flight, a known rate, and the waits that a server names.

    A server's ``Retry-After`` is rounded down and may be 0 while the window is still shut
    (measured on Laravel), so the wait is a second longer than told, and doubles that margin each
    time the first requests after a wait are refused again.
    """

    max_concurrency: int
    max_rate: Rate | None = None
    in_flight: int = 0
    shut_until: float = -math.inf
    _shut_at: float = -math.inf
    _margin: float = SHORTEST_MARGIN_SECONDS
    _starts: deque[float] = attrs.field(factory=deque[float])

    def opens_at(self, now: float) -> float:
        """See `Governor.opens_at`."""
        if self.in_flight >= self.max_concurrency:
            return math.inf
        if self.max_rate is None or len(self._starts) < self.max_rate.limit:
            return self.shut_until
        return max(self.shut_until, self._starts[0] + self.max_rate.per)

    def started(self, now: float) -> None:
        """See `Governor.started`."""
        self.in_flight += 1
        if self.max_rate is not None:
            if len(self._starts) == self.max_rate.limit:
                self._starts.popleft()
            self._starts.append(now)

    def ended(self, now: float, started: float, response: Response | None) -> None:
        """See `Governor.ended`."""
        self.in_flight -= 1
        if response is None:
            return
        if told_to_wait(response):
            self._shut(now, started, response)
        elif started > self._shut_at:  # let in again
            self._margin, self._shut_at = SHORTEST_MARGIN_SECONDS, -math.inf

    def _shut(self, now: float, started: float, response: Response) -> None:
        if started > self._shut_at > -math.inf:  # sent after the last wait, and refused again
            self._margin = min(LONGEST_MARGIN_SECONDS, self._margin * 2)
        told = retry_after(response)
        if told is None:
            told = rate_reset(response) or 0.0
        self.shut_until = max(self.shut_until, now + told + self._margin)
        self._shut_at = now


@attrs.frozen(eq=False)
class _Waiter:
    turn: asyncio.Future[float]
    deadline: Deadline
    patient: bool


class Pace:
    """The middleware that lets requests go, in the order in which they came."""

    def __init__(self, governor: Governor, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.governor = governor
        self._clock = clock
        self._waiters: deque[_Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Waits for the request's turn, sends it, and learns from its answer.

        Raises:
            DeadlineExceeded: Its turn comes too late; nothing was sent.
        """
        started = self._clock()
        if not self._waiters and self.governor.opens_at(started) <= started:
            self.governor.started(started)
        else:
            started = await self._turn(request, started)
        response = None
        try:
            response = await call_next(request)
            return response
        finally:
            self._ended(started, response)

    def _ended(self, started: float, response: Response | None) -> None:
        now = self._clock()
        self.governor.ended(now, started, response)
        if self._waiters:
            if response is not None and told_to_wait(response):
                self._dismiss(now)
            self._wake()

    async def _turn(self, request: Request, now: float) -> float:
        deadline, patient = request.deadline, request.priority == "bulk"
        opens = self.governor.opens_at(now)
        if math.isfinite(opens) and opens > deadline.at and not patient:
            raise _too_late(opens - now)
        waiter = _Waiter(asyncio.get_running_loop().create_future(), deadline, patient)
        self._waiters.append(waiter)
        self._wake()
        started = await self._granted(waiter, now)
        if patient:
            deadline.stood_still(started - now)
        return started

    async def _granted(self, waiter: _Waiter, now: float) -> float:
        patient = waiter.patient or waiter.deadline.at == math.inf
        left = None if patient else max(0.0, waiter.deadline.at - now)
        taken = False
        try:
            async with asyncio.timeout(left):
                started = await waiter.turn
            taken = True
            return started
        except TimeoutError as error:
            raise DeadlineExceeded(
                "nothing was sent: the call ran out of time before its turn came"
            ) from error
        finally:
            if not taken:
                self._give_back(waiter.turn)

    def _give_back(self, turn: asyncio.Future[float]) -> None:
        """A turn that was granted, but to a call that no longer wants it."""
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self._ended(turn.result(), None)

    def _wake(self) -> None:
        now = self._clock()
        while self._waiters:
            if self._waiters[0].turn.done():  # cancelled, or dismissed
                self._waiters.popleft()
                continue
            opens = self.governor.opens_at(now)
            if opens > now:
                self._wake_at(opens, now)
                return
            self.governor.started(now)
            self._waiters.popleft().turn.set_result(now)
        self._wake_at(math.inf, now)

    def _wake_at(self, opens: float, now: float) -> None:
        if opens == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, opens
        if opens < math.inf:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(opens - now, self._rang)

    def _rang(self) -> None:
        self._timer, self._timer_at = None, math.inf
        self._wake()

    def _dismiss(self, now: float) -> None:
        """The server has named a wait: calls that have less time are told so at once."""
        opens = self.governor.opens_at(now)
        if opens == math.inf:
            return
        for waiter in self._waiters:
            late = waiter.deadline.at < opens and not waiter.patient
            if late and not waiter.turn.done():
                waiter.turn.set_exception(_too_late(opens - now))


def _too_late(seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"nothing was sent: the next request may go in {seconds:.1f} s, later than the deadline",
        retry_at=datetime.now(UTC) + timedelta(seconds=seconds),
    )
