"""The scalar hooks: for each type of a model's fields, the function that reads its JSON value.

A hook returns the value, or raises `DecodeError` if the value does not fit the type. Hooks accept
the spellings that PHP and MySQL are known for: flags as 0 and 1, numbers as text.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeGuard, cast


class DecodeError(Exception):
    """The JSON does not fit the model."""


_MAX_EXACT_FLOAT = 2**53
"""Up to here a float is exactly the whole number that was written; beyond, it may be rounded."""

_MAX_NUMBER_LENGTH = 19
"""Characters of a number that is read from text; 2^63 - 1 has 19 digits."""


def _read_text(value: object, _: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise DecodeError


def _read_integer(value: object, _: object) -> int | None:
    if value is None or type(value) is int:  # not bool, which is an int too
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_EXACT_FLOAT:
        return int(value)
    if isinstance(value, str):
        return int(_checked_number(value))
    raise DecodeError


def _read_number(value: object, _: object) -> float | None:
    if value is None or type(value) is float or type(value) is int:
        return value
    if isinstance(value, str):
        return float(_checked_number(value))
    raise DecodeError


def _checked_number(text: str) -> str:
    """Return a text that is a number. MySQL's uncast sums and averages are texts in PHP [I]."""
    digits = text.lstrip("-").replace(".", "", 1)
    if len(text) <= _MAX_NUMBER_LENGTH and text.isascii() and digits.isdigit():
        return text  # not yet sure: int() and float() still refuse "--3"
    raise DecodeError


_FLAGS: dict[object, bool] = {0: False, 1: True, "0": False, "1": True}


def _read_flag(value: object, _: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, str)) and value in _FLAGS:
        return _FLAGS[value]
    raise DecodeError


def _read_time(value: object, _: object) -> datetime | None:
    """Read unix seconds [O], or the ISO 8601 that is reported of some responses [O]."""
    if value is None:
        return None
    if type(value) is int or type(value) is float:
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        time = datetime.fromisoformat(value)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    raise DecodeError


def _is_text_list(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(v, str) for v in cast(list[object], value))


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a JSON value is an object."""
    return isinstance(value, dict)


def _read_text_list(value: object, _: object) -> list[str] | None:
    if value is None or _is_text_list(value):
        return value
    raise DecodeError


def _read_object(value: object, _: object) -> dict[str, Any] | None:
    if value is None or is_object(value):
        return value
    raise DecodeError


def _read_id(value: object, _: object) -> int:
    number = _read_integer(value, _)
    if number is None:
        raise DecodeError
    return number


Hook = Callable[[Any, Any], Any]
"""Reads a JSON value. The second argument is the target type, as cattrs passes it."""

SCALAR_HOOKS: dict[Any, Hook] = {
    int: _read_id,
    str | None: _read_text,
    int | None: _read_integer,
    float | None: _read_number,
    bool | None: _read_flag,
    datetime | None: _read_time,
    list[str] | None: _read_text_list,
    dict[str, Any] | None: _read_object,
}
"""The hook for each type that a field of a response model can have, except for other models."""

DECODE_ERRORS = (DecodeError, ValueError, OverflowError, OSError, RecursionError)
"""Everything a hook raises: besides `DecodeError`, what ``int``, ``float`` and ``datetime`` raise
for nonsense and for dates beyond the calendar, and for JSON that is nested too deeply."""
