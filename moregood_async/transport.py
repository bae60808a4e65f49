"""The one file on the client's side that knows aiohttp: a request goes out, an answer comes back.

Foreign exceptions are mapped here and nowhere else. Whether anything was sent is established
from the body's first write, which is made only once there is a connection; where there is no
body, from the connector having given up. In doubt it counts as sent.

There are two roads. A session of the user's is asked for requests, as is ours where there is a
proxy, where somebody traces or has replaced aiohttp's requests (aioresponses does), where a body
is long, and with releases of aiohttp that nobody has tried yet. All else goes by a `_Lane`: over
the same connections and through the same parser, but without the 400 lines of
``ClientSession._request``, a task for each body and seven objects, which is half of the CPU time
of a call.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
import platform
import time
import warnings
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from moregood_async._version import __version__
from moregood_async.errors import (
    Attempt,
    AttemptTimedOut,
    ClientClosed,
    ConnectionFailed,
    ConnectionLost,
    MoreGoodError,
    UnexpectedResponse,
)
from moregood_async.wire import HTTPSession, Request, Response

USER_AGENT = f"moregood-async/{__version__} Python/{platform.python_version()}"

KEEP_ALIVE_SECONDS = 4.0
"""An idle connection is dropped before Apache's default of 5 s drops it under a request."""

TRIED = ("3.13.", "3.14.")
"""The releases of aiohttp whose inner parts, as a `_Lane` uses them, are known to be right."""

MOST_LANES = 256
_LONGEST_BODY = 2**16
"""A longer one is left to aiohttp, which writes it beside reading."""

_CLIENT_FILE = aiohttp.ClientSession.close.__code__.co_filename
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
_GAVE_UP_CONNECTING = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class _Body(aiohttp.BytesPayload):
    """A body that tells its trip when it goes out, wholly or in part, and that goes out once."""

    def __init__(self, body: bytes, trip: _Trip) -> None:
        super().__init__(b"", content_type="application/json")
        self._value, self._size = body, len(body)  # given above, one of 1 MiB would warn
        self._trip = trip

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        if self._trip.written:  # a user's session sends PUT and DELETE again by itself
            raise ConnectionResetError(errno.ECONNRESET, "sent once, and not again")
        self._trip.written = True
        await super().write_with_length(writer, content_length)


class AiohttpTransport:
    """A handler over an aiohttp session; `close` closes the session if it was made here."""

    def __init__(
        self,
        session: HTTPSession | None = None,
        *,
        proxy: str | None = None,
        trust_env: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own: aiohttp.ClientSession | None = None
        if session is None:
            session = self._own = _new_session()
        self._session: HTTPSession = session
        self._proxy = proxy
        self._trust_env = trust_env
        self._clock = clock
        plain = self._own is not None and proxy is None and not trust_env
        self._lanes = _Lanes(self._own) if plain and self._own is not None else None

    async def __call__(self, request: Request) -> Response:
        """One attempt, read to the last byte, within its time and the call's.

        Raises:
            NoResponse: None came; its phase and ``sent`` say how far it got.
            UnexpectedResponse: What came was not HTTP.
            ClientClosed: The session is closed.
        """
        if self._session.closed:
            raise ClientClosed("nothing was sent: the session is closed")
        trip = _Trip(request, self._clock)
        left = trip.seconds_left()
        if left == 0.0:
            raise trip.too_late()
        lanes = self._lanes
        try:
            async with asyncio.timeout(left):
                if lanes is not None and lanes.open_to(request):
                    return await lanes.lane(request).answer(trip)
                return await self._asked(trip)
        except TimeoutError as error:
            raise trip.timed_out(error) from _bare(error)
        except (aiohttp.ClientError, OSError) as error:
            raise trip.broken(error) from _bare(error)

    async def _asked(self, trip: _Trip) -> Response:
        """What the session answers."""
        request = trip.request
        async with self._session.request(
            request.method,
            request.url,
            data=None if request.body is None else _Body(request.body, trip),
            headers=request.headers.plain,
            allow_redirects=False,
            raise_for_status=False,
            proxy=self._proxy_for(request.url),
            timeout=_NO_TIMEOUT,
        ) as answer:
            trip.phase = "reading"
            return trip.ended(answer.status, answer.headers, await answer.read())

    def _proxy_for(self, url: str) -> str | None:
        if self._proxy is not None or not self._trust_env:
            return self._proxy
        parts = urlsplit(url)
        return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)

    async def close(self) -> None:
        """Close the connections, unless the session is the user's."""
        if self._own is not None:
            await self._own.close()


