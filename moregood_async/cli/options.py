"""Options that several commands share, and how the odd ones are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


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
