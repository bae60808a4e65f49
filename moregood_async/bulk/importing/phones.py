"""Phones: told from what is none, and brought into the one form that everybody understands.

The API matches customers by phone, so a number that belongs to several people, or to nobody,
would make one customer of them. Such numbers are never sent.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any, Final

import attrs

from moregood_async.bulk.importing.columns import BadMapping
from moregood_async.errors import ConfigurationError

NO_PHONE: Final = "is no phone number"
INCOMPLETE: Final = "lacks its area code"
EXTENSION: Final = "is a switchboard's with an extension, which several people may share"
SHORTENED: Final = "was shortened by a spreadsheet; format the column as text there"

FEWEST_DIGITS: Final = 5
"""Of a number that is sent as it stands."""

_SCIENTIFIC: Final = re.compile(r"\d[.,]?\d*E\+?\d+", re.IGNORECASE)
_EXTENSION: Final = re.compile(r"\d\s*(?:x|ext\.?|extension|#)\s*\d+\s*$", re.IGNORECASE)
_OFTEN_MEANT: Final = {"UK": "GB", "EN": "GB", "EL": "GR", "SP": "ES", "SW": "SE", "JA": "JP"}


class NoPhone(ValueError):
    """What stands there is no phone that could be sent; its text says why, and not what."""


@attrs.frozen
class Phones:
    """How the phones of one file are read.

    >>> Phones("US").normal("(415) 555-2671"), Phones("US").normal("+44 20 7946 0958")
    ('+14155552671', '+442079460958')
    >>> Phones().normal("0044 20 7946 0958"), Phones().normal("(415) 555-2671")
    ('+442079460958', '(415) 555-2671')
    """

    region: str | None = None
    """Where numbers without a country code are from: two letters, such as US."""

    def normal(self, phone: str) -> str:
        """The number as E.164 (``+14155552671``) where it can be told, else as it stands.

        Raises:
            NoPhone: It is none, or none of one person.
        """
        if _SCIENTIFIC.fullmatch(phone):
            raise NoPhone(SHORTENED)
        number = "+" + phone[2:] if phone.startswith("00") else phone
        known = self.region is not None
        library = _library(needed=known) if known or number.startswith("+") else None
        return _as_it_stands(phone) if library is None else self._e164(number, library)

    def _e164(self, number: str, library: Any) -> str:
        try:
            parsed = library.parse(number, self.region)
        except library.NumberParseException:
            raise NoPhone(NO_PHONE) from None
        if parsed.extension:
            raise NoPhone(EXTENSION)
        possible = library.is_possible_number_with_reason(parsed)
        if possible != library.ValidationResult.IS_POSSIBLE:
            local = library.ValidationResult.IS_POSSIBLE_LOCAL_ONLY
            raise NoPhone(INCOMPLETE if possible == local else NO_PHONE)
        return str(library.format_number(parsed, library.PhoneNumberFormat.E164))


def phones_of(region: str | None) -> Phones:
    """How phones are read where numbers without a country code are from there.

    Raises:
        BadMapping: There is no such region.
        ConfigurationError: The library that this needs is not installed.

    >>> phones_of("us").region
    'US'
    >>> phones_of("UK")
    Traceback (most recent call last):
    moregood_async.bulk.importing.columns.BadMapping: there is no region "UK"; did you mean GB?
    """
    if region is None:
        return Phones()
    library: Any = _library(needed=True)
    known: frozenset[str] = library.SUPPORTED_REGIONS
    code = region.strip().upper()
    if code in known:
        return Phones(code)
    meant = _OFTEN_MEANT.get(code) or (code[:2] if len(code) == 3 else "")
    advice = f"did you mean {meant}?" if meant in known else "two letters, such as US, GB or DE"
    raise BadMapping(f'there is no region "{region}"; {advice}')


def _library(*, needed: bool) -> ModuleType | None:
    try:
        import phonenumbers
    except ImportError as error:
        if not needed:
            return None
        raise ConfigurationError(
            "phones of a region are read by the library phonenumbers, which is not installed: "
            'pip install "moregood_async[phones]"'
        ) from error
    return phonenumbers


def _as_it_stands(phone: str) -> str:
    if sum(character.isdigit() for character in phone) < FEWEST_DIGITS:
        raise NoPhone(NO_PHONE)
    if _EXTENSION.search(phone):
        raise NoPhone(EXTENSION)
    return phone
