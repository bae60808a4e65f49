"""The fast path: a request over aiohttp's connections and parser, without the rest of aiohttp.

``ClientSession._request`` runs 400 lines, makes a task for each body and seven objects for each
call: about half of a call's CPU time. Requests that differ only in their bodies need none of it.

What it does instead. `FastPath` renders a request's head once. For each request it

1. takes a connection from the session's connector,
2. arms the connection's parser,
3. writes head and body with one ``transport.write``,
4. reads the response's head (after any ``1xx``) and its body,
5. returns the connection to the connector.

``ClientSession._request``, ``ClientRequest.send`` and ``ClientResponse.start`` do the same for such
a request, in the same order. ``tests/transport/test_fast_path.py`` compares the bytes of both
paths.

What it relies on inside aiohttp:

- ``TCPConnector.connect(request, traces, timeout)``, and ``Connection.protocol``, ``release()``
  and ``close()``;
- ``ResponseHandler.set_response_params(...)``, and ``read()``, which returns the head and the
  body's stream;
- ``ClientRequest`` to complete the headers (``Host``, ``Accept-Encoding``), and its ``url`` and
  ``request_info``;
- ``ClientSession._request`` and ``request`` are functions of aiohttp's own file as long as nobody
  has replaced them.

What switches it off. Each of these uses the ordinary path instead:

- a session of the user's, ``proxy=``, or ``trust_env=True`` (checked by `AiohttpTransport`);
- an aiohttp release that is not in `TESTED_RELEASES`;
- a session with trace configs, for example from an instrumentation;
- ``ClientSession._request`` or ``request`` replaced by a mock or a wrapper (aioresponses does
  that); checked before each request;
- a body of more than `MAX_BODY_BYTES`.

How to admit a new aiohttp release: install it, add its prefix to `TESTED_RELEASES`, and run
``pytest tests/transport tests/client tests/retries tests/canaries`` and ``pytest -m soak``. Under a
release that is not admitted, ``tests/transport/test_fast_path.py`` fails.
"""

from __future__ import annotations

import asyncio
import errno
from types import FunctionType
from typing import Any

import aiohttp
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from moregood_async.transport.exchange import Exchange
from moregood_async.transport.ordinary_path import NO_TIMEOUT, USER_AGENT
from moregood_async.wire import Request, Response

TESTED_RELEASES = ("3.13.", "3.14.")
"""Prefixes of the aiohttp releases on which the fast path was tested."""

MAX_FAST_PATHS = 256
"""How many heads are kept. Each page of a list has its own URL, so the number of heads has no
limit of its own; the table is emptied when it is full."""

MAX_BODY_BYTES = 2**16
"""A longer body may fill the socket's buffer, and a server may respond before it has read the
whole body. aiohttp writes such a body in a task beside the reading."""

_CLIENT_FILE = aiohttp.ClientSession.close.__code__.co_filename


def _is_unpatched(function: object) -> bool:
    """Return whether a method of ``ClientSession`` is aiohttp's own: not a mock, not a wrapper."""
    # `functools.wraps` copies names and `__wrapped__`, but not the code object.
    return type(function) is FunctionType and function.__code__.co_filename == _CLIENT_FILE


class FastPaths:
    """The fast paths of one session, by method, URL and headers."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._is_supported = (
            aiohttp.__version__.startswith(TESTED_RELEASES) and not session.trace_configs
        )
        self._paths: dict[tuple[str, str, int, bool], FastPath] = {}

    def can_send(self, request: Request) -> bool:
        """Return whether the fast path can send this request now; see the module's docstring."""
        return (
            self._is_supported
            and (request.body is None or len(request.body) <= MAX_BODY_BYTES)
            # A mock can be installed and removed between two calls, so this is checked each time.
            and _is_unpatched(aiohttp.ClientSession._request)
            and _is_unpatched(aiohttp.ClientSession.request)
        )

    def path_for(self, request: Request) -> FastPath:
        """Return the fast path of this request, from the table or a new one."""
        has_no_body = request.body is None
        # Headers are compared by identity: a view uses one `Headers` object for all its calls.
        # The path keeps that object alive, so no other object can get the same id.
        key = request.method, request.url, id(request.headers), has_no_body
        path = self._paths.get(key)
        if path is None:
            if len(self._paths) == MAX_FAST_PATHS:
                self._paths.clear()
            path = self._paths[key] = FastPath(self._session, request)
        return path


