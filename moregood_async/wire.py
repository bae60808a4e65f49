"""The values and types between a resource's method and the socket.

A `Handler` takes a `Request` and returns a `Response`. The transport and the sandbox are handlers.
A `Middleware` wraps a handler: retry, pace, observe, and the user's own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import attrs

from moregood_async.errors import Attempt
from moregood_async.privacy import Headers, masked, masked_headers

MAX_WAIT_SECONDS = 30 * 86_400.0
"""The longest wait that is accepted from a server. A longer one is a mistake, such as milliseconds
or an absolute time where seconds belong, and would stop a client for good."""

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Priority = Literal["interactive", "bulk"]
"""``interactive`` for a call that a person waits for, ``bulk`` for the rows of a batch or a job.

Interactive requests are sent before all queued bulk ones. A bulk request is patient: its deadline
is extended by the time that it is queued, and a rate limited attempt does not count against
``max_attempts``. A long wait for the server's limit therefore fails no row.
"""

PRIORITIES: tuple[Priority, ...] = ("interactive", "bulk")


class Deadline:
    """The time at which a call fails, in seconds of the monotonic clock."""

    __slots__ = ("at",)

    def __init__(self, at: float) -> None:
        self.at: float = at

    def extend(self, seconds: float) -> None:
        """Move the deadline ``seconds`` later, for a wait that does not count against it."""
        self.at += seconds

    def __repr__(self) -> str:
        return f"Deadline({self.at:.3f})"


class Drain:
    """Cancel the calls that are still queued: ``client.with_options(drain=Drain())``.

    After `start`, each call of that view that is queued, or is made later, raises `Drained` and
    sends nothing. Requests in flight finish and are not retried::

        drain = Drain()
        view = client.with_options(priority="bulk", drain=drain)
        ...                       # many calls are queued behind the server's rate limit
        drain.start()             # the process is asked to end

    `start` must be called in the event loop that runs the calls.
    """

    __slots__ = ("__weakref__", "_callbacks", "is_started")

    def __init__(self) -> None:
        self.is_started: bool = False
        """Whether `start` was called."""
        self._callbacks: set[Callable[[], None]] = set()

    def start(self) -> None:
        """Drain the queued calls. Calling it twice is fine."""
        self.is_started = True
        while self._callbacks:
            self._callbacks.pop()()

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once: when `start` is called, or now if it was."""
        if self.is_started:
            callback()
        else:
            self._callbacks.add(callback)


def json_of(body: bytes) -> Any:
    """Return the value of some JSON, decoded by the standard library.

    Raises:
        ValueError: The bytes are not JSON, contain NaN or infinity, or are nested too deeply.
    """
    try:
        return _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number in the JSON is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_finite_float)
"""Shared, because ``json.loads`` makes a new decoder for every call with such arguments."""


def _size_repr(body: bytes | None) -> str:
    return "None" if body is None else f"<{len(body)} bytes>"


def _url_repr(url: str) -> str:
    return repr(masked(url.partition("?")[0]))


@attrs.frozen(kw_only=True)
class Request:
    """One attempt of a call, on its way to the server.

    It is frozen; a middleware changes it with ``attrs.evolve(request, ...)``. Its ``repr`` shows
    neither the key, nor the query, nor the body.
    """

    method: str
    """In upper case."""
    url: str = attrs.field(repr=_url_repr)
    """Absolute, with its query."""
    headers: Headers
    body: bytes | None = attrs.field(default=None, repr=_size_repr)
    """The bytes to send, or None for no body."""
    operation: str = ""
    """The name of the operation, such as ``asks.create``; for `MoreGoodClient.request`, the method
    and the path."""
    idempotent: bool = False
    """Whether a second request has no further effect, so that a retry is always safe."""
    attempt: int = 1
    """The number of this attempt, counted from 1."""
    attempt_timeout: float = math.inf
    """Seconds that one attempt may take, without the time that it is queued."""
    deadline: Deadline = attrs.Factory(lambda: Deadline(math.inf))
    """When the call fails, whatever attempt it is at."""
    priority: Priority = "interactive"
    drain: Drain | None = attrs.field(default=None, repr=False)

    @property
    def writes(self) -> bool:
        """Whether the method can change something on the server: not GET, HEAD or OPTIONS."""
        return self.method not in READING_METHODS

    @property
    def is_drained(self) -> bool:
        """Whether the request must not be sent any more; see `Drain`."""
        return self.drain is not None and self.drain.is_started


