"""JSON in bytes to models, and values to JSON in bytes.

Answers are read leniently: a field of a type that was not expected becomes None, and what came
is kept in ``extra`` under its name, beside the fields that nobody knew. Only an object without
its ``id`` cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import UnionType
from typing import Any, TypeGuard, TypeVar, cast, get_args

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from moregood_async.errors import InvalidRequest
from moregood_async.models.fields import DateLike, SentValue, Unset, wire_date
from moregood_async.wire import json_of

try:
    import orjson as _orjson
except ImportError:  # the extra `speed` is not there
    _quick_json: Any = None
else:
    _quick_json = _orjson

T = TypeVar("T")


class Unfit(Exception):
    """The JSON does not fit the model."""


def _dumps(value: Any) -> bytes:
    said = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return said.encode()


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


_EXACT = 2**53
"""Up to here a float is the whole number that was written; beyond, it may be another."""


def _text(value: object, _: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise Unfit


def _whole(value: object, _: object) -> int | None:
    if value is None or type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    if isinstance(value, str):
        return int(_number_in(value))
    raise Unfit


def _number(value: object, _: object) -> float | None:
    if value is None or type(value) is float or type(value) is int:
        return value
    if isinstance(value, str):
        return float(_number_in(value))
    raise Unfit


def _number_in(text: str) -> str:
    """PHP answers some numbers as text: sums and averages that MySQL made."""
    if len(text) < 20 and text.isascii() and text.lstrip("-").replace(".", "", 1).isdigit():
        return text
    raise Unfit


_FLAGS: dict[object, bool] = {0: False, 1: True, "0": False, "1": True}


def _flag(value: object, _: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, str)) and value in _FLAGS:
        return _FLAGS[value]
    raise Unfit


def _moment(value: object, _: object) -> datetime | None:
    """Unix seconds, as the API answers, or ISO 8601, as some of its answers are reported."""
    if value is None:
        return None
    if type(value) is int or type(value) is float:
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        told = datetime.fromisoformat(value)
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    raise Unfit


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(v, str) for v in cast(list[object], value))


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is a JSON object."""
    return isinstance(value, dict)


def _texts(value: object, _: object) -> list[str] | None:
    if value is None or _are_texts(value):
        return value
    raise Unfit


def _object(value: object, _: object) -> dict[str, Any] | None:
    if value is None or is_object(value):
        return value
    raise Unfit


def _id(value: object, _: object) -> int:
    number = _whole(value, _)
    if number is None:
        raise Unfit
    return number


_LEAVES: dict[Any, Callable[[Any, Any], Any]] = {
    int: _id,
    str | None: _text,
    int | None: _whole,
    float | None: _number,
    bool | None: _flag,
    datetime | None: _moment,
    list[str] | None: _texts,
    dict[str, Any] | None: _object,
}

_MISFITS = (Unfit, ValueError, OverflowError, OSError, RecursionError)
"""What reading a value of the wrong type raises: `Unfit`, and dates beyond the calendar."""


def _fields_of(kind: Any) -> tuple[Any, ...]:
    attrs.resolve_types(kind)
    return tuple(attrs.fields(kind))


def _reader(kind: Any) -> Callable[[Any, Any], Any]:
    """Reads one model: quickly where all fits, else field by field.

    cattrs writes the quick one. Its sign of a misfit is an exception, which says nothing of the
    other fields, so the second reading goes through them one at a time.
    """
    fields = {a.name: a for a in _fields_of(kind) if a.name != "extra"}
    known = frozenset(fields)
    hooks = {name: _CONVERTER.get_structure_hook(field.type) for name, field in fields.items()}
    overrides: Any = {name: override(struct_hook=hook) for name, hook in hooks.items()}
    quick = make_dict_structure_fn(
        kind,
        _CONVERTER,
        _cattrs_detailed_validation=False,
        extra=override(omit=True),
        **overrides,
    )

    def carefully(data: dict[str, Any]) -> Any:
        fitting: dict[str, Any] = {}
        odd: dict[str, Any] = {}
        for name in known & data.keys():
            try:
                fitting[name] = hooks[name](data[name], None)
            except _MISFITS:
                odd[name] = data[name]
        if any(a.default is attrs.NOTHING and a.name not in fitting for a in fields.values()):
            raise Unfit(f"a {kind.__name__} without its id")
        return kind(**fitting, extra=odd)

    def read(data: object, _: Any) -> Any:
        if not is_object(data):
            raise Unfit(f"no object where a {kind.__name__} belongs")
        try:
            model = quick(data, kind)
        except (*_MISFITS, KeyError):
            model = carefully(data)
        if not data.keys() <= known:
            model.extra.update({name: data[name] for name in data.keys() - known})
        return model

    return read


def _is_optional_model(kind: Any) -> bool:
    return isinstance(kind, UnionType) and any(attrs.has(each) for each in get_args(kind))


def _optional_reader(kind: Any) -> Callable[[Any, Any], Any]:
    [model] = [each for each in get_args(kind) if attrs.has(each)]
    hook = _CONVERTER.get_structure_hook(model)

    def read(data: Any, _: Any) -> Any:
        return None if data is None else hook(data, model)

    return read


def _writer(kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    """Writes one value: cattrs leaves out what is `UNSET`, since that is each field's default."""
    overrides: Any = {
        a.name: override(unstruct_hook=_date_or_null if a.type == _DATE else _as_it_is)
        for a in _fields_of(kind)
    }
    return make_dict_unstructure_fn(kind, _CONVERTER, _cattrs_omit_if_default=True, **overrides)


_DATE = DateLike | Unset | None


def _date_or_null(value: DateLike | None) -> str | None:
    return None if value is None else wire_date(value)


def _as_it_is(value: Any) -> Any:
    return [*value] if isinstance(value, Sequence) and not isinstance(value, str) else value


def _converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_structure_hook_factory(attrs.has, _reader)
    converter.register_structure_hook_factory(_is_optional_model, _optional_reader)
    converter.register_unstructure_hook_factory(
        lambda kind: isinstance(kind, type) and issubclass(kind, SentValue), _writer
    )
    for leaf, hook in _LEAVES.items():
        converter.register_structure_hook(leaf, hook)
    return converter


_CONVERTER = _converter()
