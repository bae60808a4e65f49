"""A job in the shell: its progress, its findings, its files and its end."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from itertools import count
from pathlib import Path
from typing import Final

import click

from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal.errors import JournalError
from moregood_async.bulk.journal.states import SkipReason
from moregood_async.bulk.outcomes import RowResult
from moregood_async.bulk.plan import PlanChanged
from moregood_async.bulk.report import Report
from moregood_async.bulk.row_files import write_rejects, write_results
from moregood_async.bulk.run.progress import Progress
from moregood_async.bulk.run.stop_switch import TooManyFailures
from moregood_async.cli import exits
from moregood_async.cli.console import Voice
from moregood_async.cli.progress import Steps
from moregood_async.cli.running import exit_code, interrupts
from moregood_async.errors import MoreGoodError

NAMED: Final = 10
"""Rows of a kind that are named on the screen; there may be thousands."""


class Running:
    """One run of a job."""

    def __init__(
        self,
        voice: Voice,
        job: Job,
        source: Source,
        *,
        command: str,
        journal: Path,
        name: Path,
        rejects: Path | None,
        results: Path | None,
        keeps_rows: bool,
    ) -> None:
        self._voice = voice
        self._job = job
        self._source = source
        self._keeps_rows = keeps_rows
        self._command = command
        self._journal = journal
        self._rejects = rejects or beside(name, "rejects")
        self._results = results or beside(name, "results")
        self._named_by_user = {rejects, results}
        self._named: Counter[str] = Counter()
        self._interrupted = self._files_failed = False

    async def to_its_end(self, *, confirm: str | None = None) -> int:
        """Run it, write its files, and say what became of it; gives the exit code."""
        self._tell_mapping()
        stopped: Exception | None = None
        try:
            await self._run(confirm)
        except PlanChanged as changed:
            self._voice.say(str(changed.plan))
            stopped = changed
        except MoreGoodError as error:
            stopped = error
        except asyncio.CancelledError:
            self._interrupted = True
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        return await self._end(stopped)

    def _tell_mapping(self) -> None:
        report = self._job.report()
        if not report.rows:
            self._voice.say(str(self._source.mapping), style="dim")
        elif report.is_over:
            self._voice.say(
                f"Earlier runs have gone through all of {report.name}. Another --journal would "
                "begin anew, and ask everyone again.",
                style="yellow",
            )
        else:
            self._voice.say(f"Going on with {self._journal}.", style="dim")

    async def _run(self, confirm: str | None) -> None:
        def stop() -> None:
            self._interrupted = True
            steps.whole = False
            self._voice.say("Stopping: finishing what is under way. Ctrl-C again stops at once.")
            self._job.stop()

        steps = Steps(self._voice, "Importing", total=self._source.total())
        with steps, interrupts(stop):
            async with aclosing(self._job.run(confirm=confirm)) as events:
                async for event in events:
                    steps.show(event)
                    self._take(event)

    def _take(self, event: Progress) -> None:
        if event.row is None:
            return
        kind, what = finding(event.row)
        if not kind:
            return
        self._named[kind] += 1
        if self._named[kind] <= NAMED:
            self._voice.say(f"line {event.row.line}: {what}", style="yellow")
        elif self._named[kind] == NAMED + 1:
            self._voice.say(f"… and more that are {kind}", style="yellow")

    async def _end(self, stopped: Exception | None) -> int:
        report = self._job.report()
        code = end_code(report, stopped, interrupted=self._interrupted)
        if stopped is not None:
            self._voice.fail(stopped)
        files = {} if isinstance(stopped, JournalError | PlanChanged) else await self._files(report)
        if self._files_failed and code == exits.DONE:
            code = exits.SOME_FAILED
        if report.rows:
            for line in str(report).splitlines():
                self._voice.say(line)
        if "rejects" in files:
            self._voice.say(f"  rows to look at: {files['rejects']}")
        self._voice.summary(
            {
                "command": self._command,
                "journal": str(self._journal),
                **report.as_json(),
                "rejects": files.get("rejects"),
                "results": files.get("results"),
                "interrupted": self._interrupted,
                "error": str(stopped) if stopped else None,
                "exit_code": code,
            }
        )
        return code

    async def _files(self, report: Report) -> dict[str, str]:
        if not report.rows or not (self._source.rereadable or self._keeps_rows):
            return {}
        files: dict[str, str] = {}
        where = self._results
        try:
            where = self._free(self._results)
            write_results(self._journal, self._source, where)
            files["results"] = str(where)
            where = self._free(self._rejects)
            if write_rejects(self._journal, self._source, where):
                files["rejects"] = str(where)
            await self._job.note_written(*map(Path, files.values()))
        except JournalError as error:  # such as an input that was changed meanwhile
            self._files_failed = True
            self._voice.fail(error)
        except OSError as error:
            self._files_failed = True
            self._voice.fail(
                f"{where}: {error.strerror or error}; the journal has all of it: "
                f"moregood report {self._journal} --rows failed -o FILE.csv"
            )
        return files

    def _free(self, path: Path) -> Path:
        """The path, or the next that is free where somebody's own work stands there."""
        if path in self._named_by_user or not path.is_file() or self._job.is_unchanged(path):
            return path
        for number in count(2):
            other = path.with_name(f"{path.stem}-{number}{path.suffix}")
            if not other.exists() or self._job.is_unchanged(other):
                return other
        raise AssertionError


def check_places(files: Mapping[str, Path | None]) -> None:
    """Refuse, before anything is sent, to write files where none can be written.

    Raises:
        UsageError: One cannot be; by its option.
    """
    for name, path in files.items():
        if path is None or os.access(path if path.exists() else path.parent, os.W_OK):
            continue
        raise click.UsageError(f"{name} cannot be written to {path}; name another place")


def end_code(report: Report, stopped: Exception | None, *, interrupted: bool) -> int:
    """The exit code of a run."""
    if isinstance(stopped, TooManyFailures):
        return exits.SOME_FAILED
    if isinstance(stopped, MoreGoodError):
        return exit_code(stopped)
    if interrupted:
        return exits.INTERRUPTED
    return exits.DONE if report.done == report.rows else exits.SOME_FAILED


def finding(result: RowResult) -> tuple[str, str]:
    """What a person should hear of a row, and the kind of it; empty where there is nothing."""
    if result.outcome != "done":
        return result.outcome, f"{result.outcome}: {result.reason}"
    if result.skip_reason not in (None, SkipReason.MAX_ASKS):
        return f"not asked ({result.skip_reason})", result.reason
    return ("with a warning", result.warning) if result.warning else ("", "")


def beside(file: Path, kind: str) -> Path:
    """Where a file about an input goes.

    >>> beside(Path("shop/customers.csv"), "rejects").as_posix()
    'shop/customers.rejects.csv'
    """
    suffix = file.suffix if kind == "results" and file.suffix else ".csv"
    return file.with_name(f"{file.stem}.{kind}{suffix}")
