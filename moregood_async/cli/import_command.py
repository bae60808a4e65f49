"""``moregood import``: the customers of a file, saved, charged and asked by a job."""

from __future__ import annotations

import os
from pathlib import Path

from moregood_async.bulk.importing.columns import parse_choices
from moregood_async.bulk.importing.sources import Source, read_customers
from moregood_async.bulk.job import Job
from moregood_async.cli import exit_codes
from moregood_async.cli.import_arguments import ImportArguments
from moregood_async.cli.job_files import JobFiles
from moregood_async.cli.job_view import JobView
from moregood_async.cli.output import Output
from moregood_async.cli.plan_view import show_plan
from moregood_async.cli.runner import exit_code_of, run_command
from moregood_async.client import MoreGoodClient
from moregood_async.errors import MoreGoodError


def run(arguments: ImportArguments) -> int:
    """Import, or show what an import would do; return the exit code."""
    arguments.check()
    output = Output(as_json=arguments.as_json, verbose=arguments.verbose, quiet=arguments.quiet)
    try:
        source = open_source(arguments)
        arguments.check_columns(source.columns)
    except (MoreGoodError, OSError) as error:
        return _print_unreadable_input(arguments, output, error)
    work = _show_plan if arguments.dry_run else _run_job
    return run_command(output, lambda: work(arguments, output, source), "import")


def open_source(arguments: ImportArguments) -> Source:
    """Return the input, of which the header is read and no row."""
    return read_customers(
        arguments.file,
        format=arguments.file_format,
        mapping=parse_choices(arguments.maps),
        preset=arguments.preset,
        region=arguments.region,
        encoding=arguments.encoding,
    )


async def _run_job(arguments: ImportArguments, output: Output, source: Source) -> int:
    files = JobFiles.of(
        arguments.journal_path,
        arguments.input_name,
        rejects=arguments.rejects,
        results=arguments.results,
        keeps_rows=arguments.keep_rows,
    )
    async with (
        make_client(arguments) as client,
        make_job(arguments, client, source, arguments.journal_path) as job,
    ):
        view = JobView(output, job, source, files, command="import")
        return await view.run(confirm=arguments.confirm)


async def _show_plan(arguments: ImportArguments, output: Output, source: Source) -> int:
    # A plan makes no journal. It reads an existing one, whose rows may be done.
    journal = arguments.journal_path if arguments.journal_path.exists() else None
    has_key = bool(arguments.api_key or os.environ.get("MOREGOOD_API_KEY"))
    reads_api = arguments.not_asked_within is not None or journal is not None
    is_keyless = not has_key and not reads_api
    async with (
        make_client(arguments, api_key="none" if is_keyless else None) as client,
        make_job(arguments, client, source, journal) as job,
    ):
        plan = await job.plan()
    if is_keyless:
        plan.digest = ""  # a digest identifies the project, which is unknown without its key
    return show_plan(output, source, plan)


def make_client(arguments: ImportArguments, *, api_key: str | None = None) -> MoreGoodClient:
    """Return the client that the options describe."""
    return MoreGoodClient(
        api_key or arguments.api_key,
        base_url=arguments.base_url,
        max_concurrency=arguments.concurrency,
    )


def make_job(
    arguments: ImportArguments, client: MoreGoodClient, source: Source, journal: Path | None
) -> Job:
    """Return the job that the options describe."""
    return Job(
        client,
        source,
        journal=journal,
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


def _print_unreadable_input(
    arguments: ImportArguments, output: Output, error: MoreGoodError | OSError
) -> int:
    code, message = exit_codes.WRONG_USAGE, str(getattr(error, "strerror", None) or error)
    if isinstance(error, MoreGoodError):
        code = exit_code_of(error)
    output.print_error(f"{arguments.file}: {message}")
    output.print_json({"command": "import", "error": message, "exit_code": code})
    return code
