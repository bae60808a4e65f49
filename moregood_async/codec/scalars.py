"""What a field of an answer may hold: for each type, what reads it or says that it does not fit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeGuard, cast


class Unfit(Exception):
    """The JSON does not fit the model."""


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


Hook = Callable[[Any, Any], Any]
"""Reads a value; what it is to become is given too, as cattrs does."""

LEAVES: dict[Any, Hook] = {
    int: _id,
    str | None: _text,
    int | None: _whole,
    float | None: _number,
    bool | None: _flag,
    datetime | None: _moment,
    list[str] | None: _texts,
    dict[str, Any] | None: _object,
}

MISFITS = (Unfit, ValueError, OverflowError, OSError, RecursionError)
"""What reading a value of the wrong type raises: `Unfit`, and dates beyond the calendar."""
