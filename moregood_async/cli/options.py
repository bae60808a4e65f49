"""Options that several commands share, and how the odd ones are read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]

_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


def channels(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """``email``, ``sms`` or ``email,sms``, each once."""
    if value is None:
        return None
    named = tuple(part.strip().lower() for part in value.split(","))
    if not set(named) <= {"email", "sms"} or len(set(named)) != len(named):
        raise click.BadParameter("is email, sms or email,sms")
    return named


def rate(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, float] | None:
    """``60/60``: requests and seconds."""
    if value is None:
        return None
    limit, _slash, per = value.partition("/")
    try:
        found = int(limit), float(per)
    except ValueError:
        raise click.BadParameter("is requests/seconds, such as 60/60") from None
    if found[0] < 1 or not 0 < found[1] < 1e9:
        raise click.BadParameter("is at least one request in some seconds, such as 60/60")
    return found


def days(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """``30d``, ``12h`` or ``2w``."""
    if value is None:
        return None
    number, unit = value[:-1], value[-1:].lower()
    if not number.isdecimal() or unit not in _UNITS or not int(number):
        raise click.BadParameter("is a number of hours, days or weeks, such as 30d, 12h or 4w")
    try:
        return timedelta(**{_UNITS[unit]: int(number)})
    except OverflowError:
        raise click.BadParameter("is too long") from None


_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def run_options(command: Command) -> Command:
    """What every run of a job knows, beside the `api_options`."""
    for option in (
        click.option(
            "--results",
            type=_NEW_FILE,
            metavar="FILE",
            help="Where every row goes, with its status, id and error. [default: beside the input]",
        ),
        click.option(
            "--rejects",
            type=_NEW_FILE,
            metavar="FILE",
            help="Where rows that were not done go, with their error. [default: beside the input]",
        ),
        click.option(
            "--concurrency",
            type=click.IntRange(1, 1000),
            default=32,
            show_default=True,
            metavar="N",
            help="Requests under way at once, at most.",
        ),
        click.option(
            "--new-key",
            is_flag=True,
            help="The project's key was replaced since the journal was made.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="Tell errors only."),
    ):
        command = option(command)
    return api_options(command)


def unknown_options(*, default: bool) -> Callable[[Command], Command]:
    """What happens to requests that lost their answer."""

    def add(command: Command) -> Command:
        command = click.option(
            "--reconcile-after",
            type=click.FloatRange(0, 86_399),
            default=120.0 if default else None,
            show_default=default,
            metavar="SECONDS",
            help="When a lost request that does not show was not applied.",
        )(command)
        return click.option(
            "--on-unknown",
            type=click.Choice(["reconcile", "hold", "resend"]),
            default="reconcile" if default else None,
            show_default=default,
            help="What to do with a charge or ask whose response was lost: find out whether it was "
            "applied, leave it, or send it again and risk a second one.",
        )(command)

    return add


def output_options(command: Command) -> Command:
    """``--json`` and ``--verbose``."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Tell the whole story of an error."),
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            help="One machine-readable summary on stdout, all else on stderr.",
        ),
    ):
        command = option(command)
    return command


def api_options(command: Command) -> Command:
    """``--api-key`` and ``--base-url``, beside the `output_options`."""
    for option in (
        click.option(
            "--base-url",
            metavar="URL",
            help="Where the API is; else MOREGOOD_BASE_URL, else the vendor's.",
        ),
        click.option(
            "--api-key",
            metavar="KEY",
            help="The project's secret key. Better set MOREGOOD_API_KEY: what stands on a command "
            "line is seen by others.",
        ),
    ):
        command = option(command)
    return output_options(command)
