"""``moregood import``: the customers of a file, saved, charged and asked by a job."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Final

import attrs
import click

from moregood_async.bulk.importing.columns import parse_choices
from moregood_async.bulk.importing.sources import Source, read_customers
from moregood_async.bulk.job import Job
from moregood_async.bulk.options import RECONCILE_AFTER_SECONDS, OnUnknown
from moregood_async.bulk.plan import Plan
from moregood_async.bulk.templates import AskTemplate, ChargeTemplate
from moregood_async.cli import exit_codes
from moregood_async.cli.job_view import MAX_NAMED_ROWS, JobFiles, JobView, check_writable
from moregood_async.cli.output import Output
from moregood_async.cli.runner import exit_code_of, run_command
from moregood_async.client import MoreGoodClient
from moregood_async.errors import ConfigurationError, MoreGoodError
from moregood_async.models.fields import Channel

STDIN: Final = "-"


@attrs.frozen(kw_only=True)
class ImportArguments:
    """The arguments and options of the command."""

    file: str
    maps: tuple[str, ...] = ()
    preset: str | None = None
    file_format: str | None = None
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
        """The review request of each customer; None if nobody is asked."""
        if self.ask is None:
            return None
        return AskTemplate(channels=self.ask, reminders_count=self.reminders)

    def charge_template(self, columns: tuple[str, ...]) -> ChargeTemplate | None:
        """Return the columns of each row's charge; None if there are no charges."""
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
        """The journal: beside the input file, unless one was named."""
        return self.journal or Path(f"{self.file}.journal")


def run(arguments: ImportArguments) -> int:
    """Import, or show what an import would do; return the exit code."""
    _check_usage(arguments)
    output = Output(as_json=arguments.as_json, verbose=arguments.verbose, quiet=arguments.quiet)
    try:
        source = open_source(arguments)
        _check_charge(arguments, source)
    except (MoreGoodError, OSError) as error:
        problem = _problem(error)
        output.print_error(f"{arguments.file}: {problem}")
        code = exit_codes.WRONG_USAGE
        if isinstance(error, MoreGoodError):
            code = exit_code_of(error)
        output.print_json({"command": "import", "error": problem, "exit_code": code})
        return code
    return run_command(output, lambda: _run_job(arguments, output, source), "import")


def open_source(arguments: ImportArguments) -> Source:
    """Return the rows of the named file."""
    return read_customers(
        arguments.file,
        format=arguments.file_format,
        mapping=parse_choices(arguments.maps),
        preset=arguments.preset,
        region=arguments.region,
        encoding=arguments.encoding,
    )


async def _run_job(arguments: ImportArguments, output: Output, source: Source) -> int:
    journal = arguments.journal_path
    has_journal = journal.exists()
    # A plan without a key is possible if the API need not be read for it.
    has_key = bool(arguments.api_key or os.environ.get("MOREGOOD_API_KEY"))
    reads_api = arguments.not_asked_within is not None or has_journal
    is_keyless = arguments.dry_run and not has_key and not reads_api
    async with MoreGoodClient(
        "none" if is_keyless else arguments.api_key,
        base_url=arguments.base_url,
        max_concurrency=arguments.concurrency,
    ) as client:
        job = Job(
            client,
            source,
            journal=None if arguments.dry_run and not has_journal else journal,
            charge=arguments.charge_template(source.columns),
            ask=arguments.ask_template,
            not_asked_within=arguments.not_asked_within,
            max_asks=arguments.max_asks,
            on_unknown=arguments.on_unknown,
            reconcile_after=arguments.reconcile_after,
            keep_rows=arguments.keep_rows,
            project=arguments.project,
            new_key=arguments.new_key,
        )
        async with job:
            if arguments.dry_run:
                plan = await job.plan()
                if is_keyless:
                    plan.digest = ""  # it would be the digest of no project
                return _show_plan(output, source, plan)
            files = JobFiles.of(
                journal,
                Path("stdin") if arguments.file == STDIN else Path(arguments.file),
                rejects=arguments.rejects,
                results=arguments.results,
                keeps_rows=arguments.keep_rows,
            )
            view = JobView(output, job, source, files, command="import")
            return await view.run(confirm=arguments.confirm)


def _show_plan(output: Output, source: Source, plan: Plan) -> int:
    """Print a plan; return the exit code, 1 if a row would be rejected."""
    if plan.preset:
        output.print(f"Recognised: an export of {plan.preset}")
    output.print(str(source.mapping))
    output.print()
    rejected = [(line, f"rejected: {problem}") for line, problem in plan.problems]
    duplicates = [
        (line, f"the same person as in data row {row:,}") for line, row in plan.duplicate_lines
    ]
    _print_rows(output, rejected, plan.rejected)
    _print_rows(output, plan.warnings, plan.warned)
    _print_rows(output, duplicates, plan.duplicates)
    for line in str(plan).splitlines():
        output.print(line)
    hint = "With a key, there is a digest to confirm."
    if plan.digest:
        hint = f"The same command with --confirm {plan.digest} does exactly this, or refuses."
    output.print(f"Nothing was sent. {hint}")
    code = exit_codes.NOT_ALL_DONE if plan.rejected else exit_codes.DONE
    output.print_json({"command": "import", "dry_run": True, **plan.as_json(), "exit_code": code})
    return code


def _print_rows(output: Output, rows: list[tuple[int, str]], count: int) -> None:
    for line, text in rows[:MAX_NAMED_ROWS]:
        output.print(f"line {line}: {text}", style="yellow")
    if count > MAX_NAMED_ROWS:
        output.print(f"… and {count - MAX_NAMED_ROWS:,} more", style="yellow")


def _check_usage(arguments: ImportArguments) -> None:
    """Refuse options that do not go together.

    Raises:
        UsageError: They do not; the message names them.
    """
    if arguments.file == STDIN and (arguments.dry_run or arguments.confirm):
        raise click.UsageError("--dry-run needs a file: standard input can be read only once")
    if arguments.file == STDIN and arguments.journal is None:
        raise click.UsageError("an import from standard input needs --journal FILE")
    _check_dependent_options(arguments)
    files = {
        "--rejects": arguments.rejects,
        "--results": arguments.results,
        "--journal": arguments.journal,
    }
    for option, path in files.items():
        if path is not None and path.exists() and path.resolve() == Path(arguments.file).resolve():
            raise click.UsageError(f"{option} is the file to import itself; name another one")
    check_writable(files)


def _check_dependent_options(arguments: ImportArguments) -> None:
    needs_ask = {
        "--reminders": arguments.reminders,
        "--max-asks": arguments.max_asks,
        "--not-asked-within": arguments.not_asked_within,
    }
    for option, value in needs_ask.items():
        if value is not None and arguments.ask is None:
            raise click.UsageError(f"{option} goes with --ask")
    if arguments.charge is None:
        if arguments.currency or arguments.charged_at or arguments.in_cents:
            raise click.UsageError("--currency, --charged-at and --in-cents go with --charge")
    elif arguments.currency is None:
        raise click.UsageError("--charge needs --currency: three letters, or a column")


def _check_charge(arguments: ImportArguments, source: Source) -> None:
    template = arguments.charge_template(source.columns)
    if template is None:
        return
    try:
        template.check(source.columns)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None


def _problem(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
