"""Servers with a limit, on a virtual clock: ``hit(now)`` gives what a request gets at that time.

Each counts what it lets in and what it refuses; a test believes these counts.
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
"""When the servers' clocks stood at 0."""

Named = Literal["floored", "rounded up", "exactly", "not"]
"""How a refusal names the wait."""

Ending = Literal["exactly", "late", "on whole seconds"]
"""When a window ends: redis; apc, up to a second late; file and database."""


class Server(Protocol):
    """Answers a request that comes at this time."""

    let_in: int
    refused: int

    def hit(self, now: float) -> Response: ...


def said(status: int = 200, **headers: object) -> Response:
    """An answer with such headers: ``remaining=3`` is ``X-RateLimit-Remaining: 3``."""
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
    """This time as a ``Date`` header."""
    return format_datetime(MIDNIGHT + timedelta(seconds=math.floor(now)), usegmt=True)


def unix(now: float) -> int:
    """This time in whole unix seconds."""
    return int(MIDNIGHT.timestamp()) + math.floor(now)


@attrs.define
class Window:
    """A fixed window as Laravel's: it opens with its first request; the refused do not count."""

    limit: int
    period: float
    named: Named = "floored"
    ending: Ending = "exactly"
    headers: bool = True
    """Whether answers say what is left; a refusal that names a wait does so in any case."""
    resets: bool = False
    """Whether all answers say when it ends, not only refusals."""
    over: int = 0
    """So many more than the limit are let in: a counter that is not atomic goes below 0."""
    seed: int = 1
    opened: float = -math.inf
    ends: float = -math.inf
    used: int = 0
    let_in: int = 0
    refused: int = 0
    _rng: random.Random = attrs.field(
        default=attrs.Factory(lambda self: random.Random(self.seed), takes_self=True), init=False
    )

    def hit(self, now: float) -> Response:
        """See `Server.hit`."""
        if now >= self.ends:
            self.opened, self.used = now, 0
            self.ends = self._end(now)
        if self.used >= self.limit + self.over:
            self.refused += 1
            return self._answer(now, 429)
        self.used += 1
        self.let_in += 1
        return self._answer(now, 200)

    def _end(self, now: float) -> float:
        if self.ending == "on whole seconds":
            return math.floor(now) + self.period
        return now + self.period + (self._rng.random() if self.ending == "late" else 0.0)

    def _answer(self, now: float, status: int) -> Response:
        limit, remaining = (self.limit, self.limit - self.used) if self.headers else (None, None)
        wait = _named(self.named, max(0.0, self.opened + self.period - now))
        tells = status == 429 and wait is not None
        ends = unix(self.opened + self.period) if tells or self.resets else None
        return said(
            status,
            limit=limit,
            remaining=remaining,
            retry_after=wait if tells else None,
            reset=ends,
            date=date(now) if ends else None,
        )


def _named(named: Named, seconds: float) -> str | None:
    if named == "not":
        return None
    if named == "exactly":
        return f"{math.ceil(seconds * 1000) / 1000:.3f}"
    return str(math.floor(seconds) if named == "floored" else math.ceil(seconds))


def steady(rate: float) -> Callable[[float], float]:
    """A rate that stays."""
    return lambda _: rate


def changing(rate: float, at: float, to: float) -> Callable[[float], float]:
    """A rate that changes at this time."""
    return lambda now: rate if now < at else to


@attrs.define
class Bucket:
    """A token bucket, full at first."""

    rate: Callable[[float], float]
    """Tokens a second, by time."""
    burst: int
    named: Named = "exactly"
    headers: bool = True
    tokens: float = attrs.field(default=attrs.Factory(lambda self: self.burst, takes_self=True))
    filled: float = 0.0
    let_in: int = 0
    refused: int = 0

    def hit(self, now: float) -> Response:
        """See `Server.hit`."""
        rate = self.rate(now)
        self.tokens = min(float(self.burst), self.tokens + (now - self.filled) * rate)
        self.filled = now
        passes = self.tokens >= 1.0
        wait = None if passes else _named(self.named, (1.0 - self.tokens) / rate)
        if passes:
            self.tokens -= 1.0
        self.let_in += passes
        self.refused += not passes
        return said(
            200 if passes else 429,
            limit=self.burst if self.headers else None,
            remaining=math.floor(self.tokens) if self.headers else None,
            retry_after=wait,
        )
