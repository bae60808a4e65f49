"""``moregood resume``, ``retry`` and ``reconcile``: going on with a journal."""

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
from moregood_async.cli import exits
from moregood_async.cli.console import Voice, counted
from moregood_async.cli.importing import STDIN
from moregood_async.cli.job_running import Running, check_places
from moregood_async.cli.running import finished
from moregood_async.client import MoreGoodClient


@attrs.frozen(kw_only=True)
class Wanted:
    """What was typed."""

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


def run(wanted: Wanted) -> int:
    """Go on; gives the exit code."""
    voice = Voice(as_json=wanted.as_json, verbose=wanted.verbose, quiet=wanted.quiet)
    check_places({"--rejects": wanted.rejects, "--results": wanted.results})
    return finished(voice, lambda: _with_client(wanted, voice), wanted.command)


async def _with_client(wanted: Wanted, voice: Voice) -> int:
    async with MoreGoodClient(
        wanted.api_key, base_url=wanted.base_url, max_concurrency=wanted.concurrency
    ) as client:
        if wanted.command == "reconcile":
            return await _reconcile(wanted, voice, client)
        return await _go_on(wanted, voice, client)


async def _reconcile(wanted: Wanted, voice: Voice, client: MoreGoodClient) -> int:
    async with Job.open(client, wanted.journal, new_key=wanted.new_key) as job:
        before = job.report()
        rows = counted(before.unknown + before.waiting, "row")
        voice.say(f"Reconciling {rows}.", style="dim")
        report = await job.reconcile(reconcile_after=wanted.reconcile_after)
    for line in str(report).splitlines():
        voice.say(line)
    code = exits.SOME_FAILED if report.unknown else exits.DONE
    voice.summary({"command": "reconcile", **report.as_json(), "exit_code": code})
    return code


async def _go_on(wanted: Wanted, voice: Voice, client: MoreGoodClient) -> int:
    with JournalReader(wanted.journal) as journal:
        identity, stored = journal.identity, journal.settings.get("options")
    if identity is None or stored is None:
        raise JournalUnusable(f"the journal {wanted.journal.name} has not begun; import again")
    source = source_of(wanted.file, identity)
    options = _changed(wanted, JobOptions.from_json(stored))
    job = Job(
        client,
        source,
        journal=wanted.journal,
        keep_rows=identity.keep_rows,
        new_key=wanted.new_key,
        **attrs.asdict(options, recurse=False),
    )
    async with job:
        if wanted.command == "retry":
            voice.say(f"{counted(await job.retry(), 'row')} to be tried once more.", style="dim")
        running = Running(
            voice,
            job,
            source,
            command=wanted.command,
            journal=wanted.journal,
            name=Path(identity.path or "stdin"),
            rejects=wanted.rejects,
            results=wanted.results,
            keeps_rows=identity.keep_rows,
        )
        return await running.to_its_end()


def source_of(file: str | None, identity: JobIdentity) -> Source:
    """The input of a journal, where it was, or where it is now.

    Raises:
        JournalUnusable: It is not there any more.
    """
    path = file or identity.path
    if path is None:
        raise JournalUnusable("the rows came from standard input: give them again, with --file -")
    if path != STDIN and not Path(path).exists():
        raise JournalUnusable(f"{path} is not there any more: say where it is, with --file")
    return read_customers(path, **identity.reading)


def _changed(wanted: Wanted, options: JobOptions) -> JobOptions:
    """Return the options of the journal, with those that may change between runs."""
    return attrs.evolve(
        options,
        max_asks=options.max_asks if wanted.max_asks is None else wanted.max_asks,
        on_unknown=wanted.on_unknown or options.on_unknown,
        reconcile_after=(
            options.reconcile_after if wanted.reconcile_after is None else wanted.reconcile_after
        ),
    )
