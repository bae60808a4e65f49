"""What a client shares with its views: connections, one pace per key, and when they close.

Connections and paces belong to an event loop, so each loop has its own. One client can therefore
serve one ``asyncio.run`` after the other, loops in several threads, and both sides of a fork.

Closing, in the order of `LoopConnections.close`:

1. With a grace, `Drain` ends the calls that are still queued: they raise `Drained`.
2. The requests in flight finish, for as long as the grace lasts.
3. The transport closes. A request that is still in flight loses its connection, and a call that
   is still queued raises `ClientClosed`.

A loop that ends without `Connections.aclose` goes through step 3 by itself.
"""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol
from weakref import WeakKeyDictionary

from moregood_async.config import KeySource, Limits
from moregood_async.errors import ClientClosed
from moregood_async.governor.governor import Governor
from moregood_async.governor.state import PaceState
from moregood_async.middleware.pace import Pace
from moregood_async.middleware.retry import RetryBudget
from moregood_async.wire import Drain, Handler, Request, Response

LOOP_CHECK_SECONDS = 0.1
"""How often `aclose` checks that another thread's loop still runs. A loop that ends drops the
callbacks that it has not run, so waiting for one without a check could last for ever."""


class Transport(Protocol):
    """A handler that can be closed."""

    async def __call__(self, request: Request) -> Response:
        """Return the response to a request."""
        ...

    async def close(self) -> None:
        """Close all connections. Calling it twice is fine."""
        ...


class HandlerTransport:
    """The transport around a user's handler, which has no connections to close."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, request: Request) -> Response:
        """Return the handler's response."""
        return await self._handler(request)

    async def close(self) -> None:
        """Do nothing."""


class LoopConnections:
    """The transport and the paces of one event loop, and the owner of their closing."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.is_closed: bool = False
        self.closer: _TransportCloser = _TransportCloser(transport)
        self._shutdown_hook = _close_at_loop_shutdown(self.closer)
        self._paces: dict[KeySource, Pace] = {}
        self._drain = Drain()
        self._joined_drains: WeakKeyDictionary[Drain, Drain] = WeakKeyDictionary()
        self._in_flight = 0
        self._idle: asyncio.Event | None = None

    async def open(self) -> None:
        """Have the transport closed when the loop shuts down."""
        await anext(self._shutdown_hook)

    async def send(self, request: Request) -> Response:
        """Return the transport's response to a request.

        Raises:
            ClientClosed: The client was closed while the request was queued; nothing was sent.
        """
        if self.is_closed:
            raise ClientClosed("nothing was sent: the client was closed")
        self._in_flight += 1
        try:
            return await self.transport(request)
        finally:
            self._in_flight -= 1
            if not self._in_flight and self._idle is not None:
                self._idle.set()

    async def close(self, grace: float = 0.0) -> None:
        """Close the transport. Calling it twice is fine: the second call waits for the first.

        Args:
            grace: Seconds in which the requests in flight may finish. With a grace, queued calls
                raise `Drained` at once. If the task is cancelled, the grace ends.
        """
        try:
            if grace > 0.0 and not self.is_closed:
                self._drain_all()
                await self._wait_until_idle(grace)
        finally:
            self.is_closed = True
            await self.closer.close()
            with suppress(RuntimeError):  # the loop shuts down and is closing the hook itself
                await self._shutdown_hook.aclose()

    def _drain_all(self) -> None:
        for drain in [self._drain, *self._joined_drains.values()]:
            drain.start()

    async def _wait_until_idle(self, seconds: float) -> None:
        if self._in_flight:
            if self._idle is None or self._idle.is_set():
                self._idle = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._idle.wait()

    def pace(self, key: KeySource, limits: Limits) -> Pace:
        """Return the pace that all calls with this key share, made by its first use."""
        pace = self._paces.get(key)
        if pace is None:
            pace = self._paces[key] = Pace(Governor(limits))
        return pace

    def drain_for(self, drain: Drain | None) -> Drain:
        """Return a drain that starts with ``drain``, and when this loop's calls are drained.

        A user's drain can serve several clients, so closing one client must not start it.
        """
        if drain is None:
            return self._drain
        joined = self._joined_drains.get(drain)
        if joined is None:
            joined = self._joined_drains[drain] = Drain()
            drain.add_callback(joined.start)
        return joined


class _TransportCloser:
    """Closes a transport once; every further caller waits for the first one's task."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._task: asyncio.Future[None] | None = None

    @property
    def is_started(self) -> bool:
        return self._task is not None

    async def close(self) -> None:
        # A loop that shuts down cancels all tasks first. Closing then starts a second time, from
        # the generator below. A caller's own cancellation stops at the shield.
        if self._task is None or self._task.cancelled():
            self._task = asyncio.ensure_future(self._transport.close())
        await asyncio.shield(self._task)


async def _close_at_loop_shutdown(closer: _TransportCloser) -> AsyncGenerator[None, None]:
    """Async generator that closes the transport when the loop runs ``shutdown_asyncgens()``.

    It also closes the transport of a client that is garbage collected while its loop runs: the
    loop's finalizer hook closes the generator. It must therefore not refer to the
    `LoopConnections`, which hold it: that cycle would keep both until the next collection.
    """
    try:
        yield
    finally:
        await closer.close()


