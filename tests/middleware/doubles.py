"""Handlers that respond from a script, failures to put into it, and a clock moved by hand."""

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


def build_response(status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with this status."""
    return Response(status=status, headers=Headers(headers or {}), body=b"{}")


def retry_after_response(seconds: object, status: int = 429) -> Response:
    """Return a response with a ``Retry-After`` header."""
    return build_response(status, {"Retry-After": str(seconds)})


def request(
    method: str = "POST",
    *,
    idempotent: bool = False,
    deadline: Deadline | None = None,
    operation: str = "asks.create",
    priority: Priority = "interactive",
) -> Request:
    """Return a request as the session manager makes it."""
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


def connection_failure() -> NoResponse:
    """Return the failure of a request that was not sent, because no connection was made."""
    return ConnectionFailed("refused", phase="connecting", seconds=0.0, sent=False)


def connection_loss() -> NoResponse:
    """Return the failure of a request whose connection broke after it was sent."""
    return ConnectionLost("broke", phase="waiting", seconds=0.0, sent=True)


def timeout_failure(*, sent: bool) -> NoResponse:
    """Return the failure of a request that exceeded its attempt timeout."""
    return AttemptTimedOut(
        "late", phase="waiting" if sent else "connecting", seconds=1.0, sent=sent
    )


ScriptedOutcome = Response | BaseException


@attrs.define
class Script:
    """A handler that returns or raises its outcomes in order, and then repeats the last one."""

    outcomes: list[ScriptedOutcome]
    requests: list[Request] = attrs.field(factory=list[Request])

    async def __call__(self, request: Request) -> Response:
        outcome = self.outcomes[min(len(self.requests), len(self.outcomes) - 1)]
        self.requests.append(request)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


@attrs.define
class Clock:
    """A clock that moves only when `sleep` is called."""

    now: float = 1000.0
    slept: list[float] = attrs.field(factory=list[float])

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Move the clock without waiting."""
        self.slept.append(seconds)
        self.now += seconds


async def run_ready_tasks() -> None:
    """Run every task that needs no time to pass."""
    for _ in range(10):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for the condition to become true, for at most five seconds."""
    async with asyncio.timeout(5.0):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.002)


@attrs.define
class Stage:
    """A handler that keeps each request in flight until `end` is called with its operation."""

    order: list[str] = attrs.field(factory=list[str])
    in_flight: dict[str, asyncio.Future[Response]] = attrs.field(
        factory=dict[str, "asyncio.Future[Response]"]
    )
    max_in_flight: int = 0
    _arrivals: dict[str, asyncio.Event] = attrs.field(factory=dict[str, asyncio.Event])

    async def arrival(self, name: str) -> None:
        """Wait until the request of this operation has arrived."""
        await self._arrivals.setdefault(name, asyncio.Event()).wait()

    async def __call__(self, request: Request) -> Response:
        name = request.operation
        self.order.append(name)
        self._arrivals.setdefault(name, asyncio.Event()).set()
        future = self.in_flight[name] = asyncio.get_running_loop().create_future()
        self.max_in_flight = max(self.max_in_flight, len(self.in_flight))
        try:
            response: Response = await future
            return response
        finally:
            del self.in_flight[name]

    async def end(self, name: str, response: Response | None = None) -> None:
        """Respond to the request of this operation."""
        self.in_flight[name].set_result(response or build_response())
        await run_ready_tasks()


def start_call(call: Awaitable[Response]) -> asyncio.Task[Response]:
    """Start a call, and return its task."""
    return asyncio.ensure_future(call)


Jitter = Callable[[float], float]


def no_backoff(max_seconds: float) -> float:
    """Return the shortest delay that full jitter allows."""
    return 0.0 * max_seconds


def without_backoff(client: MoreGoodClient, **fields: Any) -> MoreGoodClient:
    """Return the same client with backoff delays of zero, or with other fields of `Retry`."""
    make_retry = partial(Retry, **{"jitter": no_backoff, **fields})
    session = client._session
    client._bind(SessionManager(session.connections, session.settings, make_retry=make_retry))
    return client


class LoopThread:
    """An event loop that runs in its own thread."""

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
        async def await_call() -> Any:
            return await call

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(await_call(), self.loop))

    def stop(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(self.stopping.set)

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.thread.join()
