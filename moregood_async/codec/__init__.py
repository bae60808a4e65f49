"""JSON in bytes to models, and values to JSON in bytes.

Answers are read leniently: a field of a type that was not expected becomes None, and what came
is kept in ``extra`` under its name, beside the fields that nobody knew. Only an object without
its ``id`` cannot be read.
"""

from __future__ import annotations

import json
from types import UnionType
from typing import Any, TypeVar, get_args

import attrs
from cattrs import Converter

from moregood_async.codec.leaves import LEAVES, Hook
from moregood_async.codec.leaves import Unfit as Unfit
from moregood_async.codec.leaves import is_object as is_object
from moregood_async.codec.readers import reader_of
from moregood_async.codec.writers import writer_of
from moregood_async.errors import InvalidRequest
from moregood_async.models.fields import SentValue
from moregood_async.wire import json_of

try:
    import orjson as _orjson
except ImportError:  # the extra `speed` is not there
    _quick_json: Any = None
else:
    _quick_json = _orjson

T = TypeVar("T")


def _dumps(value: Any) -> bytes:
    return _ENCODER.encode(value).encode()


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def loads(body: bytes) -> Any:
    """The JSON in some bytes.

    Raises:
        ValueError: It is not JSON, or nested beyond reason.
    """
    return _quick_json.loads(body) if _quick_json else json_of(body)


def dumps(value: Any, *, operation: str = "") -> bytes:
    """JSON as bytes, without NaN, infinity or half characters, none of which the API can read.

    Raises:
        InvalidRequest: It cannot be written as JSON.
    """
    try:
        return _dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        problem = f"cannot be written as JSON ({type(error).__name__})"
        raise InvalidRequest({"json": (problem,)}, operation=operation) from None


def encode(value: SentValue) -> bytes:
    """A checked value as JSON: fields left out are not there, None is null."""
    said = _CONVERTER.unstructure(value)
    return _quick_json.dumps(said) if _quick_json else _dumps(said)


def decode(kind: type[T], data: object) -> T:
    """The model of an object that was answered.

    Raises:
        Unfit: It is no object, or lacks its id.
    """
    model: T = _CONVERTER.structure(data, kind)
    return model


def decode_all(kind: type[T], rows: list[Any]) -> tuple[T, ...]:
    """The models of the objects of a list.

    Raises:
        Unfit: One is no object, or lacks its id.
    """
    read = _CONVERTER.get_structure_hook(kind)
    return tuple([read(row, kind) for row in rows])


def _reader(kind: type[Any]) -> Hook:
    return reader_of(kind, _CONVERTER.get_structure_hook)


def _is_optional_model(kind: Any) -> bool:
    return isinstance(kind, UnionType) and any(attrs.has(each) for each in get_args(kind))


def _optional_reader(kind: Any) -> Hook:
    [model] = [each for each in get_args(kind) if attrs.has(each)]
    hook = _CONVERTER.get_structure_hook(model)

    def read(data: Any, _: Any) -> Any:
        return None if data is None else hook(data, model)

    return read


def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_structure_hook_factory(attrs.has, _reader)
    converter.register_structure_hook_factory(_is_optional_model, _optional_reader)
    converter.register_unstructure_hook_factory(
        lambda kind: isinstance(kind, type) and issubclass(kind, SentValue), writer_of
    )
    for leaf, hook in LEAVES.items():
        converter.register_structure_hook(leaf, hook)
    return converter


_CONVERTER = _converter()
