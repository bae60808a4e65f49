"""The throttle: Laravel's fixed window or a token bucket, one for each key, in real time.

That the Beacon API has a rate limit is inferred [I]. A fresh Laravel application admits 60 requests
a minute for each user [L]. The rules of the fixed window:

- The window starts at its first request. A throttled request does not count and does not lengthen
  the window. After the window, the whole limit is free again [L].
- Each response behind the throttle has ``X-RateLimit-Limit`` and ``X-RateLimit-Remaining`` [L].
- Only the 429 also has ``Retry-After`` in seconds and ``X-RateLimit-Reset`` in unix seconds [L].
- ``Retry-After`` is counted in whole seconds of the clock. It therefore reaches 0 up to a second
  before the window ends, and a client that obeys the 0 meets another 429 [L].
- 404 of a model, 422 and 500 count against the limit and carry its headers [L]. 401, 404 of a
  path, 405, OPTIONS and the 429 itself do not [L]. The sandbox counts its 403 too [I].

The token bucket is not Laravel's. It serves to test clients against limits of another kind.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Literal, Self

import attrs
from attrs.validators import ge, gt, in_, instance_of, is_callable, lt, optional

from moregood_async.sandbox import laravel
from moregood_async.sandbox.fault_chain import Chainable
from moregood_async.wire import Handler, Request, Response


class TooManyRequests(laravel.HttpError):
    """429, with the headers of the throttle."""

    def __init__(self, headers: Mapping[str, object]) -> None:
        super().__init__(429, laravel.default_message(429))
        self._headers = {name: str(value) for name, value in headers.items()}

    def headers(self) -> Mapping[str, str]:
        """Return ``Retry-After``, ``X-RateLimit-Reset``, and the headers of every response."""
        return self._headers


@attrs.define
class _Window:
    """A fixed window that starts at its first request."""

    limit: int
    per: float
    started_at: float = -math.inf
    used: int = 0

    def admit(self, now: float) -> bool:
        if now >= self.started_at + self.per:
            self.started_at, self.used = now, 0
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def remaining(self, _: float) -> int:
        return self.limit - self.used

    def retry_after(self, now: float) -> int:
        # Laravel compares whole seconds. A window of 4 s that starts at 1000.9 ends at 1004.9;
        # from 1004.0 on, 1000 + 4 - 1004 is 0.
        return max(0, math.floor(math.floor(self.started_at) + self.per - math.floor(now)))


@attrs.define
class _Bucket:
    """A token bucket that holds ``burst`` tokens and gains ``limit`` tokens in ``per`` seconds."""

    limit: int
    per: float
    burst: int
    tokens: float
    filled_at: float

    def admit(self, now: float) -> bool:
        self._fill(now)
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def _fill(self, now: float) -> None:
        gained = (now - self.filled_at) * self.limit / self.per
        self.tokens, self.filled_at = min(float(self.burst), self.tokens + gained), now

    def remaining(self, now: float) -> int:
        self._fill(now)
        return int(self.tokens)

    def retry_after(self, _: float) -> int:
        return math.ceil((1 - self.tokens) * self.per / self.limit)


@attrs.frozen
class Throttle(Chainable):
    """Admit at most ``limit`` requests of a key in ``per`` seconds.

    A `Sandbox` checks its ``throttle=``, and each throttle among its ``faults``, after the route
    and the key and before everything else, as Laravel does.

    >>> Throttle(60, per=60.0)
    Throttle(limit=60, per=60.0, kind='window', burst=None, headers=True)
    """

    limit: int = attrs.field(validator=[instance_of(int), ge(1)])
    per: float = attrs.field(default=60.0, validator=[gt(0), lt(math.inf)])
    """The period of the limit, in seconds."""
    kind: Literal["window", "bucket"] = attrs.field(
        default="window", validator=in_(("window", "bucket"))
    )
    burst: int | None = attrs.field(
        default=None, validator=optional([instance_of(int), ge(1)]), kw_only=True
    )
    """The tokens of a full bucket; None for ``limit`` tokens."""
    headers: bool = attrs.field(default=True, kw_only=True)
    """Whether responses have the headers of the limit."""
    clock: Callable[[], float] = attrs.field(
        default=time.monotonic, validator=is_callable(), kw_only=True, repr=False
    )
    _counters: dict[str, _Window | _Bucket] = attrs.field(
        factory=dict[str, "_Window | _Bucket"], init=False, eq=False, repr=False
    )

    def fresh_copy(self) -> Self:
        """Return an equal throttle that has counted nothing yet."""
        return attrs.evolve(self)

    def admit(self, caller: str) -> None:
        """Count a request of this caller.

        Raises:
            TooManyRequests: The limit is used up.
        """
        now = self.clock()
        counter = self._counters.get(caller)
        if counter is None:
            counter = self._counters[caller] = self._new_counter(now)
        if not counter.admit(now):
            raise TooManyRequests(self._throttled_headers(counter, now))

    def _new_counter(self, now: float) -> _Window | _Bucket:
        if self.kind == "window":
            return _Window(self.limit, self.per)
        burst = self.limit if self.burst is None else self.burst
        return _Bucket(self.limit, self.per, burst, float(burst), now)

    def _throttled_headers(self, counter: _Window | _Bucket, now: float) -> dict[str, object]:
        if not self.headers:
            return {}
        retry_after = counter.retry_after(now)
        return {
            "X-RateLimit-Limit": self.limit,
            "X-RateLimit-Remaining": 0,
            "Retry-After": retry_after,
            "X-RateLimit-Reset": int(time.time()) + retry_after,
        }

    def limit_headers(self, caller: str) -> dict[str, object]:
        """Return the headers of a response that the throttle admitted."""
        if not self.headers:
            return {}
        remaining = self._counters[caller].remaining(self.clock())
        return {"X-RateLimit-Limit": self.limit, "X-RateLimit-Remaining": remaining}

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Handle a request, as a `Middleware` around any handler.

        Every request counts, by its ``Authorization`` header.
        """
        caller = request.headers.get("authorization", "")
        try:
            self.admit(caller)
        except TooManyRequests as error:
            return laravel.error_response(request, error)
        return laravel.with_headers(await call_next(request), self.limit_headers(caller))
