"""What can be typed: the commands, their options and their help.

Nothing heavy is imported before a command runs, so that ``moregood --help`` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from moregood_async._version import __version__
from moregood_async.cli.options import api_options, channels, output_options, rate

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
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
@click.argument("file", type=_FILE)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar='"Column=field"',
    help='A column whose field you say yourself; "Column=" leaves it out. May be repeated.',
)
@click.option(
    "--ask",
    callback=channels,
    metavar="CHANNELS",
    help="Ask each customer for a review after saving them: email, sms or email,sms. Each is asked "
    "through those that reach them.",
)
@click.option(
    "--reminders",
    type=click.IntRange(0, 3),
    metavar="N",
    help="Reminders to those who do not click, 0 to 3.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=32,
    show_default=True,
    metavar="N",
    help="Requests under way at once, at most.",
)
@click.option(
    "--rejects",
    type=_NEW_FILE,
    metavar="FILE",
    help="Where rows that were not done go, with their error. [default: FILE.rejects.csv]",
)
@click.option(
    "--dry-run", is_flag=True, help="Show the mapping and every row's problems; send nothing."
)
@api_options
def import_(**said: Any) -> None:
    """Create or update every customer of a CSV, and ask them for reviews if you wish.

    Columns such as "First Name", "E-mail", "Phone 1" or "Zip" find their field by themselves; look
    with --dry-run. Rows that were not done are written to a CSV of their own, with the reason.

    \b
    Examples:
      moregood import customers.csv --dry-run
      moregood import customers.csv --map "Nickname=first_name"
      moregood import customers.csv --ask email,sms --reminders 2

    \b
    Exit codes:
      0  every row is done
      1  some rows were not: see the rejects
      2  wrong usage, or a file that cannot be read
      3  the API could not be used: the key, or the network
      130  Ctrl-C; once finishes what is under way, twice stops at once
    """  # noqa: D301 - click wants the character itself
    from moregood_async.cli import importing

    _end(importing.run(importing.Wanted(**said)))


@moregood.command("export")
@click.argument("what", type=click.Choice(["customers", "reviews", "messages"]))
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="csv for spreadsheets; jsonl keeps everything.",
)
@click.option("-o", "--output", type=_NEW_FILE, metavar="FILE", help="[default: stdout]")
@api_options
def export(**said: Any) -> None:
    """Write all customers, reviews or messages to a file, page by page.

    The file appears under its name only when it is complete. Times are ISO 8601 in UTC; in CSV,
    nested fields have dots (rating.score) and text that a spreadsheet would run is disarmed.

    \b
    Examples:
      moregood export reviews -o reviews.csv
      moregood export customers --format jsonl | jq .email

    \b
    Exit codes:
      0  complete    1  broke off on the way    3  the API could not be used
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
