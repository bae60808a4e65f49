"""What can be typed: the commands, their options and their help.

Nothing heavy is imported before a command runs, so that ``moregood --help`` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from moregood_async._version import __version__
from moregood_async.cli.options import (
    api_options,
    channels,
    days,
    output_options,
    rate,
    run_options,
    unknown_options,
)

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_INPUT = click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try `moregood demo` first: it needs no key and no network.",
)
@click.version_option(__version__, prog_name="moregood")
def moregood() -> None:
    """Customers, review requests and reviews of More Good Reviews, from the shell.

    The key of your project is read from MOREGOOD_API_KEY.
    """


def _end(code: int) -> None:
    click.get_current_context().exit(code)


@moregood.command("import")
@click.argument("file", type=_INPUT)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar='"Column=field"',
    help='A column whose field you say yourself; "Column=" leaves it out. May be repeated.',
)
@click.option(
    "--preset",
    metavar="NAME",
    help="Whose export it is: shopify, square, stripe, hubspot, woocommerce, moregood, or none. "
    "[default: told by its columns]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    help="[default: told by the file]",
)
@click.option("--encoding", metavar="NAME", help="Of a CSV. [default: told by the file]")
@click.option(
    "--region",
    metavar="CC",
    help="Where phone numbers without a country code are from: US, GB, ...",
)
@click.option(
    "--ask",
    callback=channels,
    metavar="CHANNELS",
    help="Ask each customer for a review after saving them: email, sms or email,sms. Each is asked "
    "once, through those that reach them.",
)
@click.option(
    "--reminders",
    type=click.IntRange(0, 3),
    metavar="N",
    help="Reminders to those who do not click, 0 to 3.",
)
@click.option(
    "--not-asked-within",
    callback=days,
    metavar="TIME",
    help="Leave out who was asked within this time: 30d, 12h, 4w.",
)
@click.option("--max-asks", type=click.IntRange(0), metavar="N", help="Ask no more people than N.")
@click.option(
    "--charge", metavar="COLUMN", help="Record what each customer paid, which stands in COLUMN."
)
@click.option(
    "--currency", metavar="CODE|COLUMN", help="The currency of --charge, or the column that says."
)
@click.option("--charged-at", metavar="COLUMN", help="The column with the day of --charge.")
@click.option("--in-cents", is_flag=True, help="Amounts are in the currency's lowest unit already.")
@unknown_options(default=True)
@click.option(
    "--journal", type=_NEW_FILE, metavar="FILE", help="Its journal. [default: FILE.journal]"
)
@click.option("--keep-rows", is_flag=True, help="Keep the rows in the journal, in clear.")
@click.option(
    "--project", metavar="NAME", help="What the journal calls the project, instead of by its key."
)
@click.option(
    "--dry-run", is_flag=True, help="Show what would be done, and every problem; send nothing."
)
@click.option("--confirm", metavar="DIGEST", help="Do exactly the plan of this digest.")
@run_options
def import_(**said: Any) -> None:
    """Create or update every customer of a file, and ask them for reviews if you wish.

    FILE is a CSV, JSON Lines or Parquet; - is standard input. Columns such as "First Name",
    "E-mail" or "Zip" find their field by themselves, and so do the exports of Shopify, Square,
    Stripe, HubSpot and WooCommerce; look with --dry-run.

    Everything that is sent stands in a journal before. Whatever breaks off, type the same again,
    or `moregood resume`: who is done is skipped, and nobody is asked twice.

    \b
    Examples:
      moregood import customers.csv --dry-run
      moregood import customers.csv --map "Nickname=first_name" --region US
      moregood import customers.csv --ask email,sms --reminders 2 --not-asked-within 30d
      moregood import orders.csv --charge Total --currency USD --ask email

    \b
    Exit codes:
      0  every row is done
      1  some rows were not: see the rejects
      2  wrong usage, or a file or journal that cannot be used
      3  the API could not be used: the key, or the network
      130  Ctrl-C; once finishes what is under way, twice stops at once
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import importing

    _end(importing.run(importing.Wanted(**said)))


def _resuming(command: Literal["resume", "retry", "reconcile"], said: dict[str, Any]) -> None:
    from moregood_async.cli import resuming

    _end(resuming.run(resuming.Wanted(command=command, **said)))


_MOVED = click.option("--file", metavar="FILE", help="Where the input is now, if it has moved.")


@moregood.command("resume")
@click.argument("journal", type=_FILE)
@_MOVED
@click.option("--max-asks", type=click.IntRange(0), metavar="N", help="Another cap.")
@unknown_options(default=False)
@run_options
def resume(**said: Any) -> None:
    """Go on with an import where it stopped.

    Rows that are done are skipped. What was under way when it stopped is looked up first, and
    sent again only where it has not happened.

    \b
    Example:
      moregood resume customers.csv.journal
    """  # noqa: D301 - click wants the character itself
    _resuming("resume", said)


