"""Fault chains: faults and other middlewares in a row, written with ``|``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from moregood_async.wire import Handler, Middleware, Request, Response


class Chainable(ABC):
    """A middleware that joins a chain with ``|``, and that a sandbox copies to install it."""

    __slots__ = ()

    @abstractmethod
    def fresh_copy(self) -> Self:
        """Return an equal middleware whose counts start at zero."""

    @abstractmethod
    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Handle a request, as a `Middleware`."""

    def __or__(self, other: Middleware) -> Faults:
        return Faults((self,)) | other


class Faults(tuple[Middleware, ...]):
    """A fault chain, the first fault outermost. The chain is a middleware itself."""

    __slots__ = ()

    def __or__(self, other: Middleware) -> Faults:
        return Faults((*self, *(other if isinstance(other, Faults) else (other,))))

    def __ror__(self, other: Middleware) -> Faults:
        return Faults((other, *self))

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Handle a request, as a `Middleware`."""
        return await self.wrap(call_next)(request)

    def wrap(self, handler: Handler) -> Handler:
        """Return the handler with the whole chain around it."""
        for middleware in reversed(self):
            handler = _wrap_once(middleware, handler)
        return handler

    def fresh_copy(self) -> Faults:
        """Return an equal chain whose faults start their counts at zero."""
        return Faults(each.fresh_copy() if isinstance(each, Chainable) else each for each in self)


def _wrap_once(middleware: Middleware, handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        return await middleware(request, handler)

    return handle
