"""Dates as PHP reads and writes them, through Laravel's ``date`` rule and Eloquent's cast.

- Dates are what PHP's Carbon can parse [I].
  The sandbox reads absolute dates in the formats of ``_ISO`` and ``_OTHER_FORMATS``. Relative dates
  such as ``tomorrow`` are refused, as recorded [L].
- A date that does not exist, such as ``2024-02-30``, is refused [L].
- Unix seconds are refused, both as a number and as a string [L].
- Eight digits that form a date pass the rule and are then stored as unix seconds [L]:
  ``"20240501"`` becomes 20240501 seconds, a day in August 1970.
- The cast drops time zones [L]: ``10:00+02:00`` and ``10:00-07:00`` are both stored as 10:00 UTC.
- The cast drops fractions of a second [L].
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
_OTHER_FORMATS = (
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


def to_unix_seconds(value: object) -> int | None:
    """Return the time that the API stores for a value, or None if the ``date`` rule refuses it.

    >>> to_unix_seconds("2024-05-01T10:00:00+02:00") == to_unix_seconds("2024-05-01 10:00")
    True
    >>> to_unix_seconds("20240501"), to_unix_seconds("1714521600"), to_unix_seconds("tomorrow")
    (20240501, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    eight_digits = _EIGHT_DIGITS.fullmatch(text)
    if eight_digits:
        # The rule reads a date, the cast reads a number: both see the same eight digits.
        exists = _seconds_of(*map(int, eight_digits.groups())) is not None
        return int(text) if exists else None
    iso = _ISO.fullmatch(text)
    if iso:
        return _seconds_of(*(int(part or 0) for part in iso.groups()))
    return _read_other_format(text)


def _seconds_of(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> int | None:
    try:
        return timegm(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timetuple())
    except ValueError:
        return None


def _read_other_format(text: str) -> int | None:
    for form in _OTHER_FORMATS:
        try:
            return timegm(datetime.strptime(text, form).timetuple())  # noqa: DTZ007  zones are dropped
        except ValueError:
            continue
    return None


def to_iso8601(unix_seconds: int) -> str:
    """Return unix seconds as Carbon's ``toISOString`` writes them.

    >>> to_iso8601(1714557600)
    '2024-05-01T10:00:00.000000Z'
    """
    return f"{_EPOCH + timedelta(seconds=unix_seconds):%Y-%m-%dT%H:%M:%S.%fZ}".rjust(27, "0")
