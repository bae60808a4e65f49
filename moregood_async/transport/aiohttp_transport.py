"""The handler at the end of the chain: sends requests over HTTP with aiohttp."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiohttp

from moregood_async.errors import ClientClosed
from moregood_async.transport.exchange import Exchange, without_secrets
from moregood_async.transport.fast_path import FastPaths
from moregood_async.transport.ordinary_path import (
    environment_proxy,
    new_session,
    send_through_session,
)
from moregood_async.wire import HTTPSession, Request, Response


class AiohttpTransport:
    """A handler over an aiohttp session.

    Args:
        session: A session to send through. It stays open when the transport is closed. Default: a
            session of the transport's own.
        proxy: The URL of a proxy.
        trust_env: Whether to use the proxy that the environment names.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self,
        session: HTTPSession | None = None,
        *,
        proxy: str | None = None,
        trust_env: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own_session: aiohttp.ClientSession | None = None
        if session is None:
            session = self._own_session = new_session()
        self._session: HTTPSession = session
        self._proxy = proxy
        self._trust_env = trust_env
        self._clock = clock
        self._fast_paths: FastPaths | None = None
        if self._own_session is not None and proxy is None and not trust_env:
            self._fast_paths = FastPaths(self._own_session)

    async def __call__(self, request: Request) -> Response:
        """Send a request once, and return its response after reading the whole body.

        Raises:
            NoResponse: No complete response was received within ``attempt_timeout`` and the
                deadline. ``phase`` and ``sent`` say how far the exchange got.
            UnexpectedResponse: The server's bytes are not HTTP.
            ClientClosed: The session is closed; nothing was sent.
        """
        if self._session.closed:
            raise ClientClosed("nothing was sent: the session is closed")
        exchange = Exchange(request, self._clock)
        left = exchange.seconds_left()
        if left == 0.0:
            raise exchange.not_started()
        fast_paths = self._fast_paths
        try:
            async with asyncio.timeout(left):
                if fast_paths is not None and fast_paths.can_send(request):
                    return await fast_paths.path_for(request).send(exchange)
                proxy = self._proxy_for(request.url)
                return await send_through_session(self._session, exchange, proxy=proxy)
        except TimeoutError as error:
            raise exchange.timed_out(error) from without_secrets(error)
        except (aiohttp.ClientError, OSError) as error:
            raise exchange.failed(error) from without_secrets(error)
        except ValueError as error:  # a middleware put a line break into a header
            raise without_secrets(error)  # noqa: B904 - the same error, without its frames

    def _proxy_for(self, url: str) -> str | None:
        if self._proxy is not None or not self._trust_env:
            return self._proxy
        return environment_proxy(url)

    async def close(self) -> None:
        """Close the transport's own session. A session of the user's stays open."""
        if self._own_session is not None:
            await self._own_session.close()
