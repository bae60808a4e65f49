"""``moregood report``: what became of an import, also while it runs."""

from __future__ import annotations

from pathlib import Path

import attrs
import click

from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.journal.reader import JournalReader
from moregood_async.bulk.outcomes import Outcome
from moregood_async.bulk.report import read_report
from moregood_async.bulk.row_files import read_results, write_results
from moregood_async.cli import exits
from moregood_async.cli.console import Voice, counted
from moregood_async.cli.resuming import source_of
from moregood_async.cli.running import exit_code
from moregood_async.errors import MoreGoodError


@attrs.frozen(kw_only=True)
class Wanted:
    """What was typed."""

    journal: Path
    rows: Outcome | None = None
    output: Path | None = None
    file: str | None = None
    as_json: bool = False
    verbose: bool = False


def run(wanted: Wanted) -> int:
    """Tell what became of an import; gives the exit code."""
    if wanted.output is not None and wanted.rows is None:
        raise click.UsageError("-o goes with --rows: which rows are to be written?")
    voice = Voice(as_json=wanted.as_json, verbose=wanted.verbose)
    try:
        return _tell(wanted, voice)
    except MoreGoodError as error:
        told, code = str(error), exit_code(error)
        voice.fail(error)
    except OSError as error:
        told, code = f"{wanted.output}: {error.strerror or error}", exits.WRONG_USAGE
        voice.fail(told)
    voice.summary({"command": "report", "error": told, "exit_code": code})
    return code


def _tell(wanted: Wanted, voice: Voice) -> int:
    report = read_report(wanted.journal)
    if wanted.rows is not None and wanted.output is not None:
        source = _source(wanted)
        written = write_results(wanted.journal, source, wanted.output, wanted.rows)
        voice.say(f"{counted(written, 'row')} → {wanted.output}")
    elif wanted.rows is not None:
        for result in read_results(wanted.journal, wanted.rows):
            voice.say(f"line {result.line}: {result.reason or result.outcome}")
    else:
        for line in str(report).splitlines():
            voice.say(line)
    voice.summary({"command": "report", **report.as_json()})
    return exits.DONE


def _source(wanted: Wanted) -> Source | None:
    with JournalReader(wanted.journal) as journal:
        identity = journal.identity
    if identity is None or (identity.keep_rows and wanted.file is None):
        return None
    return source_of(wanted.file, identity)
