"""The checks of single fields: attrs validators that say what is wrong.

Each check accepts None unless its field is required, and raises `ValueError` with a sentence that
continues the field's name: "is True or False". They refuse what Laravel would refuse, and what it
would read as something else; nothing is converted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NoReturn, TypeGuard

import attrs

from moregood_async.models.dates import format_date
from moregood_async.models.fields import CHANNELS, Check, has_text


def _refuse(problem: str) -> NoReturn:
    raise ValueError(problem)


def check_text(max_length: int | None = None) -> Check:
    """Return a check for a string that JSON can carry, of at most ``max_length`` characters."""

    def check(_: object, __: object, value: Any) -> None:
        if value is None:
            return
        if not isinstance(value, str):
            _refuse(
                f"is text, not {type(value).__name__}: the API does not take it as anything else"
            )
        elif max_length is not None and len(value) > max_length:
            _refuse(f"has {len(value):,} characters; at most {max_length:,} are kept")
        elif not value.isascii():
            _refuse_lone_surrogates(value)

    return check


def _refuse_lone_surrogates(value: str) -> None:
    # json.dumps would write one as \ud83d, and Laravel would read the whole body as empty.
    try:
        value.encode()
    except UnicodeEncodeError:
        _refuse("holds half a character (a lone surrogate), which no JSON can carry")


_check_text = check_text()


def check_filled(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check a required string that is not blank."""
    if value is None or (isinstance(value, str) and not value.strip()):
        _refuse("is required and must not be blank")
    _check_text(instance, attribute, value)


def check_flag(_: object, __: object, value: Any) -> None:
    """Check for True, False or None."""
    if value is not None and not isinstance(value, bool):
        _refuse("is True or False")


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(
        value, (str, bytes, bytearray, memoryview)
    )


def check_slugs(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Check a list of slugs, which may be empty."""
    if value is None:
        return
    if not _is_list(value):
        _refuse('is a list of slugs: ["regular", "newsletter"]')
    for slug in value:
        check_filled(instance, attribute, slug)


def check_currency(_: object, __: object, value: Any) -> None:
    """Check a currency code of three letters, such as USD."""
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"[A-Za-z]{3}", value)):
        _refuse("is a currency code of three letters: USD")


def check_amount(_: object, __: object, value: Any) -> None:
    """Check a required integer in the lowest currency unit; a refund is negative."""
    if isinstance(value, bool) or not isinstance(value, int):
        _refuse("is a whole number in the lowest currency unit: 4900 for 49.00 USD")
    elif not -(2**63) <= value < 2**63:
        _refuse("is larger than the API can take (64 bits)")


def check_channels(_: object, __: object, value: Any) -> None:
    """Check a required list of email, sms or both, each once."""
    if not _is_list(value) or not value:
        _refuse('is a list of at least one of email and sms: ["email"]')
    wrong = [repr(channel) for channel in value if channel not in CHANNELS]
    if wrong:
        _refuse(f"knows email and sms only, not {', '.join(wrong)}")
    if len(set(value)) != len(value):
        _refuse("names a channel twice, which would ask the same person twice")


def check_reminders_count(_: object, __: object, value: Any) -> None:
    """Check a number of reminders: 0 to 3 [D]."""
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 3
    ):
        _refuse("is a whole number from 0 to 3")


def check_date(_: object, __: object, value: Any) -> None:
    """Check a `DateLike`: a date, an aware time, or an ISO 8601 string of either."""
    if value is not None:
        format_date(value)


def contact_problems(email: object, phone: object) -> list[tuple[str, str]]:
    """Return the problems of a value that must name its customer by email or by phone [D]."""
    if has_text(email, phone):
        return []
    return [("email", "give an email or a phone, so that the customer can be found")]
