"""What a value that is sent may hold: each rule an attrs validator, all problems told at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final, Literal, NoReturn, Self, TypeGuard

import attrs

from moregood_async.errors import InvalidRequest


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""A field that is not sent at all; ``None`` is sent as null."""

DateLike = date | datetime | str
"""A ``date``, an aware ``datetime``, or an ISO 8601 string of either."""

Channel = Literal["email", "sms"]
"""How a review request reaches a customer."""

CHANNELS: Final = ("email", "sms")

_RULE = "moregood_async.rule"
_Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


@attrs.frozen(repr=False)
class SentValue:
    """A value that is sent. A wrong one cannot be made; its ``repr`` names fields, not people."""

    def __attrs_post_init__(self) -> None:
        problems: dict[str, tuple[str, ...]] = {}
        for attribute, check in _known(type(self)).rules:
            value = getattr(self, attribute.name)
            if value is UNSET:
                if attribute.default is UNSET:
                    continue
                value = None  # left out, and required
            try:
                check(self, attribute, value)
            except ValueError as error:
                problems[attribute.name] = (str(error),)
        for name, problem in self.problems():
            problems.setdefault(name, (problem,))
        if problems:
            raise InvalidRequest(problems)

    def problems(self) -> list[tuple[str, str]]:
        """What is wrong with the value as a whole: field and sentence."""
        return []

    @property
    def idempotent(self) -> bool:
        """Whether sending it again ends in the same state."""
        return True

    def __repr__(self) -> str:
        names = [a.name for a in attrs.fields(type(self)) if getattr(self, a.name) is not UNSET]
        return f"{type(self).__name__}({', '.join(f'{name}=…' for name in names)})"

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """The value with these fields.

        Raises:
            InvalidRequest: A field is unknown, missing or wrong; all of them at once.
        """
        known = _known(cls)
        if known.names.issuperset(fields) and known.needed <= fields.keys():
            return cls(**fields)
        names = [field.name for field in attrs.fields(cls)]
        given = {name: value for name, value in fields.items() if name in names}
        unknown = {str(name): (_unknown(str(name), names),) for name in fields if name not in names}
        try:
            value = cls(**{**dict.fromkeys(known.needed), **given})
        except InvalidRequest as error:
            raise InvalidRequest({**unknown, **error.fields}) from None
        if unknown:
            raise InvalidRequest(unknown)
        return value