@moregood.command("retry")
@click.argument("journal", type=_FILE)
@_MOVED
@click.option("--max-asks", type=click.IntRange(0), metavar="N", help="Another cap.")
@unknown_options(default=False)
@run_options
def retry(**said: Any) -> None:
    """Try the rows of an import that failed once more, and finish the rest.

    \b
    Example:
      moregood retry customers.csv.journal
    """  # noqa: D301 - click wants the character itself
    _resuming("retry", said)


@moregood.command("reconcile")
@click.argument("journal", type=_FILE)
@click.option(
    "--reconcile-after",
    type=click.FloatRange(0, 86_399),
    metavar="SECONDS",
    help="When a lost request that does not show was not applied. [default: the import's]",
)
@click.option("--new-key", is_flag=True, help="The project's key was replaced.")
@api_options
def reconcile(**said: Any) -> None:
    """Find out what became of unknown charges and asks; send nothing.

    \b
    Example:
      moregood reconcile customers.csv.journal
    """  # noqa: D301 - click wants the character itself
    _resuming("reconcile", said)


@moregood.command("report")
@click.argument("journal", type=_FILE)
@click.option(
    "--rows",
    type=click.Choice(["failed", "unknown", "done", "rejected", "waiting"]),
    help="Tell the rows that ended like this.",
)
@click.option("-o", "--output", type=_NEW_FILE, metavar="FILE", help="Write these --rows to FILE.")
@click.option("--file", metavar="FILE", help="Where the input is now, if it has moved.")
@output_options
def report(**said: Any) -> None:
    """Tell what became of an import, also while it runs.

    \b
    Examples:
      moregood report customers.csv.journal
      moregood report customers.csv.journal --rows failed -o failed.csv
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import reporting

    _end(reporting.run(reporting.Wanted(**said)))


@moregood.command("export")
@click.argument("what", type=click.Choice(["customers", "reviews", "messages"]))
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    help="csv for spreadsheets, jsonl keeps everything, parquet keeps types. [default: by the "
    "suffix of FILE, else csv]",
)
@click.option("-o", "--output", type=_NEW_FILE, metavar="FILE", help="[default: stdout]")
@click.option("--resume", is_flag=True, help="Go on with what broke off, if there is anything.")
@api_options
def export(**said: Any) -> None:
    """Write all customers, reviews or messages to a file, page by page.

    The file appears under its name only when it is complete. Times are ISO 8601 in UTC; in CSV and
    Parquet, nested fields have dots (rating.score); in CSV, text that a spreadsheet would run is
    disarmed. Parquet needs moregood_async[parquet].

    What broke off is kept beside FILE (.FILE.part and .FILE.checkpoint): --resume goes on there.
    Rows that came before are not written again, and rows that are new meanwhile can be there too.

    \b
    Examples:
      moregood export reviews -o reviews.csv
      moregood export messages -o messages.parquet --resume
      moregood export customers --format jsonl | jq .email

    \b
    Exit codes:
      0  complete
      1  broke off on the way
      2  wrong usage, a file that cannot be written, or another export is writing it
      3  the API could not be used
      130  Ctrl-C
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import exporting

    _end(exporting.run(exporting.Wanted(**said)))


@moregood.command("sandbox")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    metavar="PORT",
    help="0 picks a free one.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    default=("test-key",),
    show_default=True,
    metavar="KEY",
    help="A key that it accepts; each has a project of its own. May be repeated.",
)
@click.option("--db", type=_NEW_FILE, metavar="FILE", help="Keep its state. [default: in memory]")
@click.option(
    "--rate",
    metavar="LIMIT/SECONDS",
    callback=rate,
    help="Refuse more than LIMIT requests in SECONDS.",
)
@click.option("--seed", type=int, metavar="N", help="Customers click and write, seeded with N.")
@output_options
def sandbox(**said: Any) -> None:
    """Serve a Beacon API of your own on this machine, until Ctrl-C.

    Its time can be moved: messages go out, reminders follow, and with --seed customers answer.

    \b
    Examples:
      moregood sandbox --rate 60/60
      moregood import customers.csv --base-url http://127.0.0.1:8765/beacon --api-key test-key
      curl -X POST -d '{"days": 3}' http://127.0.0.1:8765/__sandbox__/advance
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import sandbox as serving

    _end(serving.run(serving.Wanted(**said)))


@moregood.command("demo")
@output_options
def demo(**said: Any) -> None:
    """See it all at work in seconds: no key, no network, nothing left running.

    Imports 500 made-up customers into a sandbox, records what they paid, asks them for reviews,
    lets them answer, and writes the reviews to moregood-demo-reviews.csv in this folder.

    \b
    Example:
      moregood demo
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import demo as showing

    _end(showing.run(showing.Wanted(**said)))
