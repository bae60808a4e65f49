"""Servers with a limit, on a virtual clock: ``handle(now)`` returns the response at that time.

Each server counts what it accepts and what it throttles; a test trusts these counts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal, Protocol

import attrs

from moregood_async.privacy import Headers
from moregood_async.wire import Response

MIDNIGHT = datetime(2030, 1, 1, tzinfo=UTC)
"""The servers' time when the virtual clock is at 0."""

RetryAfter = Literal["floored", "rounded up", "exact", "absent"]
"""How a throttled response names the delay."""

Ending = Literal["exactly", "late", "on whole seconds"]
"""When a window ends: with Laravel's redis; apc, up to a second late; file and database."""


class Server(Protocol):
    """Handles a request that arrives at this time."""

    accepted: int
    throttled: int

    def handle(self, now: float) -> Response: ...


def make_response(status: int = 200, **headers: object) -> Response:
    """Return a response with headers: ``remaining=3`` is ``X-RateLimit-Remaining: 3``."""
    names = {
        "limit": "X-RateLimit-Limit",
        "remaining": "X-RateLimit-Remaining",
        "reset": "X-RateLimit-Reset",
        "retry_after": "Retry-After",
        "date": "Date",
    }
    plain = {names[name]: str(value) for name, value in headers.items() if value is not None}
    return Response(status=status, headers=Headers(plain), body=b"{}")


def date(now: float) -> str:
    """Return this time as a ``Date`` header."""
    return format_datetime(MIDNIGHT + timedelta(seconds=math.floor(now)), usegmt=True)


def unix(now: float) -> int:
    """Return this time in whole unix seconds."""
    return int(MIDNIGHT.timestamp()) + math.floor(now)


@attrs.define
class WindowServer:
    """A fixed window like Laravel's: its first request opens it; throttled ones do not count."""

    limit: int
    period: float
    retry_after: RetryAfter = "floored"
    ending: Ending = "exactly"
    headers: bool = True
    """Whether responses state what remains."""
    resets: bool = False
    """Whether all responses state when the window ends, not only throttled ones."""
    overshoot: int = 0
    """Requests accepted beyond the limit: a counter that is not atomic goes below 0."""
    seed: int = 1
    opened_at: float = -math.inf
    ends_at: float = -math.inf
    used: int = 0
    accepted: int = 0
    throttled: int = 0
    _rng: random.Random = attrs.field(
        default=attrs.Factory(lambda self: random.Random(self.seed), takes_self=True), init=False
    )

    def handle(self, now: float) -> Response:
        """See `Server.handle`."""
        if now >= self.ends_at:
            self.opened_at, self.used = now, 0
            self.ends_at = self._end(now)
        if self.used >= self.limit + self.overshoot:
            self.throttled += 1
            return self._respond(now, 429)
        self.used += 1
        self.accepted += 1
        return self._respond(now, 200)

    def _end(self, now: float) -> float:
        if self.ending == "on whole seconds":
            return math.floor(now) + self.period
        return now + self.period + (self._rng.random() if self.ending == "late" else 0.0)

    def _respond(self, now: float, status: int) -> Response:
        limit, remaining = (self.limit, self.limit - self.used) if self.headers else (None, None)
        delay = _name_delay(self.retry_after, max(0.0, self.opened_at + self.period - now))
        names_delay = status == 429 and delay is not None
        reset = unix(self.opened_at + self.period) if names_delay or self.resets else None
        return make_response(
            status,
            limit=limit,
            remaining=remaining,
            retry_after=delay if names_delay else None,
            reset=reset,
            date=date(now) if reset else None,
        )


def _name_delay(retry_after: RetryAfter, seconds: float) -> str | None:
    if retry_after == "absent":
        return None
    if retry_after == "exact":
        return f"{math.ceil(seconds * 1000) / 1000:.3f}"
    return str(math.floor(seconds) if retry_after == "floored" else math.ceil(seconds))


def steady_rate(rate: float) -> Callable[[float], float]:
    """Return a rate that never changes, as a function of time."""
    return lambda _: rate


def changing_rate(rate: float, at: float, to: float) -> Callable[[float], float]:
    """Return a rate that changes once, as a function of time."""
    return lambda now: rate if now < at else to


@attrs.define
class BucketServer:
    """A token bucket, full at first."""

    rate: Callable[[float], float]
    """Tokens a second, by time."""
    burst: int
    retry_after: RetryAfter = "exact"
    headers: bool = True
    tokens: float = attrs.field(default=attrs.Factory(lambda self: self.burst, takes_self=True))
    filled: float = 0.0
    accepted: int = 0
    throttled: int = 0

    def handle(self, now: float) -> Response:
        """See `Server.handle`."""
        rate = self.rate(now)
        self.tokens = min(float(self.burst), self.tokens + (now - self.filled) * rate)
        self.filled = now
        accepts = self.tokens >= 1.0
        delay = None if accepts else _name_delay(self.retry_after, (1.0 - self.tokens) / rate)
        if accepts:
            self.tokens -= 1.0
        self.accepted += accepts
        self.throttled += not accepts
        return make_response(
            200 if accepts else 429,
            limit=self.burst if self.headers else None,
            remaining=math.floor(self.tokens) if self.headers else None,
            retry_after=delay,
        )