def _unknown(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"
    return f"there is no such field{meant}"


@attrs.frozen
class _Kind:
    """What is known of a kind of value, once and for all."""

    names: frozenset[str]
    needed: frozenset[str]
    """The fields that it cannot be without."""
    rules: tuple[tuple[attrs.Attribute[Any], _Check], ...]


_KINDS: dict[type, _Kind] = {}


def _known(kind: type[Any]) -> _Kind:
    known = _KINDS.get(kind)
    if known is None:
        fields = attrs.fields(kind)
        known = _KINDS[kind] = _Kind(
            frozenset(a.name for a in fields),
            frozenset(a.name for a in fields if a.default is attrs.NOTHING),
            tuple((a, a.metadata[_RULE]) for a in fields if _RULE in a.metadata),
        )
    return known


def gathered(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """A field transformer: leaves the validators to `SentValue`, which runs them all at once."""
    return [
        field.evolve(validator=None, metadata={**field.metadata, _RULE: field.validator})
        if field.validator
        else field
        for field in fields
    ]


def refuse(problem: str) -> NoReturn:
    """Say what is wrong with a field."""
    raise ValueError(problem)


def text(most: int | None = None) -> _Check:
    """A string that JSON can carry, of at most ``most`` characters; None is fine."""

    def check(_: object, __: object, value: Any) -> None:
        if value is None:
            return
        if not isinstance(value, str):
            refuse(
                f"is text, not {type(value).__name__}: the API does not take it as anything else"
            )
        elif most is not None and len(value) > most:
            refuse(f"has {len(value):,} characters; at most {most:,} are kept")
        elif not value.isascii():
            _refuse_lone_surrogates(value)

    return check


def _refuse_lone_surrogates(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        refuse("holds half a character (a lone surrogate), which no JSON can carry")


_plain_text = text()


def filled(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A string that is not blank."""
    if value is None or (isinstance(value, str) and not value.strip()):
        refuse("is required and must not be blank")
    _plain_text(instance, attribute, value)


def flag(_: object, __: object, value: Any) -> None:
    """True, False or None."""
    if value is not None and not isinstance(value, bool):
        refuse("is True or False")


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(
        value, (str, bytes, bytearray, memoryview)
    )


def slugs(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A list of slugs."""
    if value is None:
        return
    if not _is_list(value):
        refuse('is a list of slugs: ["regular", "newsletter"]')
    for slug in value:
        filled(instance, attribute, slug)


def currency_code(_: object, __: object, value: Any) -> None:
    """Three letters, such as USD, or None."""
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"[A-Za-z]{3}", value)):
        refuse("is a currency code of three letters: USD")


def lowest_unit(_: object, __: object, value: Any) -> None:
    """An integer in the lowest currency unit; negative for a refund."""
    if isinstance(value, bool) or not isinstance(value, int):
        refuse("is a whole number in the lowest currency unit: 4900 for 49.00 USD")
    elif not -(2**63) <= value < 2**63:
        refuse("is larger than the API can take (64 bits)")


def channel_list(_: object, __: object, value: Any) -> None:
    """Email, sms or both, each once."""
    if not _is_list(value) or not value:
        refuse('is a list of at least one of email and sms: ["email"]')
    wrong = [repr(channel) for channel in value if channel not in CHANNELS]
    if wrong:
        refuse(f"knows email and sms only, not {', '.join(wrong)}")
    if len(set(value)) != len(value):
        refuse("names a channel twice, which would ask the same person twice")


def up_to_three(_: object, __: object, value: Any) -> None:
    """0 to 3, or None for the project's own number."""
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 3
    ):
        refuse("is a whole number from 0 to 3")


def moment(_: object, __: object, value: Any) -> None:
    """A date or an aware time; see `DateLike`."""
    if value is not None:
        wire_date(value)


_NAIVE = (
    "has no time zone, so nobody can tell which moment it means: "
    "use datetime.now(UTC), or a date where the time does not matter"
)


def wire_date(value: object) -> str:
    """A `DateLike` as the API takes it everywhere: ``2026-05-01`` or ``2026-05-01T08:30:00Z``.

    Laravel drops offsets and microseconds, and takes ``20260501`` for unix seconds; so times go
    out in UTC with a ``Z`` and whole seconds, and every date in the long form.

    Raises:
        ValueError: It is none, or a time without a time zone.

    >>> wire_date("2026-05-01T10:30:00+02:00"), wire_date("20260501")
    ('2026-05-01T08:30:00Z', '2026-05-01')
    """
    if isinstance(value, str):
        value = _parsed(value.strip())
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(_NAIVE)
        try:
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
        except OverflowError as error:
            raise ValueError("is out of range in UTC") from error
    if isinstance(value, date):
        return value.isoformat()
    raise ValueError("is a date, a datetime with a time zone, or an ISO 8601 string of either")


def _parsed(value: str) -> date | datetime:
    try:
        return date.fromisoformat(value)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError("is no ISO 8601 date or time: 2026-05-01, 2026-05-01T08:30:00Z") from error


def given(*values: object) -> bool:
    """Whether any of these is text that is not blank; the API counts blank as not given."""
    return any(isinstance(value, str) and bool(value.strip()) for value in values)


def reachable(email: object, phone: object) -> list[tuple[str, str]]:
    """The rule that a value names its customer by email or by phone."""
    if given(email, phone):
        return []
    return [("email", "give an email or a phone, so that the customer can be found")]
