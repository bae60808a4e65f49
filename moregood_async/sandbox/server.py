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

STOPPING_SECONDS = 1.0
"""How long requests that are being answered may take when the server stops."""


class Server:
    """A sandbox that listens in the running loop, for as long as ``async with`` lasts."""

    def __init__(self, answer: Handler, host: str, port: int) -> None:
        self._answer = answer
        self.host = host
        self.port = port
        """Where it listens; with 0, the one that was picked is here once it listens."""
        self._runner: Any = None

    @property
    def base_url(self) -> str:
        """What a client takes as its ``base_url``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/beacon"

    async def __aenter__(self) -> Self:
        from aiohttp import web

        server = web.Server(_aiohttp_handler(self._answer), access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=STOPPING_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port, backlog=1024).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()


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
        listening: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._listen(listening)), name="sandbox", daemon=True
        )
        self._thread.start()
        listening.result()
        return self

    async def _listen(self, listening: Future[None]) -> None:
        stop = asyncio.Event()
        try:
            async with self._server:
                self._stop = asyncio.get_running_loop(), stop
                listening.set_result(None)
                await stop.wait()
        except OSError as error:
            if listening.done():
                raise
            listening.set_exception(error)

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


def _aiohttp_handler(answer: Handler) -> Any:
    from aiohttp import web

    async def handle(incoming: web.BaseRequest) -> web.StreamResponse:
        try:
            body = await incoming.read()
        except web.HTTPRequestEntityTooLarge:
            return _outgoing(laravel.html(413, "Content Too Large"))
        request = Request(
            method=incoming.method,
            url=str(incoming.url),
            headers=Headers(incoming.headers),
            body=body,
        )
        try:
            response = await answer(request)
        except CutShort as cut:
            return await _cut(incoming, cut.response)
        except ConnectionLost:
            return _dropped(incoming)
        return _outgoing(response)

    def _outgoing(response: Response) -> web.Response:
        return web.Response(status=response.status, body=response.body, headers=response.headers)

    def _dropped(incoming: web.BaseRequest) -> web.Response:
        if incoming.transport is not None:
            incoming.transport.abort()
        return web.Response()

    async def _cut(incoming: web.BaseRequest, response: Response) -> web.StreamResponse:
        outgoing = web.StreamResponse(status=response.status, headers=response.headers)
        outgoing.content_length = len(response.body) + 1
        await outgoing.prepare(incoming)
        await outgoing.write(response.body[: max(1, len(response.body) // 2)])
        if incoming.transport is not None:
            incoming.transport.close()
        return outgoing

    return handle
