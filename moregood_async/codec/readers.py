"""Readers of models, written out for the objects that come: one for each order of their fields.

The objects that an endpoint answers have the same fields in the same order. A reader that is
written for that order looks up no name, and knows beforehand what is missing and what unknown;
it takes a value of the usual type as it is, and gives only the others to their hooks. A customer
is so read in 3.5 µs; with a hook for each field and the model's ``__init__`` it took 12.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs

from moregood_async.codec.leaves import MISFITS, Hook, Unfit

MOST_ORDERS = 32
"""So many orders have a reader of their own; what comes in others is read one by one."""

_USUAL: dict[Any, str] = {
    int: "type({0}) is int",
    str | None: "type({0}) is str",
    int | None: "type({0}) is int",
    float | None: "type({0}) is int or type({0}) is float",
}
"""By a field's type: how to tell a value that is taken as it is."""


Reader = Callable[[dict[str, Any]], Any]


def reader_of(kind: type[Any], hook_of: Callable[[Any], Hook]) -> Hook:
    """The hook that reads a model of this kind."""
    attrs.resolve_types(kind)
    plan = _Plan(kind, hook_of)
    latest: tuple[tuple[str, ...], Reader] = ((), plan.one_by_one)

    def read(data: dict[str, Any], _: Any) -> Any:
        nonlocal latest
        if not isinstance(data, dict):
            raise Unfit(f"no object where a {kind.__name__} belongs")
        order = tuple(data)
        known, reader = latest  # rows of a page: no need to look it up again
        if order != known:
            reader = plan.written.get(order) or plan.reader_for(order)
            latest = order, reader
        try:
            return reader(data)
        except MISFITS:
            return plan.one_by_one(data)

    return read


class _Plan:
    """A model's fields, what reads each of them, and the readers that were written so far."""

    def __init__(self, kind: type[Any], hook_of: Callable[[Any], Hook]) -> None:
        fields = [a for a in attrs.fields(kind) if a.name != "extra"]
        self.kind = kind
        self.types = {a.name: a.type for a in fields}
        self.hooks = {a.name: hook_of(a.type) for a in fields}
        self.needed = {a.name for a in fields if a.default is attrs.NOTHING}
        self.written: dict[tuple[str, ...], Reader] = {}

    def one_by_one(self, data: dict[str, Any]) -> Any:
        """Reads field by field: a written reader that meets a misfit tells nothing of the rest."""
        fitting: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, value in data.items():
            try:
                fitting[name] = self.hooks[name](value, None)
            except (*MISFITS, KeyError):  # or nobody knows it
                extra[name] = value
        if not self.needed <= fitting.keys():
            raise Unfit(f"a {self.kind.__name__} without its id")
        return self.kind(**fitting, extra=extra)

    def reader_for(self, order: tuple[str, ...]) -> Reader:
        """A reader of objects whose names come in this order, written now and kept."""
        if len(self.written) == MOST_ORDERS or not self.needed <= set(order):
            return self.one_by_one
        source = "\n    ".join(["def reader(data):", *self._lines(order)])
        known: dict[str, Any] = {"model": self.kind, "new": object.__new__, "order": order}
        known |= {"moment": datetime.fromtimestamp, "UTC": UTC}
        known |= {f"read_{name}": hook for name, hook in self.hooks.items()}
        exec(compile(source, f"<reader of {self.kind.__name__}>", "exec"), known)  # noqa: S102
        reader: Reader = known["reader"]
        self.written[order] = reader
        return reader

    def _lines(self, order: tuple[str, ...]) -> list[str]:
        """The source, which names the model's own fields and nothing else.

        What an answer calls its fields never gets there. The slots are filled one by one, since
        ``__init__`` would first compare its 36 keywords with one another.
        """
        place = {name: f"v{number}" for number, name in enumerate(order)}
        lines = [f"[{', '.join(place.values())}] = data.values()"]
        lines += ["it = new(model)", "told = at = None"]
        for name, type_ in self.types.items():
            lines += _taken(name, type_, place[name]) if name in place else [f"it.{name} = None"]
        extra = [f"order[{n}]: v{n}" for n, name in enumerate(order) if name not in self.types]
        return [*lines, f"it.extra = {{{', '.join(extra)}}}", "return it"]


def _taken(name: str, type_: Any, value: str) -> list[str]:
    """The lines that take a field's value."""
    if type_ == datetime | None:  # several times of an object are often the same moment
        return [
            f"if type({value}) is int:",
            f"    if {value} != told: told, at = {value}, moment({value}, UTC)",
            f"    it.{name} = at",
            f"else: it.{name} = {value} if {value} is None else read_{name}({value}, None)",
        ]
    if type_ == bool | None:  # 0 and 1 as the database has them
        zero_or_one = f"type({value}) is int and 0 <= {value} <= 1"
        return [
            f"if {value} is not None and type({value}) is not bool:",
            f"    {value} = {value} == 1 if {zero_or_one} else read_{name}({value}, None)",
            f"it.{name} = {value}",
        ]
    usual = _USUAL.get(type_, "False")
    null = "" if type_ is int else f"{value} is not None and "
    return [
        f"if {null}not ({usual.format(value)}): {value} = read_{name}({value}, None)",
        f"it.{name} = {value}",
    ]
