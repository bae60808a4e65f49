"""The ordinary path: a request through ``aiohttp.ClientSession.request``.

It serves a session of the user's, a proxy, a long body, and everything else that switches the
fast path off; see `fast_path`.
"""

from __future__ import annotations

import errno
import os
import platform
import warnings
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from moregood_async._version import __version__
from moregood_async.transport.exchange import Exchange
from moregood_async.wire import HTTPSession, Response

USER_AGENT = f"moregood-async/{__version__} Python/{platform.python_version()}"

KEEP_ALIVE_SECONDS = 4.0
"""How long an idle connection is kept. Apache closes one after 5 s by default; a request that is
sent while the server closes its connection is lost, so the client must close first."""

NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
"""`AiohttpTransport` limits the time of an exchange; aiohttp must not do so as well."""


class _SingleUseBody(aiohttp.BytesPayload):
    """A body that marks its exchange as written at the first write, and refuses a second one."""

    def __init__(self, body: bytes, exchange: Exchange) -> None:
        # aiohttp warns about a body above 1 MiB that is passed to the constructor.
        super().__init__(b"", content_type="application/json")
        self._value, self._size = body, len(body)
        self._exchange = exchange

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        # aiohttp re-sends PUT and DELETE by itself after a lost connection. An attempt is one
        # request, and only `retry` decides on another one.
        if self._exchange.is_written:
            raise ConnectionResetError(errno.ECONNRESET, "the request was sent and is not re-sent")
        self._exchange.is_written = True
        await super().write_with_length(writer, content_length)


async def send_through_session(
    session: HTTPSession, exchange: Exchange, *, proxy: str | None
) -> Response:
    """Return the response to the exchange's request, sent through a session."""
    request = exchange.request
    async with session.request(
        request.method,
        request.url,
        data=None if request.body is None else _SingleUseBody(request.body, exchange),
        headers=request.headers.plain,
        allow_redirects=False,  # a redirect would carry the key to another host
        raise_for_status=False,
        proxy=proxy,
        timeout=NO_TIMEOUT,
    ) as response:
        exchange.phase = "reading"
        return exchange.response(response.status, response.headers, await response.read())


def environment_proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL, or None."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


class _Connector(aiohttp.TCPConnector):
    """A connector whose destructor does nothing in a forked child.

    The child's copy shares its sockets with the parent. Closing them there would end the parent's
    TLS sessions.
    """

    created_in_pid = 0

    def __del__(self, _warnings: Any = warnings) -> None:
        if os.getpid() == self.created_in_pid:
            super().__del__(_warnings)


def new_session() -> aiohttp.ClientSession:
    """Return a session without cookies, re-sending, timeouts, or a limit of connections."""
    # No limit: `pace` bounds the requests in flight, for each key.
    connector = _Connector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
    connector.created_in_pid = os.getpid()
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),  # a load balancer's cookie ties a client to one host
        timeout=NO_TIMEOUT,
        headers={"User-Agent": USER_AGENT},
    )
    session._retry_connection = False  # aiohttp would re-send GET and PUT, uncounted
    return session
