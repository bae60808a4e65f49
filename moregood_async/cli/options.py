"""Options that several commands share, and callbacks that parse option values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

Command = Callable[..., Any]

FILE_FORMATS: Final = click.Choice(["csv", "jsonl", "parquet"])
NEW_FILE: Final = click.Path(dir_okay=False, path_type=Path)
RECONCILE_AFTER_HELP: Final = "After how long a lost request that does not show was not applied."


def parse_channels(
    _: click.Context, __: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Return the channels of ``email``, ``sms`` or ``email,sms``."""
    if value is None:
        return None
    channels = tuple(part.strip().lower() for part in value.split(","))
    if not set(channels) <= {"email", "sms"} or len(set(channels)) != len(channels):
        raise click.BadParameter("is email, sms or email,sms")
    return channels


def parse_rate(
    _: click.Context, __: click.Parameter, value: str | None
) -> tuple[int, float] | None:
    """Return requests and seconds of ``60/60``."""
    if value is None:
        return None
    limit, _slash, per = value.partition("/")
    try:
        rate = int(limit), float(per)
    except ValueError:
        raise click.BadParameter("is requests/seconds, such as 60/60") from None
    if rate[0] < 1 or not 0 < rate[1] < 1e9:
        raise click.BadParameter("is at least one request in some seconds, such as 60/60")
    return rate


def parse_timedelta(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """Return the time of ``30d``, ``12h`` or ``4w``."""
    if value is None:
        return None
    number, unit = value[:-1], value[-1:].lower()
    if not number.isdecimal() or unit not in _UNITS or not int(number):
        raise click.BadParameter("is a number of hours, days or weeks, such as 30d, 12h or 4w")
    try:
        return timedelta(**{_UNITS[unit]: int(number)})
    except OverflowError:
        raise click.BadParameter("is too long") from None


_UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}


def run_options(command: Command) -> Command:
    """Add the options of every command that runs a job, and the `api_options`."""
    for option in (
        click.option(
            "--results",
            type=NEW_FILE,
            metavar="FILE",
            help="Where every row is written, with its status, id and error. [default: beside the "
            "input]",
        ),
        click.option(
            "--rejects",
            type=NEW_FILE,
            metavar="FILE",
            help="Where rows that are not done are written, with their error. [default: beside "
            "the input]",
        ),
        click.option(
            "--concurrency",
            type=click.IntRange(1, 1000),
            default=32,
            show_default=True,
            metavar="N",
            help="At most N requests in flight.",
        ),
        click.option(
            "--new-key",
            is_flag=True,
            help="The project's API key was replaced since the journal was made.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    ):
        command = option(command)
    return api_options(command)


def unknown_options(*, has_default: bool) -> Callable[[Command], Command]:
    """Return a decorator that adds the options for requests whose response was lost."""

    def add(command: Command) -> Command:
        command = click.option(
            "--reconcile-after",
            type=click.FloatRange(0, 86_399),
            default=120.0 if has_default else None,
            show_default=has_default,
            metavar="SECONDS",
            help=RECONCILE_AFTER_HELP,
        )(command)
        return click.option(
            "--on-unknown",
            type=click.Choice(["reconcile", "hold", "resend"]),
            default="reconcile" if has_default else None,
            show_default=has_default,
            help="What to do with a charge or ask whose response was lost: find out whether it was "
            "applied, leave it, or send it again and risk a second one.",
        )(command)

    return add


def output_options(command: Command) -> Command:
    """Add ``--json`` and ``--verbose``."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Print every attempt of a failed call."),
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            help="Print one line of JSON to stdout, and everything else to stderr.",
        ),
    ):
        command = option(command)
    return command


def api_options(command: Command) -> Command:
    """Add ``--api-key`` and ``--base-url``, and the `output_options`."""
    for option in (
        click.option(
            "--base-url",
            metavar="URL",
            help="Where the API is. [default: MOREGOOD_BASE_URL, else the vendor's]",
        ),
        click.option(
            "--api-key",
            metavar="KEY",
            help="The project's secret key. Better set MOREGOOD_API_KEY: other users of this "
            "machine can see command lines.",
        ),
    ):
        command = option(command)
    return output_options(command)
