"""The throttle: Laravel's fixed window, or a token bucket; for each key its own, in real time.

``laravel.md`` section 3 and item 18. A refused request neither counts nor lengthens the window.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Literal, Self

import attrs
from attrs.validators import ge, gt, in_, instance_of, is_callable, lt, optional

from moregood_async.sandbox import laravel
from moregood_async.sandbox.chains import Link
from moregood_async.wire import Handler, Request, Response


class TooMany(laravel.Refused):
    """429, with what the throttle says about it."""

    def __init__(self, headers: Mapping[str, object]) -> None:
        super().__init__(429, laravel.message_of(429))
        self._headers = {name: str(value) for name, value in headers.items()}

    def headers(self) -> Mapping[str, str]:
        """``Retry-After``, ``X-RateLimit-Reset`` and the two that every answer has."""
        return self._headers


@attrs.define
class _Window:
    """A fixed window: it starts at its first request, and after it everything is free again."""

    limit: int
    per: float
    began: float = -math.inf
    used: int = 0

    def admit(self, now: float) -> bool:
        if now >= self.began + self.per:
            self.began, self.used = now, 0
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def remaining(self, _: float) -> int:
        return self.limit - self.used

    def retry_after(self, now: float) -> int:
        """Counted in whole seconds of the clock, as Laravel does: 0 comes before the end."""
        return max(0, math.floor(math.floor(self.began) + self.per - math.floor(now)))


@attrs.define
class _Bucket:
    """A token bucket: it holds ``burst``, and gains ``limit`` in ``per`` seconds."""

    limit: int
    per: float
    burst: int
    tokens: float
    filled: float

    def admit(self, now: float) -> bool:
        self._fill(now)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def _fill(self, now: float) -> None:
        gained = (now - self.filled) * self.limit / self.per
        self.tokens, self.filled = min(float(self.burst), self.tokens + gained), now

    def remaining(self, now: float) -> int:
        self._fill(now)
        return int(self.tokens)

    def retry_after(self, _: float) -> int:
        return math.ceil((1 - self.tokens) * self.per / self.limit)


@attrs.frozen
class Throttle(Link):
    """At most ``limit`` requests of a key in ``per`` seconds.

    In a `Sandbox`, given as ``throttle=`` or among its ``faults``, it stands where Laravel's
    stands: behind the route and the key, before everything else. So 422, 404 of a model and 500
    count, and 401, 404 of a route, 405 and the 429s themselves do not.

    >>> Throttle(60, per=60.0)
    Throttle(limit=60, per=60.0, kind='window', burst=None, headers=True)
    """

    limit: int = attrs.field(validator=[instance_of(int), ge(1)])
    per: float = attrs.field(default=60.0, validator=[gt(0), lt(math.inf)])
    """Seconds."""
    kind: Literal["window", "bucket"] = attrs.field(
        default="window", validator=in_(("window", "bucket"))
    )
    burst: int | None = attrs.field(
        default=None, validator=optional([instance_of(int), ge(1)]), kw_only=True
    )
    """What a bucket holds when it is full; ``limit`` where it is None."""
    headers: bool = attrs.field(default=True, kw_only=True)
    """Whether answers say anything about the limit."""
    clock: Callable[[], float] = attrs.field(
        default=time.monotonic, validator=is_callable(), kw_only=True, repr=False
    )
    _callers: dict[str, _Window | _Bucket] = attrs.field(
        factory=dict[str, "_Window | _Bucket"], init=False, eq=False, repr=False
    )

    def fresh(self) -> Self:
        """The same throttle with nothing counted."""
        return attrs.evolve(self)

    def admit(self, caller: str) -> None:
        """Counts a request of this caller.

        Raises:
            TooMany: It is over the limit.
        """
        now = self.clock()
        counter = self._callers.get(caller)
        if counter is None:
            counter = self._callers[caller] = self._counter(now)
        if not counter.admit(now):
            raise TooMany(self._refusal(counter, now))

    def _counter(self, now: float) -> _Window | _Bucket:
        if self.kind == "window":
            return _Window(self.limit, self.per)
        burst = self.limit if self.burst is None else self.burst
        return _Bucket(self.limit, self.per, burst, float(burst), now)

    def _refusal(self, counter: _Window | _Bucket, now: float) -> dict[str, object]:
        if not self.headers:
            return {}
        wait = counter.retry_after(now)
        return {
            "X-RateLimit-Limit": self.limit,
            "X-RateLimit-Remaining": 0,
            "Retry-After": wait,
            "X-RateLimit-Reset": int(time.time()) + wait,
        }

    def told(self, caller: str) -> dict[str, object]:
        """What an answer to this caller says about the limit."""
        if not self.headers:
            return {}
        remaining = self._callers[caller].remaining(self.clock())
        return {"X-RateLimit-Limit": self.limit, "X-RateLimit-Remaining": remaining}

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Around a handler of any kind: counts every request, by its Authorization header."""
        caller = request.headers.get("authorization", "")
        try:
            self.admit(caller)
        except TooMany as refused:
            return laravel.refusal(request, refused)
        return laravel.with_headers(await call_next(request), self.told(caller))
