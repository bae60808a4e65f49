"""Laravel 10's validation: fields with their rules, and the sentences of a 422 by field.

- A field that is absent or null is checked only if the field is required [L].
- Every rule that fails adds its sentence, so a field can have several [L].
- Entries of an array have dotted names, such as ``channels.0`` [L].
- If a field is required without another one, and both are missing, both have a sentence [L].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import attrs

from moregood_async.sandbox.laravel import ValidationFailed
from moregood_async.sandbox.rules import Rule, field_label

FieldError = tuple[str, str]
"""The name of a field or of an entry, and a sentence about it."""


@attrs.frozen
class Field:
    """A field with its rules, and the rules of its entries if the field is an array."""

    name: str
    rules: Sequence[Rule] = ()
    required: bool = False
    required_without: str = ""
    """The other field without which this one is required."""
    required_if_sent: bool = False
    """Whether the field is required only if the request contains its name."""
    entry_rules: Sequence[Rule] = ()
    has_distinct_entries: bool = False

    def errors(self, fields: Mapping[str, Any]) -> Sequence[FieldError]:
        """Return the errors of this field and of its entries."""
        value = fields.get(self.name)
        if not value and _is_blank(value):
            # A missing field breaks "required" only, and an optional one nothing. An empty array
            # that is optional still has to pass the other rules.
            missing = self._missing_errors(fields)
            if missing or value is None:
                return missing
        errors = _broken_rules(self.rules, self.name, value)
        return [*errors, *self._entry_errors(value)] if self.entry_rules else errors

    def _missing_errors(self, fields: Mapping[str, Any]) -> Sequence[FieldError]:
        if self.required or (self.required_if_sent and self.name in fields):
            return [(self.name, f"The {field_label(self.name)} field is required.")]
        if self.required_without and _is_blank(fields.get(self.required_without)):
            condition = f"required when {field_label(self.required_without)} is not present"
            return [(self.name, f"The {field_label(self.name)} field is {condition}.")]
        return ()

    def _entry_errors(self, value: Any) -> Iterator[FieldError]:
        entries = list(array_entries(value))
        counts = Counter(entry for _, entry in entries if not isinstance(entry, list | dict))
        for key, entry in entries:
            name = f"{self.name}.{key}"
            yield from _broken_rules(self.entry_rules, name, entry)
            is_scalar = not isinstance(entry, list | dict)
            if self.has_distinct_entries and is_scalar and counts[entry] > 1:
                yield name, f"The {name} field has a duplicate value."


def _is_blank(value: Any) -> bool:
    """Whether Laravel's ``required`` refuses the value; empty strings are null at this point."""
    return value is None or value == [] or value == {}


def _broken_rules(rules: Sequence[Rule], name: str, value: Any) -> Sequence[FieldError]:
    return [(name, sentence) for rule in rules if (sentence := rule(name, value))]


def validate(fields: Mapping[str, Any], rules: Sequence[Field]) -> None:
    """Check the fields against the rules.

    Raises:
        ValidationFailed: At least one rule is broken; the error has all sentences.
    """
    errors: dict[str, list[str]] = {}
    for field in rules:
        if field.name in fields or field.required or field.required_without:
            for name, sentence in field.errors(fields):
                errors.setdefault(name, []).append(sentence)
    if errors:
        raise ValidationFailed(errors)


def array_entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the keys and values of a list or an object; both are arrays in PHP."""
    if isinstance(value, list):
        for position, entry in enumerate(cast("list[object]", value)):
            yield str(position), entry
    elif isinstance(value, dict):
        yield from cast("dict[str, object]", value).items()
