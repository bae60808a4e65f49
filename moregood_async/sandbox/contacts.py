"""Keys that recognise a customer by email and by phone.

- Emails are equal without regard to case and surrounding blanks [I].
- Phones are equal if their E.164 forms are equal [I]. A phone that has no E.164 form is compared as
  text, without regard to case and surrounding blanks [I].
"""

from __future__ import annotations

import re

_EXTENSION = re.compile(r"\s*(?:x|ext\.?|extension|#)\s*\d*\s*$", re.IGNORECASE)
_NO_DIGIT = re.compile(r"\D", re.ASCII)


def email_key(email: str) -> str:
    """Return the form in which two spellings of one address are equal.

    >>> email_key(" Ada@Example.COM ")
    'ada@example.com'
    """
    return email.strip().lower()


def to_e164(phone: str) -> str | None:
    """Return the phone in E.164 form, or None if it has fewer than 7 or more than 15 digits.

    Ten digits are a North American number and ``00`` stands for ``+`` [I]. An extension is
    dropped [I].

    >>> to_e164("(415) 555-0100 x12"), to_e164("001-415-555-0100")
    ('+14155550100', '+14155550100')
    >>> to_e164("+44 20 7946 0018"), to_e164("12")
    ('+442079460018', None)
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
    """Return the form in which two spellings of one phone are equal."""
    return to_e164(phone) or phone.strip().lower()


def format_phone(e164: str | None) -> str | None:
    """Return an E.164 number as people write it; only North American numbers change [I].

    >>> format_phone("+14155550100"), format_phone("+442079460018")
    ('(415) 555-0100', '+442079460018')
    """
    if e164 is None or not e164.startswith("+1") or len(e164) != 12:
        return e164
    return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"
