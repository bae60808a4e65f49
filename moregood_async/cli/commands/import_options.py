"""The options of ``moregood import`` alone."""

from __future__ import annotations

from typing import Final

import click

from moregood_async.cli.commands.option_values import parse_channels, parse_timedelta
from moregood_async.cli.commands.options import (
    FORMATS,
    NEW_FILE,
    combine_options,
    max_asks_option,
    option,
)

input_options: Final = combine_options(
    option(
        "--map",
        "maps",
        multiple=True,
        metavar='"COLUMN=FIELD"',
        section="Input",
        help='Map a column to a field; "COLUMN=" ignores it. Use it once for each column.',
    ),
    option(
        "--preset",
        metavar="NAME",
        section="Input",
        help="The program that wrote the file: shopify, square, stripe, hubspot, woocommerce, "
        "moregood, or none. [default: detected by the columns]",
    ),
    option(
        "--format",
        "file_format",
        type=FORMATS,
        metavar="FORMAT",
        section="Input",
        help="The file format: csv, jsonl or parquet. [default: detected]",
    ),
    option(
        "--encoding",
        metavar="NAME",
        section="Input",
        help="The encoding of a CSV. [default: detected]",
    ),
    option(
        "--region",
        metavar="CC",
        section="Input",
        help="The country of phone numbers without a country code, such as US or GB.",
    ),
)

ask_options: Final = combine_options(
    option(
        "--ask",
        callback=parse_channels,
        metavar="CHANNELS",
        section="Review requests",
        help="Ask each customer for a review, by email, sms or email,sms. Each person is asked "
        "once, by the channels that the row has a contact for. [default: ask nobody]",
    ),
    option(
        "--reminders",
        type=click.IntRange(0, 3),
        metavar="N",
        section="Review requests",
        help="Send N reminders to customers who do not click.",
    ),
    option(
        "--not-asked-within",
        callback=parse_timedelta,
        metavar="TIME",
        section="Review requests",
        help="Skip customers who were asked within TIME: 12h, 30d, 4w.",
    ),
    max_asks_option(),
)

charge_options: Final = combine_options(
    option(
        "--charge",
        metavar="COLUMN",
        section="Charges",
        help="Record what each customer paid: the amounts in COLUMN.",
    ),
    option(
        "--currency",
        metavar="CODE|COLUMN",
        section="Charges",
        help="The currency of the amounts, or the column with it.",
    ),
    option(
        "--charged-at",
        metavar="COLUMN",
        section="Charges",
        help="The column with the day of the charge.",
    ),
    option(
        "--in-cents",
        is_flag=True,
        section="Charges",
        help="Read amounts in the currency's lowest unit.",
    ),
)

plan_options: Final = combine_options(
    option(
        "--dry-run",
        is_flag=True,
        section="Plan",
        help="Show what the import would do, and send nothing.",
    ),
    option(
        "--confirm",
        metavar="DIGEST",
        section="Plan",
        help="Run exactly the plan with the DIGEST of --dry-run, or send nothing.",
    ),
)

journal_options: Final = combine_options(
    option(
        "--journal",
        type=NEW_FILE,
        metavar="FILE",
        section="Files",
        help="The journal, which makes the import resumable. [default: INPUT.journal]",
    ),
    option(
        "--keep-rows",
        is_flag=True,
        section="Files",
        help="Keep the rows in the journal, in clear, so that the results of standard input can "
        "be written. Must be the same in all runs of a job.",
    ),
)

project_option: Final = option(
    "--project",
    metavar="NAME",
    section="API",
    help="Identify the project in the journal by NAME. [default: a hash of the API key]",
)
