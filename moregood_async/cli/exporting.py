"""``moregood export``: a whole list to a file or to stdout, page by page."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import attrs
import click

from moregood_async.bulk.exporting import (
    CannotExport,
    Export,
    FileFormat,
    ListName,
    NoParquet,
    PageWritten,
    detect_file_format,
)
from moregood_async.cli import exits
from moregood_async.cli.console import Voice, counted, duration
from moregood_async.cli.progress import Steps
from moregood_async.cli.running import finished, interrupts
from moregood_async.client import MoreGoodClient
from moregood_async.errors import MoreGoodError


@attrs.frozen(kw_only=True)
class Wanted:
    """What was typed."""

    what: ListName
    form: FileFormat | None = None
    output: Path | None = None
    resume: bool = False
    api_key: str | None = attrs.field(default=None, repr=False)
    base_url: str | None = None
    as_json: bool = False
    verbose: bool = False

    @property
    def format(self) -> FileFormat:
        """The format that was named, else the one of the file's suffix."""
        return self.form or detect_file_format(self.output)


def run(wanted: Wanted) -> int:
    """Export the list; gives the exit code."""
    if wanted.resume and wanted.output is None:
        raise click.UsageError("--resume needs -o FILE: what went to stdout cannot be taken back")
    if wanted.format == "parquet" and wanted.output is None and on_a_terminal():
        raise click.UsageError("parquet is no text for a terminal: give -o FILE, or a pipe")
    voice = Voice(
        as_json=wanted.as_json, verbose=wanted.verbose, data_on_stdout=wanted.output is None
    )
    return finished(voice, _Exporting(wanted, voice).whole_list)


def on_a_terminal() -> bool:
    """Whether stdout is read by a person."""
    return sys.stdout.isatty()


class _Exporting:
    """One export under way."""

    def __init__(self, wanted: Wanted, voice: Voice) -> None:
        self._wanted = wanted
        self._voice = voice
        self._export: Export | None = None
        self._began = time.monotonic()

    async def whole_list(self) -> int:
        """Write the list, and say how it went."""
        task = asyncio.current_task()
        try:
            with interrupts(lambda: task.cancel() if task else None):
                await self._write()
        except BrokenPipeError:
            raise
        except (MoreGoodError, OSError, asyncio.CancelledError) as error:
            return self._end(error)
        return self._end(None)

    async def _write(self) -> None:
        wanted = self._wanted
        async with MoreGoodClient(wanted.api_key, base_url=wanted.base_url) as client:
            target = wanted.output or sys.stdout.buffer
            export = self._export = Export(
                client, wanted.what, target, file_format=wanted.format, resume=wanted.resume
            )
            with Steps(self._voice, f"Exporting {wanted.what}") as steps:
                await export.run(lambda came: self._tell(export, steps, came))

    def _tell(self, export: Export, steps: Steps, came: PageWritten) -> None:
        if came.page == 0 and self._wanted.resume:
            after = f"going on after {counted(export.rows, 'row')}"
            nothing = "nothing to go on with: beginning at the beginning"
            self._voice.say(after if export.resumed else nothing)
        steps.expect(came.total)
        for _ in range(came.rows):
            steps.advance()

    def _code(self, error: BaseException | None) -> int:
        if error is None:
            return exits.DONE
        if isinstance(error, asyncio.CancelledError):
            return exits.INTERRUPTED
        if self._export is not None and self._export.new_rows:
            return exits.SOME_FAILED
        unusable = isinstance(error, MoreGoodError) and not isinstance(
            error, CannotExport | NoParquet
        )
        return exits.UNUSABLE if unusable else exits.WRONG_USAGE

    def _end(self, error: MoreGoodError | OSError | asyncio.CancelledError | None) -> int:
        code, export = self._code(error), self._export
        rows, new = (export.rows, export.new_rows) if export else (0, 0)
        if error is None:
            self._voice.say(self._success(rows))
        else:
            self._voice.fail(self._problem(error))
            self._voice.say(f"{counted(new, 'row')} had come; {self._remains()}")
        self._voice.summary(
            {
                "command": "export",
                "what": self._wanted.what,
                "format": self._wanted.format,
                "output": str(self._wanted.output) if self._wanted.output else None,
                "rows": rows,
                "resumed": bool(export and export.resumed),
                "skipped": export.skipped_rows if export else 0,
                "seconds": round(time.monotonic() - self._began, 3),
                "error": None if error is None else str(self._problem(error)),
                "exit_code": code,
            }
        )
        return code

    def _success(self, rows: int) -> str:
        to = f" → {self._wanted.output}" if self._wanted.output else ""
        return f"{rows:,} {self._wanted.what} in {duration(time.monotonic() - self._began)}{to}"

    def _problem(self, error: BaseException) -> MoreGoodError | str:
        if isinstance(error, MoreGoodError):
            return error
        if isinstance(error, OSError):
            return f"{self._wanted.output or 'stdout'}: {error.strerror or error}"
        return "interrupted"

    def _remains(self) -> str:
        if self._wanted.output is None:
            return "what came is not all."
        kept = self._export.kept_rows if self._export else 0
        advice = f" {counted(kept, 'row')} are kept: go on with --resume." if kept else ""
        return f"{self._wanted.output} was not written.{advice}"