class _Trip:
    """How far one attempt has come."""

    __slots__ = ("_clock", "_started", "phase", "request", "written")

    def __init__(self, request: Request, clock: Callable[[], float]) -> None:
        self.request = request
        self._clock = clock
        self._started = clock()
        self.written = request.body is None
        """Whether the body's first write was made; in doubt, as without a body, it was."""
        self.phase = "waiting"

    def ended(self, status: int, headers: Mapping[str, str], body: bytes) -> Response:
        return Response(status=status, headers=headers, body=body, seconds=self.seconds())

    def seconds(self) -> float:
        return self._clock() - self._started

    def seconds_left(self) -> float | None:
        """For this attempt: its own time, or what is left of the call's."""
        left = min(self.request.attempt_timeout, self.request.deadline.at - self._started)
        return None if left == math.inf else max(0.0, left)

    def too_late(self) -> AttemptTimedOut:
        return AttemptTimedOut(
            "there was no time left; nothing was sent", phase="connecting", seconds=0.0, sent=False
        )

    def timed_out(self, error: TimeoutError) -> AttemptTimedOut:
        sent = self._sent(error)
        return AttemptTimedOut(
            "no answer in time" if sent else "no connection in time; nothing was sent",
            phase=self.phase if sent else "connecting",
            seconds=self.seconds(),
            sent=sent,
        )

    def broken(self, error: Exception) -> MoreGoodError:
        said = _in_words(error)
        if not self._sent(error):
            return ConnectionFailed(
                f"no connection, nothing was sent: {said}",
                phase="connecting",
                seconds=self.seconds(),
                sent=False,
            )
        if isinstance(error, aiohttp.ClientResponseError):
            unexpected = UnexpectedResponse(f"an answer that is not HTTP: {said}")
            return unexpected._with_attempts((self._attempt("no HTTP"),))
        cut = "the answer was cut short" if self.phase == "reading" else "the connection broke"
        return ConnectionLost(f"{cut}: {said}", phase=self.phase, seconds=self.seconds(), sent=True)

    def _attempt(self, outcome: str) -> Attempt:
        return Attempt(
            number=self.request.attempt,
            phase="answered",
            seconds=self.seconds(),
            outcome=outcome,
            may_have_applied=self.request.writes,
        )

    def _sent(self, error: Exception) -> bool:
        if isinstance(error, (*_GAVE_UP_CONNECTING, aiohttp.ClientHttpProxyError)):
            return False
        return self.written


def _in_words(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):  # its str holds the URL
        return f"{type(error).__name__} {error.status} {error.message}"
    return f"{type(error).__name__} {error}".strip()


def _bare(error: Exception) -> Exception:
    """The error and what led to it without their frames, which hold the Authorization header."""
    inner: BaseException | None = error
    while inner is not None:
        inner.__traceback__ = None
        inner = inner.__cause__ or inner.__context__
    return error


class _Connector(aiohttp.TCPConnector):
    """Closes its connections where it was made: a forked child must leave its parent's alone."""

    made_in = 0

    def __del__(self, _warnings: Any = warnings) -> None:
        if os.getpid() == self.made_in:
            super().__del__(_warnings)


def _new_session() -> aiohttp.ClientSession:
    connector = _Connector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
    connector.made_in = os.getpid()
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_NO_TIMEOUT,
        headers={"User-Agent": USER_AGENT},
    )
    session._retry_connection = False  # it would send GET and PUT twice, uncounted
    return session


