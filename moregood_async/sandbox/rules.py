"""Laravel 10's validation rules, as far as the sandbox uses them, under Laravel's names.

Each rule returns Laravel's sentence about a value that breaks the rule, or None. The sentences are
recorded [L]. So are these limits:

- ``string`` refuses numbers: ``postal_code: 90210`` is a 422 [L].
- ``boolean`` accepts ``true``, ``false``, ``1``, ``0``, ``"1"`` and ``"0"``, and refuses
  ``"true"`` [L].
- ``integer`` accepts ``12``, ``"12"``, ``12.0`` and ``true``, and refuses ``12.5`` and numbers of
  more than 64 bits [L].
- ``email`` accepts ``a@b`` [L].
- ``date`` follows `dates`.
- ``between``, ``max`` and ``size`` compare numbers by value, texts by characters and arrays by
  entries [I].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sized
from typing import Any, cast

from moregood_async.sandbox.dates import to_unix_seconds

Rule = Callable[[str, Any], "str | None"]
"""Takes a field's name and value; returns the sentence about a broken rule, or None."""

_ATOM = r"[^\s\x00-\x20\x7f@.\"(),:;<>\[\]\\]+"
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_EMAIL = re.compile(
    rf"(?:{_ATOM}(?:\.{_ATOM})*|\"(?:[^\"\\\r\n]|\\.)*\")"
    rf"@(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])"
)
_INTEGER = re.compile(r"\s*[+-]?(?:0|[1-9][0-9]*)\s*")
_NUMERIC = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_PHP_INT_MIN, PHP_INT_MAX = -(2**63), 2**63 - 1
_LONGEST_NUMBER = 40
"""The characters of a number that is worth parsing; Python refuses to parse very long ones."""


def field_label(name: str) -> str:
    """Return a field's name as Laravel's sentences show it.

    >>> field_label("first_name"), field_label("channels.0")
    ('first name', 'channels.0')
    """
    return name.replace("_", " ")


def string(name: str, value: Any) -> str | None:
    """Check Laravel's ``string``."""
    return None if isinstance(value, str) else f"The {field_label(name)} field must be a string."


def array(name: str, value: Any) -> str | None:
    """Check Laravel's ``array``: a JSON list or object."""
    if isinstance(value, list | dict):
        return None
    return f"The {field_label(name)} field must be an array."


def boolean(name: str, value: Any) -> str | None:
    """Check Laravel's ``boolean``."""
    if value in (0, 1) and not isinstance(value, float):
        return None
    return None if value in ("0", "1") else f"The {field_label(name)} field must be true or false."


def email(name: str, value: Any) -> str | None:
    """Check Laravel's ``email``: the syntax of the RFC, without a look at the domain."""
    if isinstance(value, str) and _EMAIL.fullmatch(value):
        return None
    return f"The {field_label(name)} field must be a valid email address."


def date(name: str, value: Any) -> str | None:
    """Check Laravel's ``date``; see `dates`."""
    if to_unix_seconds(value) is None:
        return f"The {field_label(name)} field must be a valid date."
    return None


def read_integer(value: Any) -> int | None:
    """Return the value as PHP's ``FILTER_VALIDATE_INT`` reads it, or None if it is not an integer.

    >>> [read_integer(value) for value in (12, "12", 12.0, True, 12.5, False, "012", 2**63)]
    [12, 12, 12, 1, None, None, None, None]
    """
    if isinstance(value, bool):
        return 1 if value else None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    elif isinstance(value, str):
        value = int(value) if len(value) < _LONGEST_NUMBER and _INTEGER.fullmatch(value) else None
    if isinstance(value, int) and _PHP_INT_MIN <= value <= PHP_INT_MAX:
        return value
    return None


def integer(name: str, value: Any) -> str | None:
    """Check Laravel's ``integer``."""
    if read_integer(value) is None:
        return f"The {field_label(name)} field must be an integer."
    return None


def between(least: int, most: int) -> Rule:
    """Return Laravel's ``between``."""

    def rule(name: str, value: Any) -> str | None:
        if least <= _amount(value) <= most:
            return None
        return f"The {field_label(name)} field must be between {least} and {most}."

    return rule


def _amount(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMERIC.fullmatch(value):
        return float(value)
    return _length(value)


def _length(value: Any) -> int:
    """Return the entries of an array, or the characters of any other value as PHP prints it."""
    if isinstance(value, bool):
        return int(value)
    return len(cast("Sized", value) if isinstance(value, list | dict) else str(value))


def max_length(most: int) -> Rule:
    """Return Laravel's ``max`` of a string, in characters."""

    def rule(name: str, value: Any) -> str | None:
        if _length(value) <= most:
            return None
        return f"The {field_label(name)} field must not be greater than {most} characters."

    return rule


def exact_length(characters: int) -> Rule:
    """Return Laravel's ``size`` of a string, in characters."""

    def rule(name: str, value: Any) -> str | None:
        if _length(value) == characters:
            return None
        return f"The {field_label(name)} field must be {characters} characters."

    return rule


def one_of(*known: str) -> Rule:
    """Return Laravel's ``in``."""

    def rule(name: str, value: Any) -> str | None:
        return None if value in known else f"The selected {field_label(name)} is invalid."

    return rule
