"""The sandbox's own paths below ``/__sandbox__/``, for tests in another process.

``GET audit`` needs no key. With a key (``Authorization: Bearer …``), the audit covers the key's
project only. ``POST advance``, ``people``, ``click``, ``write``, ``mark`` and ``unsubscribe`` take
a JSON object with the parameters of the `Sandbox` method of the same name. ``POST faults`` takes a
list such as ``[{"fault": "DropAfterEffect", "times": 1, "on": "asks.create"}]``; an empty list
removes all faults.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

from moregood_async.sandbox import laravel
from moregood_async.sandbox.fault_chain import Chainable, Faults
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
from moregood_async.sandbox.routes import CONTROL_PATH, url_path
from moregood_async.sandbox.state import SandboxState
from moregood_async.sandbox.throttle import Throttle
from moregood_async.wire import Request, Response

_FAULT_CLASSES = (
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
FAULTS: Mapping[str, Callable[..., Chainable]] = MappingProxyType(
    {fault.__name__: fault for fault in _FAULT_CLASSES}
)
"""The faults by name."""


def _advance(state: SandboxState, arguments: dict[str, Any]) -> object:
    return {"now": state.advance(**arguments).isoformat()}


def _people(state: SandboxState, arguments: dict[str, Any]) -> object:
    state.people(**arguments)
    return {}


def _click(state: SandboxState, arguments: dict[str, Any]) -> object:
    return {"review_id": state.click(**arguments)}


def _write(state: SandboxState, arguments: dict[str, Any]) -> object:
    state.write(**arguments)
    return {}


def _mark(state: SandboxState, arguments: dict[str, Any]) -> object:
    state.mark(**arguments)
    return {}


def _unsubscribe(state: SandboxState, arguments: dict[str, Any]) -> object:
    state.unsubscribe(**arguments)
    return {}


def _faults(state: SandboxState, faults: list[dict[str, Any]]) -> object:
    state.faults = Faults(_build_fault(**fields) for fields in faults)
    return {"faults": len(state.faults)}


def _build_fault(fault: str, **fields: Any) -> Chainable:
    for name, value in fields.items():
        if isinstance(value, list):  # JSON has no tuples
            fields[name] = tuple(cast("list[str]", value))
    if isinstance(fields.get("body"), str):  # and no bytes
        fields["body"] = fields["body"].encode()
    return FAULTS[fault](**fields)


_COMMANDS: Mapping[str, Callable[[SandboxState, Any], object]] = MappingProxyType(
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


def is_control_request(request: Request) -> bool:
    """Whether a request is for the sandbox itself and not for the API."""
    return CONTROL_PATH in request.url and CONTROL_PATH in url_path(request.url)


def handle_control_request(state: SandboxState, request: Request) -> Response:
    """Run the command in the path and return its result, as JSON without an envelope.

    The status is 404 for an unknown path, key, customer, review or fault, and 400 for invalid
    arguments.
    """
    command = url_path(request.url).rpartition(CONTROL_PATH)[2].rstrip("/")
    try:
        if command == "audit" and request.method == "GET":
            return laravel.json_response(state.audit(_key_of(request)).as_json())
        if command in _COMMANDS and request.method == "POST":
            arguments = json.loads(request.body or b"{}")
            return laravel.json_response(_COMMANDS[command](state, arguments))
    except LookupError as error:
        return laravel.json_response({"message": f"not found: {error}"}, 404)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return laravel.json_response({"message": f"invalid arguments: {error}"}, 400)
    commands = ", ".join(_COMMANDS)
    message = f"no such path; use GET audit, or POST with one of {commands}"
    return laravel.json_response({"message": message}, 404)


def _key_of(request: Request) -> str | None:
    return request.headers.get("authorization", "").removeprefix("Bearer ") or None
