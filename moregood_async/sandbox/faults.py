"""Faults as values: what a network, a proxy or a broken server does to some of the requests.

Each is a middleware, and they chain, the first one outermost::

    sandbox.faults = Delay(0.05) | Refuse(503, probability=0.05, seed=1) | DropAfterEffect(times=1)

A fault is a plain value: what it has done so far is kept where it is installed, so two sandboxes
that are given the same fault behave the same.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Self, cast

import attrs
from attrs.validators import deep_mapping, in_, instance_of, optional

from moregood_async.errors import ConnectionLost
from moregood_async.privacy import Headers
from moregood_async.sandbox import laravel
from moregood_async.sandbox.chains import Link
from moregood_async.wire import Handler, Request, Response


def _within(
    kind: type[int | float], least: float, most: float
) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    def check(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, (int, kind)) or not least <= value <= most:
            raise ValueError(f"{attribute.name} is a number from {least:g} to {most:g}")

    return check


def _names(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    listed = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value or "",)
    if not all(isinstance(each, str) for each in listed):
        raise TypeError(f"{attribute.name} is an operation's name, or a tuple of them")


_status = _within(int, 200, 599)
_text = instance_of(str)


@attrs.define
class _Turns:
    """What one installed fault has done, and the dice that it throws."""

    dice: Random
    used: int = 0


@attrs.frozen(kw_only=True)
class Fault(Link):
    """What all faults have in common: whom they strike, and how often."""

    probability: float = attrs.field(default=1.0, validator=_within(float, 0, 1))
    """Of the requests that it is about, the share that it strikes."""
    seed: int = 0
    """The same seed strikes the same requests, counted in the order of their arrival."""
    times: int | None = attrs.field(default=None, validator=optional(_within(int, 0, 2**63)))
    """It strikes at most so often."""
    on: str | tuple[str, ...] | None = attrs.field(default=None, validator=_names)
    """The operations that it is about, such as ``"asks.create"``; None for every request."""
    _turns: _Turns = attrs.field(
        default=attrs.Factory(lambda self: _Turns(Random(self.seed)), takes_self=True),
        init=False,
        eq=False,
        repr=False,
    )

    def fresh(self) -> Self:
        """The same fault, having done nothing yet."""
        return attrs.evolve(self)

    def strikes(self, request: Request) -> bool:
        """Whether it is this request's turn; throws the dice for each that it is about."""
        about = (self.on,) if isinstance(self.on, str) else self.on
        if about is not None and request.operation not in about:
            return False
        if self.times is not None and self._turns.used >= self.times:
            return False
        if self.probability < 1 and self._turns.dice.random() >= self.probability:
            return False
        self._turns.used += 1
        return True

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Stands around a handler; a `Middleware`."""
        if self.strikes(request):
            return await self._strike(request, call_next)
        return await call_next(request)

    @abstractmethod
    async def _strike(self, request: Request, call_next: Handler) -> Response: ...


class CutShort(ConnectionLost):
    """The answer breaks off; a real server sends as much of it as there is before."""

    def __init__(self, response: Response) -> None:
        super().__init__(
            "the sandbox cut the answer short", phase="reading", seconds=0.0, sent=True
        )
        self.response = response


def _dropped() -> ConnectionLost:
    return ConnectionLost(
        "the sandbox dropped the connection", phase="waiting", seconds=0.0, sent=True
    )


@attrs.frozen
class Delay(Fault):
    """Waits before the request goes on."""

    seconds: float = attrs.field(validator=_within(float, 0, 86_400))

    async def _strike(self, request: Request, call_next: Handler) -> Response:
        await asyncio.sleep(self.seconds)
        return await call_next(request)


@attrs.frozen
class Refuse(Fault):
    """An error status instead of an effect, by default with Laravel's body for it."""

    status: int = attrs.field(validator=_status)
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], validator=deep_mapping(_text, _text)
    )
    body: bytes | None = attrs.field(
        default=None, validator=optional(instance_of(bytes)), repr=False
    )

    async def _strike(self, request: Request, call_next: Handler) -> Response:
        refused = laravel.Refused(self.status, laravel.message_of(self.status))
        usual = laravel.refusal(request, refused)
        return Response(
            status=self.status,
            headers=Headers({**usual.headers, **Headers(self.headers)}),
            body=usual.body if self.body is None else self.body,
        )


@attrs.frozen
class DropBeforeEffect(Fault):
    """The connection closes without an answer, and nothing took effect."""

    async def _strike(self, request: Request, call_next: Handler) -> Response:
        raise _dropped()


@attrs.frozen
class DropAfterEffect(Fault):
    """The connection closes without an answer, but the request took effect."""

    async def _strike(self, request: Request, call_next: Handler) -> Response:
        await call_next(request)
        raise _dropped()


@attrs.frozen
class CutBody(Fault):
    """The request takes effect; its answer announces more bytes than come."""

    async def _strike(self, request: Request, call_next: Handler) -> Response:
        raise CutShort(await call_next(request))


@attrs.frozen
class Garbage(Fault):
    """The request takes effect; the answer is a 200 that is no JSON."""

    body: bytes = attrs.field(
        default=b'{"success": true, \x00\xff\xfe garbage',
        validator=instance_of(bytes),
        repr=False,
    )

    async def _strike(self, request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        return Response(status=200, headers=response.headers, body=self.body)


@attrs.frozen
class Html(Fault):
    """A proxy's page instead of the answer; 504 with ``after_effect=True`` is a gateway's."""

    status: int = attrs.field(default=200, validator=_status)
    after_effect: bool = attrs.field(default=False, kw_only=True)

    async def _strike(self, request: Request, call_next: Handler) -> Response:
        if self.after_effect:
            await call_next(request)
        return laravel.html(self.status, laravel.message_of(self.status))


@attrs.frozen
class Redirect(Fault):
    """Sends the client elsewhere; nothing takes effect."""

    location: str = attrs.field(validator=_text)
    status: int = attrs.field(default=302, validator=in_((301, 302, 303, 307, 308)))

    async def _strike(self, request: Request, call_next: Handler) -> Response:
        return laravel.redirect(self.location, self.status)
