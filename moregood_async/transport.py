"""The one file on the client's side that knows aiohttp: a request goes out, an answer comes back.

Foreign exceptions are mapped here and nowhere else. Whether anything was sent is established
from the body's first write, which aiohttp makes only once it has a connection; where there is no
body, from the connector having given up. In doubt it counts as sent.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
import platform
import time
import warnings
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from moregood_async._version import __version__
from moregood_async.errors import (
    Attempt,
    AttemptTimedOut,
    ClientClosed,
    ConnectionFailed,
    ConnectionLost,
    MoreGoodError,
    UnexpectedAnswer,
)
from moregood_async.wire import HTTPSession, Request, Response

USER_AGENT = f"moregood-async/{__version__} Python/{platform.python_version()}"

KEEP_ALIVE_SECONDS = 4.0
"""An idle connection is dropped before Apache's default of 5 s drops it under a request."""

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
_GAVE_UP_CONNECTING = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class _Body(aiohttp.BytesPayload):
    """A body that knows whether it went out, wholly or in part, and that goes out once."""

    started = False

    def __init__(self, body: bytes) -> None:
        super().__init__(b"", content_type="application/json")
        self._value, self._size = body, len(body)  # given above, one of 1 MiB would warn

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        if self.started:  # a user's session sends PUT and DELETE again by itself
            raise ConnectionResetError(errno.ECONNRESET, "sent once, and not again")
        self.started = True
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

    async def __call__(self, request: Request) -> Response:
        """One attempt, read to the last byte, within its time and the call's.

        Raises:
            NoAnswer: None came; its phase and ``sent`` say how far it got.
            UnexpectedAnswer: What came was not HTTP.
            ClientClosed: The session is closed.
        """
        if self._session.closed:
            raise ClientClosed("nothing was sent: the session is closed")
        trip = _Trip(request, self._clock)
        left = trip.seconds_left()
        if left == 0.0:
            raise trip.too_late()
        try:
            async with (
                asyncio.timeout(left),
                self._session.request(
                    request.method,
                    request.url,
                    data=trip.body,
                    headers=request.headers.plain,
                    allow_redirects=False,
                    raise_for_status=False,
                    proxy=self._proxy_for(request.url),
                    timeout=_NO_TIMEOUT,
                ) as answer,
            ):
                trip.phase = "reading"
                body = await answer.read()
                return Response(
                    status=answer.status,
                    headers=answer.headers,
                    body=body,
                    seconds=trip.seconds(),
                )
        except TimeoutError as error:
            raise trip.timed_out(error) from _bare(error)
        except (aiohttp.ClientError, OSError) as error:
            raise trip.broken(error) from _bare(error)

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

    __slots__ = ("_clock", "_request", "_started", "body", "phase")

    def __init__(self, request: Request, clock: Callable[[], float]) -> None:
        self._request = request
        self._clock = clock
        self._started = clock()
        self.body = None if request.body is None else _Body(request.body)
        self.phase = "waiting"

    def seconds(self) -> float:
        return self._clock() - self._started

    def seconds_left(self) -> float | None:
        """For this attempt: its own time, or what is left of the call's."""
        left = min(self._request.attempt_timeout, self._request.deadline.at - self._started)
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
            unexpected = UnexpectedAnswer(f"an answer that is not HTTP: {said}")
            return unexpected.after((self._attempt("no HTTP"),))
        cut = "the answer was cut short" if self.phase == "reading" else "the connection broke"
        return ConnectionLost(f"{cut}: {said}", phase=self.phase, seconds=self.seconds(), sent=True)

    def _attempt(self, outcome: str) -> Attempt:
        return Attempt(
            number=self._request.attempt,
            phase="answered",
            seconds=self.seconds(),
            outcome=outcome,
            may_have_applied=self._request.writes,
        )

    def _sent(self, error: Exception) -> bool:
        if isinstance(error, (*_GAVE_UP_CONNECTING, aiohttp.ClientHttpProxyError)):
            return False
        return self.body is None or self.body.started


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
