"""Faults as values: what a network, a proxy or a broken server does to some of the requests.

Each fault is a middleware. Faults form a chain with ``|``, the first one outermost::

    sandbox.faults = Delay(0.05) | Refuse(503, probability=0.05, seed=1) | DropAfterEffect(times=1)

A fault is a plain value. Its counts live in the copy that a sandbox installs, so two sandboxes
with the same fault behave the same. The error pages and bodies follow the rules of `laravel`.
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
from moregood_async.sandbox.fault_chain import Chainable
from moregood_async.wire import Handler, Request, Response


def _number_between(
    kind: type[int | float], least: float, most: float
) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    def validate(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, (int, kind)) or not least <= value <= most:
            raise ValueError(f"{attribute.name} is a number from {least:g} to {most:g}")

    return validate


def _validate_operations(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    names = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value or "",)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"{attribute.name} is an operation's name, or a tuple of them")


_status = _number_between(int, 200, 599)
_text = instance_of(str)


@attrs.define
class _Progress:
    """The random numbers of one installed fault, and how many requests it has hit."""

    random: Random
    hits: int = 0


@attrs.frozen(kw_only=True)
class Fault(Chainable):
    """The common part of all faults: which requests they hit, and how often."""

    probability: float = attrs.field(default=1.0, validator=_number_between(float, 0, 1))
    """The share of the requests in question that the fault hits."""
    seed: int = 0
    """Selects which requests are hit: the same seed hits the same ones, in order of arrival."""
    times: int | None = attrs.field(
        default=None, validator=optional(_number_between(int, 0, 2**63))
    )
    """The largest number of requests that the fault hits; None for no limit."""
    on: str | tuple[str, ...] | None = attrs.field(default=None, validator=_validate_operations)
    """The operations that the fault can hit, such as ``"asks.create"``; None for every request."""
    _progress: _Progress = attrs.field(
        default=attrs.Factory(lambda self: _Progress(Random(self.seed)), takes_self=True),
        init=False,
        eq=False,
        repr=False,
    )

    def fresh_copy(self) -> Self:
        """Return an equal fault that has hit nothing yet."""
        return attrs.evolve(self)

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Handle a request, as a `Middleware`."""
        if self._count_hit(request):
            return await self._hit(request, call_next)
        return await call_next(request)

    def _count_hit(self, request: Request) -> bool:
        """Decide whether the fault hits this request, and count the hit."""
        operations = (self.on,) if isinstance(self.on, str) else self.on
        if operations is not None and request.operation not in operations:
            return False
        if self.times is not None and self._progress.hits >= self.times:
            return False
        # One random number for each request in question keeps the sequence independent of others.
        if self.probability < 1 and self._progress.random.random() >= self.probability:
            return False
        self._progress.hits += 1
        return True

    @abstractmethod
    async def _hit(self, request: Request, call_next: Handler) -> Response: ...


class TruncatedBody(ConnectionLost):
    """A response whose body ends early; a server on a socket sends a part of ``response``."""

    def __init__(self, response: Response) -> None:
        super().__init__(
            "the sandbox cut the response short", phase="reading", seconds=0.0, sent=True
        )
        self.response = response


def _connection_dropped() -> ConnectionLost:
    return ConnectionLost(
        "the sandbox dropped the connection", phase="waiting", seconds=0.0, sent=True
    )


@attrs.frozen
class Delay(Fault):
    """Wait before the request is handled."""

    seconds: float = attrs.field(validator=_number_between(float, 0, 86_400))

    async def _hit(self, request: Request, call_next: Handler) -> Response:
        await asyncio.sleep(self.seconds)
        return await call_next(request)


@attrs.frozen
class Refuse(Fault):
    """Respond with an error status, without an effect. The default body is Laravel's."""

    status: int = attrs.field(validator=_status)
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], validator=deep_mapping(_text, _text)
    )
    body: bytes | None = attrs.field(
        default=None, validator=optional(instance_of(bytes)), repr=False
    )

    async def _hit(self, request: Request, call_next: Handler) -> Response:
        error = laravel.HttpError(self.status, laravel.default_message(self.status))
        usual = laravel.error_response(request, error)
        return Response(
            status=self.status,
            headers=Headers({**usual.headers, **Headers(self.headers)}),
            body=usual.body if self.body is None else self.body,
        )


@attrs.frozen
class DropBeforeEffect(Fault):
    """Close the connection without a response, and without an effect."""

    async def _hit(self, request: Request, call_next: Handler) -> Response:
        raise _connection_dropped()


@attrs.frozen
class DropAfterEffect(Fault):
    """Close the connection without a response, after the request took effect."""

    async def _hit(self, request: Request, call_next: Handler) -> Response:
        await call_next(request)
        raise _connection_dropped()


@attrs.frozen
class CutBody(Fault):
    """Announce more bytes than are sent, after the request took effect."""

    async def _hit(self, request: Request, call_next: Handler) -> Response:
        raise TruncatedBody(await call_next(request))


@attrs.frozen
class Garbage(Fault):
    """Respond with 200 and a body that is not JSON, after the request took effect."""

    body: bytes = attrs.field(
        default=b'{"success": true, \x00\xff\xfe garbage',
        validator=instance_of(bytes),
        repr=False,
    )

    async def _hit(self, request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        return Response(status=200, headers=response.headers, body=self.body)


@attrs.frozen
class Html(Fault):
    """Respond with an HTML page, as a proxy does.

    A gateway's timeout does not stop PHP, and the effect takes place [L]: that is
    ``Html(504, after_effect=True)``.
    """

    status: int = attrs.field(default=200, validator=_status)
    after_effect: bool = attrs.field(default=False, kw_only=True)

    async def _hit(self, request: Request, call_next: Handler) -> Response:
        if self.after_effect:
            await call_next(request)
        return laravel.html_response(self.status, laravel.default_message(self.status))


@attrs.frozen
class Redirect(Fault):
    """Redirect the client to another URL, without an effect."""

    location: str = attrs.field(validator=_text)
    status: int = attrs.field(default=302, validator=in_((301, 302, 303, 307, 308)))

    async def _hit(self, request: Request, call_next: Handler) -> Response:
        return laravel.redirect_response(self.location, self.status)
