"""`JobView`: a job in the terminal: its progress, the rows to look at, its files and its end."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from itertools import count
from pathlib import Path
from typing import Final, Self

import attrs
import click

from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal.errors import JournalError
from moregood_async.bulk.journal.states import SkipReason
from moregood_async.bulk.outcomes import RowResult
from moregood_async.bulk.plan import PlanChanged
from moregood_async.bulk.report import Report
from moregood_async.bulk.row_files import write_rejects, write_results
from moregood_async.bulk.run.circuit_breaker import TooManyFailures
from moregood_async.cli import exit_codes
from moregood_async.cli.output import Output
from moregood_async.cli.progress_view import ProgressView
from moregood_async.cli.runner import exit_code_of, handle_signals
from moregood_async.errors import MoreGoodError

MAX_NAMED_ROWS: Final = 10
"""Rows of a kind that are named on the screen. There may be thousands; the rest is counted."""


@attrs.frozen(kw_only=True)
class JobFiles:
    """The files of a job in the terminal."""

    journal: Path
    rejects: Path
    results: Path
    named_by_user: frozenset[Path]
    """Files that may be written over, since the user named them."""
    keeps_rows: bool
    """Whether the journal keeps the rows."""

    @classmethod
    def of(
        cls,
        journal: Path,
        input_name: Path,
        *,
        rejects: Path | None,
        results: Path | None,
        keeps_rows: bool,
    ) -> Self:
        """Return the files of a job; those that the user has not named go beside the input."""
        return cls(
            journal=journal,
            rejects=rejects or file_beside(input_name, "rejects"),
            results=results or file_beside(input_name, "results"),
            named_by_user=frozenset(path for path in (rejects, results) if path),
            keeps_rows=keeps_rows,
        )


class JobView:
    """Runs a job once, and prints what happens."""

    def __init__(
        self, output: Output, job: Job, source: Source, files: JobFiles, *, command: str
    ) -> None:
        self._output = output
        self._job = job
        self._source = source
        self._files = files
        self._command = command
        self._named: Counter[str] = Counter()
        self._was_interrupted = self._has_file_error = False

    async def run(self, *, confirm: str | None = None) -> int:
        """Run the job, write its files, and print its report; return the exit code."""
        self._print_beginning()
        stopped_by: Exception | None = None
        try:
            await self._run_job(confirm)
        except PlanChanged as changed:
            self._output.print(str(changed.plan))
            stopped_by = changed
        except MoreGoodError as error:
            stopped_by = error
        except asyncio.CancelledError:
            self._was_interrupted = True
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        return await self._end(stopped_by)

    def _print_beginning(self) -> None:
        report = self._job.report()
        if not report.rows:
            self._output.print(str(self._source.mapping), style="dim")
        elif report.is_over:
            self._output.print(
                f"Earlier runs have gone through all of {report.name}. Another --journal would "
                "begin anew, and ask everyone again.",
                style="yellow",
            )
        else:
            self._output.print(f"Going on with {self._files.journal}.", style="dim")

    async def _run_job(self, confirm: str | None) -> None:
        def stop() -> None:
            self._was_interrupted = True
            view.is_complete = False
            self._output.print(
                "Stopping: finishing requests in flight. Ctrl-C again stops at once."
            )
            self._job.stop()

        view = ProgressView(self._output, "Importing", total=self._source.total())
        with view, handle_signals(stop):
            async with aclosing(self._job.run(confirm=confirm)) as run:
                async for progress in run:
                    view.show(progress)
                    if progress.row is not None:
                        self._print_row(progress.row)

    def _print_row(self, result: RowResult) -> None:
        """Print a row that somebody should look at; of each kind only the first ones."""
        kind, text = describe_row(result)
        if not kind:
            return
        self._named[kind] += 1
        if self._named[kind] <= MAX_NAMED_ROWS:
            self._output.print(f"line {result.line}: {text}", style="yellow")
        elif self._named[kind] == MAX_NAMED_ROWS + 1:
            self._output.print(f"… and more that are {kind}", style="yellow")

    async def _end(self, stopped_by: Exception | None) -> int:
        report = self._job.report()
        code = exit_code_of_run(report, stopped_by, was_interrupted=self._was_interrupted)
        if stopped_by is not None:
            self._output.print_error(stopped_by)
        nothing_ran = isinstance(stopped_by, JournalError | PlanChanged)
        files = {} if nothing_ran else await self._write_files(report)
        if self._has_file_error and code == exit_codes.DONE:
            code = exit_codes.NOT_ALL_DONE
        if report.rows:
            for line in str(report).splitlines():
                self._output.print(line)
        if "rejects" in files:
            self._output.print(f"  rows to look at: {files['rejects']}")
        self._output.print_json(
            {
                "command": self._command,
                "journal": str(self._files.journal),
                **report.as_json(),
                "rejects": files.get("rejects"),
                "results": files.get("results"),
                "interrupted": self._was_interrupted,
                "error": str(stopped_by) if stopped_by else None,
                "exit_code": code,
            }
        )
        return code

    async def _write_files(self, report: Report) -> dict[str, str]:
        """Write the results and rejects files; return their paths by kind."""
        if not report.rows or not (self._source.rereadable or self._files.keeps_rows):
            return {}
        journal, files, path = self._files.journal, dict[str, str](), self._files.results
        try:
            path = self._free_path(self._files.results)
            write_results(journal, self._source, path)
            files["results"] = str(path)
            path = self._free_path(self._files.rejects)
            if write_rejects(journal, self._source, path):
                files["rejects"] = str(path)
            await self._job.note_written(*map(Path, files.values()))
        except JournalError as error:  # such as an input that has changed since
            self._has_file_error = True
            self._output.print_error(error)
        except OSError as error:
            self._has_file_error = True
            self._output.print_error(
                f"{path}: {error.strerror or error}; the journal has all of it: "
                f"moregood report {journal} --rows failed -o FILE.csv"
            )
        return files

    def _free_path(self, path: Path) -> Path:
        """Return the path, or the next free one if a file of somebody else has its name."""
        is_ours = path in self._files.named_by_user or self._job.is_unchanged(path)
        if is_ours or not path.is_file():
            return path
        for number in count(2):
            other = path.with_name(f"{path.stem}-{number}{path.suffix}")
            if not other.exists() or self._job.is_unchanged(other):
                return other
        raise AssertionError


def check_writable(files: Mapping[str, Path | None]) -> None:
    """Refuse files that cannot be written, before anything is sent.

    Args:
        files: Paths by their option.

    Raises:
        UsageError: One cannot be written.
    """
    for option, path in files.items():
        if path is None or os.access(path if path.exists() else path.parent, os.W_OK):
            continue
        raise click.UsageError(f"{option} cannot be written to {path}; name another place")


def exit_code_of_run(report: Report, stopped_by: Exception | None, *, was_interrupted: bool) -> int:
    """Return the exit code of a run."""
    if isinstance(stopped_by, TooManyFailures):
        return exit_codes.NOT_ALL_DONE
    if isinstance(stopped_by, MoreGoodError):
        return exit_code_of(stopped_by)
    if was_interrupted:
        return exit_codes.INTERRUPTED
    return exit_codes.DONE if report.done == report.rows else exit_codes.NOT_ALL_DONE


def describe_row(result: RowResult) -> tuple[str, str]:
    """Return the kind of a row that somebody should look at, and why; empty if nobody need."""
    if result.outcome != "done":
        return result.outcome, f"{result.outcome}: {result.reason}"
    if result.skip_reason not in (None, SkipReason.MAX_ASKS):
        return f"not asked ({result.skip_reason})", result.reason
    return ("with a warning", result.warning) if result.warning else ("", "")


def file_beside(file: Path, kind: str) -> Path:
    """Return the path of a file about an input file.

    >>> file_beside(Path("shop/customers.csv"), "rejects").as_posix()
    'shop/customers.rejects.csv'
    """
    suffix = file.suffix if kind == "results" and file.suffix else ".csv"
    return file.with_name(f"{file.stem}.{kind}{suffix}")
