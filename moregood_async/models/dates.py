"""Dates and times in requests."""

from __future__ import annotations

from datetime import UTC, date, datetime

DateLike = date | datetime | str
"""A ``date``, an aware ``datetime``, or an ISO 8601 string of either."""

_NAIVE = (
    "has no time zone, so nobody can tell which moment it means: "
    "use datetime.now(UTC), or a date where the time does not matter"
)


def format_date(value: object) -> str:
    """Return a `DateLike` in the form that is safe for every endpoint.

    A date is sent as ``2026-05-01``; a time in UTC with a ``Z`` and whole seconds, as
    ``2026-05-01T08:30:00Z``. Laravel drops offsets and microseconds, refuses unix seconds, and
    reads ``20260501`` as unix seconds [I].

    Raises:
        ValueError: The value is no date, or a time without a time zone.

    >>> format_date("2026-05-01T10:30:00+02:00"), format_date("20260501")
    ('2026-05-01T08:30:00Z', '2026-05-01')
    """
    if isinstance(value, str):
        value = _parse(value.strip())
    if isinstance(value, datetime):  # before `date`, of which it is a subclass
        if value.utcoffset() is None:
            raise ValueError(_NAIVE)
        try:
            # Not every C library pads the year: year 26 has to become 0026.
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
        except OverflowError as error:
            raise ValueError("is out of range in UTC") from error
    if isinstance(value, date):
        return value.isoformat()
    raise ValueError("is a date, a datetime with a time zone, or an ISO 8601 string of either")


def _parse(text: str) -> date | datetime:
    # Dates first: `datetime.fromisoformat` also reads "2026-05-01", as midnight without a zone.
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is no ISO 8601 date or time: 2026-05-01, 2026-05-01T08:30:00Z") from error
