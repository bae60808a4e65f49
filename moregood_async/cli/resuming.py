"""``moregood resume``, ``retry`` and ``settle``: going on with a journal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import attrs

from moregood_async.bulk.belonging import Belonging
from moregood_async.bulk.importing.sources import Source, read_customers
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal import JournalUnusable
from moregood_async.bulk.orders import OnUnknown, Orders
from moregood_async.cli import exits
from moregood_async.cli.console import Voice, counted
from moregood_async.cli.importing import STDIN
from moregood_async.cli.job_running import Running, check_places
from moregood_async.cli.running import finished
from moregood_async.client import MoreGoodClient


@attrs.frozen(kw_only=True)
class Wanted:
    """What was typed."""

    command: Literal["resume", "retry", "settle"]
    journal: Path
    file: str | None = None
    max_asks: int | None = None
    on_unknown: OnUnknown | None = None
    settle_after: float | None = None
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
    if not wanted.journal.exists():
        raise JournalUnusable(f"there is no journal {wanted.journal}; an import makes one")
    async with (
        MoreGoodClient(
            wanted.api_key, base_url=wanted.base_url, max_concurrency=wanted.concurrency
        ) as client,
        Job(client, wanted.journal, new_key=wanted.new_key) as job,
    ):
        if wanted.command == "settle":
            return await _settle(wanted, voice, job)
        return await _go_on(wanted, voice, job)


async def _settle(wanted: Wanted, voice: Voice, job: Job) -> int:
    before = job.report()
    voice.say(f"Looking up {counted(before.unknown + before.waiting, 'row')}.", style="dim")
    report = await job.settle(settle_after=wanted.settle_after)
    for line in str(report).splitlines():
        voice.say(line)
    code = exits.SOME_FAILED if report.unknown else exits.DONE
    voice.summary({"command": "settle", **report.as_json(), "exit_code": code})
    return code


async def _go_on(wanted: Wanted, voice: Voice, job: Job) -> int:
    belonging, orders = job.belonging, job.orders
    if belonging is None or orders is None:
        raise JournalUnusable(f"the journal {wanted.journal.name} has not begun; import again")
    source = source_of(wanted.file, belonging)
    job.upsert_customers(source, **_changed(wanted, orders))
    if wanted.command == "retry":
        voice.say(f"{counted(await job.retry(), 'row')} to be tried once more.", style="dim")
    name = Path(belonging.path or "stdin")
    running = Running(
        voice,
        job,
        source,
        command=wanted.command,
        journal=wanted.journal,
        name=name,
        rejects=wanted.rejects,
        results=wanted.results,
    )
    return await running.to_its_end()


def source_of(file: str | None, belonging: Belonging) -> Source:
    """The input of a journal, where it was, or where it is now.

    Raises:
        JournalUnusable: It is not there any more.
    """
    path = file or belonging.path
    if path is None:
        raise JournalUnusable("the rows came from standard input: give them again, with --file -")
    if path != STDIN and not Path(path).exists():
        raise JournalUnusable(f"{path} is not there any more: say where it is, with --file")
    return read_customers(path, **belonging.options)


def _changed(wanted: Wanted, orders: Orders) -> dict[str, Any]:
    """The orders of the journal, and what may be said anew."""
    within: timedelta | None = orders.not_asked_within
    return {
        "then_charge": orders.charge,
        "then_ask": orders.ask,
        "not_asked_within": within,
        "max_asks": orders.max_asks if wanted.max_asks is None else wanted.max_asks,
        "on_unknown": wanted.on_unknown or orders.on_unknown,
        "settle_after": (
            orders.settle_after if wanted.settle_after is None else wanted.settle_after
        ),
    }
