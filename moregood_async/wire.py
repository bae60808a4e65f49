"""The one verb of the whole road: a handler takes a `Request` and gives a `Response`.

Everything between a resource's method and the socket is a `Handler`, or a `Middleware` around
one: retry, pace, observe, your own, the transport, and the sandbox too.
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

LONGEST_WAIT_SECONDS = 30 * 86_400.0
"""A server that names a longer wait is not believed."""

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Priority = Literal["interactive", "bulk"]
"""Somebody waits for an interactive request, so it goes before all bulk ones (a batch's rows).

A bulk request is patient: its deadline stands still while it waits for its turn, and being told
to wait is not counted among its attempts, so a long wait for the server's limit fails no row.
"""

PRIORITIES: tuple[Priority, ...] = ("interactive", "bulk")


class Deadline:
    """The moment at which a call gives up, on the monotonic clock."""

    __slots__ = ("at",)

    def __init__(self, at: float) -> None:
        self.at: float = at

    def extend(self, seconds: float) -> None:
        """Move the deadline ``seconds`` later, by a wait that does not count against it."""
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

    __slots__ = ("_callbacks", "is_started")

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
        """Call ``callback`` once, when `start` is called."""
        self._callbacks.add(callback)


def json_of(body: bytes) -> Any:
    """The JSON in some bytes, read by the standard library.

    Raises:
        ValueError: It is not JSON (NaN and infinity are not), or nested beyond reason.
    """
    try:
        return _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)
"""One for all: ``json.loads`` makes a new one for every text that is not read its usual way."""


def _size(body: bytes | None) -> str:
    return "None" if body is None else f"<{len(body)} bytes>"


def _without_query(url: str) -> str:
    return repr(masked(url.partition("?")[0]))


@attrs.frozen(kw_only=True)
class Request:
    """One attempt as it goes towards the wire. Its ``repr`` hides the key and the body."""

    method: str
    url: str = attrs.field(repr=_without_query)
    """Absolute, with its query, which its ``repr`` leaves out."""
    headers: Headers
    body: bytes | None = attrs.field(default=None, repr=_size)
    operation: str = ""
    """The row of the operations table, such as ``asks.create``, or the method and path."""
    idempotent: bool = False
    """Whether sending it twice does no harm."""
    attempt: int = 1
    attempt_timeout: float = math.inf
    """Seconds for one attempt, counted from its slot."""
    deadline: Deadline = attrs.Factory(lambda: Deadline(math.inf))
    priority: Priority = "interactive"
    drain: Drain | None = attrs.field(default=None, repr=False)

    @property
    def writes(self) -> bool:
        """Whether it may change something on the server."""
        return self.method not in READING_METHODS

    @property
    def is_drained(self) -> bool:
        """Whether the request must not be sent any more; see `Drain`."""
        return self.drain is not None and self.drain.is_started


@attrs.frozen(kw_only=True)
class Response:
    """An answer, whatever its status, read to its end. Its ``repr`` hides the body."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=masked_headers)
    """By name, whatever the case."""
    body: bytes = attrs.field(repr=_size)
    seconds: float = 0.0
    """From the attempt's slot to the last byte."""
    attempts: tuple[Attempt, ...] = ()
    """The attempts that led here, where there was more than one or this one is a refusal."""

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: The body is not JSON.
        """
        return json_of(self.body)


Handler = Callable[[Request], Awaitable[Response]]
"""Answers a request. Raises `errors.NoResponse` if no response was received, and no other error."""

Middleware = Callable[[Request, Handler], Awaitable[Response]]
"""Stands around a handler.

It is called once for each attempt, while the attempt holds its slot, nearest the wire; awaits
``call_next(request)`` at most once, and returns that answer or one of its own::

    async def tell_time(request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        print(request.operation, response.status, response.seconds)
        return response

A request is changed with ``attrs.evolve``. What it raises ends the call and is not repeated.
"""


class HTTPSession(Protocol):
    """What is asked of a session of your own: an ``aiohttp.ClientSession`` is one.

    aiohttp itself is imported only once a client is made.
    """

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
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
        """Sends a request; entering gives the answer once its headers are there."""
        ...


def retry_after(response: Response, now: datetime | None = None) -> float | None:
    """The seconds that an answer asks to wait, or None where it names none that make sense.

    ``Retry-After`` as integer, float or HTTP date; a date is read against the answer's own
    ``Date``, so that a wrong clock here does no harm. Never negative.
    """
    told = response.headers.get("retry-after")
    if told is None:
        return None
    seconds = _seconds(told)
    if seconds is None:
        seconds = _until(told, response.headers.get("date"), now or datetime.now(UTC))
    return _sensible(seconds)


def is_rate_limited(response: Response) -> bool:
    """Whether the server refused for now, without having done anything: it names the wait."""
    if response.status == 429:
        return True
    return response.status == 503 and retry_after(response) is not None


def rate_reset(response: Response, now: datetime | None = None) -> float | None:
    """The seconds until ``X-RateLimit-Reset`` (unix seconds), or None where it makes no sense.

    Laravel sends it on the 429 itself; it is read against the answer's own ``Date``.
    """
    at = _seconds(response.headers.get("x-ratelimit-reset", ""))
    if at is None:
        return None
    sent = _http_date(response.headers.get("date")) or now or datetime.now(UTC)
    return _sensible(at - sent.timestamp())


def _sensible(seconds: float | None) -> float | None:
    return None if seconds is None or seconds > LONGEST_WAIT_SECONDS else max(0.0, seconds)


def _seconds(told: str) -> float | None:
    try:
        seconds = float(told)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _until(told: str, sent: str | None, now: datetime) -> float | None:
    then = _http_date(told)
    if then is None:
        return None
    return (then - (_http_date(sent) or now)).total_seconds()


def _http_date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def query_string(query: Mapping[str, object]) -> str:
    """``?a=1&b=2``, or nothing where every value is None."""
    said = {name: value for name, value in query.items() if value is not None}
    return f"?{urlencode(said)}" if said else ""
