"""``moregood export``."""

from __future__ import annotations

from typing import Any

import click

from moregood_async.cli.commands.help_sections import SectionCommand
from moregood_async.cli.commands.options import (
    FORMATS,
    NEW_FILE,
    api_options,
    exit_with,
    option,
    output_options,
)


@click.command("export", cls=SectionCommand)
@click.argument(
    "list_name", metavar="LIST", type=click.Choice(["customers", "reviews", "messages"])
)
@option(
    "-o",
    "--output",
    type=NEW_FILE,
    metavar="FILE",
    section="File",
    help="Write to FILE, which appears when it is complete. [default: stdout]",
)
@option(
    "--format",
    "file_format",
    type=FORMATS,
    metavar="FORMAT",
    section="File",
    help="csv (for spreadsheets), jsonl (keeps unknown fields) or parquet (keeps types). "
    "[default: by the suffix of FILE, else csv]",
)
@option(
    "--resume",
    is_flag=True,
    section="File",
    help="Resume an interrupted export to FILE, if there is one.",
)
@api_options
@output_options
def export(**arguments: Any) -> None:
    """Write all customers, reviews or messages to a file.

    LIST is customers, reviews or messages. Times are ISO 8601 in UTC. In CSV and Parquet, nested
    fields have dots (rating.score); in CSV, text that a spreadsheet would run as a formula is
    escaped. Parquet needs moregood_async[parquet].

    An interrupted export is kept beside FILE (.FILE.part and .FILE.checkpoint). --resume continues
    it, and writes no row a second time.

    \b
    Examples:
      moregood export reviews -o reviews.csv
      moregood export messages -o messages.parquet --resume
      moregood export customers --format jsonl | jq .email

    \b
    Exit codes:
      0    complete
      1    an error stopped the export after some rows
      2    wrong usage, a file that cannot be written, or another export is
           writing it
      3    the API cannot be used: the key, or the network
      130  interrupted by Ctrl-C
    """  # noqa: D301 - click reads the character \b
    from moregood_async.cli import export_command

    exit_with(export_command.run(export_command.ExportArguments(**arguments)))
