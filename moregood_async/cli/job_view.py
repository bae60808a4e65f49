"""`JobView`: a job on the command line: its progress, the rows to look at, its report."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from typing import Final

from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal.errors import JournalError
from moregood_async.bulk.journal.states import SkipReason
from moregood_async.bulk.outcomes import RowResult
from moregood_async.bulk.plan import PlanChanged
from moregood_async.bulk.report import Report
from moregood_async.bulk.run.circuit_breaker import TooManyFailures
from moregood_async.cli import exit_codes
from moregood_async.cli.job_files import JobFiles, WrittenFiles
from moregood_async.cli.output import Output
from moregood_async.cli.progress_view import ProgressView
from moregood_async.cli.runner import exit_code_of, handle_signals
from moregood_async.errors import MoreGoodError

MAX_NAMED_ROWS: Final = 10
"""Rows of a kind that are named on the screen, of which there may be thousands."""


class JobView:
    """Runs a job once, and prints what happens.

    Args:
        output: Where it prints.
        job: The job, which is open.
        source: The input of the job.
        files: The files of the job.
        command: The command's name, for the JSON summary.
    """

    def __init__(
        self, output: Output, job: Job, source: Source, files: JobFiles, *, command: str
    ) -> None:
        self._output = output
        self._job = job
        self._source = source
        self._files = files
        self._command = command
        self._rows_by_kind: Counter[str] = Counter()
        self._was_interrupted = False

    async def run(self, *, confirm: str | None = None) -> int:
        """Run the job, write its files, and print its report; return the exit code."""
        self._print_beginning()
        error: MoreGoodError | None = None
        try:
            await self._run_job(confirm)
        except PlanChanged as changed:
            self._output.print(str(changed.plan))
            error = changed
        except MoreGoodError as stopped_by:
            error = stopped_by
        except asyncio.CancelledError:
            # A second Ctrl-C cancels this task. The files are still written and the report is
            # still printed, which needs awaiting: the cancellation is taken back.
            self._was_interrupted = True
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        return await self._end(error)

    def _print_beginning(self) -> None:
        report = self._job.report()
        if not report.rows:
            self._output.print(str(self._source.mapping), style="dim")
        elif report.is_over:
            self._output.print(
                f"Nothing is left to send: earlier runs have finished {report.name}. A new "
                "--journal would start over, and ask everyone again.",
                style="yellow",
            )
        else:
            self._output.print(f"Resuming {self._files.journal}.", style="dim")

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
        """Print a row that a person should look at; of each kind only the first ones."""
        kind, text = describe_row(result)
        if not kind:
            return
        self._rows_by_kind[kind] += 1
        if self._rows_by_kind[kind] <= MAX_NAMED_ROWS:
            self._output.print(f"line {result.line}: {text}", style="yellow")
        elif self._rows_by_kind[kind] == MAX_NAMED_ROWS + 1:
            self._output.print(f"… and more rows that are {kind}", style="yellow")

    async def _end(self, error: MoreGoodError | None) -> int:
        report, written = self._job.report(), WrittenFiles()
        if error is not None:
            self._output.print_error(error)
        if not isinstance(error, JournalError | PlanChanged):  # with these, nothing has run
            written = await self._files.write(self._job, self._source)
        code = exit_code_of_run(report, error, was_interrupted=self._was_interrupted)
        if written.error is not None:
            self._output.print_error(written.error)
            code = code or exit_codes.NOT_ALL_DONE
        if report.rows:
            self._output.print_lines(report)
        if written.rejects is not None:
            self._output.print(f"  rows that are not done: {written.rejects}")
        self._output.print_json(
            {
                "command": self._command,
                "journal": str(self._files.journal),
                **report.as_json(),
                "rejects": str(written.rejects) if written.rejects else None,
                "results": str(written.results) if written.results else None,
                "interrupted": self._was_interrupted,
                "error": str(error) if error else None,
                "exit_code": code,
            }
        )
        return code


def exit_code_of_run(report: Report, error: Exception | None, *, was_interrupted: bool) -> int:
    """Return the exit code of a run, which an error may have ended."""
    if isinstance(error, TooManyFailures):
        return exit_codes.NOT_ALL_DONE
    if isinstance(error, MoreGoodError):
        return exit_code_of(error)
    if was_interrupted:
        return exit_codes.INTERRUPTED
    return exit_codes.DONE if report.done == report.rows else exit_codes.NOT_ALL_DONE


def describe_row(result: RowResult) -> tuple[str, str]:
    """Return the kind of a row that a person should look at, and why; empty for other rows."""
    if result.outcome != "done":
        return result.outcome, f"{result.outcome}: {result.reason}"
    if result.skip_reason not in (None, SkipReason.MAX_ASKS):  # the report counts those
        return f"not asked ({result.skip_reason})", result.reason
    return ("done with a warning", result.warning) if result.warning else ("", "")
