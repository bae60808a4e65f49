"""The sandbox's own paths below ``/__sandbox__/``, for tests in another process.

``GET audit`` needs no key; with one (``Authorization: Bearer …``) it is of that project only.
``POST advance``, ``people``, ``click``, ``write``, ``mark`` and ``unsubscribe`` take a JSON
object with the parameters of the `Sandbox` method of that name. ``POST faults`` takes a list such
as ``[{"fault": "DropAfterEffect", "times": 1, "on": "asks.create"}]``; an empty one ends them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

from moregood_async.sandbox import laravel
from moregood_async.sandbox.chains import Faults, Link
from moregood_async.sandbox.faults import (
    CutBody,
    Delay,
    DropAfterEffect,
    DropBeforeEffect,
    Garbage,
    Html,
    Redirect,
    Refuse,
)
from moregood_async.sandbox.routes import CONTROL, path_of
from moregood_async.sandbox.throttle import Throttle
from moregood_async.sandbox.world import World
from moregood_async.wire import Request, Response

_KINDS = (
    CutBody,
    Delay,
    DropAfterEffect,
    DropBeforeEffect,
    Garbage,
    Html,
    Redirect,
    Refuse,
    Throttle,
)
FAULTS: Mapping[str, Callable[..., Link]] = MappingProxyType(
    {kind.__name__: kind for kind in _KINDS}
)
"""The faults by name."""


def _advance(world: World, told: dict[str, Any]) -> object:
    return {"now": world.advance(**told).isoformat()}


def _people(world: World, told: dict[str, Any]) -> object:
    world.people(**told)
    return {}


def _click(world: World, told: dict[str, Any]) -> object:
    return {"review_id": world.click(**told)}


def _write(world: World, told: dict[str, Any]) -> object:
    world.write(**told)
    return {}


def _mark(world: World, told: dict[str, Any]) -> object:
    world.mark(**told)
    return {}


def _unsubscribe(world: World, told: dict[str, Any]) -> object:
    world.unsubscribe(**told)
    return {}


def _faults(world: World, told: list[dict[str, Any]]) -> object:
    world.faults = Faults(_fault(**each) for each in told)
    return {"faults": len(world.faults)}


def _fault(fault: str, **fields: Any) -> Link:
    for name, value in fields.items():
        if isinstance(value, list):
            fields[name] = tuple(cast("list[str]", value))
    if isinstance(fields.get("body"), str):
        fields["body"] = fields["body"].encode()
    return FAULTS[fault](**fields)


_COMMANDS: Mapping[str, Callable[[World, Any], object]] = MappingProxyType(
    {
        "advance": _advance,
        "people": _people,
        "click": _click,
        "write": _write,
        "mark": _mark,
        "unsubscribe": _unsubscribe,
        "faults": _faults,
    }
)


def is_control(request: Request) -> bool:
    """Whether a request speaks to the sandbox itself."""
    return CONTROL in request.url and CONTROL in path_of(request.url)


def answer(world: World, request: Request) -> Response:
    """The answer to such a request: JSON without an envelope, 400 where it makes no sense."""
    name = path_of(request.url).rpartition(CONTROL)[2].rstrip("/")
    try:
        if name == "audit" and request.method == "GET":
            return laravel.plain_json(world.audit(_key(request)).as_json())
        if name in _COMMANDS and request.method == "POST":
            told = json.loads(request.body or b"{}")
            return laravel.plain_json(_COMMANDS[name](world, told))
    except LookupError as error:
        return laravel.plain_json({"message": f"there is no such thing: {error}"}, 404)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return laravel.plain_json({"message": f"that makes no sense: {error}"}, 400)
    return laravel.plain_json({"message": "the sandbox has audit (GET) and commands (POST)"}, 404)


def _key(request: Request) -> str | None:
    return request.headers.get("authorization", "").removeprefix("Bearer ") or None
