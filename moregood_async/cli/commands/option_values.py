"""Parsers of option values, as click's callbacks; each returns None for an option left out."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import click

_UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}


def parse_channels(
    _: click.Context, __: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Return the channels of ``email``, ``sms`` or ``email,sms``."""
    if value is None:
        return None
    channels = tuple(part.strip().lower() for part in value.split(","))
    if not set(channels) <= {"email", "sms"} or len(set(channels)) != len(channels):
        raise click.BadParameter("must be email, sms or email,sms")
    return channels


def parse_rate(
    _: click.Context, __: click.Parameter, value: str | None
) -> tuple[int, float] | None:
    """Return the requests and the seconds of ``60/60``."""
    if value is None:
        return None
    limit, _slash, seconds = value.partition("/")
    try:
        rate = int(limit), float(seconds)
    except ValueError:
        raise click.BadParameter("must be LIMIT/SECONDS, such as 60/60") from None
    if rate[0] < 1 or not 0 < rate[1] < 1e9:
        raise click.BadParameter("must be at least 1 request in more than 0 s, such as 60/60")
    return rate


def parse_timedelta(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """Return the time of ``30d``, ``12h`` or ``4w``."""
    if value is None:
        return None
    number, unit = value[:-1], value[-1:].lower()
    if not number.isdecimal() or unit not in _UNITS or not int(number):
        raise click.BadParameter("must be hours, days or weeks, such as 30d, 12h or 4w")
    try:
        return timedelta(**{_UNITS[unit]: int(number)})
    except OverflowError:
        raise click.BadParameter("is too long") from None
