"""``moregood import``: a file's customers into the project, row by row."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import attrs
import click

from moregood_async.bulk.asking import AskTemplate
from moregood_async.bulk.columns import chosen_columns
from moregood_async.bulk.importing import Import
from moregood_async.bulk.outcomes import RowResult
from moregood_async.bulk.rejects import Rejects, rejects_beside
from moregood_async.bulk.sources import CustomerFile, read_csv
from moregood_async.cli import planning
from moregood_async.cli.console import Voice
from moregood_async.cli.import_report import ImportReport
from moregood_async.cli.progress import Steps, lines_in
from moregood_async.cli.running import exit_code, finished, interrupts
from moregood_async.client import MoreGoodClient
from moregood_async.errors import MoreGoodError
from moregood_async.models.fields import Channel


@attrs.frozen(kw_only=True)
class Wanted:
    """What was typed."""

    file: Path
    maps: tuple[str, ...] = ()
    ask: tuple[Channel, ...] | None = None
    reminders: int | None = None
    concurrency: int = 32
    rejects: Path | None = None
    dry_run: bool = False
    api_key: str | None = attrs.field(default=None, repr=False)
    base_url: str | None = None
    as_json: bool = False
    verbose: bool = False

    @property
    def template(self) -> AskTemplate | None:
        """The review request that each customer gets, if any."""
        if self.ask is None:
            return None
        return AskTemplate(channels=self.ask, reminders_count=self.reminders)


def run(wanted: Wanted) -> int:
    """Import, or show what an import would do; gives the exit code."""
    if wanted.reminders is not None and wanted.ask is None:
        raise click.UsageError("--reminders goes with --ask")
    rejects = _rejects_path(wanted)
    voice = Voice(as_json=wanted.as_json, verbose=wanted.verbose)
    try:
        customers = read_csv(wanted.file, chosen_columns(wanted.maps))
    except MoreGoodError as error:
        voice.fail(f"{wanted.file}: {error}")
        voice.summary({"command": "import", "file": str(wanted.file), "error": str(error)})
        return exit_code(error)
    with customers:
        if wanted.dry_run:
            return finished(voice, lambda: _planned(wanted, voice, customers))
        with Rejects(rejects, customers.columns, delimiter=customers.delimiter) as written:
            report = ImportReport(voice, wanted.file, customers.mapping, written)
            return finished(voice, _Sending(wanted, voice, customers, report).all_rows)


async def _planned(wanted: Wanted, voice: Voice, customers: CustomerFile) -> int:
    return planning.plan(voice, wanted.file, customers, wanted.template)


class _Sending:
    """One import under way."""

    def __init__(
        self, wanted: Wanted, voice: Voice, customers: CustomerFile, report: ImportReport
    ) -> None:
        self._wanted = wanted
        self._voice = voice
        self._customers = customers
        self._report = report

    async def all_rows(self) -> int:
        """Send every row, and say what became of them."""
        stopped: Exception | None = None
        try:
            stopped = await self._send()
        except MoreGoodError as error:  # such as a client that cannot be made without a key
            stopped = error
        except asyncio.CancelledError:
            self._report.interrupted = True
        return self._report.end(stopped)

    async def _send(self) -> Exception | None:
        wanted = self._wanted
        async with MoreGoodClient(
            wanted.api_key, base_url=wanted.base_url, max_concurrency=wanted.concurrency
        ) as client:
            importing = Import(client, self._customers, ask=wanted.template)
            total = lines_in(wanted.file) - 1
            with Steps(self._voice, "Importing", total=total) as steps:
                await self._run(importing, steps)
            return importing.usability.verdict

    async def _run(self, importing: Import, steps: Steps) -> None:
        def tell(result: RowResult) -> None:
            steps.advance()
            self._report.take(result)

        def stop() -> None:
            self._report.interrupted, steps.whole = True, False
            self._voice.say("Stopping: finishing what is under way. Ctrl-C again stops at once.")
            importing.stop()

        with interrupts(stop):
            try:
                await importing.run(tell)
                steps.whole &= importing.usability.verdict is None
            finally:
                for result in importing.unfinished():
                    tell(result)


def _rejects_path(wanted: Wanted) -> Path:
    path = wanted.rejects or rejects_beside(wanted.file)
    if path.exists() and path.samefile(wanted.file):
        raise click.UsageError("--rejects is the file to import itself; name another one")
    writable = path if path.exists() else path.parent
    if not wanted.dry_run and not os.access(writable, os.W_OK):
        raise click.UsageError(
            f"the rejects could not be written to {path}; name another place with --rejects"
        )
    return path
