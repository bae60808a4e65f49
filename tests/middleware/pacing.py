"""A pace on the virtual clock, calls that pass through it, and a server with a script."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import attrs

from moregood_async.config import Limits, Rate
from moregood_async.governor.governor import Governor
from moregood_async.middleware.pace import Pace
from moregood_async.wire import Deadline, Request, Response
from tests.middleware.doubles import build_response, request, start_call
from tests.middleware.virtual_time import now

TICK = 1e-6
"""Seconds: less counts as the same time."""


def pace(max_concurrency: int = 32, max_rate: Rate | None = None) -> Pace:
    """Return a new pace."""
    return Pace(Governor(Limits(max_concurrency, max_rate)), clock=now)


def call(
    through: Pace,
    handler: Callable[[Request], Awaitable[Response]],
    name: str = "asks.create",
    *,
    within: float = math.inf,
    patient: bool = False,
) -> asyncio.Task[Response]:
    """Start a call with a deadline of ``within`` seconds; a patient one is bulk."""
    deadline = Deadline(now() + within)
    sent = request(operation=name, deadline=deadline, priority="bulk" if patient else "interactive")
    return start_call(through(sent, handler))


async def respond_at_once(_: Request) -> Response:
    """Return a response without waiting."""
    return build_response()


@attrs.define
class Server:
    """Returns scripted responses, one for each request, then plain ones; keeps the arrivals."""

    responses: list[Response] = attrs.field(factory=list[Response])
    seconds: float = 0.0
    """How long each request takes."""
    arrivals: list[float] = attrs.field(factory=list[float])

    async def __call__(self, request: Request) -> Response:
        self.arrivals.append(now())
        number = len(self.arrivals) - 1
        await asyncio.sleep(self.seconds)
        return self.responses[number] if number < len(self.responses) else build_response()
