"""``moregood resume``, ``retry`` and ``reconcile``: the commands that continue a journal."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs

from moregood_async.bulk.importing.sources import Source, read_customers
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal.errors import JournalUnusable
from moregood_async.bulk.journal.identity import JobIdentity
from moregood_async.bulk.journal.reader import JournalReader
from moregood_async.bulk.options import JobOptions, OnUnknown
from moregood_async.bulk.outcomes import count_of
from moregood_async.cli import exit_codes
from moregood_async.cli.import_arguments import STDIN
from moregood_async.cli.job_files import JobFiles, check_writable
from moregood_async.cli.job_view import JobView
from moregood_async.cli.output import Output
from moregood_async.cli.runner import run_command
from moregood_async.client import MoreGoodClient


@attrs.frozen(kw_only=True)
class ResumeArguments:
    """The arguments and options of the three commands."""

    command: Literal["resume", "retry", "reconcile"]
    journal: Path
    file: str | None = None
    max_asks: int | None = None
    on_unknown: OnUnknown | None = None
    reconcile_after: float | None = None
    concurrency: int = 32
    new_key: bool = False
    rejects: Path | None = None
    results: Path | None = None
    api_key: str | None = attrs.field(default=None, repr=False)
    base_url: str | None = None
    as_json: bool = False
    verbose: bool = False
    quiet: bool = False


def run(arguments: ResumeArguments) -> int:
    """Resume, retry or reconcile an import; return the exit code."""
    output = Output(as_json=arguments.as_json, verbose=arguments.verbose, quiet=arguments.quiet)
    check_writable({"--rejects": arguments.rejects, "--results": arguments.results})
    return run_command(output, lambda: _with_client(arguments, output), arguments.command)


async def _with_client(arguments: ResumeArguments, output: Output) -> int:
    async with MoreGoodClient(
        arguments.api_key, base_url=arguments.base_url, max_concurrency=arguments.concurrency
    ) as client:
        if arguments.command == "reconcile":
            return await _reconcile(arguments, output, client)
        return await _resume(arguments, output, client)


async def _reconcile(arguments: ResumeArguments, output: Output, client: MoreGoodClient) -> int:
    async with Job.open(client, arguments.journal, new_key=arguments.new_key) as job:
        unknown = count_of(job.report().unknown, "unknown row")
        output.print(f"Reconciling {unknown}, and rows in flight when a run was killed.", "dim")
        report = await job.reconcile(reconcile_after=arguments.reconcile_after)
    output.print_lines(report)
    code = exit_codes.NOT_ALL_DONE if report.unknown else exit_codes.DONE
    output.print_json({"command": "reconcile", **report.as_json(), "exit_code": code})
    return code


async def _resume(arguments: ResumeArguments, output: Output, client: MoreGoodClient) -> int:
    with JournalReader(arguments.journal) as journal:
        identity, stored = journal.identity, journal.settings.get("options")
    if identity is None or stored is None:
        raise JournalUnusable(
            f"the journal {arguments.journal.name} has no rows yet. Nothing was sent; run the "
            "import again."
        )
    source = open_input(arguments.file, identity)
    options = _changed_options(arguments, JobOptions.from_json(stored))
    job = Job(
        client,
        source,
        journal=arguments.journal,
        keep_rows=identity.keep_rows,
        new_key=arguments.new_key,
        **attrs.asdict(options, recurse=False),
    )
    async with job:
        if arguments.command == "retry":
            rows = count_of(await job.retry(), "failed row")
            output.print(f"Attempting {rows} again.", style="dim")
        files = JobFiles.of(
            arguments.journal,
            Path(identity.path or "stdin"),
            rejects=arguments.rejects,
            results=arguments.results,
            keeps_rows=identity.keep_rows,
        )
        view = JobView(output, job, source, files, command=arguments.command)
        return await view.run()


def open_input(file: str | None, identity: JobIdentity) -> Source:
    """Return the input of a journal.

    Args:
        file: The path of the input now; None if it was not moved.
        identity: The identity of the job, which has the path and how the input is read.

    Raises:
        JournalUnusable: The input does not exist.
    """
    path = file or identity.path
    if path is None:
        raise JournalUnusable(
            "the rows came from standard input, which cannot be read again. Nothing was sent; "
            "pipe in the same rows with --file -"
        )
    if path != STDIN and not Path(path).exists():
        raise JournalUnusable(
            f"the input {path} does not exist. Nothing was sent; name its new path with --file."
        )
    return read_customers(path, **identity.reading)


def _changed_options(arguments: ResumeArguments, options: JobOptions) -> JobOptions:
    """Return the options of the journal, with the changes that the arguments make."""
    max_asks, reconcile_after = arguments.max_asks, arguments.reconcile_after
    return attrs.evolve(
        options,
        max_asks=options.max_asks if max_asks is None else max_asks,
        on_unknown=arguments.on_unknown or options.on_unknown,
        reconcile_after=options.reconcile_after if reconcile_after is None else reconcile_after,
    )
