"""Readers of response models: functions generated for the field order of the JSON objects.

An endpoint sends its objects with the same fields in the same order every time. A reader that is
generated for that order

- unpacks the values into local variables and looks up no name,
- knows at generation time which fields are missing and which are unknown,
- takes a value of the usual type as it is, and calls a scalar hook only for other values,
- fills the slots directly, since ``__init__`` would first match its 36 keywords.

It reads a customer in 3.5 µs; a hook for each field and the model's ``__init__`` took 12 µs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs

from moregood_async.codec.scalars import DECODE_ERRORS, DecodeError, Hook

MAX_READERS = 32
"""The field orders of one model that get a generated reader. A server that shuffles its fields
would otherwise fill the memory; objects in further orders are read field by field."""

_USUAL_TYPE: dict[Any, str] = {
    int: "type({0}) is int",
    str | None: "type({0}) is str",
    int | None: "type({0}) is int",
    float | None: "type({0}) is int or type({0}) is float",
}
"""By a field's type: the test for a value that needs no hook."""


Reader = Callable[[dict[str, Any]], Any]


def make_hook(kind: type[Any], hook_of: Callable[[Any], Hook]) -> Hook:
    """Return the hook that reads a model of this kind."""
    attrs.resolve_types(kind)
    plan = _Plan(kind, hook_of)
    # The last order and its reader: the rows of a page share them, and comparing two tuples of
    # identical strings is faster than hashing one for the lookup in `plan.readers`.
    latest: tuple[tuple[str, ...], Reader] = ((), plan.read_by_field)

    def read(data: dict[str, Any], _: Any) -> Any:
        nonlocal latest
        if not isinstance(data, dict):
            raise DecodeError(f"no object where a {kind.__name__} belongs")
        order = tuple(data)
        latest_order, reader = latest
        if order != latest_order:
            reader = plan.readers.get(order) or plan.make_reader(order)
            latest = order, reader
        try:
            return reader(data)
        except DECODE_ERRORS:
            # One value does not fit. Which one is unknown, so every field is read on its own.
            return plan.read_by_field(data)

    return read


class _Plan:
    """A model's fields, the hook of each, and the readers generated so far."""

    def __init__(self, kind: type[Any], hook_of: Callable[[Any], Hook]) -> None:
        fields = [a for a in attrs.fields(kind) if a.name != "extra"]
        self.kind = kind
        self.types = {a.name: a.type for a in fields}
        self.hooks = {a.name: hook_of(a.type) for a in fields}
        self.required = {a.name for a in fields if a.default is attrs.NOTHING}
        self.readers: dict[tuple[str, ...], Reader] = {}

    def read_by_field(self, data: dict[str, Any]) -> Any:
        """Read each field on its own: the slow path, which puts what does not fit in ``extra``."""
        known: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, value in data.items():
            try:
                known[name] = self.hooks[name](value, None)
            except (*DECODE_ERRORS, KeyError):  # KeyError: the model has no such field
                extra[name] = value
        if not self.required <= known.keys():
            raise DecodeError(f"a {self.kind.__name__} without its id")
        return self.kind(**known, extra=extra)

    def make_reader(self, order: tuple[str, ...]) -> Reader:
        """Generate and keep a reader for objects whose fields come in this order."""
        if len(self.readers) == MAX_READERS or not self.required <= set(order):
            return self.read_by_field
        source = "\n    ".join(["def reader(data):", *self._lines(order)])
        names: dict[str, Any] = {"model": self.kind, "new": object.__new__, "order": order}
        names |= {"from_timestamp": datetime.fromtimestamp, "UTC": UTC}
        names |= {f"read_{name}": hook for name, hook in self.hooks.items()}
        exec(compile(source, f"<reader of {self.kind.__name__}>", "exec"), names)  # noqa: S102
        reader: Reader = names["reader"]
        self.readers[order] = reader
        return reader

    def _lines(self, order: tuple[str, ...]) -> list[str]:
        """Return the body of a reader for this order.

        For a small model and an unknown field it is::

            [v0, v1, v2] = data.values()
            it = new(model)
            last_seconds = last_time = None
            if not (type(v0) is int): v0 = read_id(v0, None)
            it.id = v0
            ...
            it.extra = {order[2]: v2}
            return it

        The source names only the model's own fields. A field name from the response is data: it
        reaches the reader through ``order`` and is never compiled.
        """
        variables = {name: f"v{number}" for number, name in enumerate(order)}
        lines = [f"[{', '.join(variables.values())}] = data.values()"]
        lines += ["it = new(model)", "last_seconds = last_time = None"]
        for name, type_ in self.types.items():
            known = name in variables
            lines += _field_lines(name, type_, variables[name]) if known else [f"it.{name} = None"]
        extra = [f"order[{n}]: v{n}" for n, name in enumerate(order) if name not in self.types]
        return [*lines, f"it.extra = {{{', '.join(extra)}}}", "return it"]


def _field_lines(name: str, type_: Any, value: str) -> list[str]:
    """Return the lines that read one field from the variable ``value``."""
    if type_ == datetime | None:
        # Several times of an object are often the same second: make the datetime once.
        return [
            f"if type({value}) is int:",
            f"    if {value} != last_seconds:",
            f"        last_seconds, last_time = {value}, from_timestamp({value}, UTC)",
            f"    it.{name} = last_time",
            f"else: it.{name} = {value} if {value} is None else read_{name}({value}, None)",
        ]
    if type_ == bool | None:
        # The database's flags are the integers 0 and 1; `type` keeps 1.0 and True apart from 1.
        zero_or_one = f"type({value}) is int and 0 <= {value} <= 1"
        return [
            f"if {value} is not None and type({value}) is not bool:",
            f"    {value} = {value} == 1 if {zero_or_one} else read_{name}({value}, None)",
            f"it.{name} = {value}",
        ]
    is_usual = _USUAL_TYPE.get(type_, "False").format(value)
    unless_null = "" if type_ is int else f"{value} is not None and "  # an id is never null
    return [
        f"if {unless_null}not ({is_usual}): {value} = read_{name}({value}, None)",
        f"it.{name} = {value}",
    ]
