"""An exchange: one attempt on the wire, and the error that it ends with.

A retry is safe only if the request was not sent, so an exchange must know that. It knows it from
the first write of the body, which aiohttp makes only on an open connection. A request without a
body has no such write: it counts as sent, unless the connector itself reported the failure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from moregood_async.errors import (
    Attempt,
    AttemptTimedOut,
    ConnectionFailed,
    ConnectionLost,
    MoreGoodError,
    UnexpectedResponse,
)
from moregood_async.wire import Request, Response

_NOT_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)
"""Errors that aiohttp raises before it has a connection to the API: nothing was sent."""


class Exchange:
    """One attempt on the wire: when it started, its phase, and whether it was sent."""

    __slots__ = ("_clock", "_started", "is_written", "phase", "request")

    def __init__(self, request: Request, clock: Callable[[], float]) -> None:
        self.request: Request = request
        self._clock = clock
        self._started = clock()
        self.is_written: bool = request.body is None
        """Whether the first write of the body was made. Always true without a body."""
        self.phase: str = "waiting"
        """``waiting`` for the response's head, or ``reading`` its body."""

    def response(self, status: int, headers: Mapping[str, str], body: bytes) -> Response:
        """Return the `Response` of this exchange."""
        return Response(status=status, headers=headers, body=body, seconds=self.elapsed_seconds())

    def elapsed_seconds(self) -> float:
        """Return the seconds since the exchange was started."""
        return self._clock() - self._started

    def seconds_left(self) -> float | None:
        """Return the seconds that the exchange may take, at least 0; None for no limit.

        The limit is ``attempt_timeout``, or what is left of the call's deadline if that is less.
        """
        left = min(self.request.attempt_timeout, self.request.deadline.at - self._started)
        return None if left == math.inf else max(0.0, left)

    def not_started(self) -> AttemptTimedOut:
        """Return the error of an exchange whose deadline had passed before it began."""
        return AttemptTimedOut(
            "nothing was sent: the deadline had passed",
            phase="connecting",
            seconds=0.0,
            sent=False,
        )

    def timed_out(self, error: TimeoutError) -> AttemptTimedOut:
        """Return the error of an exchange that took too long."""
        sent = self._is_sent(error)
        return AttemptTimedOut(
            "no response in time" if sent else "no connection in time; nothing was sent",
            phase=self.phase if sent else "connecting",
            seconds=self.elapsed_seconds(),
            sent=sent,
        )

    def failed(self, error: Exception) -> MoreGoodError:
        """Return the error that stands for one of aiohttp or of the operating system."""
        description = _describe(error)
        if not self._is_sent(error):
            return ConnectionFailed(
                f"no connection, nothing was sent: {description}",
                phase="connecting",
                seconds=self.elapsed_seconds(),
                sent=False,
            )
        if isinstance(error, aiohttp.ClientResponseError):
            unexpected = UnexpectedResponse(f"the response is not HTTP: {description}")
            return unexpected._with_attempts((self._attempt("no HTTP"),))
        what = "response was cut short" if self.phase == "reading" else "connection was lost"
        return ConnectionLost(
            f"the {what}: {description}",
            phase=self.phase,
            seconds=self.elapsed_seconds(),
            sent=True,
        )

    def _attempt(self, outcome: str) -> Attempt:
        return Attempt(
            number=self.request.attempt,
            phase="received",
            seconds=self.elapsed_seconds(),
            outcome=outcome,
            may_have_applied=self.request.writes,
        )

    def _is_sent(self, error: Exception) -> bool:
        return self.is_written and not isinstance(error, _NOT_CONNECTED)


def _describe(error: Exception) -> str:
    # The str of a ClientResponseError contains the URL, and a query can contain a person.
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{type(error).__name__} {error.status} {error.message}"
    return f"{type(error).__name__} {error}".strip()


def without_secrets(error: Exception) -> Exception:
    """Return the error after removing the key, the query and the proxy's password from its chain.

    The frames of aiohttp hold the Authorization header as a local variable, and error reporters
    such as Sentry upload local variables. A ``ClientResponseError`` holds all request headers, and
    its text contains the URL, which can contain a person or the password of a proxy.
    """
    inner: BaseException | None = error
    while inner is not None:
        inner.__traceback__ = None
        if isinstance(inner, aiohttp.ClientResponseError):
            origin = inner.request_info.real_url.with_user(None).origin()
            inner.request_info = aiohttp.RequestInfo(
                origin, inner.request_info.method, CIMultiDictProxy(CIMultiDict[str]()), origin
            )
            inner.history, inner.headers = (), None
            inner.args = (inner.request_info, inner.history)
        inner = inner.__cause__ or inner.__context__
    return error
