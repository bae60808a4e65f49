"""Keeping people and secrets out of everything that is printed, logged or raised.

Names of fields and codes stay; what looks like an email address or a phone number does not.
"""

import re
from collections.abc import Iterator, Mapping

_EMAIL = re.compile(r"[^\s@\"'<>(),;:\[\]{}]+@[^\s@\"'<>(),;:\[\]{}]+")
_PHONE = re.compile(
    r"(?<![\w.-])(?!\d{4}-\d\d-\d\d)"  # a date is no phone
    r"\+?\(?\d[\d\s().-]{5,}\d(?:\s?x\d+)?(?![\w-])"
)
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


def masked(text: str) -> str:
    """The same text with every email address and phone number replaced by ``***``.

    >>> masked("ada@example.com asked from +1 415 555 0100, attempt 2 after 0.31 s")
    '*** asked from ***, attempt 2 after 0.31 s'
    """
    return _PHONE.sub("***", _EMAIL.sub("***", text))


class Headers(Mapping[str, str]):
    """HTTP headers by name, whatever the case; its ``repr`` hides what authorizes.

    ``plain`` is a dict of them as they were given, for the wire; it hides nothing.

    >>> headers = Headers({"Retry-After": "3", "Authorization": "Bearer secret"})
    >>> headers["retry-after"], headers
    ('3', Headers({'retry-after': '3', 'authorization': '***'}))
    """

    __slots__ = ("_values", "plain")

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        self.plain: dict[str, str] = dict(values)

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
