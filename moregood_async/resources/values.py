"""The value that a method sends: a request model, or one made of keywords or of a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from moregood_async.errors import InvalidRequest
from moregood_async.models.fields import SentValue
from moregood_async.operations import Operation

V = TypeVar("V", bound=SentValue)


def make_value(
    operation: Operation[Any],
    kind: type[V],
    value: V | Mapping[str, Any] | None,
    fields: Mapping[str, Any],
) -> V:
    """Return ``value`` if it is a request model; otherwise the model made of its fields.

    Args:
        operation: The operation that an error names.
        kind: The request model.
        value: A request model, a row of its fields, or None if ``fields`` has them.
        fields: The keyword arguments of the call.

    Raises:
        InvalidRequest: The value has another type, its fields break a rule, or both a request
            model and fields were passed.
    """
    if isinstance(value, kind):
        if fields:
            raise InvalidRequest(
                dict.fromkeys(fields, (f"give a {kind.__name__} or its fields, not both",)),
                operation=operation.name,
            )
        return value
    try:
        if value is None:
            return kind.of(fields)
        if isinstance(value, Mapping):
            return kind.of(value)
    except InvalidRequest as error:
        error._with_operation(operation.name)
        raise
    raise InvalidRequest(
        {kind.__name__: (f"expected one, or a mapping of its fields, not {type(value).__name__}",)},
        operation=operation.name,
    )
