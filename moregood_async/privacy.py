"""Keeping people and secrets out of everything that is printed, logged or raised.

Names of fields and codes stay; what looks like an email address or a phone number does not. Dates,
durations, hosts, ports, uuids and ids in paths stay too; where in doubt, it is masked.
"""

import re
from collections.abc import Iterator, Mapping

_PART = r"[^\s@\"'<>(),;:\[\]{}]"
_EMAIL = re.compile(
    rf"(?:\"[^\"\n]{{1,64}}\"|(?<!{_PART})(?<!\w'){_PART}+(?:(?<=\w)'(?=\w){_PART}+)*)"
    rf"(?:@|%40){_PART}+"
)

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
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
_ID = r"(?:(?<=[a-z]/)|(?<=#)|(?<=[\W_]id[ =]))\d{1,9}(?! ?[\d().+-])"
_IN_A_PHONE = r"[\d \t\u00a0\u2007\u2009\u202f\u2010-\u2015.()/-]"
_PHONE = re.compile(
    rf"(?<![\w.+-])(?P<kept>{_DATE_OR_HOST}|{_DURATION}|{_UUID}|{_ID})"
    r"|(?:(?<=%2B)|(?<=%20)|(?<!\w)(?<!\w-)(?<!\d\.))"
    rf"\+?\(?\d(?:(?!(?<![\w.+-])(?:{_DATE_OR_HOST})){_IN_A_PHONE}){{5,}}\d"
    r"(?: ?(?:x|ext\.?) ?\d+)?"
)
_FEWEST_DIGITS = 7
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


def masked(text: str) -> str:
    """The same text with every email address and phone number replaced by ``***``.

    >>> masked("ada@example.com asked from +1 415 555 0100, attempt 2 after 0.31 s")
    '*** asked from ***, attempt 2 after 0.31 s'
    """
    return _PHONE.sub(_phone_masked, _EMAIL.sub("***", text))


def _phone_masked(found: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in found[0])
    return found[0] if found["kept"] or digits < _FEWEST_DIGITS else "***"


class Headers(Mapping[str, str]):
    """HTTP headers by name, whatever the case; its ``repr`` hides what authorizes.

    ``plain`` is a dict of them as they were given, for the wire; it hides nothing. Where one name
    was given in two spellings, the last counts.

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
    """Headers as they may be shown: without what authorizes, and without people."""
    return str(
        {
            name: "***" if name.lower() in _SECRET_HEADERS else masked(value)
            for name, value in headers.items()
        }
    )


class ApiKey:
    """A project's secret key. Only `reveal` gives it away; ``repr`` and ``str`` do not."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself, for the Authorization header."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "ApiKey(***)"
