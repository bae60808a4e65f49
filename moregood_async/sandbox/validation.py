"""Laravel 10's validation: a list of fields with their rules gives sentences by field.

``laravel.md`` items 5 to 9 and 16. Only rules that the sandbox uses, named as Laravel names them.
Fields that are absent or null are skipped unless they are required, and every rule that fails
says its sentence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from typing import Any, cast

import attrs

from moregood_async.sandbox.dates import unix_seconds
from moregood_async.sandbox.laravel import Invalid

Rule = Callable[[str, Any], "str | None"]
"""Gives the sentence about a field that breaks it, or None."""

Complaint = tuple[str, str]
"""A field, or an entry of one, and a sentence about it."""

_ATOM = r"[^\s\x00-\x20\x7f@.\"(),:;<>\[\]\\]+"
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_EMAIL = re.compile(
    rf"(?:{_ATOM}(?:\.{_ATOM})*|\"(?:[^\"\\\r\n]|\\.)*\")"
    rf"@(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])"
)
_INTEGER = re.compile(r"\s*[+-]?(?:0|[1-9][0-9]*)\s*")
_NUMERIC = re.compile(r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_SMALLEST, _BIGGEST = -(2**63), 2**63 - 1


def label(name: str) -> str:
    """A field's name as the sentences say it.

    >>> label("first_name"), label("channels.0")
    ('first name', 'channels.0')
    """
    return name.replace("_", " ")


@attrs.frozen
class Field:
    """A field, what is asked of it, and of each of its entries where it is an array."""

    name: str
    rules: Sequence[Rule] = ()
    required: bool = False
    without: str = ""
    """It is required where this other field is not present."""
    sometimes: bool = False
    """It is required only where it is sent at all."""
    entries: Sequence[Rule] = ()
    distinct: bool = False

    def complaints(self, fields: Mapping[str, Any]) -> Sequence[Complaint]:
        """The field's sentences, and those of its entries; one alone where it is missing."""
        value = fields.get(self.name)
        if not value and _blank(value):
            missing = self._missing(fields)
            if missing or value is None:
                return missing
        broken = _broken(self.rules, self.name, value)
        return [*broken, *self._of_entries(value)] if self.entries else broken

    def _missing(self, fields: Mapping[str, Any]) -> Sequence[Complaint]:
        if self.required or (self.sometimes and self.name in fields):
            return [(self.name, f"The {label(self.name)} field is required.")]
        if self.without and _blank(fields.get(self.without)):
            when = f"required when {label(self.without)} is not present"
            return [(self.name, f"The {label(self.name)} field is {when}.")]
        return ()

    def _of_entries(self, value: Any) -> Iterator[Complaint]:
        held = list(entries_of(value))
        times = Counter(entry for _, entry in held if not isinstance(entry, list | dict))
        for key, entry in held:
            name = f"{self.name}.{key}"
            yield from _broken(self.entries, name, entry)
            if self.distinct and not isinstance(entry, list | dict) and times[entry] > 1:
                yield name, f"The {name} field has a duplicate value."


def _blank(value: Any) -> bool:
    """What Laravel's ``required`` takes for nothing; empty strings are null by now."""
    return value is None or value == [] or value == {}


def _broken(rules: Sequence[Rule], name: str, value: Any) -> Sequence[Complaint]:
    return [(name, sentence) for rule in rules if (sentence := rule(name, value))]


def validated(fields: Mapping[str, Any], rules: Sequence[Field]) -> None:
    """Holds the fields against the rules.

    Raises:
        Invalid: With every sentence at once.
    """
    errors: dict[str, list[str]] = {}
    for field in rules:
        if field.name in fields or field.required or field.without:
            for name, sentence in field.complaints(fields):
                errors.setdefault(name, []).append(sentence)
    if errors:
        raise Invalid(errors)


def entries_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Keys and values of what PHP would hold as an array; nothing where it is none."""
    if isinstance(value, list):
        for position, entry in enumerate(cast("list[object]", value)):
            yield str(position), entry
    elif isinstance(value, dict):
        yield from cast("dict[str, object]", value).items()


def string(name: str, value: Any) -> str | None:
    """Numbers are no strings: ``postal_code: 90210`` is refused."""
    return None if isinstance(value, str) else f"The {label(name)} field must be a string."


def array(name: str, value: Any) -> str | None:
    """A JSON list, or an object."""
    if isinstance(value, list | dict):
        return None
    return f"The {label(name)} field must be an array."


def boolean(name: str, value: Any) -> str | None:
    """``true false 1 0 "1" "0"``, and not ``"true"``."""
    if value in (0, 1) and not isinstance(value, float):
        return None
    return None if value in ("0", "1") else f"The {label(name)} field must be true or false."


def email(name: str, value: Any) -> str | None:
    """An address by the letter of the RFC: ``a@b`` will do."""
    if isinstance(value, str) and _EMAIL.fullmatch(value):
        return None
    return f"The {label(name)} field must be a valid email address."


def date(name: str, value: Any) -> str | None:
    """See `dates.unix_seconds`."""
    if unix_seconds(value) is None:
        return f"The {label(name)} field must be a valid date."
    return None


def whole_number(value: Any) -> int | None:
    """What PHP's ``FILTER_VALIDATE_INT`` makes of a value.

    >>> [whole_number(value) for value in (12, "12", 12.0, True, 12.5, False, "012", 2**63)]
    [12, 12, 12, 1, None, None, None, None]
    """
    if isinstance(value, bool):
        return 1 if value else None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    elif isinstance(value, str):
        value = int(value) if len(value) < 40 and _INTEGER.fullmatch(value) else None
    if isinstance(value, int) and _SMALLEST <= value <= _BIGGEST:
        return value
    return None


def integer(name: str, value: Any) -> str | None:
    """See `whole_number`."""
    if whole_number(value) is None:
        return f"The {label(name)} field must be an integer."
    return None


def between(least: int, most: int) -> Rule:
    """A number in these bounds; of what is no number, Laravel counts characters or entries."""

    def rule(name: str, value: Any) -> str | None:
        if least <= _amount(value) <= most:
            return None
        return f"The {label(name)} field must be between {least} and {most}."

    return rule


def _amount(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMERIC.fullmatch(value):
        return float(value)
    return _length(value)


def _length(value: Any) -> int:
    """Characters of what is written as text, else entries."""
    if isinstance(value, bool):
        return int(value)
    return len(cast("Sized", value) if isinstance(value, list | dict) else str(value))


def longest(most: int) -> Rule:
    """Laravel's ``max`` of a string, in characters."""

    def rule(name: str, value: Any) -> str | None:
        if _length(value) <= most:
            return None
        return f"The {label(name)} field must not be greater than {most} characters."

    return rule


def size(characters: int) -> Rule:
    """Laravel's ``size`` of a string: exactly so many characters."""

    def rule(name: str, value: Any) -> str | None:
        if _length(value) == characters:
            return None
        return f"The {label(name)} field must be {characters} characters."

    return rule


def one_of(*known: str) -> Rule:
    """Laravel's ``in``."""

    def rule(name: str, value: Any) -> str | None:
        return None if value in known else f"The selected {label(name)} is invalid."

    return rule
