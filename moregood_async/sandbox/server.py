"""The sandbox on a socket: the only file of it that knows aiohttp, and only once it serves.

Faults are real here: a dropped connection is closed without an answer, a cut body announces more
bytes than it sends.
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
from moregood_async.sandbox.faults import CutShort
from moregood_async.wire import Handler, Request, Response

STOPPING_SECONDS = 0.1
"""How long requests that are being answered may take when the server stops."""


TURNS_TO_CONNECT = 3
"""Turns of the event loop from an accepted socket to a connection that can be closed."""


class Server:
    """A sandbox that listens in the running loop, for as long as ``async with`` lasts."""

    def __init__(self, answer: Handler, host: str, port: int) -> None:
        self._answer = answer
        self.host = host
        self.port: int = port
        """Where it listens; with 0, the one that was picked is here once it listens."""
        self._connections: Any = None
        self._listener: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """What a client takes as its ``base_url``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/beacon"

    async def __aenter__(self) -> Self:
        """Listens from here on.

        Raises:
            OSError: The port is in use, or there is no such host.
        """
        from aiohttp import web

        loop = asyncio.get_running_loop()
        self._connections = web.Server(_Socket(self._answer), access_log=None)
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
            await _accept_no_more(self._listener)
        transports = [each.transport for each in self._connections.connections]
        self._connections.pre_shutdown()
        await self._connections.shutdown(STOPPING_SECONDS)
        for transport in transports:
            if transport is not None:
                transport.abort()  # somebody may not have read all of an answer
        await asyncio.sleep(0)


async def _accept_no_more(listener: asyncio.Server) -> None:
    """Close it, once connections that were accepted are made; else their sockets stay open."""
    loop = asyncio.get_running_loop()
    for socket in listener.sockets:
        loop.remove_reader(socket.fileno())
    for _ in range(TURNS_TO_CONNECT):
        await asyncio.sleep(0)
    listener.close()


class ThreadedServer:
    """The same in a thread and loop of its own, for as long as ``with`` lasts."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._thread: threading.Thread | None = None
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @property
    def base_url(self) -> str:
        """What a client takes as its ``base_url``."""
        return self._server.base_url

    def __enter__(self) -> Self:
        """Listens from here on.

        Raises:
            OSError: The port is in use, or there is no such host.
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
            listening.set_exception(error)  # where it is waited for: the port is in use

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


class _Socket:
    """Between aiohttp and a handler: a request comes in, an answer goes out or breaks off."""

    def __init__(self, answer: Handler) -> None:
        from aiohttp import web

        self._answer = answer
        self._new: Any = web.Response
        self._new_stream: Any = web.StreamResponse
        self._too_large: Any = web.HTTPRequestEntityTooLarge

    async def __call__(self, incoming: Any) -> Any:
        if "Expect" in incoming.headers:
            await incoming.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            body = await incoming.read()
        except self._too_large:
            return self._outgoing(laravel.html(413, "Content Too Large"))
        request = Request(
            method=incoming.method,
            url=_url(incoming.raw_path, incoming.headers.get("Host", "127.0.0.1")),
            headers=Headers(incoming.headers),
            body=body,
        )
        try:
            return self._outgoing(await self._answer(request))
        except CutShort as cut:
            return await self._cut(incoming, cut.response)
        except ConnectionLost:
            incoming.transport.abort()
            return self._new()

    def _outgoing(self, response: Response) -> Any:
        return self._new(
            status=response.status, body=response.body, headers=laravel.plain(response.headers)
        )

    async def _cut(self, incoming: Any, response: Response) -> Any:
        outgoing = self._new_stream(status=response.status, headers=laravel.plain(response.headers))
        outgoing.content_length = len(response.body) + 1
        await outgoing.prepare(incoming)
        await outgoing.write(response.body[: max(1, len(response.body) // 2)])
        incoming.transport.close()
        return outgoing


def _url(target: str, host: str) -> str:
    """What was asked for, absolute, and otherwise as it was sent."""
    return f"http://{host}{target}" if target.startswith("/") else target
