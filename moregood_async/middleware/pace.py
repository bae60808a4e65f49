"""The pace: a middleware in which each request waits until the governor allows it.

Theory of operation. Each key has one pace in each event loop, with two queues: interactive
requests are sent before bulk ones, each queue in the order of arrival. A call takes the fast path
if both queues are empty and the governor allows a request now: it takes a ticket and is sent,
without a future and without a task switch. Otherwise it waits in a queue for a future, which
`_grant_turns` resolves with a ticket.

`_grant_turns` runs whenever the governor's decision may have changed: a request ended, a call
joined or left the queue, or the timer fired. It grants turns until the governor names a later
time, and sets the one timer to that time. A second timer serves all deadlines, so that a queue of
50,000 calls has two timers and not 50,000.

Each ticket is handed back to the governor exactly once, however its request ends.
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
from moregood_async.governor.ledger import Ticket
from moregood_async.governor.state import PaceState
from moregood_async.wire import Handler, Request, Response, is_rate_limited

EXPIRY_INTERVAL_SECONDS = 0.01
"""The least time between two scans of the interactive queue for passed deadlines.

Each scan visits the whole queue, so a scan for each deadline would be quadratic.
"""


@attrs.define(eq=False)
class _Waiter:
    """A call in a queue."""

    turn: asyncio.Future[Ticket]
    request: Request

    def dismiss(self, error: MoreGoodError) -> None:
        """End the wait with an error, unless it has ended already."""
        if not self.turn.done():
            self.turn.set_exception(error)


class _Timer:
    """One timer of the event loop, which can be set again."""

    __slots__ = ("_callback", "_handle", "_set_for")

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._set_for = math.inf
        self._handle: asyncio.TimerHandle | None = None

    def set(self, moment: float, now: float) -> None:
        """Fire at ``moment`` instead of the time set before; infinity cancels the timer."""
        if moment == self._set_for:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._set_for = None, moment
        if moment < math.inf:
            loop = asyncio.get_running_loop()
            self._handle = loop.call_later(max(0.0, moment - now), self._fire)

    def set_no_later_than(self, moment: float, now: float) -> None:
        """Fire at ``moment``, unless the timer is set for an earlier one."""
        if moment < self._set_for:
            self.set(moment, now)

    def _fire(self) -> None:
        self._handle, self._set_for = None, math.inf
        self._callback()


class Pace:
    """The middleware that sends each request when the governor allows it."""

    def __init__(self, governor: Governor, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._governor = governor
        self._clock = clock
        self._interactive: deque[_Waiter] = deque()
        self._bulk: deque[_Waiter] = deque()
        self._turn_timer = _Timer(self._grant_turns)
        self._deadline_timer = _Timer(self._dismiss_expired)

    @property
    def state(self) -> PaceState:
        """The estimate of the server's limit, and the requests of this key in numbers."""
        waiting = sum(
            not waiter.turn.done() for queue in (self._interactive, self._bulk) for waiter in queue
        )
        return self._governor.state(self._clock(), waiting)

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Wait for the request's turn, send it, and report its end to the governor.

        Raises:
            DeadlineExceeded: Its turn comes after the deadline; nothing was sent.
            Drained: The call was drained before its turn; nothing was sent.
        """
        governor, now = self._governor, self._clock()
        _raise_if_drained(request)
        # A call must not overtake the queue, even if a request could be sent this moment.
        if self._interactive or self._bulk or governor.next_allowed_at(now) > now:
            ticket = await self._wait_for_turn(request, now)
        else:
            ticket = governor.start(now)
        response = None
        try:
            response = await call_next(request)
        except NoResponse:
            governor.fail(ticket)
            raise
        except BaseException:
            # Cancellation too: a ticket that is not handed back would occupy its slot for ever.
            governor.release(ticket)
            raise
        else:
            governor.receive(self._clock(), ticket, request.operation, response)
            return response
        finally:
            if self._interactive or self._bulk:
                self._update_queue(response)

    def _update_queue(self, response: Response | None) -> None:
        """Grant turns after a request has ended, and dismiss the calls that cannot have one."""
        if response is not None and is_rate_limited(response):
            self._dismiss_late()
        self._grant_turns()

    async def _wait_for_turn(self, request: Request, now: float) -> Ticket:
        is_bulk, deadline = request.priority == "bulk", request.deadline
        allowed_at = self._governor.next_allowed_at(now)
        # Fail at once rather than wait in vain. Infinity is no known time: it means "once a
        # request in flight has ended", so only the deadline itself decides.
        if not is_bulk and deadline.at < allowed_at < math.inf:
            raise _deadline_exceeded(allowed_at - now)
        waiter = _Waiter(asyncio.get_running_loop().create_future(), request)
        if is_bulk:
            self._bulk.append(waiter)
        else:
            self._interactive.append(waiter)
            self._deadline_timer.set_no_later_than(deadline.at, now)
        if request.drain is not None:
            request.drain.add_callback(self._dismiss_drained)
        # The queue may hold only calls that were cancelled: then this call's turn is now.
        self._grant_turns()
        try:
            ticket = await waiter.turn
            # The drain may have started between the granting of the turn and this line.
            _raise_if_drained(request)
        except (asyncio.CancelledError, Drained):
            self._return_ticket(waiter.turn)
            raise
        if is_bulk:  # the wait does not count against a bulk request's deadline
            deadline.extend(ticket.sent_at - now)
        return ticket

    def _dismiss_expired(self) -> None:
        """Dismiss the calls whose deadline has passed."""
        now, earliest = self._clock(), math.inf
        for waiter in self._interactive:
            if waiter.request.deadline.at <= now:
                waiter.dismiss(DeadlineExceeded(_EXPIRED))
            elif not waiter.turn.done():
                earliest = min(earliest, waiter.request.deadline.at)
        if earliest < math.inf:
            next_scan_at = max(earliest, now + EXPIRY_INTERVAL_SECONDS)
            self._deadline_timer.set_no_later_than(next_scan_at, now)

    def _dismiss_drained(self) -> None:
        """Dismiss the calls whose drain has started."""
        for queue in (self._interactive, self._bulk):
            for waiter in queue:
                if waiter.request.is_drained:
                    waiter.dismiss(Drained(_DRAINED))
        self._grant_turns()

    def _return_ticket(self, turn: asyncio.Future[Ticket]) -> None:
        """Release the ticket of a turn that was granted just as its call was cancelled or drained.

        The future then holds a ticket that no request uses; without this its slot would be lost.
        """
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self._governor.release(turn.result())
            self._grant_turns()

    def _next_queue(self) -> deque[_Waiter] | None:
        """Return the queue whose first call is next, or None if nobody waits."""
        for queue in (self._interactive, self._bulk):
            # A cancelled or dismissed call stays in its queue until it is first: removing it from
            # the middle of a deque would cost a scan.
            while queue and queue[0].turn.done():
                queue.popleft()
            if queue:
                return queue
        return None

    def _grant_turns(self) -> None:
        """Grant turns as far as the governor allows, and set the timer for the next one."""
        now = self._clock()
        while (queue := self._next_queue()) is not None:
            allowed_at = self._governor.next_allowed_at(now)
            if allowed_at > now:
                self._turn_timer.set(allowed_at, now)
                return
            queue.popleft().turn.set_result(self._governor.start(now))
        self._turn_timer.set(math.inf, now)
        self._deadline_timer.set(math.inf, now)

    def _dismiss_late(self) -> None:
        """Dismiss the calls whose deadline ends before the delay that the server named."""
        now = self._clock()
        allowed_at = self._governor.next_allowed_at(now)
        if allowed_at == math.inf:
            return
        for waiter in self._interactive:
            if waiter.request.deadline.at < allowed_at:
                waiter.dismiss(_deadline_exceeded(allowed_at - now))


_DRAINED = "nothing was sent: the call was drained before its turn"

_EXPIRED = (
    "nothing was sent: the deadline passed before the call's turn; "
    "raise deadline= or make fewer calls at once"
)


def _raise_if_drained(request: Request) -> None:
    if request.is_drained:
        raise Drained(_DRAINED)


def _deadline_exceeded(seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"nothing was sent: the next request may be sent in {seconds:.1f} s, after the deadline; "
        "try again at retry_at",
        retry_at=datetime.now(UTC) + timedelta(seconds=seconds),
    )
