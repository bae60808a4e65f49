"""The options that several commands share. A ``section`` is a heading in ``--help``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from moregood_async.cli.commands.help_sections import SectionOption

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FORMATS: Final = click.Choice(["csv", "jsonl", "parquet"])
NEW_FILE: Final = click.Path(dir_okay=False, path_type=Path)

option: Final = partial(click.option, cls=SectionOption)
"""`click.option` with a ``section``, the heading of the option in ``--help``."""


def exit_with(code: int) -> None:
    """End the running command with an exit code."""
    click.get_current_context().exit(code)


def combine_options(*options: Decorator) -> Decorator:
    """Return a decorator that adds options in the order in which ``--help`` lists them."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        """Return the command with these options before those that it has."""
        for decorator in reversed(options):  # click lists the option first that was added last
            command = decorator(command)
        return command

    return add


output_options: Final = combine_options(
    option(
        "--json",
        "as_json",
        is_flag=True,
        section="Output",
        help="Print a summary as one line of JSON, and everything else to stderr.",
    ),
    option(
        "-v",
        "--verbose",
        is_flag=True,
        section="Output",
        help="Print each attempt of a failed call.",
    ),
)

quiet_option: Final = option(
    "-q", "--quiet", is_flag=True, section="Output", help="Print errors only."
)

api_options: Final = combine_options(
    option(
        "--api-key",
        metavar="KEY",
        section="API",
        help="The project's secret key. Prefer MOREGOOD_API_KEY: other users of this machine can "
        "read command lines.",
    ),
    option(
        "--base-url",
        metavar="URL",
        section="API",
        help="The URL of the API. [default: MOREGOOD_BASE_URL, else the vendor's]",
    ),
)

new_key_option: Final = option(
    "--new-key",
    is_flag=True,
    section="API",
    help="Accept another API key than that of the journal: the project's key was replaced.",
)

concurrency_option: Final = option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=32,
    show_default=True,
    metavar="N",
    section="API",
    help="Send at most N requests concurrently.",
)

job_file_options: Final = combine_options(
    option(
        "--results",
        type=NEW_FILE,
        metavar="FILE",
        section="Files",
        help="Write each row with its status, id and error. [default: beside the input]",
    ),
    option(
        "--rejects",
        type=NEW_FILE,
        metavar="FILE",
        section="Files",
        help="Write the rows that are not done, each with its error. [default: beside the input]",
    ),
)

moved_input_option: Final = option(
    "--file",
    metavar="FILE",
    section="Input",
    help="The input's new path, if the file was moved; - is standard input.",
)


def max_asks_option(note: str = "") -> Decorator:
    """Return the decorator of ``--max-asks``; its help ends with a note on earlier runs."""
    return option(
        "--max-asks",
        type=click.IntRange(0),
        metavar="N",
        section="Review requests",
        help=f"Ask at most N people, all runs together.{note}",
    )


def reconcile_after_option(default: float | None) -> Decorator:
    """Return the decorator of ``--reconcile-after``; None takes the value of the last run."""
    note = " [default: as in the last run]" if default is None else ""
    return option(
        "--reconcile-after",
        type=click.FloatRange(0, 86_399),
        default=default,
        show_default=default is not None,
        metavar="SECONDS",
        section="Lost responses",
        help=f"Take a request for not applied if the API shows no trace of it after SECONDS.{note}",
    )


def unknown_options(*, is_first_run: bool) -> Decorator:
    """Return a decorator that adds the options for requests whose response was lost."""
    note = "" if is_first_run else " [default: as in the last run]"
    return combine_options(
        option(
            "--on-unknown",
            type=click.Choice(["reconcile", "hold", "resend"]),
            default="reconcile" if is_first_run else None,
            show_default=is_first_run,
            metavar="HOW",
            section="Lost responses",
            help="If the response to a charge or ask was lost: reconcile (find out whether it was "
            "applied, and send it only if not), hold (leave it unknown), or resend (send it "
            f"again, and risk a second one).{note}",
        ),
        reconcile_after_option(120 if is_first_run else None),
    )