class FastPath:
    """Sends requests that differ only in their bodies.

    The API key is in the attributes ``_head`` and ``_request`` and in no local variable, so that
    no traceback shows it.
    """

    def __init__(self, session: aiohttp.ClientSession, request: Request) -> None:
        assert session.connector is not None  # noqa: S101 - only a closed session has none
        self._connector = session.connector
        self._headers = request.headers  # keeps the id in the key of `FastPaths` valid
        headers = CIMultiDict({"User-Agent": USER_AGENT})
        headers.update(request.headers.plain)
        if request.body is not None:
            headers.setdefault("Content-Type", "application/json")
        # ClientRequest adds Host and Accept-Encoding, and is the connector's key for the
        # connections of this host.
        self._request = aiohttp.ClientRequest(
            request.method,
            URL(request.url),
            headers=headers,
            loop=asyncio.get_running_loop(),
            session=session,
        )
        self._head = _render_head(self._request, has_body=request.body is not None)

    async def send(self, exchange: Exchange) -> Response:
        """Send the exchange's request, and return its response after reading the whole body."""
        # 1. A kept connection, or a new one. Errors up to the write mean: nothing was sent.
        connection = await self._connector.connect(self._request, [], NO_TIMEOUT)
        try:
            protocol: Any = connection.protocol
            # 2. A new parser for this response. A response to HEAD names a length but has no
            #    body; without a length, the body ends with the connection.
            protocol.set_response_params(
                skip_payload=exchange.request.method == "HEAD", read_until_eof=True
            )
            # The server may have closed a kept connection in this moment. A write to it would be
            # dropped silently and would count as sent.
            if protocol.transport is None or protocol.transport.is_closing():
                raise ConnectionResetError(errno.ECONNRESET, "closed before anything was sent")
            # 3. From here on the server may have the request. The flag is set before the write,
            #    because bytes of a write that raises may have been sent.
            exchange.is_written = True
            protocol.transport.write(self._message(exchange.request.body))
            # 4. Head, then body. asyncio.timeout in `AiohttpTransport` bounds both.
            head, content = await self._read_head(protocol)
            exchange.phase = "reading"
            body = await content.read()
        except BaseException:
            # Also on cancellation: the response to this request must not be read as the response
            # to the next one, so the connection is not returned.
            connection.close()
            raise
        # 5. Back to the connector, which drops it if the server wants it closed.
        connection.release()
        return exchange.response(head.code, head.headers, body)

    def _message(self, body: bytes | None) -> bytes:
        # With a body, the head ends in "Content-Length: ".
        return self._head if body is None else b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    async def _read_head(self, protocol: Any) -> tuple[Any, Any]:
        """Return the head of the final response, and the stream of its body."""
        while True:
            try:
                head, content = await protocol.read()
            except HttpProcessingError as error:
                raise aiohttp.ClientResponseError(
                    self._request.request_info, (), status=error.code, message=error.message
                ) from error
            # "100 Continue" and "103 Early Hints" precede the response; 101 ends HTTP.
            if not 100 <= head.code <= 199 or head.code == 101:
                return head, content


def _render_head(request: aiohttp.ClientRequest, *, has_body: bool) -> bytes:
    """Return the request line and the headers; for a body, up to the value of its length."""
    lines = [f"{request.method} {request.url.raw_path_qs} HTTP/1.1"]
    for name, value in request.headers.items():
        if not has_body or name.lower() != "content-length":
            lines.append(f"{name}: {value}")
    # A line break in a value would add a header of somebody else's choice.
    if any(character in line for line in lines for character in "\r\n\0"):
        raise ValueError("a header holds a line break")
    return "\r\n".join([*lines, "Content-Length: " if has_body else "\r\n"]).encode()
