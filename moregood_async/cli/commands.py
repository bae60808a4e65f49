"""The commands, their options and their help.

Nothing heavy is imported before a command runs, so that ``moregood --help`` is fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import click

from moregood_async._version import __version__
from moregood_async.cli.options import (
    FILE_FORMATS,
    NEW_FILE,
    RECONCILE_AFTER_HELP,
    api_options,
    output_options,
    parse_channels,
    parse_rate,
    parse_timedelta,
    run_options,
    unknown_options,
)

_FILE: Final = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_INPUT: Final = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try `moregood demo` first: it needs no key and no network.",
)
@click.version_option(__version__, prog_name="moregood")
def moregood() -> None:
    """Customers, review requests and reviews of More Good Reviews, from the shell.

    The API key of your project is read from MOREGOOD_API_KEY.
    """


def _exit(code: int) -> None:
    click.get_current_context().exit(code)


@moregood.command("import")
@click.argument("file", type=_INPUT)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar='"Column=field"',
    help='Map a column to a field; "Column=" ignores it. May be repeated.',
)
@click.option(
    "--preset",
    metavar="NAME",
    help="The program that wrote the file: shopify, square, stripe, hubspot, woocommerce, "
    "moregood, or none. [default: detected by its columns]",
)
@click.option("--format", "file_format", type=FILE_FORMATS, help="[default: detected]")
@click.option("--encoding", metavar="NAME", help="The encoding of a CSV. [default: detected]")
@click.option(
    "--region",
    metavar="CC",
    help="The country of phone numbers without a country code: US, GB, ...",
)
@click.option(
    "--ask",
    callback=parse_channels,
    metavar="CHANNELS",
    help="Ask each customer for a review: email, sms or email,sms. Each person is asked once, by "
    "the channels that the row has a contact for.",
)
@click.option(
    "--reminders",
    type=click.IntRange(0, 3),
    metavar="N",
    help="Remind customers who do not click, 0 to 3 times.",
)
@click.option(
    "--not-asked-within",
    callback=parse_timedelta,
    metavar="TIME",
    help="Skip customers who were asked within this time: 30d, 12h, 4w.",
)
@click.option("--max-asks", type=click.IntRange(0), metavar="N", help="Ask at most N people.")
@click.option("--charge", metavar="COLUMN", help="Record what each customer paid, from COLUMN.")
@click.option(
    "--currency", metavar="CODE|COLUMN", help="The currency of --charge, or the column with it."
)
@click.option("--charged-at", metavar="COLUMN", help="The column with the day of --charge.")
@click.option("--in-cents", is_flag=True, help="Amounts are in the currency's lowest unit.")
@unknown_options(has_default=True)
@click.option(
    "--journal", type=NEW_FILE, metavar="FILE", help="The journal. [default: FILE.journal]"
)
@click.option(
    "--keep-rows",
    is_flag=True,
    help="Keep the rows in the journal, in clear. The same in all runs of a journal.",
)
@click.option(
    "--project", metavar="NAME", help="A name for the project, instead of a hash of its key."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done; send nothing.")
@click.option("--confirm", metavar="DIGEST", help="Run exactly the plan with this digest.")
@run_options
def import_(**arguments: Any) -> None:
    """Create or update every customer of a file, and ask each for a review.

    FILE is a CSV, JSON Lines or Parquet; - is standard input. Columns such as "First Name",
    "E-mail" or "Zip" are mapped by their names, and the exports of Shopify, Square, Stripe,
    HubSpot and WooCommerce are recognised; see --dry-run.

    Everything is written to a journal before it is sent. If an import is interrupted, type the
    same command again, or `moregood resume`: rows that are done are skipped, and nobody is asked
    twice.

    \b
    Examples:
      moregood import customers.csv --dry-run
      moregood import customers.csv --map "Nickname=first_name" --region US
      moregood import customers.csv --ask email,sms --reminders 2 --not-asked-within 30d
      moregood import orders.csv --charge Total --currency USD --ask email

    \b
    Exit codes:
      0  every row is done
      1  some rows are not: see the rejects file
      2  wrong usage, or a file or journal that cannot be used
      3  the API cannot be used: the key, or the network
      130  Ctrl-C: once finishes requests in flight, twice stops at once
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import import_command

    _exit(import_command.run(import_command.ImportArguments(**arguments)))


def _resume(command: Literal["resume", "retry", "reconcile"], arguments: dict[str, Any]) -> None:
    from moregood_async.cli import resume_command

    _exit(resume_command.run(resume_command.ResumeArguments(command=command, **arguments)))


_MOVED: Final = click.option(
    "--file", metavar="FILE", help="Where the input is now, if it has moved."
)
_MAX_ASKS: Final = click.option(
    "--max-asks", type=click.IntRange(0), metavar="N", help="Ask at most N people, from now on."
)


@moregood.command("resume")
@click.argument("journal", type=_FILE)
@_MOVED
@_MAX_ASKS
@unknown_options(has_default=False)
@run_options
def resume(**arguments: Any) -> None:
    """Go on with an import where it stopped.

    Rows that are done are skipped. Requests that were in flight are reconciled first, and sent
    again only if they were not applied.

    \b
    Example:
      moregood resume customers.csv.journal
    """  # noqa: D301 - click wants the character itself
    _resume("resume", arguments)


