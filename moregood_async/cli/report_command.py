"""``moregood report``: the outcomes of an import, also while it runs."""

from __future__ import annotations

from pathlib import Path

import attrs
import click

from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.journal.reader import JournalReader
from moregood_async.bulk.outcomes import Outcome, count_of
from moregood_async.bulk.report import read_report
from moregood_async.bulk.row_files import read_results, write_results
from moregood_async.cli import exit_codes
from moregood_async.cli.output import Output
from moregood_async.cli.resume_command import open_input
from moregood_async.cli.runner import exit_code_of
from moregood_async.errors import MoreGoodError


@attrs.frozen(kw_only=True)
class ReportArguments:
    """The arguments and options of the command."""

    journal: Path
    rows: Outcome | None = None
    output: Path | None = None
    file: str | None = None
    as_json: bool = False
    verbose: bool = False


def run(arguments: ReportArguments) -> int:
    """Print the report of an import, or its rows of one outcome; return the exit code."""
    if arguments.output is not None and arguments.rows is None:
        raise click.UsageError("-o needs --rows: name the outcome of the rows to write")
    output = Output(as_json=arguments.as_json, verbose=arguments.verbose)
    try:
        return _report(arguments, output)
    except MoreGoodError as error:
        message, code = str(error), exit_code_of(error)
        output.print_error(error)
    except OSError as error:
        message = f"{arguments.output}: {error.strerror or error}"
        code = exit_codes.WRONG_USAGE
        output.print_error(message)
    output.print_json({"command": "report", "error": message, "exit_code": code})
    return code


def _report(arguments: ReportArguments, output: Output) -> int:
    report = read_report(arguments.journal)
    if arguments.rows is not None and arguments.output is not None:
        source = _open_rows(arguments)
        written = write_results(arguments.journal, source, arguments.output, arguments.rows)
        output.print(f"{count_of(written, 'row')} → {arguments.output}")
    elif arguments.rows is not None:
        for result in read_results(arguments.journal, arguments.rows):
            output.print(f"line {result.line}: {result.reason or result.outcome}")
    else:
        output.print_lines(report)
    output.print_json({"command": "report", **report.as_json()})
    return exit_codes.DONE


def _open_rows(arguments: ReportArguments) -> Source | None:
    """Return the input; None if the journal keeps the rows, which are read from there."""
    with JournalReader(arguments.journal) as journal:
        identity = journal.identity
    if identity is None or (identity.keep_rows and arguments.file is None):
        return None
    return open_input(arguments.file, identity)
