"""The codec: JSON bytes to response models, and request models to JSON bytes.

Responses are read leniently, since any field may be null or missing and new ones may appear at any
time [I]. A value of an unexpected type becomes None, and is kept in ``extra`` under its name,
beside the unknown fields. Only an object without its ``id`` is a `DecodeError`.
"""

from __future__ import annotations

import json
from types import UnionType
from typing import Any, TypeVar, get_args

import attrs
from cattrs import Converter

from moregood_async.codec.readers import make_hook
from moregood_async.codec.scalars import SCALAR_HOOKS, Hook
from moregood_async.codec.scalars import DecodeError as DecodeError
from moregood_async.codec.scalars import is_object as is_object
from moregood_async.codec.writers import make_writer
from moregood_async.errors import InvalidRequest
from moregood_async.models.fields import SentValue
from moregood_async.wire import json_of

try:
    import orjson as _orjson
except ImportError:  # the extra `speed` is not installed
    _fast_json: Any = None
else:
    _fast_json = _orjson

T = TypeVar("T")


def _dumps(value: Any) -> bytes:
    return _ENCODER.encode(value).encode()


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def loads(body: bytes) -> Any:
    """Return the JSON value in a body.

    Raises:
        ValueError: The body is not JSON, or nested too deeply.
    """
    return _fast_json.loads(body) if _fast_json else json_of(body)


def dumps(value: Any, *, operation: str = "") -> bytes:
    """Return any value as JSON. ``operation`` names the call in the error.

    Always the standard library: orjson would accept datetimes and more, and the accepted values
    must not depend on an extra.

    Raises:
        InvalidRequest: JSON cannot hold the value: NaN, infinity, a lone surrogate, another type.
    """
    try:
        return _dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        problem = f"cannot be written as JSON ({type(error).__name__})"
        # `from None`: the cause can hold the value, which may be personal data.
        raise InvalidRequest({"json": (problem,)}, operation=operation) from None


def encode(value: SentValue) -> bytes:
    """Return a request model as JSON: fields that are `UNSET` are left out, None is null."""
    fields = _CONVERTER.unstructure(value)
    return _fast_json.dumps(fields) if _fast_json else _dumps(fields)


def decode(kind: type[T], data: object) -> T:
    """Return the model of one JSON object.

    Raises:
        DecodeError: The data is no object, or the object lacks its id.
    """
    model: T = _CONVERTER.structure(data, kind)
    return model


def decode_all(kind: type[T], rows: list[Any]) -> tuple[T, ...]:
    """Return the models of a list of JSON objects, in its order.

    Raises:
        DecodeError: A row is no object, or lacks its id. No row is left out.
    """
    read = _CONVERTER.get_structure_hook(kind)  # once, not once a row
    return tuple([read(row, kind) for row in rows])


def _make_hook(kind: type[Any]) -> Hook:
    return make_hook(kind, _CONVERTER.get_structure_hook)


def _is_optional_model(kind: Any) -> bool:
    return isinstance(kind, UnionType) and any(attrs.has(each) for each in get_args(kind))


def _make_optional_hook(kind: Any) -> Hook:
    [model] = [each for each in get_args(kind) if attrs.has(each)]
    hook = _CONVERTER.get_structure_hook(model)

    def read(data: Any, _: Any) -> Any:
        return None if data is None else hook(data, model)

    return read


def _make_converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_structure_hook_factory(attrs.has, _make_hook)
    converter.register_structure_hook_factory(_is_optional_model, _make_optional_hook)
    converter.register_unstructure_hook_factory(
        lambda kind: isinstance(kind, type) and issubclass(kind, SentValue), make_writer
    )
    for kind, hook in SCALAR_HOOKS.items():
        converter.register_structure_hook(kind, hook)
    return converter


_CONVERTER = _make_converter()
