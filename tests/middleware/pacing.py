"""A pace on the virtual clock, calls through a pace, and a server with scripted responses."""

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
"""Tolerance in seconds: two times that differ by less are considered equal."""


def make_pace(max_concurrency: int = 32, max_rate: Rate | None = None) -> Pace:
    """Return a new pace."""
    return Pace(Governor(Limits(max_concurrency, max_rate)), clock=now)


def call(
    pace: Pace,
    handler: Callable[[Request], Awaitable[Response]],
    name: str = "asks.create",
    *,
    within: float = math.inf,
    is_bulk: bool = False,
) -> asyncio.Task[Response]:
    """Start an interactive or a bulk call whose deadline is ``within`` seconds from now."""
    deadline = Deadline(now() + within)
    sent = request(operation=name, deadline=deadline, priority="bulk" if is_bulk else "interactive")
    return start_call(pace(sent, handler))


async def respond_at_once(_: Request) -> Response:
    """Return a response without waiting."""
    return build_response()


@attrs.define
class Server:
    """A handler with a script: one response for each request, and then successes.

    `arrivals` has the time of each request.
    """

    responses: list[Response] = attrs.field(factory=list[Response])
    seconds: float = 0.0
    """The duration of each request."""
    arrivals: list[float] = attrs.field(factory=list[float])

    async def __call__(self, request: Request) -> Response:
        self.arrivals.append(now())
        number = len(self.arrivals) - 1
        await asyncio.sleep(self.seconds)
        return self.responses[number] if number < len(self.responses) else build_response()
