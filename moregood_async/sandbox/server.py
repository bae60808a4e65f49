"""The sandbox on a socket. This module alone imports aiohttp, and only when a server starts.

- Faults are real: a dropped connection is closed without a response, and a cut body announces more
  bytes than the server sends.
- A body of more than 1 MB gets the HTML 413 of the nginx in front of Laravel [L].
- A client that closes its connection, or a gateway that times out, does not stop the effect [L].
- ``Expect: 100-continue`` is obeyed before the body is read [I].
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from moregood_async.errors import ConnectionLost
from moregood_async.privacy import Headers
from moregood_async.sandbox import laravel
from moregood_async.sandbox.faults import TruncatedBody
from moregood_async.wire import Handler, Request, Response

SHUTDOWN_SECONDS = 0.1
"""The time that requests in work have to finish when the server stops; tests stop servers often."""

TURNS_TO_CONNECT = 3
"""Turns of the event loop from an accepted socket to a connection that aiohttp can close."""


class Server:
    """A server that listens in the running loop, inside ``async with``."""

    def __init__(self, handler: Handler, host: str, port: int) -> None:
        self._handler = handler
        self.host = host
        self.port: int = port
        """The port. If it was given as 0, it is the selected port once the server listens."""
        self._connections: Any = None
        self._listener: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """The ``base_url`` for a client."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/beacon"

    async def __aenter__(self) -> Self:
        """Start to listen.

        Raises:
            OSError: The port is in use, or the host does not exist.
        """
        from aiohttp import web

        loop = asyncio.get_running_loop()
        self._connections = web.Server(_SocketHandler(self._handler), access_log=None)
        self._listener = await loop.create_server(
            self._connections, self.host, self.port, backlog=1024
        )
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            await _stop_listening(self._listener)
        transports = [each.transport for each in self._connections.connections]
        self._connections.pre_shutdown()
        await self._connections.shutdown(SHUTDOWN_SECONDS)
        for transport in transports:
            if transport is not None:
                transport.abort()  # a client may not have read its whole response
        await asyncio.sleep(0)


async def _stop_listening(listener: asyncio.Server) -> None:
    """Close the listener after the accepted sockets have become connections."""
    # A socket that was accepted, but whose connection is not made yet, is unknown to aiohttp and
    # would stay open. So the loop first stops accepting, then makes the connections.
    loop = asyncio.get_running_loop()
    for socket in listener.sockets:
        loop.remove_reader(socket.fileno())
    for _ in range(TURNS_TO_CONNECT):
        await asyncio.sleep(0)
    listener.close()


class ThreadedServer:
    """A `Server` in a thread and a loop of its own, inside ``with``."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._thread: threading.Thread | None = None
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    @property
    def port(self) -> int:
        """The port."""
        return self._server.port

    @property
    def base_url(self) -> str:
        """The ``base_url`` for a client."""
        return self._server.base_url

    def __enter__(self) -> Self:
        """Start to listen.

        Raises:
            OSError: The port is in use, or the host does not exist.
        """
        listening: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._listen(listening)), name="sandbox", daemon=True
        )
        self._thread.start()
        try:
            listening.result()
        except Exception:
            self._thread.join()
            raise
        return self

    async def _listen(self, listening: Future[None]) -> None:
        stop = asyncio.Event()
        try:
            async with self._server:
                self._stop = asyncio.get_running_loop(), stop
                listening.set_result(None)
                await stop.wait()
        except Exception as error:
            if listening.done():
                raise
            listening.set_exception(error)  # `__enter__` raises it in the caller

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._stop is not None and self._thread is not None:
            loop, stop = self._stop
            loop.call_soon_threadsafe(stop.set)
            self._thread.join()


class _SocketHandler:
    """Translates between aiohttp and a `Handler`, and carries out faults of the connection."""

    def __init__(self, handler: Handler) -> None:
        from aiohttp import web

        self._handler = handler
        self._response: Any = web.Response
        self._stream_response: Any = web.StreamResponse
        self._too_large: Any = web.HTTPRequestEntityTooLarge

    async def __call__(self, incoming: Any) -> Any:
        if "Expect" in incoming.headers:
            await incoming.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            body = await incoming.read()
        except self._too_large:
            return self._to_aiohttp(laravel.html_response(413, "Content Too Large"))
        request = Request(
            method=incoming.method,
            url=_absolute_url(incoming.raw_path, incoming.headers.get("Host", "127.0.0.1")),
            headers=Headers(incoming.headers),
            body=body,
        )
        try:
            return self._to_aiohttp(await self._handler(request))
        except TruncatedBody as error:
            return await self._send_half(incoming, error.response)
        except ConnectionLost:
            incoming.transport.abort()
            return self._response()  # aiohttp wants a response; nobody receives it

    def _to_aiohttp(self, response: Response) -> Any:
        headers = laravel.plain_headers(response.headers)
        return self._response(status=response.status, body=response.body, headers=headers)

    async def _send_half(self, incoming: Any, response: Response) -> Any:
        headers = laravel.plain_headers(response.headers)
        outgoing = self._stream_response(status=response.status, headers=headers)
        outgoing.content_length = len(response.body) + 1
        await outgoing.prepare(incoming)
        await outgoing.write(response.body[: max(1, len(response.body) // 2)])
        incoming.transport.close()
        return outgoing


def _absolute_url(target: str, host: str) -> str:
    """Return the absolute URL of a request target, without normalising the target."""
    return f"http://{host}{target}" if target.startswith("/") else target
