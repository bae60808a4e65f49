"""The columns of a model: its fields, and those of nested models under dotted names."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import cache
from typing import Any, cast, get_args, get_type_hints

import attrs


@attrs.frozen
class Column:
    """One column: the path to its value in an item, and the type of that value."""

    path: tuple[str, ...]
    type: Any
    """The type without its None: ``int``, ``list[str]``, ``dict[str, Any]``."""

    @property
    def name(self) -> str:
        """The path, joined by dots."""
        return ".".join(self.path)

    def value_of(self, item: Any) -> Any:
        """Return the item's value; None if a level of the path is missing."""
        for name in self.path:
            item = getattr(item, name, None)
        return item


def columns_of(model: type[Any]) -> tuple[Column, ...]:
    """Return the columns of a model, which are the same for all items; ``extra`` has no column.

    >>> from moregood_async.models.messages import Message
    >>> [(column.name, column.type) for column in columns_of(Message)[2:5]]
    [('ask_id', <class 'int'>), ('channel', <class 'str'>), ('customer.id', <class 'int'>)]
    """
    return _cached_columns(cast("Hashable", model))


@cache
def _cached_columns(model: Hashable) -> tuple[Column, ...]:
    return tuple(_walk_fields(cast("type[Any]", model), ()))


def _walk_fields(model: type[Any], parents: tuple[str, ...]) -> Iterator[Column]:
    hints = get_type_hints(model)
    for field in attrs.fields(model):
        if field.name == "extra":
            continue
        path, field_type = (*parents, field.name), _without_none(hints[field.name])
        if attrs.has(field_type):
            yield from _walk_fields(field_type, path)
        else:
            yield Column(path, field_type)


def _without_none(hint: Any) -> Any:
    """Return ``int`` for ``int | None``; any other hint is returned unchanged."""
    types = [each for each in get_args(hint) if each is not type(None)]
    return types[0] if type(None) in get_args(hint) else hint
