"""Masking of personal data and secrets in everything that is printed, logged or raised.

`masked` replaces email addresses and phone numbers. It keeps dates, durations, hosts, ports, UUIDs
and ids in paths, which can look like phone numbers. A text that could be either is masked.
"""

import re
from collections.abc import Iterator, Mapping

# Characters that can be part of an address, on either side of the "@".
_PART = r"[^\s@\"'<>(),;:\[\]{}]"
# A local part in quotes, or a run of those characters. An apostrophe belongs to the address between
# letters only (o'brien@example.com), because log lines put addresses in quotes.
_EMAIL = re.compile(
    rf"(?:\"[^\"\n]{{1,64}}\"|(?<!{_PART})(?<!\w'){_PART}+(?:(?<=\w)'(?=\w){_PART}+)*)"
    rf"(?:@|%40){_PART}+"
)

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
# Digits with separators that are not phone numbers, each with a guard against a longer number.
_DATE_OR_HOST = "|".join(
    (
        r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!-?\d)",
        r"\d{1,2}[/.]\d{1,2}[/.](?:19|20)\d\d(?!\d)",
        r"(?:19|20)\d\d \d\d:\d\d",  # the middle of an HTTP date
        rf"(?:{_BYTE}\.){{3}}{_BYTE}(?![. -]?\d)",
    )
)
_DURATION = r"\d{1,2}\.\d+(?![\d. -]*\d)"
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
# An id in a path, after "#", or after "id": at most nine digits, with no digits following.
_ID = r"(?:(?<=[a-z]/)|(?<=#)|(?<=[\W_]id[ =]))\d{1,9}(?! ?[\d().+-])"
# Digits, dots, slashes, brackets, and every kind of blank and hyphen that people type.
_IN_A_PHONE = r"[\d \t\u00a0\u2007\u2009\u202f\u2010-\u2015.()/-]"
# The first branch consumes what is kept, so that the second cannot match in its middle. The second
# begins outside of words and decimals, or after a percent-encoded "+" or blank, and stops where a
# date or a host begins.
_PHONE = re.compile(
    rf"(?<![\w.+-])(?P<kept>{_DATE_OR_HOST}|{_DURATION}|{_UUID}|{_ID})"
    r"|(?:(?<=%2B)|(?<=%20)|(?<!\w)(?<!\w-)(?<!\d\.))"
    rf"\+?\(?\d(?:(?!(?<![\w.+-])(?:{_DATE_OR_HOST})){_IN_A_PHONE}){{5,}}\d"
    r"(?: ?(?:x|ext\.?) ?\d+)?"
)
_MIN_PHONE_DIGITS = 7
"""Fewer digits are statuses, counts or ids. The shortest local phone numbers have 7."""
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


def masked(text: str) -> str:
    """Return the text with every email address and phone number replaced by ``***``.

    >>> masked("ada@example.com called from +1 415 555 0100, attempt 2 after 0.31 s")
    '*** called from ***, attempt 2 after 0.31 s'
    """
    return _PHONE.sub(_mask_phone, _EMAIL.sub("***", text))


def _mask_phone(match: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in match[0])
    return match[0] if match["kept"] or digits < _MIN_PHONE_DIGITS else "***"


class Headers(Mapping[str, str]):
    """HTTP headers, looked up in any case. The ``repr`` masks secrets and personal data.

    ``plain`` is a dict of the unmasked headers in their original spelling, for the wire. If a name
    occurs in two spellings, the last one is kept.

    >>> headers = Headers({"Retry-After": "3", "Authorization": "Bearer secret"})
    >>> headers["retry-after"], headers
    ('3', Headers({'retry-after': '3', 'authorization': '***'}))
    """

    __slots__ = ("_values", "plain")

    def __init__(self, values: Mapping[str, str]) -> None:
        named = {name.lower(): (name, value) for name, value in values.items()}
        self._values = {name: value for name, (_, value) in named.items()}
        self.plain: dict[str, str] = dict(named.values())

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({masked_headers(self)})"


def masked_headers(headers: Mapping[str, str]) -> str:
    """Return the headers as text, without secrets and personal data."""
    return str(
        {
            name: "***" if name.lower() in _SECRET_HEADERS else masked(value)
            for name, value in headers.items()
        }
    )


class ApiKey:
    """A project's secret key. Only `reveal` returns it; ``repr`` and ``str`` are masked."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key, for the Authorization header."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "ApiKey(***)"
