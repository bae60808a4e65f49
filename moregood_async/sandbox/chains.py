"""Faults in a row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from moregood_async.wire import Handler, Middleware, Request, Response


class Link(ABC):
    """A middleware that chains with ``|`` and can be installed afresh."""

    __slots__ = ()

    @abstractmethod
    def fresh(self) -> Self:
        """The same again, with nothing counted and nothing done yet."""

    @abstractmethod
    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Stands around a handler; a `Middleware`."""

    def __or__(self, other: Middleware) -> Faults:
        return Faults((self,)) | other


class Faults(tuple[Middleware, ...]):
    """Faults in a row, the first one outermost; itself a middleware."""

    __slots__ = ()

    def __or__(self, other: Middleware) -> Faults:
        return Faults((*self, *(other if isinstance(other, Faults) else (other,))))

    def __ror__(self, other: Middleware) -> Faults:
        return Faults((other, *self))

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Stands around a handler; a `Middleware`."""
        return await self.around(call_next)(request)

    def around(self, handler: Handler) -> Handler:
        """The handler behind all of them."""
        for fault in reversed(self):
            handler = _behind(fault, handler)
        return handler

    def fresh(self) -> Faults:
        """The same faults, having done nothing yet."""
        return Faults(each.fresh() if isinstance(each, Link) else each for each in self)


def _behind(fault: Middleware, handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        return await fault(request, handler)

    return handle
