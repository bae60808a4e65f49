"""Pace: a request waits here until the governor lets it go.

Interactive requests before bulk ones, and within each kind in the order in which they came. One
timer for all turns, one for all deadlines. One pace for each key, in each event loop.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs

from moregood_async.errors import DeadlineExceeded, Drained, MoreGoodError, NoResponse
from moregood_async.governor.governor import Governor
from moregood_async.governor.ledger import Sent
from moregood_async.governor.state import PaceState
from moregood_async.wire import Handler, Request, Response, is_rate_limited

BETWEEN_EXPIRIES_SECONDS = 0.01
"""The whole queue is looked through for calls that ran out of time, but not more often."""


@attrs.define(eq=False)
class _Waiter:
    turn: asyncio.Future[Sent]
    request: Request

    def dismiss(self, error: MoreGoodError) -> None:
        if not self.turn.done():
            self.turn.set_exception(error)


class _Alarm:
    """One timer, whoever waits for it."""

    __slots__ = ("_handle", "_ring", "_set_for")

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._set_for = math.inf
        self._handle: asyncio.TimerHandle | None = None

    def at(self, moment: float, now: float) -> None:
        """It rings then, and no more when it was set for; inf is never."""
        if moment == self._set_for:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._set_for = None, moment
        if moment < math.inf:
            loop = asyncio.get_running_loop()
            self._handle = loop.call_later(max(0.0, moment - now), self._rings)

    def at_latest(self, moment: float, now: float) -> None:
        """It rings then, unless it was set for a moment before it."""
        if moment < self._set_for:
            self.at(moment, now)

    def _rings(self) -> None:
        self._handle, self._set_for = None, math.inf
        self._ring()


class Pace:
    """The middleware that lets requests go when their turn has come."""

    def __init__(self, governor: Governor, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._governor = governor
        self._clock = clock
        self._interactive: deque[_Waiter] = deque()
        self._bulk: deque[_Waiter] = deque()
        self._opens = _Alarm(self._wake)
        self._expires = _Alarm(self._expire)

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
            Drained: It was called back before its turn came; nothing was sent.
        """
        governor, now = self._governor, self._clock()
        _check(request)
        if self._interactive or self._bulk or governor.opens_at(now) > now:
            sent = await self._turn(request, now)
        else:
            sent = governor.started(now)
        response = None
        try:
            response = await call_next(request)
        except NoResponse:
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
        if response is not None and is_rate_limited(response):
            self._dismiss_late()
        self._wake()

    async def _turn(self, request: Request, now: float) -> Sent:
        bulk, deadline = request.priority == "bulk", request.deadline
        opens = self._governor.opens_at(now)
        if not bulk and deadline.at < opens < math.inf:
            raise _too_late(opens - now)
        waiter = _Waiter(asyncio.get_running_loop().create_future(), request)
        if bulk:
            self._bulk.append(waiter)
        else:
            self._interactive.append(waiter)
            self._expires.at_latest(deadline.at, now)
        if request.drain is not None:
            request.drain.add_callback(self._drain_queue)
        self._wake()
        try:
            sent = await waiter.turn
            _check(request)
        except (asyncio.CancelledError, Drained):
            self._give_back(waiter.turn)
            raise
        if bulk:
            deadline.extend(sent.at - now)
        return sent

    def _expire(self) -> None:
        """Calls that ran out of time leave the queue."""
        now, earliest = self._clock(), math.inf
        for waiter in self._interactive:
            if waiter.request.deadline.at <= now:
                told = "nothing was sent: the call ran out of time before its turn came"
                waiter.dismiss(DeadlineExceeded(told))
            elif not waiter.turn.done():
                earliest = min(earliest, waiter.request.deadline.at)
        if earliest < math.inf:
            self._expires.at_latest(max(earliest, now + BETWEEN_EXPIRIES_SECONDS), now)

    def _drain_queue(self) -> None:
        """Calls that were called back leave the queue."""
        for queue in (self._interactive, self._bulk):
            for waiter in queue:
                if waiter.request.is_drained:
                    waiter.dismiss(Drained(_CALLED_BACK))
        self._wake()

    def _give_back(self, turn: asyncio.Future[Sent]) -> None:
        """A turn that was granted in the moment in which its call was cancelled or called back."""
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
                self._opens.at(opens, now)
                return
            queue.popleft().turn.set_result(self._governor.started(now))
        self._opens.at(math.inf, now)
        self._expires.at(math.inf, now)

    def _dismiss_late(self) -> None:
        """The server has named a wait: calls that have less time are told so at once."""
        now = self._clock()
        opens = self._governor.opens_at(now)
        if opens == math.inf:
            return
        for waiter in self._interactive:
            if waiter.request.deadline.at < opens:
                waiter.dismiss(_too_late(opens - now))


_CALLED_BACK = "nothing was sent: it was called back before its turn came"


def _check(request: Request) -> None:
    if request.is_drained:
        raise Drained(_CALLED_BACK)


def _too_late(seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"nothing was sent: the next request may go in {seconds:.1f} s, later than the deadline",
        retry_at=datetime.now(UTC) + timedelta(seconds=seconds),
    )
