"""Dates as PHP reads and writes them, by way of Laravel's ``date`` rule and Eloquent's cast.

``laravel.md`` items 7 and 8: unix seconds are refused, eight digits that look like a date pass
and are then taken for unix seconds, offsets and microseconds are dropped.
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime, timedelta

_ISO = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?"
    r"\s*(?:Z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?",
    re.IGNORECASE | re.ASCII,
)
_EIGHT_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_OTHER_FORMS = (
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d %B %Y",
    "%d %b %Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%B %d %Y",
    "%b %d %Y",
    "%a, %d %b %Y %H:%M:%S %z",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unix_seconds(value: object) -> int | None:
    """The moment that a value is stored as, or None where the ``date`` rule refuses it.

    The usual forms of PHP's ``strtotime`` are taken, and only absolute dates.

    >>> unix_seconds("2024-05-01T10:00:00+02:00") == unix_seconds("2024-05-01 10:00")
    True
    >>> unix_seconds("20240501"), unix_seconds("1714521600"), unix_seconds("tomorrow")
    (20240501, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    eight = _EIGHT_DIGITS.fullmatch(text)
    if eight:
        return int(text) if _seconds(*map(int, eight.groups())) is not None else None
    iso = _ISO.fullmatch(text)
    if iso:
        return _seconds(*(int(part or 0) for part in iso.groups()))
    return _other_form(text)


def _seconds(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> int | None:
    try:
        return timegm(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timetuple())
    except ValueError:
        return None


def _other_form(text: str) -> int | None:
    for form in _OTHER_FORMS:
        try:
            return timegm(datetime.strptime(text, form).timetuple())  # noqa: DTZ007  offsets are dropped
        except ValueError:
            continue
    return None


def iso(seconds: int) -> str:
    """Unix seconds as Carbon's ``toISOString`` writes them.

    >>> iso(1714557600)
    '2024-05-01T10:00:00.000000Z'
    """
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S.%fZ}".rjust(27, "0")
