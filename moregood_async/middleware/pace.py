"""Pace: a request waits here until the governor lets it go.

Interactive requests before bulk ones, and within each kind in the order in which they came; one
timer for all. One pace for each key, in each event loop.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs

from moregood_async.errors import DeadlineExceeded, NoAnswer
from moregood_async.governor.governor import Governor
from moregood_async.governor.ledger import Sent
from moregood_async.governor.state import PaceState
from moregood_async.wire import Handler, Request, Response, told_to_wait


@attrs.frozen(eq=False)
class _Waiter:
    turn: asyncio.Future[Sent]
    request: Request

    def dismiss(self, error: DeadlineExceeded) -> None:
        if not self.turn.done():
            self.turn.set_exception(error)


class Pace:
    """The middleware that lets requests go when their turn has come."""

    def __init__(self, governor: Governor, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._governor = governor
        self._clock = clock
        self._interactive: deque[_Waiter] = deque()
        self._bulk: deque[_Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    @property
    def state(self) -> PaceState:
        """What the governor believes now, and who waits."""
        waiting = sum(
            not waiter.turn.done() for queue in (self._interactive, self._bulk) for waiter in queue
        )
        return self._governor.state(self._clock(), waiting)

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Waits for the request's turn, sends it, and learns from its answer.

        Raises:
            DeadlineExceeded: Its turn comes too late; nothing was sent.
        """
        governor, now = self._governor, self._clock()
        if self._interactive or self._bulk or governor.opens_at(now) > now:
            sent = await self._turn(request, now)
        else:
            sent = governor.started(now)
        response = None
        try:
            response = await call_next(request)
        except NoAnswer:
            governor.unanswered(sent)
            raise
        except BaseException:
            governor.gone(sent)
            raise
        else:
            governor.answered(self._clock(), sent, request.operation, response)
            return response
        finally:
            if self._interactive or self._bulk:
                self._go_on(response)

    def _go_on(self, response: Response | None) -> None:
        """An answer may open the door, or shut it for longer than some can wait."""
        if response is not None and told_to_wait(response):
            self._dismiss_late()
        self._wake()

    async def _turn(self, request: Request, now: float) -> Sent:
        bulk, deadline = request.priority == "bulk", request.deadline
        opens = self._governor.opens_at(now)
        if not bulk and deadline.at < opens < math.inf:
            raise _too_late(opens - now)
        waiter = _Waiter(asyncio.get_running_loop().create_future(), request)
        (self._bulk if bulk else self._interactive).append(waiter)
        self._wake()
        if bulk:
            sent = await self._granted(waiter)
            deadline.stood_still(sent.at - now)
            return sent
        return await self._granted_within(waiter, deadline.at - now)

    async def _granted_within(self, waiter: _Waiter, seconds: float) -> Sent:
        if seconds == math.inf:
            return await self._granted(waiter)
        told = DeadlineExceeded("nothing was sent: the call ran out of time before its turn came")
        loop = asyncio.get_running_loop()
        timer = loop.call_later(max(0.0, seconds), waiter.dismiss, told)
        try:
            return await self._granted(waiter)
        finally:
            timer.cancel()

    async def _granted(self, waiter: _Waiter) -> Sent:
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            self._give_back(waiter.turn)
            raise

    def _give_back(self, turn: asyncio.Future[Sent]) -> None:
        """A turn that was granted in the moment in which its call was cancelled."""
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self._governor.gone(turn.result())
            self._wake()

    def _first(self) -> deque[_Waiter] | None:
        """The queue whose first is next, without those who have left it."""
        for queue in (self._interactive, self._bulk):
            while queue and queue[0].turn.done():  # cancelled, or dismissed
                queue.popleft()
            if queue:
                return queue
        return None

    def _wake(self) -> None:
        now = self._clock()
        while (queue := self._first()) is not None:
            opens = self._governor.opens_at(now)
            if opens > now:
                self._wake_at(opens, now)
                return
            queue.popleft().turn.set_result(self._governor.started(now))
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

    def _dismiss_late(self) -> None:
        """The server has named a wait: calls that have less time are told so at once."""
        now = self._clock()
        opens = self._governor.opens_at(now)
        if opens == math.inf:
            return
        for waiter in self._interactive:
            if waiter.request.deadline.at < opens:
                waiter.dismiss(_too_late(opens - now))


def _too_late(seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"nothing was sent: the next request may go in {seconds:.1f} s, later than the deadline",
        retry_at=datetime.now(UTC) + timedelta(seconds=seconds),
    )
