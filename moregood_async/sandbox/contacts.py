"""How a customer is recognized by email and by phone. All of it is inferred [I]."""

from __future__ import annotations

import re

_EXTENSION = re.compile(r"\s*(?:x|ext\.?|extension|#)\s*\d*\s*$", re.IGNORECASE)
_NO_DIGIT = re.compile(r"\D", re.ASCII)


def email_key(email: str) -> str:
    """What two spellings of one address have in common.

    >>> email_key(" Ada@Example.COM ")
    'ada@example.com'
    """
    return email.strip().lower()


def e164(phone: str) -> str | None:
    """The phone in E.164 form, or None where it has too few or too many digits for that.

    Ten digits are taken for a North American number, ``00`` for ``+``; an extension is dropped.

    >>> e164("(415) 555-0100 x12"), e164("001-415-555-0100"), e164("+44 20 7946 0018"), e164("12")
    ('+14155550100', '+14155550100', '+442079460018', None)
    """
    number = _EXTENSION.sub("", phone.strip())
    digits = _NO_DIGIT.sub("", number)
    if not number.startswith("+"):
        if digits.startswith("00"):
            digits = digits[2:]
        elif len(digits) == 10:
            digits = f"1{digits}"
    return f"+{digits}" if 7 <= len(digits) <= 15 else None


def phone_key(phone: str) -> str:
    """What two spellings of one number have in common; the text itself where it is no number."""
    return e164(phone) or phone.strip().lower()


def formatted(number: str | None) -> str | None:
    """A number in E.164 form as people write it.

    >>> formatted("+14155550100"), formatted("+442079460018")
    ('(415) 555-0100', '+442079460018')
    """
    if number is None or not number.startswith("+1") or len(number) != 12:
        return number
    return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