@moregood.command("retry")
@click.argument("journal", type=_FILE)
@_MOVED
@_MAX_ASKS
@unknown_options(has_default=False)
@run_options
def retry(**arguments: Any) -> None:
    """Attempt the failed rows of an import again, and finish the rest.

    \b
    Example:
      moregood retry customers.csv.journal
    """  # noqa: D301 - click wants the character itself
    _resume("retry", arguments)


@moregood.command("reconcile")
@click.argument("journal", type=_FILE)
@click.option(
    "--reconcile-after",
    type=click.FloatRange(0, 86_399),
    metavar="SECONDS",
    help=f"{RECONCILE_AFTER_HELP} [default: the import's]",
)
@click.option("--new-key", is_flag=True, help="The project's API key was replaced.")
@api_options
def reconcile(**arguments: Any) -> None:
    """Find out what became of unknown charges and asks; send nothing.

    \b
    Example:
      moregood reconcile customers.csv.journal
    """  # noqa: D301 - click wants the character itself
    _resume("reconcile", arguments)


@moregood.command("report")
@click.argument("journal", type=_FILE)
@click.option(
    "--rows",
    type=click.Choice(["failed", "unknown", "done", "rejected", "waiting"]),
    help="List the rows with this outcome.",
)
@click.option("-o", "--output", type=NEW_FILE, metavar="FILE", help="Write these --rows to FILE.")
@_MOVED
@output_options
def report(**arguments: Any) -> None:
    """Print what became of an import, also while it runs.

    \b
    Examples:
      moregood report customers.csv.journal
      moregood report customers.csv.journal --rows failed -o failed.csv
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import report_command

    _exit(report_command.run(report_command.ReportArguments(**arguments)))


@moregood.command("export")
@click.argument(
    "list_name", metavar="LIST", type=click.Choice(["customers", "reviews", "messages"])
)
@click.option(
    "--format",
    "file_format",
    type=FILE_FORMATS,
    help="csv for spreadsheets, jsonl keeps unknown fields, parquet keeps types. [default: by the "
    "suffix of FILE, else csv]",
)
@click.option("-o", "--output", type=NEW_FILE, metavar="FILE", help="[default: stdout]")
@click.option("--resume", is_flag=True, help="Go on with an interrupted export of FILE, if any.")
@api_options
def export(**arguments: Any) -> None:
    """Write all customers, reviews or messages to a file, page by page.

    LIST is customers, reviews or messages. FILE appears under its name when it is complete. Times
    are ISO 8601 in UTC. In CSV and Parquet, nested fields have dots (rating.score); in CSV, text
    that a spreadsheet would run as a formula is escaped. Parquet needs moregood_async[parquet].

    An interrupted export is kept beside FILE (.FILE.part and .FILE.checkpoint): --resume goes on
    there. Rows that were written before are not written again.

    \b
    Examples:
      moregood export reviews -o reviews.csv
      moregood export messages -o messages.parquet --resume
      moregood export customers --format jsonl | jq .email

    \b
    Exit codes:
      0  complete
      1  interrupted by an error after some rows
      2  wrong usage, a file that cannot be written, or another export is writing it
      3  the API cannot be used
      130  Ctrl-C
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import export_command

    _exit(export_command.run(export_command.ExportArguments(**arguments)))


@moregood.command("sandbox")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    metavar="PORT",
    help="The port; 0 picks a free one.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    default=("test-key",),
    show_default=True,
    metavar="KEY",
    help="An API key to accept; each has a project of its own. May be repeated.",
)
@click.option("--db", type=NEW_FILE, metavar="FILE", help="Keep the state. [default: in memory]")
@click.option(
    "--rate",
    metavar="LIMIT/SECONDS",
    callback=parse_rate,
    help="Throttle more than LIMIT requests in SECONDS with a 429.",
)
@click.option("--seed", type=int, metavar="N", help="Customers click and write, seeded with N.")
@output_options
def sandbox(**arguments: Any) -> None:
    """Serve a Beacon API on this machine, until Ctrl-C.

    Its clock can be moved: messages are sent, reminders follow, and with --seed customers write
    reviews.

    \b
    Examples:
      moregood sandbox --rate 60/60
      moregood import customers.csv --base-url http://127.0.0.1:8765/beacon --api-key test-key
      curl -X POST -d '{"days": 3}' http://127.0.0.1:8765/__sandbox__/advance
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import sandbox_command

    _exit(sandbox_command.run(sandbox_command.SandboxArguments(**arguments)))


@moregood.command("demo")
@output_options
def demo(**arguments: Any) -> None:
    """Run the main job against an embedded sandbox, in seconds: no key, no network.

    Imports 500 made-up customers, records what they paid, asks them for reviews, lets them
    write, and exports the reviews to moregood-demo-reviews.csv in this folder. Nothing is left
    running.

    \b
    Example:
      moregood demo
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import demo_command

    _exit(demo_command.run(demo_command.DemoArguments(**arguments)))
