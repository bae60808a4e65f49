"""``moregood import``: a file's customers into the project, row by row."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import click

from moregood_async.bulk.importing.columns import parse_choices
from moregood_async.bulk.importing.sources import Source, read_customers
from moregood_async.bulk.job import Job
from moregood_async.bulk.options import RECONCILE_AFTER_SECONDS, OnUnknown
from moregood_async.bulk.templates import AskTemplate, ChargeTemplate
from moregood_async.cli import exits
from moregood_async.cli.console import Voice
from moregood_async.cli.job_running import Running, check_places
from moregood_async.cli.plan_showing import show
from moregood_async.cli.running import exit_code, finished
from moregood_async.client import MoreGoodClient
from moregood_async.errors import ConfigurationError, MoreGoodError
from moregood_async.models.fields import Channel

STDIN = "-"


@attrs.frozen(kw_only=True)
class Wanted:
    """What was typed."""

    file: str
    maps: tuple[str, ...] = ()
    preset: str | None = None
    form: str | None = None
    encoding: str | None = None
    region: str | None = None
    ask: tuple[Channel, ...] | None = None
    reminders: int | None = None
    not_asked_within: timedelta | None = None
    max_asks: int | None = None
    charge: str | None = None
    currency: str | None = None
    charged_at: str | None = None
    in_cents: bool = False
    on_unknown: OnUnknown = "reconcile"
    reconcile_after: float = RECONCILE_AFTER_SECONDS
    concurrency: int = 32
    journal: Path | None = None
    keep_rows: bool = False
    project: str | None = None
    new_key: bool = False
    rejects: Path | None = None
    results: Path | None = None
    dry_run: bool = False
    confirm: str | None = None
    api_key: str | None = attrs.field(default=None, repr=False)
    base_url: str | None = None
    as_json: bool = False
    verbose: bool = False
    quiet: bool = False

    @property
    def ask_template(self) -> AskTemplate | None:
        """The review request that each customer gets, if any."""
        if self.ask is None:
            return None
        return AskTemplate(channels=self.ask, reminders_count=self.reminders)

    def charge_template(self, columns: tuple[str, ...]) -> ChargeTemplate | None:
        """Where each row says what its customer paid, if anywhere."""
        if self.charge is None:
            return None
        is_column = self.currency in columns
        return ChargeTemplate(
            amount=self.charge,
            currency=None if is_column else self.currency,
            currency_column=self.currency if is_column else None,
            charged_at=self.charged_at,
            unit="minor" if self.in_cents else "major",
        )

    @property
    def journal_path(self) -> Path:
        """Where the journal is: beside the file, unless it was said."""
        return self.journal or Path(f"{self.file}.journal")


def run(wanted: Wanted) -> int:
    """Import, or show what an import would do; gives the exit code."""
    _check_usage(wanted)
    voice = Voice(as_json=wanted.as_json, verbose=wanted.verbose, quiet=wanted.quiet)
    try:
        source = opened(wanted)
        _check_charge(wanted, source)
    except (MoreGoodError, OSError) as error:
        voice.fail(f"{wanted.file}: {_told(error)}")
        code = exit_code(error) if isinstance(error, MoreGoodError) else exits.WRONG_USAGE
        voice.summary({"command": "import", "error": _told(error), "exit_code": code})
        return code
    return finished(voice, lambda: _with_client(wanted, voice, source), "import")


def opened(wanted: Wanted) -> Source:
    """The rows that were named."""
    return read_customers(
        wanted.file,
        format=wanted.form,
        mapping=parse_choices(wanted.maps),
        preset=wanted.preset,
        region=wanted.region,
        encoding=wanted.encoding,
    )


async def _with_client(wanted: Wanted, voice: Voice, source: Source) -> int:
    path = wanted.journal_path
    key = wanted.api_key or os.environ.get("MOREGOOD_API_KEY")
    keyless = not key and wanted.dry_run and not (wanted.not_asked_within or path.exists())
    async with MoreGoodClient(
        "none" if keyless else wanted.api_key,
        base_url=wanted.base_url,
        max_concurrency=wanted.concurrency,
    ) as client:
        in_memory = wanted.dry_run and not path.exists()
        job = Job(
            client,
            source,
            journal=None if in_memory else path,
            keep_rows=wanted.keep_rows,
            project=wanted.project,
            new_key=wanted.new_key,
            **_options(wanted, source),
        )
        async with job:
            if wanted.dry_run:
                plan = await job.plan()
                if keyless:  # the digest would be that of no project
                    plan.digest = ""
                return show(voice, source, plan)
            return await _sent(wanted, voice, job, source)


async def _sent(wanted: Wanted, voice: Voice, job: Job, source: Source) -> int:
    name = Path("stdin") if wanted.file == STDIN else Path(wanted.file)
    running = Running(
        voice,
        job,
        source,
        command="import",
        journal=wanted.journal_path,
        name=name,
        rejects=wanted.rejects,
        results=wanted.results,
        keeps_rows=wanted.keep_rows,
    )
    return await running.to_its_end(confirm=wanted.confirm)


def _options(wanted: Wanted, source: Source) -> dict[str, Any]:
    return {
        "charge": wanted.charge_template(source.columns),
        "ask": wanted.ask_template,
        "not_asked_within": wanted.not_asked_within,
        "max_asks": wanted.max_asks,
        "on_unknown": wanted.on_unknown,
        "reconcile_after": wanted.reconcile_after,
    }


def _check_usage(wanted: Wanted) -> None:
    if wanted.file == STDIN and (wanted.dry_run or wanted.confirm):
        raise click.UsageError("--dry-run needs a file: standard input can be read only once")
    if wanted.file == STDIN and wanted.journal is None:
        raise click.UsageError("what comes from standard input needs --journal FILE")
    asks = {
        "--reminders": wanted.reminders,
        "--max-asks": wanted.max_asks,
        "--not-asked-within": wanted.not_asked_within,
    }
    for name, value in asks.items():
        if value is not None and wanted.ask is None:
            raise click.UsageError(f"{name} goes with --ask")
    if wanted.charge is None and (wanted.currency or wanted.charged_at or wanted.in_cents):
        raise click.UsageError("--currency, --charged-at and --in-cents go with --charge")
    if wanted.charge is not None and wanted.currency is None:
        raise click.UsageError("--charge needs --currency: three letters, or a column")
    files = {
        "--rejects": wanted.rejects,
        "--results": wanted.results,
        "--journal": wanted.journal,
    }
    for name, path in files.items():
        if path is not None and path.exists() and path.resolve() == Path(wanted.file).resolve():
            raise click.UsageError(f"{name} is the file to import itself; name another one")
    check_places(files)


def _check_charge(wanted: Wanted, source: Source) -> None:
    template = wanted.charge_template(source.columns)
    if template is None:
        return
    try:
        template.check(source.columns)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None


def _told(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
