"""The columns of a model: its fields, those of nested models with dots between."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import cache
from typing import Any, cast, get_args, get_type_hints

import attrs


@attrs.frozen
class Column:
    """One column: where its value is found in an item, and of what type it is."""

    path: tuple[str, ...]
    type: Any
    """The bare type, without its None: ``int``, ``list[str]``, ``dict[str, Any]``."""

    @property
    def name(self) -> str:
        """The path with dots."""
        return ".".join(self.path)

    def of(self, item: Any) -> Any:
        """The item's value; None where a level of it is missing."""
        for name in self.path:
            item = getattr(item, name, None)
        return item


def columns_of(kind: type[Any]) -> tuple[Column, ...]:
    """A model's own columns: they do not depend on the items, and ``extra`` is none of them.

    >>> from moregood_async.models.messages import Message
    >>> [(column.name, column.type) for column in columns_of(Message)[2:5]]
    [('ask_id', <class 'int'>), ('channel', <class 'str'>), ('customer.id', <class 'int'>)]
    """
    return _known(cast("Hashable", kind))


@cache
def _known(kind: Hashable) -> tuple[Column, ...]:
    return tuple(_columns(cast("type[Any]", kind), ()))


def _columns(kind: type[Any], above: tuple[str, ...]) -> Iterator[Column]:
    hints = get_type_hints(kind)
    for field in attrs.fields(kind):
        if field.name == "extra":
            continue
        path, bare = (*above, field.name), _bare(hints[field.name])
        if attrs.has(bare):
            yield from _columns(bare, path)
        else:
            yield Column(path, bare)


def _bare(hint: Any) -> Any:
    """The one type that is allowed beside None."""
    kinds = [each for each in get_args(hint) if each is not type(None)]
    return kinds[0] if type(None) in get_args(hint) else hint
