"""``moregood resume``, ``retry`` and ``reconcile``: going on with the journal of an import."""

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
from moregood_async.cli import exit_codes
from moregood_async.cli.import_command import STDIN
from moregood_async.cli.job_view import JobFiles, JobView, check_writable
from moregood_async.cli.output import Output, count_of
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
    """Go on with an import; return the exit code."""
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
        before = job.report()
        rows = count_of(before.unknown + before.waiting, "row")
        output.print(f"Reconciling {rows}.", style="dim")
        report = await job.reconcile(reconcile_after=arguments.reconcile_after)
    for line in str(report).splitlines():
        output.print(line)
    code = exit_codes.NOT_ALL_DONE if report.unknown else exit_codes.DONE
    output.print_json({"command": "reconcile", **report.as_json(), "exit_code": code})
    return code


async def _resume(arguments: ResumeArguments, output: Output, client: MoreGoodClient) -> int:
    with JournalReader(arguments.journal) as journal:
        identity, stored = journal.identity, journal.settings.get("options")
    if identity is None or stored is None:
        raise JournalUnusable(f"the journal {arguments.journal.name} has not begun; import again")
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
            output.print(f"Trying {rows} once more.", style="dim")
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
    """Return the input of a journal, from where it was or from where it is now.

    Raises:
        JournalUnusable: The input is not there.
    """
    path = file or identity.path
    if path is None:
        raise JournalUnusable("the rows came from standard input: give them again, with --file -")
    if path != STDIN and not Path(path).exists():
        raise JournalUnusable(f"{path} is not there any more: say where it is, with --file")
    return read_customers(path, **identity.reading)


def _changed_options(arguments: ResumeArguments, options: JobOptions) -> JobOptions:
    """Return the options of the journal, with those that may change between runs."""
    max_asks, reconcile_after = arguments.max_asks, arguments.reconcile_after
    return attrs.evolve(
        options,
        max_asks=options.max_asks if max_asks is None else max_asks,
        on_unknown=arguments.on_unknown or options.on_unknown,
        reconcile_after=options.reconcile_after if reconcile_after is None else reconcile_after,
    )