async def _close_in_thread(
    connections: LoopConnections, loop: asyncio.AbstractEventLoop, grace: float
) -> None:
    """Close the connections of another thread's loop, in that loop, and wait for it.

    If that loop ends first, it has closed them by itself; see `_close_at_loop_shutdown`.
    """
    closed = Future[None]()
    tasks: list[asyncio.Task[None]] = []  # the loop itself keeps only weak references to tasks

    def start_closing() -> None:
        # A loop that is shutting down runs this callback, but would not run a new task.
        if connections.closer.is_started:
            closed.set_result(None)
            return
        tasks.append(asyncio.ensure_future(connections.close(grace)))
        tasks[0].add_done_callback(lambda _: closed.set_result(None))

    def end_grace() -> None:
        for task in tasks:
            task.cancel()

    waiting = asyncio.wrap_future(closed)
    with suppress(RuntimeError):  # the loop has just been closed
        loop.call_soon_threadsafe(start_closing)
        try:
            while loop.is_running() and not waiting.done():
                await asyncio.wait([waiting], timeout=LOOP_CHECK_SECONDS)
        except asyncio.CancelledError:
            loop.call_soon_threadsafe(end_grace)
            raise


class Connections:
    """The connections of one client by event loop, its keys' limits, and its retry budget."""

    def __init__(self, make_transport: Callable[[], Transport], *, created_at: str) -> None:
        self.budget: RetryBudget = RetryBudget()
        self.limits: dict[KeySource, Limits] = {}
        self._make_transport = make_transport
        self._created_at = created_at
        self._is_closed = False
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, LoopConnections] = (
            WeakKeyDictionary()
        )
        self._latest: tuple[asyncio.AbstractEventLoop, LoopConnections] | None = None
        self._parents: list[object] = []

    async def for_running_loop(self) -> LoopConnections:
        """Return the running loop's connections, opened by their first use.

        Raises:
            ClientClosed: The client was closed.
        """
        if self._is_closed:
            raise ClientClosed("nothing was sent: the client was closed")
        loop = asyncio.get_running_loop()
        latest = self._latest
        if latest is not None and latest[0] is loop and self._is_usable(latest[1]):
            return latest[1]
        return await self._find_or_open(loop)

    def pace(self, key: KeySource, limits: Limits) -> PaceState:
        """Return the state of this key's pace in the running loop, or of an unused pace."""
        connections = None
        with suppress(RuntimeError):  # no loop is running
            connections = self._loops.get(asyncio.get_running_loop())
        if connections is None:
            return Pace(Governor(limits)).state
        return connections.pace(key, limits).state

    def _is_usable(self, connections: LoopConnections) -> bool:
        return not connections.is_closed and self._pid == os.getpid()

    async def _find_or_open(self, loop: asyncio.AbstractEventLoop) -> LoopConnections:
        with self._lock:
            self._detach_from_parent()
            connections = self._loops.get(loop)
            if connections is not None and not connections.is_closed:
                self._latest = loop, connections
                return connections
            # A loop that was closed has closed its connections. They refer to the loop, so the
            # weak keys alone would never let it go.
            for closed_loop in [each for each in self._loops if each.is_closed()]:
                del self._loops[closed_loop]
            connections = self._loops[loop] = LoopConnections(self._make_transport())
            self._latest = loop, connections
        await connections.open()
        return connections

    def _detach_from_parent(self) -> None:
        """In a forked child, set the parent's connections aside and begin with none.

        The child keeps a reference to them: their destructors would close sockets that the parent
        still uses.
        """
        if self._pid != os.getpid():
            self._parents.append((self._loops, self._latest))
            self._loops, self._latest = WeakKeyDictionary(), None
            self._pid = os.getpid()

    async def aclose(self, grace: float = 0.0) -> None:
        """Close the connections of every loop; see `LoopConnections.close`."""
        self._is_closed = True
        with self._lock:
            self._detach_from_parent()
            loops = list(self._loops.items())
            self._latest = None
        # All loops at once, so that the grace is the same time for all of them.
        async with asyncio.TaskGroup() as closing:
            for loop, connections in loops:
                closing.create_task(self._close_loop(loop, connections, grace))

    async def _close_loop(
        self, loop: asyncio.AbstractEventLoop, connections: LoopConnections, grace: float
    ) -> None:
        if loop is asyncio.get_running_loop():
            await connections.close(grace)
        elif loop.is_running():  # in another thread
            await _close_in_thread(connections, loop, grace)
        # A loop that is neither running nor closed closes its connections when it is closed.
        if connections.is_closed or loop.is_closed():
            self._loops.pop(loop, None)

    def __del__(self) -> None:
        if not self._is_closed and self._loops and self._pid == os.getpid():
            warnings.warn(
                f"a MoreGoodClient made at {self._created_at} was never closed: "
                "use it in `async with`, or await its aclose()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