def _is_aiohttps_own(function: object) -> bool:
    """Whether nobody has put something else in its place, be it a mock or a wrapper."""
    return type(function) is FunctionType and function.__code__.co_filename == _CLIENT_FILE


class _Lanes:
    """The lanes of one session, kept by address and headers."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._tried = aiohttp.__version__.startswith(TRIED) and not session.trace_configs
        self._lanes: dict[tuple[str, str, int, bool], _Lane] = {}

    def open_to(self, request: Request) -> bool:
        """Whether this request may go without the session's own machinery."""
        return (
            self._tried
            and (request.body is None or len(request.body) <= _LONGEST_BODY)
            and _is_aiohttps_own(aiohttp.ClientSession._request)
            and _is_aiohttps_own(aiohttp.ClientSession.request)
        )

    def lane(self, request: Request) -> _Lane:
        bodiless = request.body is None
        name = request.method, request.url, id(request.headers), bodiless
        lane = self._lanes.get(name)
        if lane is None:
            if len(self._lanes) == MOST_LANES:
                self._lanes.clear()
            lane = self._lanes[name] = _Lane(self._session, request)
        return lane


class _Lane:
    """The way of requests that differ in their bodies only: connector, one write, parser.

    It does what ``ClientSession._request``, ``ClientRequest.send`` and ``ClientResponse.start``
    do for them, in that order. The key is in ``_head`` and in ``_request``, and in no frame.
    """

    def __init__(self, session: aiohttp.ClientSession, request: Request) -> None:
        assert session.connector is not None  # noqa: S101 - it has one until it is closed
        self._connector = session.connector
        self._named_by = request.headers  # must outlive the lane, which is found by their id
        headers = CIMultiDict({"User-Agent": USER_AGENT})
        headers.update(request.headers.plain)
        if request.body is not None:
            headers.setdefault("Content-Type", "application/json")
        self._request = aiohttp.ClientRequest(
            request.method,
            URL(request.url),
            headers=headers,
            loop=asyncio.get_running_loop(),
            session=session,
        )
        self._head = _head_of(self._request, has_body=request.body is not None)

    async def answer(self, trip: _Trip) -> Response:
        """Connects, writes head and body at once, and reads."""
        connection = await self._connector.connect(self._request, [], _NO_TIMEOUT)
        try:
            protocol: Any = connection.protocol
            protocol.set_response_params(
                skip_payload=trip.request.method == "HEAD", read_until_eof=True
            )
            if protocol.transport is None or protocol.transport.is_closing():
                raise ConnectionResetError(errno.ECONNRESET, "closed before anything was sent")
            trip.written = True
            protocol.transport.write(self._message(trip.request.body))
            message, content = await self._final(protocol)
            trip.phase = "reading"
            body = await content.read()
        except BaseException:
            connection.close()
            raise
        connection.release()
        return trip.ended(message.code, message.headers, body)

    def _message(self, body: bytes | None) -> bytes:
        return self._head if body is None else b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    async def _final(self, protocol: Any) -> tuple[Any, Any]:
        """The head of the answer, after any "100 Continue", and its body to come."""
        while True:
            try:
                message, content = await protocol.read()
            except HttpProcessingError as error:
                raise aiohttp.ClientResponseError(
                    self._request.request_info, (), status=error.code, message=error.message
                ) from error
            if not 100 <= message.code <= 199 or message.code == 101:
                return message, content


def _head_of(request: aiohttp.ClientRequest, *, has_body: bool) -> bytes:
    """A request's first lines; where it has a body, they end where its length belongs."""
    lines = [f"{request.method} {request.url.raw_path_qs} HTTP/1.1"]
    for name, value in request.headers.items():
        if not has_body or name.lower() != "content-length":
            lines.append(f"{name}: {value}")
    if any(mark in line for line in lines for mark in "\r\n\0"):
        raise ValueError("a header holds a line break")
    return "\r\n".join([*lines, "Content-Length: " if has_body else "\r\n"]).encode()
