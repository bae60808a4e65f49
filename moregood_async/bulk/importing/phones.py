"""Phone numbers, which the API uses to identify customers.

A number that several people share, or that is no number at all, would make one customer of all
rows that have it. Such numbers are never sent. All others are sent in one notation, E.164, so that
two spellings of one number are one customer.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any, Final

import attrs

from moregood_async.bulk.importing.columns import BadMapping
from moregood_async.errors import ConfigurationError

NOT_A_NUMBER: Final = "is not a phone number"
INCOMPLETE: Final = "lacks its area code"
EXTENSION: Final = "is a switchboard with an extension, which several people may share"
SHORTENED: Final = "was shortened by a spreadsheet; format the column as text there"

MIN_DIGITS: Final = 5
"""The fewest digits of a number whose country is unknown; shorter ones, such as "12", are typos."""

# Excel shows 4155552671 as 4.15555E+09 and saves it like that: the last digits are lost.
_SCIENTIFIC: Final = re.compile(r"\d[.,]?\d*E\+?\d+", re.IGNORECASE)
# (415) 555-2671 x3651, +1 415 555 2671 ext. 7
_EXTENSION: Final = re.compile(r"\d\s*(?:x|ext\.?|extension|#)\s*\d+\s*$", re.IGNORECASE)
_OFTEN_CONFUSED: Final = {"UK": "GB", "EN": "GB", "EL": "GR", "SP": "ES", "SW": "SE", "JA": "JP"}


class InvalidPhone(ValueError):
    """A text is not a phone number of one person; the message says why and does not quote it."""


@attrs.frozen
class PhoneParser:
    """Normalizes the phone numbers of one file.

    >>> parser = PhoneParser("US")
    >>> parser.normalize("(415) 555-2671"), parser.normalize("+44 20 7946 0958")
    ('+14155552671', '+442079460958')
    >>> PhoneParser().normalize("0044 20 7946 0958"), PhoneParser().normalize("(415) 555-2671")
    ('+442079460958', '(415) 555-2671')
    """

    region: str | None = None
    """The country of numbers without a country code, in two letters, such as US."""

    @classmethod
    def of_region(cls, region: str | None) -> PhoneParser:
        """Return the parser of a region.

        Raises:
            BadMapping: There is no such region.
            ConfigurationError: The library phonenumbers is not installed.

        >>> PhoneParser.of_region("us").region
        'US'
        >>> PhoneParser.of_region("UK")
        Traceback (most recent call last):
        moregood_async.bulk.importing.columns.BadMapping: there is no region "UK"; did you mean GB?
        """
        if region is None:
            return cls()
        library: Any = _import_phonenumbers(required=True)
        regions: frozenset[str] = library.SUPPORTED_REGIONS
        code = region.strip().upper()
        if code in regions:
            return cls(code)
        # "USA" and "DEU" begin with the two letters of their country; not every code of three does.
        suggestion = _OFTEN_CONFUSED.get(code) or (code[:2] if len(code) == 3 else "")
        advice = (
            f"did you mean {suggestion}?"
            if suggestion in regions
            else "use two letters, such as US, GB or DE"
        )
        raise BadMapping(f'there is no region "{region}"; {advice}')

    def normalize(self, phone: str) -> str:
        """Return the number in E.164 (``+14155552671``), or unchanged if its country is unknown.

        Raises:
            InvalidPhone: The text is not a number, or not the number of one person.
        """
        if _SCIENTIFIC.fullmatch(phone):
            raise InvalidPhone(SHORTENED)
        # 00 is the international prefix of most countries: 0044 20 … is +44 20 …
        number = "+" + phone[2:] if phone.startswith("00") else phone
        has_country = self.region is not None or number.startswith("+")
        # Without a region, a missing library is no error: the number is sent as it is.
        library = _import_phonenumbers(required=self.region is not None) if has_country else None
        return _check_unchanged(phone) if library is None else self._to_e164(number, library)

    def _to_e164(self, number: str, library: Any) -> str:
        try:
            parsed = library.parse(number, self.region)
        except library.NumberParseException:
            raise InvalidPhone(NOT_A_NUMBER) from None
        if parsed.extension:
            raise InvalidPhone(EXTENSION)
        # "Possible" checks the length only. "Valid" would also refuse numbers in ranges that are
        # newer than the library.
        reason = library.is_possible_number_with_reason(parsed)
        if reason != library.ValidationResult.IS_POSSIBLE:
            local = library.ValidationResult.IS_POSSIBLE_LOCAL_ONLY  # 555-2671
            raise InvalidPhone(INCOMPLETE if reason == local else NOT_A_NUMBER)
        return str(library.format_number(parsed, library.PhoneNumberFormat.E164))


def _import_phonenumbers(*, required: bool) -> ModuleType | None:
    try:
        import phonenumbers
    except ImportError as error:
        if not required:
            return None
        raise ConfigurationError(
            "a region needs the library phonenumbers, which is not installed: "
            'pip install "moregood_async[phones]"'
        ) from error
    return phonenumbers


def _check_unchanged(phone: str) -> str:
    if sum(character.isdigit() for character in phone) < MIN_DIGITS:
        raise InvalidPhone(NOT_A_NUMBER)
    if _EXTENSION.search(phone):
        raise InvalidPhone(EXTENSION)
    return phone