@attrs.frozen(kw_only=True)
class Response:
    """A response of any status, with its whole body. Its ``repr`` does not show the body."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=masked_headers)
    """Names are looked up in any case."""
    body: bytes = attrs.field(repr=_size_repr)
    seconds: float = 0.0
    """Seconds that the last attempt took, without the time that it was queued."""
    attempts: tuple[Attempt, ...] = ()
    """All attempts of the call, if there was more than one or the last one failed."""

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: The body is not JSON.
        """
        return json_of(self.body)


Handler = Callable[[Request], Awaitable[Response]]
"""Sends a request and returns its response, whatever the status.

A handler raises `NoResponse` if it received no response, and no other error. Use one of your own
as ``MoreGoodClient(transport=handler)``, for example as a test double.
"""

Middleware = Callable[[Request, Handler], Awaitable[Response]]
"""Wraps a handler, to observe or change requests and responses.

A middleware is called for each attempt, not for each call, after the attempt has left the queue of
the rate limit. It awaits ``call_next(request)`` at most once, and returns that response or another
one::

    async def log_duration(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        print(request.operation, response.status, response.seconds)
        return response

    MoreGoodClient(middlewares=(log_duration,))

To change a request, pass ``attrs.evolve(request, ...)``. An exception that a middleware raises ends
the call and is not retried, unless it is a `NoResponse`.
"""


class HTTPSession(Protocol):
    """The part of ``aiohttp.ClientSession`` that the client uses of a user's session.

    A protocol, so that ``import moregood_async`` does not import aiohttp.
    """

    @property
    def closed(self) -> bool:
        """Whether the session was closed."""
        ...

    def request(
        self,
        method: str,
        url: str,
        *,
        data: Any,
        headers: dict[str, str],
        allow_redirects: bool,
        raise_for_status: bool,
        proxy: str | None,
        timeout: Any,
    ) -> AbstractAsyncContextManager[Any]:
        """Send a request. Entering returns the response once its headers are received."""
        ...


def retry_after(response: Response, now: datetime | None = None) -> float | None:
    """Return the seconds of ``Retry-After``, at least 0; None without a usable value.

    The value is an integer, a float or an HTTP date. A date is compared with the response's own
    ``Date``, so that a wrong clock on this machine has no influence.
    """
    value = response.headers.get("retry-after")
    if value is None:
        return None
    seconds = _parse_seconds(value)
    if seconds is None:
        seconds = _seconds_until(value, response.headers.get("date"), now or datetime.now(UTC))
    return _usable_wait(seconds)


def is_rate_limited(response: Response) -> bool:
    """Return whether the server refused the request for now, without any effect.

    It is a 429, or a 503 with a usable ``Retry-After``.
    """
    if response.status == 429:
        return True
    return response.status == 503 and retry_after(response) is not None


def rate_reset(response: Response, now: datetime | None = None) -> float | None:
    """Return the seconds until ``X-RateLimit-Reset``, at least 0; None without a usable value.

    The value is in unix seconds, and is compared with the response's own ``Date``. Laravel sends
    it with a 429 only.
    """
    reset_at = _parse_seconds(response.headers.get("x-ratelimit-reset", ""))
    if reset_at is None:
        return None
    server_now = _parse_http_date(response.headers.get("date")) or now or datetime.now(UTC)
    return _usable_wait(reset_at - server_now.timestamp())


def _usable_wait(seconds: float | None) -> float | None:
    return None if seconds is None or seconds > MAX_WAIT_SECONDS else max(0.0, seconds)


def _parse_seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _seconds_until(http_date: str, server_date: str | None, now: datetime) -> float | None:
    until = _parse_http_date(http_date)
    if until is None:
        return None
    return (until - (_parse_http_date(server_date) or now)).total_seconds()


def _parse_http_date(value: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def query_string(query: Mapping[str, object]) -> str:
    """Return ``?a=1&b=2`` without the None values, or an empty string if nothing is left."""
    present = {name: value for name, value in query.items() if value is not None}
    return f"?{urlencode(present)}" if present else ""
