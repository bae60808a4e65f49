"""What a client and its views share: connections, and a pace for each key.

Everything that belongs to an event loop is kept by loop, so that one client serves
``asyncio.run`` after ``asyncio.run``, loops in several threads, and both sides of a fork. A
loop's connections are closed with the client, or else when the loop itself shuts down.
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
from moregood_async.wire import Request, Response

LOOK_AGAIN_SECONDS = 0.1
"""How often to see whether the loop of another thread, asked to close, still runs."""


class Transport(Protocol):
    """A handler that has something to close."""

    async def __call__(self, request: Request) -> Response:
        """Answers a request."""
        ...

    async def close(self) -> None:
        """Lets go of everything; twice is fine."""
        ...


class LoopConnections:
    """The transport and the paces of one event loop."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.closed: bool = False
        self._paces: dict[KeySource, Pace] = {}
        self.closing: _Closing = _Closing(transport)
        self._keeper = _kept(self.closing)

    async def open(self) -> None:
        """From here on, the loop's own shutdown closes the transport too."""
        await anext(self._keeper)

    async def send(self, request: Request) -> Response:
        """The transport's answer.

        Raises:
            ClientClosed: The client was closed, perhaps while this request waited for its turn.
        """
        if self.closed:
            raise ClientClosed("nothing was sent: the client was closed")
        return await self.transport(request)

    async def close(self) -> None:
        """Close the transport; twice is fine."""
        if not self.closed:
            self.closed = True
            await self.closing.once()
            with suppress(RuntimeError):  # the loop is ending, and closes it in this moment
                await self._keeper.aclose()

    def pace(self, key: KeySource, limits: Limits) -> Pace:
        """The pace that all calls with this key share."""
        pace = self._paces.get(key)
        if pace is None:
            pace = self._paces[key] = Pace(Governor(limits))
        return pace


class _Closing:
    """Closes a transport; whoever asks for it a second time waits for the first."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.begun: asyncio.Future[None] | None = None

    async def once(self) -> None:
        if self.begun is None or self.begun.cancelled():  # a loop that ends cancels its tasks
            self.begun = asyncio.ensure_future(self.transport.close())
        await asyncio.shield(self.begun)


async def _kept(closing: _Closing) -> AsyncGenerator[None, None]:
    """Closes a transport when it is closed itself, which every loop does to its generators."""
    try:
        yield
    finally:
        await closing.once()


async def _closed_there(here: LoopConnections, loop: asyncio.AbstractEventLoop) -> None:
    """Closes what belongs to another thread's loop; if that ends first, it does so itself."""
    closed = Future[None]()
    begun: list[asyncio.Task[None]] = []

    def begin() -> None:
        if here.closing.begun is not None:  # by the loop, which is ending and takes up no task
            closed.set_result(None)
            return
        begun.append(asyncio.ensure_future(here.close()))
        begun[0].add_done_callback(lambda _: closed.set_result(None))

    with suppress(RuntimeError):  # it has just ended
        loop.call_soon_threadsafe(begin)
    waiting = asyncio.wrap_future(closed)
    while loop.is_running() and not waiting.done():
        await asyncio.wait([waiting], timeout=LOOK_AGAIN_SECONDS)


class Connections:
    """The loops of one client, its key's limits, its retry budget, and whether it is closed."""

    def __init__(self, make_transport: Callable[[], Transport], *, made_at: str) -> None:
        self.budget: RetryBudget = RetryBudget()
        self.limits: dict[KeySource, Limits] = {}
        self._make_transport = make_transport
        self._made_at = made_at
        self._closed = False
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, LoopConnections] = (
            WeakKeyDictionary()
        )
        self._latest: tuple[asyncio.AbstractEventLoop, LoopConnections] | None = None
        self._inherited: list[object] = []

    async def for_running_loop(self) -> LoopConnections:
        """What belongs to the running loop, opened by its first use.

        Raises:
            ClientClosed: The client was closed.
        """
        if self._closed:
            raise ClientClosed("nothing was sent: the client was closed")
        loop = asyncio.get_running_loop()
        latest = self._latest
        if latest is not None and latest[0] is loop and self._usable(latest[1]):
            return latest[1]
        return await self._opened(loop)

    def pace(self, key: KeySource, limits: Limits) -> PaceState:
        """What the running loop's pace of this key believes; without one, what one begins with."""
        here = None
        with suppress(RuntimeError):  # no loop runs here
            here = self._loops.get(asyncio.get_running_loop())
        return (Pace(Governor(limits)) if here is None else here.pace(key, limits)).state

    def _usable(self, here: LoopConnections) -> bool:
        return not here.closed and self._pid == os.getpid()

    async def _opened(self, loop: asyncio.AbstractEventLoop) -> LoopConnections:
        with self._lock:
            self._leave_to_parent()
            here = self._loops.get(loop)
            if here is not None and not here.closed:
                self._latest = loop, here
                return here
            for ended in [each for each in self._loops if each.is_closed()]:
                del self._loops[ended]  # it has closed its connections, and is held by them
            here = self._loops[loop] = LoopConnections(self._make_transport())
            self._latest = loop, here
        await here.open()
        return here

    def _leave_to_parent(self) -> None:
        """After a fork the parent's connections stay as they are, not even closed."""
        if self._pid != os.getpid():
            self._inherited.append((self._loops, self._latest))
            self._loops, self._latest = WeakKeyDictionary(), None
            self._pid = os.getpid()

    async def aclose(self) -> None:
        """Close the connections of every loop; twice is fine."""
        self._closed = True
        with self._lock:
            self._leave_to_parent()
            loops = list(self._loops.items())
            self._latest = None
        for loop, here in loops:
            if loop is asyncio.get_running_loop():
                await here.close()
            elif loop.is_running():  # in another thread
                await _closed_there(here, loop)
            if here.closed or loop.is_closed():  # else the loop closes it when it ends
                self._loops.pop(loop, None)

    def __del__(self) -> None:
        if not self._closed and self._loops and self._pid == os.getpid():
            warnings.warn(
                f"a MoreGoodClient made at {self._made_at} was never closed: "
                "use it in `async with`, or await its aclose()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
