"""Handlers that answer from a script, and a clock that is set by hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Self

import attrs

from moregood_async import MoreGoodClient
from moregood_async.errors import AttemptTimedOut, ConnectionFailed, ConnectionLost, NoResponse
from moregood_async.middleware.retry import Retry
from moregood_async.privacy import Headers
from moregood_async.session import SessionManager
from moregood_async.wire import Deadline, Priority, Request, Response


def answer(status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with this status."""
    return Response(status=status, headers=Headers(headers or {}), body=b"{}")


def told(seconds: object, status: int = 429) -> Response:
    """A refusal that names a wait."""
    return answer(status, {"Retry-After": str(seconds)})


def request(
    method: str = "POST",
    *,
    idempotent: bool = False,
    deadline: Deadline | None = None,
    operation: str = "asks.create",
    priority: Priority = "interactive",
) -> Request:
    """A request as the session manager makes it."""
    return Request(
        method=method,
        url="http://127.0.0.1/beacon/asks",
        headers=Headers({"Authorization": "Bearer secret-key"}),
        body=None if method == "GET" else b"{}",
        operation=operation,
        idempotent=idempotent,
        deadline=deadline or Deadline(float("inf")),
        priority=priority,
    )


def refused() -> NoResponse:
    """No connection came about."""
    return ConnectionFailed("refused", phase="connecting", seconds=0.0, sent=False)


def lost() -> NoResponse:
    """The connection broke after sending began."""
    return ConnectionLost("broke", phase="waiting", seconds=0.0, sent=True)


def timed_out(*, sent: bool) -> NoResponse:
    """The attempt took too long."""
    return AttemptTimedOut(
        "late", phase="waiting" if sent else "connecting", seconds=1.0, sent=sent
    )


Said = Response | BaseException


@attrs.define
class Script:
    """A handler that says its lines one after the other, the last one for ever."""

    lines: list[Said]
    heard: list[Request] = attrs.field(factory=list[Request])

    async def __call__(self, request: Request) -> Response:
        said = self.lines[min(len(self.heard), len(self.lines) - 1)]
        self.heard.append(request)
        if isinstance(said, BaseException):
            raise said
        return said


@attrs.define
class Clock:
    """A clock that only `sleep` moves."""

    now: float = 1000.0
    slept: list[float] = attrs.field(factory=list[float])

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Moves the clock, at once."""
        self.slept.append(seconds)
        self.now += seconds


async def settled() -> None:
    """Let everything that can go on without time passing do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it to hold, five seconds at the most."""
    async with asyncio.timeout(5.0):
        while not holds():  # noqa: ASYNC110 - it is somebody else's count
            await asyncio.sleep(0.002)


@attrs.define
class Stage:
    """A handler whose requests stay in flight until they are ended by name."""

    order: list[str] = attrs.field(factory=list[str])
    in_flight: dict[str, asyncio.Future[Response]] = attrs.field(
        factory=dict[str, "asyncio.Future[Response]"]
    )
    most: int = 0
    _arrivals: dict[str, asyncio.Event] = attrs.field(factory=dict[str, asyncio.Event])

    async def arrival(self, name: str) -> None:
        """Wait until the request of this name has come."""
        await self._arrivals.setdefault(name, asyncio.Event()).wait()

    async def __call__(self, request: Request) -> Response:
        name = request.operation
        self.order.append(name)
        self._arrivals.setdefault(name, asyncio.Event()).set()
        future = self.in_flight[name] = asyncio.get_running_loop().create_future()
        self.most = max(self.most, len(self.in_flight))
        try:
            response: Response = await future
            return response
        finally:
            del self.in_flight[name]

    async def end(self, name: str, response: Response | None = None) -> None:
        """Answer the request of this name."""
        self.in_flight[name].set_result(response or answer())
        await settled()


def started(call: Awaitable[Response]) -> asyncio.Task[Response]:
    """A call under way."""
    return asyncio.ensure_future(call)


Jitter = Callable[[float], float]


def no_wait(most: float) -> float:
    """The shortest wait that full jitter can give."""
    return 0.0 * most


def quick(client: MoreGoodClient, **fields: Any) -> MoreGoodClient:
    """The same client, backing off for no time; or with other fields of `Retry` replaced."""
    make_retry = partial(Retry, **{"jitter": no_wait, **fields})
    session = client._session
    client._bind(SessionManager(session.connections, session.settings, make_retry=make_retry))
    return client


class Elsewhere:
    """A loop that runs in a thread of its own."""

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        return self

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            self.stopping = asyncio.Event()
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        await self.stopping.wait()

    async def run(self, call: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await call

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(awaited(), self.loop))

    def stop(self) -> None:
        with suppress(RuntimeError):  # it has ended
            self.loop.call_soon_threadsafe(self.stopping.set)

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.thread.join()
