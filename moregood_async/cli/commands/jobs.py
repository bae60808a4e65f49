"""``moregood import``, and the commands that continue its journal or report about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import click

from moregood_async.cli.commands.help_sections import SectionCommand
from moregood_async.cli.commands.import_options import (
    ask_options,
    charge_options,
    input_options,
    journal_options,
    plan_options,
    project_option,
)
from moregood_async.cli.commands.options import (
    NEW_FILE,
    api_options,
    combine_options,
    concurrency_option,
    exit_with,
    job_file_options,
    max_asks_option,
    moved_input_option,
    new_key_option,
    option,
    output_options,
    quiet_option,
    reconcile_after_option,
    unknown_options,
)

_INPUT: Final = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
_JOURNAL: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command("import", cls=SectionCommand)
@click.argument("file", metavar="INPUT", type=_INPUT)
@input_options
@ask_options
@charge_options
@plan_options
@unknown_options(is_first_run=True)
@journal_options
@job_file_options
@api_options
@new_key_option
@project_option
@concurrency_option
@output_options
@quiet_option
def import_(**arguments: Any) -> None:
    """Save each customer of a file; --ask also asks them.

    INPUT is a CSV, JSON Lines or Parquet file; - is standard input. Columns such as "First Name",
    "E-mail" or "Zip" are mapped by their names, as the plan of --dry-run shows. Exports of
    Shopify, Square, Stripe, HubSpot and WooCommerce are recognised.

    Each request is written to the journal before it is sent. To resume an interrupted import, run
    the same command again, or `moregood resume`: rows that are done are skipped, and nobody is
    asked twice.

    \b
    Examples:
      moregood import customers.csv --dry-run
      moregood import customers.csv --map "Nickname=first_name" --region US
      moregood import customers.csv --ask email,sms --reminders 2
      moregood import sales.csv --charge Total --currency USD --ask email

    \b
    Exit codes:
      0    all rows are done
      1    some rows are not: see the rejects file
      2    wrong usage, or a file or journal that cannot be used
      3    the API cannot be used: the key, or the network
      130  interrupted: Ctrl-C finishes the requests in flight, a second one
           stops at once
    """  # noqa: D301 - click reads the character \b
    from moregood_async.cli import import_command
    from moregood_async.cli.import_arguments import ImportArguments

    exit_with(import_command.run(ImportArguments(**arguments)))


_resume_options: Final = combine_options(
    click.argument("journal", type=_JOURNAL),
    moved_input_option,
    max_asks_option(" A higher N asks people whom an earlier run skipped."),
    unknown_options(is_first_run=False),
    job_file_options,
    api_options,
    new_key_option,
    concurrency_option,
    output_options,
    quiet_option,
)


def _resume(command: Literal["resume", "retry", "reconcile"], arguments: dict[str, Any]) -> None:
    from moregood_async.cli import resume_command

    exit_with(resume_command.run(resume_command.ResumeArguments(command=command, **arguments)))


@click.command("resume", cls=SectionCommand)
@_resume_options
def resume(**arguments: Any) -> None:
    """Resume an import that was interrupted.

    Rows that are done are skipped. Requests that were in flight are reconciled first, and are
    sent again only if they were not applied. The options are those of the import; only --max-asks,
    --on-unknown and --reconcile-after can be changed.

    \b
    Example:
      moregood resume customers.csv.journal
    """  # noqa: D301 - click reads the character \b
    _resume("resume", arguments)


@click.command("retry", cls=SectionCommand)
@_resume_options
def retry(**arguments: Any) -> None:
    """Attempt the failed rows of an import again.

    Rows that an interrupted import has not sent yet are sent too. Rejected rows stay rejected:
    correct them in the rejects file, and import that file.

    \b
    Example:
      moregood retry customers.csv.journal
    """  # noqa: D301 - click reads the character \b
    _resume("retry", arguments)


@click.command("reconcile", cls=SectionCommand)
@click.argument("journal", type=_JOURNAL)
@reconcile_after_option(None)
@api_options
@new_key_option
@output_options
def reconcile(**arguments: Any) -> None:
    """Find out what became of unknown charges and asks.

    A charge or ask is unknown if its response was lost. The API's messages and charge counts show
    whether it was applied. Nothing is sent; `moregood resume` sends what was not applied.

    \b
    Example:
      moregood reconcile customers.csv.journal
    """  # noqa: D301 - click reads the character \b
    _resume("reconcile", arguments)


@click.command("report", cls=SectionCommand)
@click.argument("journal", type=_JOURNAL)
@option(
    "--rows",
    type=click.Choice(["failed", "unknown", "done", "rejected", "waiting"]),
    metavar="OUTCOME",
    section="Rows",
    help="List the rows that are failed, unknown, done, rejected or waiting.",
)
@option(
    "-o",
    "--output",
    type=NEW_FILE,
    metavar="FILE",
    section="Rows",
    help="Write the rows of --rows to FILE, with the columns of the input.",
)
@moved_input_option
@output_options
def report(**arguments: Any) -> None:
    """Show what became of an import, also while it runs.

    The report comes from the journal: no key and no network are needed.

    \b
    Examples:
      moregood report customers.csv.journal
      moregood report customers.csv.journal --rows failed -o failed.csv
    """  # noqa: D301 - click reads the character \b
    from moregood_async.cli import report_command

    exit_with(report_command.run(report_command.ReportArguments(**arguments)))
