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
from moregood_async.bulk.outcomes import count_of
from moregood_async.cli import exit_codes
from moregood_async.cli.output import Output, format_duration
from moregood_async.cli.progress_view import ProgressView
from moregood_async.cli.runner import handle_signals, run_command
from moregood_async.client import MoreGoodClient
from moregood_async.errors import MoreGoodError


@attrs.frozen(kw_only=True)
class ExportArguments:
    """The arguments and options of the command."""

    list_name: ListName
    file_format: FileFormat | None = None
    output: Path | None = None
    resume: bool = False
    api_key: str | None = attrs.field(default=None, repr=False)
    base_url: str | None = None
    as_json: bool = False
    verbose: bool = False

    @property
    def format(self) -> FileFormat:
        """The format of ``--format``, else that of the file's suffix."""
        return self.file_format or detect_file_format(self.output)


def run(arguments: ExportArguments) -> int:
    """Export a list; return the exit code."""
    if arguments.resume and arguments.output is None:
        raise click.UsageError("--resume needs -o FILE: stdout cannot be resumed")
    if arguments.format == "parquet" and arguments.output is None and is_terminal():
        raise click.UsageError(
            "parquet is no text for a terminal: name a file with -o, or use a pipe"
        )
    output = Output(
        as_json=arguments.as_json,
        verbose=arguments.verbose,
        data_on_stdout=arguments.output is None,
    )
    return run_command(output, _ExportView(arguments, output).run)


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout.isatty()


class _ExportView:
    """Runs one export, and prints what happens."""

    def __init__(self, arguments: ExportArguments, output: Output) -> None:
        self._arguments = arguments
        self._output = output
        self._export: Export | None = None
        self._began = time.monotonic()

    async def run(self) -> int:
        """Write the list, and print what was written; return the exit code."""
        task = asyncio.current_task()
        try:
            with handle_signals(lambda: task.cancel() if task else None):
                await self._write()
        except BrokenPipeError:
            raise
        except (MoreGoodError, OSError, asyncio.CancelledError) as error:
            return self._end(error)
        return self._end(None)

    async def _write(self) -> None:
        arguments = self._arguments
        async with MoreGoodClient(arguments.api_key, base_url=arguments.base_url) as client:
            target = arguments.output or sys.stdout.buffer
            export = self._export = Export(
                client,
                arguments.list_name,
                target,
                file_format=arguments.format,
                resume=arguments.resume,
            )
            with ProgressView(self._output, f"Exporting {arguments.list_name}") as view:
                await export.run(lambda page: self._show_page(export, view, page))

    def _show_page(self, export: Export, view: ProgressView, page: PageWritten) -> None:
        if page.page == 0 and self._arguments.resume:
            resumed = f"resuming after {count_of(export.rows, 'row')}"
            nothing = "nothing to resume: starting with the first page"
            self._output.print(resumed if export.resumed else nothing)
        view.set_total(page.total)
        for _ in range(page.rows):
            view.advance()

    def _exit_code(self, error: BaseException | None) -> int:
        if error is None:
            return exit_codes.DONE
        if isinstance(error, asyncio.CancelledError):
            return exit_codes.INTERRUPTED
        if self._export is not None and self._export.new_rows:
            return exit_codes.NOT_ALL_DONE
        if isinstance(error, OSError | CannotExport | NoParquet):
            return exit_codes.WRONG_USAGE
        return exit_codes.API_UNUSABLE

    def _end(self, error: MoreGoodError | OSError | asyncio.CancelledError | None) -> int:
        code, export = self._exit_code(error), self._export
        rows, new = (export.rows, export.new_rows) if export else (0, 0)
        if error is None:
            self._output.print(self._success_message(rows))
        else:
            self._output.print_error(self._error_message(error))
            self._output.print(f"{count_of(new, 'row')} received; {self._next_step()}")
        self._output.print_json(
            {
                "command": "export",
                "list": self._arguments.list_name,
                "format": self._arguments.format,
                "output": str(self._arguments.output) if self._arguments.output else None,
                "rows": rows,
                "resumed": bool(export and export.resumed),
                "skipped": export.skipped_rows if export else 0,
                "seconds": round(time.monotonic() - self._began, 3),
                "error": None if error is None else str(self._error_message(error)),
                "exit_code": code,
            }
        )
        return code

    def _success_message(self, rows: int) -> str:
        arguments, duration = self._arguments, format_duration(time.monotonic() - self._began)
        to = f" → {arguments.output}" if arguments.output else ""
        return f"{rows:,} {arguments.list_name} in {duration}{to}"

    def _error_message(self, error: BaseException) -> MoreGoodError | str:
        if isinstance(error, MoreGoodError):
            return error
        if isinstance(error, OSError):
            return f"{self._arguments.output or 'stdout'}: {error.strerror or error}"
        return "interrupted"

    def _next_step(self) -> str:
        if self._arguments.output is None:
            return "the list is not complete."
        kept = self._export.kept_rows if self._export else 0
        advice = f" {count_of(kept, 'row')} are kept: continue with --resume." if kept else ""
        return f"{self._arguments.output} was not written.{advice}"
