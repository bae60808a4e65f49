"""An event loop on which nothing takes time: a wait moves its clock instead.

A second's margin, an hour's ``Retry-After`` and a thousand cancelled calls are over in
milliseconds, on asyncio's own timers. Where nothing would ever happen again, it says so.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Skipping(selectors.SelectSelector):
    """Instead of sleeping until the next timer, it moves the clock there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if timeout is None and not ready:
            raise AssertionError("deadlock: everybody waits, and no timer is set")
        if not ready:
            self.now += max(0.0, timeout or 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, on a clock that jumps."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


def virtually(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What a coroutine function gives on such a loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def now() -> float:
    """The running loop's time."""
    return asyncio.get_running_loop().time()
