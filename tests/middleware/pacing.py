"""A pace on the virtual clock, calls that go through it, and a server with a script."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import attrs

from moregood_async.config import Limits, Rate
from moregood_async.governor.governor import Governor
from moregood_async.middleware.pace import Pace
from moregood_async.wire import Deadline, Request, Response
from tests.middleware.doubles import answer, request, started
from tests.middleware.virtual_time import now

TICK = 1e-6


def pace(max_concurrency: int = 32, max_rate: Rate | None = None) -> Pace:
    """One of its own."""
    return Pace(Governor(Limits(max_concurrency, max_rate)), clock=now)


def call(
    through: Pace,
    handler: Callable[[Request], Awaitable[Response]],
    name: str = "asks.create",
    *,
    within: float = math.inf,
    patient: bool = False,
) -> asyncio.Task[Response]:
    deadline = Deadline(now() + within)
    sent = request(operation=name, deadline=deadline, priority="bulk" if patient else "interactive")
    return started(through(sent, handler))


async def at_once(_: Request) -> Response:
    return answer()


@attrs.define
class Server:
    """Answers after a while, from a script by request; knows when each came."""

    answers: list[Response] = attrs.field(factory=list[Response])
    seconds: float = 0.0
    arrivals: list[float] = attrs.field(factory=list[float])

    async def __call__(self, request: Request) -> Response:
        self.arrivals.append(now())
        number = len(self.arrivals) - 1
        await asyncio.sleep(self.seconds)
        return self.answers[number] if number < len(self.answers) else answer()
