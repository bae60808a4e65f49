"""The types that a user of a module can meet: in signatures, attributes and type aliases."""

import inspect
import typing
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeGuard, cast

import attrs

NOT_CONSTRUCTED_BY_USERS = {
    *("Asks", "Charges", "Customers", "Locations", "Messages", "Reviews"),
    *("Batch", "Paginator", "Run"),
    *("CustomerFile", "Items", "JsonLinesFile", "ParquetFile"),
}
"""Classes whose instances functions and methods return: their ``__init__`` is private."""


def types_met(module: ModuleType) -> dict[type[Any], set[str]]:
    """Return the package's own classes that occur in the module's public names, and where."""
    met: dict[type[Any], set[str]] = {}
    for name in module.__all__:
        for place, hint in _hints_of(name, getattr(module, name)):
            for kind in _classes_in(hint):
                if kind.__module__.partition(".")[0] == "moregood_async":
                    met.setdefault(kind, set()).add(place)
    return met


def _hints_of(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if inspect.isclass(value):
        yield from _hints_of_class(name, value)
    elif inspect.isfunction(value):
        yield from _hints_of_function(name, value)
    else:  # a type alias, or a constant
        yield name, value if typing.get_origin(value) else type(value)


def _hints_of_class(name: str, kind: type[Any]) -> Iterator[tuple[str, Any]]:
    for attribute, hint in typing.get_type_hints(kind).items():
        if not attribute.startswith("_"):
            yield f"{name}.{attribute}", hint
    for attribute in dir(kind):
        # attrs generates an __init__ whose parameters are the attributes above.
        has_own_init = name not in NOT_CONSTRUCTED_BY_USERS and not attrs.has(kind)
        is_init = attribute == "__init__" and has_own_init
        if is_init or not attribute.startswith("_") or attribute in ("__aiter__", "__await__"):
            for function in _functions_in(inspect.getattr_static(kind, attribute)):
                if function.__module__.partition(".")[0] == "moregood_async":
                    yield from _hints_of_function(f"{name}.{attribute}", function)


def _functions_in(member: Any) -> Iterator[Callable[..., Any]]:
    if isinstance(member, property):
        yield from _functions_in(member.fget)
    elif isinstance(member, classmethod | staticmethod):
        yield from _functions_in(inspect.unwrap(cast("Any", member)))
    elif inspect.isfunction(member):
        yield member
        yield from typing.get_overloads(member)


def _hints_of_function(name: str, function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    for parameter, hint in typing.get_type_hints(function).items():
        yield f"{name}({parameter})", hint


def _classes_in(hint: Any) -> Iterator[type[Any]]:
    """Return the classes in a type, at any depth: in unions, callables and generics."""
    if _is_list(hint):  # the parameters of a Callable
        for parameter in hint:
            yield from _classes_in(parameter)
    for argument in typing.get_args(hint):
        yield from _classes_in(argument)
    kind = typing.get_origin(hint) or hint
    if inspect.isclass(kind):
        yield kind


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
