"""What all request models share: `SentValue`, `UNSET`, and the check of all fields at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal, Self

import attrs

from moregood_async.errors import InvalidRequest


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""The value of a field that is not sent at all; ``None`` is sent as null."""

Channel = Literal["email", "sms"]
"""How a review request reaches a customer."""

CHANNELS: Final = ("email", "sms")
"""Every `Channel` [D]."""

_CHECK = "moregood_async.check"
"""The metadata key under which a field keeps its check."""

Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]
"""An attrs validator. It raises `ValueError` with what is wrong, without the field's name."""


def defer_checks(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Move each field's validator to its metadata, where `SentValue` finds it.

    attrs stops at the first validator that raises; `SentValue` runs all of them, so that
    `InvalidRequest` names every problem. Use it as the ``field_transformer`` of a request model.
    """
    return [
        field.evolve(validator=None, metadata={**field.metadata, _CHECK: field.validator})
        if field.validator
        else field
        for field in fields
    ]


@attrs.frozen(repr=False)
class SentValue:
    """A request model: a value that is sent to the API.

    A value that breaks a rule cannot be made. The ``repr`` shows field names and no contents.
    """

    def __attrs_post_init__(self) -> None:
        problems: dict[str, tuple[str, ...]] = {}
        for attribute, check in _model(type(self)).checks:
            value = getattr(self, attribute.name)
            if value is UNSET:
                if attribute.default is UNSET:
                    continue
                value = None  # UNSET was passed for a required field: report it as missing
            try:
                check(self, attribute, value)
            except ValueError as error:
                problems[attribute.name] = (str(error),)
        for name, problem in self.problems():
            problems.setdefault(name, (problem,))
        if problems:
            raise InvalidRequest(problems)

    def problems(self) -> list[tuple[str, str]]:
        """Return the problems that concern more than one field, as (field name, sentence)."""
        return []

    @property
    def idempotent(self) -> bool:
        """Whether sending the value twice ends in the same state as sending it once."""
        return True

    def __repr__(self) -> str:
        names = [a.name for a in attrs.fields(type(self)) if getattr(self, a.name) is not UNSET]
        return f"{type(self).__name__}({', '.join(f'{name}=…' for name in names)})"

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Return the value with these fields, by name.

        Raises:
            InvalidRequest: Fields are unknown, missing or wrong; the error names all of them.
        """
        model = _model(cls)
        if model.names.issuperset(fields) and model.required <= fields.keys():
            return cls(**fields)
        names = [field.name for field in attrs.fields(cls)]
        known = {name: value for name, value in fields.items() if name in names}
        unknown = {
            str(name): (_unknown_field(str(name), names),) for name in fields if name not in names
        }
        try:
            value = cls(**{**dict.fromkeys(model.required), **known})
        except InvalidRequest as error:
            raise InvalidRequest({**unknown, **error.fields}) from None
        if unknown:
            raise InvalidRequest(unknown)
        return value


def _unknown_field(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(names)}"
    return f"there is no such field{hint}"


@attrs.frozen
class _Model:
    """The names, required names and checks of a request model, collected once per class."""

    names: frozenset[str]
    required: frozenset[str]
    checks: tuple[tuple[attrs.Attribute[Any], Check], ...]


_MODELS: dict[type, _Model] = {}


def _model(kind: type[Any]) -> _Model:
    model = _MODELS.get(kind)
    if model is None:
        fields = attrs.fields(kind)
        model = _MODELS[kind] = _Model(
            frozenset(a.name for a in fields),
            frozenset(a.name for a in fields if a.default is attrs.NOTHING),
            tuple((a, a.metadata[_CHECK]) for a in fields if _CHECK in a.metadata),
        )
    return model


def has_text(*values: object) -> bool:
    """Return whether any of the values is text that is not blank.

    The API treats a blank string as a missing one [O].
    """
    return any(isinstance(value, str) and bool(value.strip()) for value in values)
