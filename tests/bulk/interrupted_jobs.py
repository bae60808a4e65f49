"""Interrupted jobs whose journals are then damaged, copied or used by something else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk.importing.sources import Source, read_csv
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal.errors import JournalError, JournalUnusable
from moregood_async.bulk.report import Report
from moregood_async.bulk.templates import AskTemplate
from moregood_async.sandbox import Sandbox
from tests.bulk.crashing import (
    BETWEEN_PROCESSES_SECONDS,
    BY_EMAIL,
    KEY,
    CrashPoint,
    JobProcess,
    run_in_process,
)

ROWS = [{"first_name": f"N{number}", "email": f"n{number}@example.com"} for number in range(80)]
CRASH_AT_REQUEST = 110
"""All rows are saved by then, and some are asked."""


@attrs.frozen
class InterruptedImport:
    """A CSV file and the journal of its import, which stopped after a few rows."""

    path: Path
    journal: Path

    def read(self, **options: Any) -> Source:
        """Return the file as a source, as it is now."""
        return read_csv(self.path, **options)


async def crash_among_asks(sandbox: Sandbox, folder: Path) -> Path:
    """Return the journal of a process that crashed among its asks, alone in a folder."""
    before, after = folder / "before", folder / "after"
    before.mkdir()
    after.mkdir()
    path = after / "spring.journal"
    point = CrashPoint("request", "after", CRASH_AT_REQUEST)
    process = JobProcess(sandbox, before / "j", path, point)
    assert await run_in_process(process, ROWS, ask=BY_EMAIL) is None
    shutil.rmtree(before)
    sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
    assert 0 < sandbox.audit().asks < len(ROWS)
    return path


async def interrupt_import(sandbox: Sandbox, folder: Path) -> InterruptedImport:
    """Return an import that stopped after a few rows."""
    path, journal = folder / "c.csv", folder / "c.journal"
    lines = [f"N{n},n{n}@example.com,m{n}@example.com" for n in range(80)]
    path.write_text("\n".join(["First Name,Email,Other", *lines, ""]), encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        await resume(sandbox, journal, read_csv(path), at_rows={20: lambda: 1 // 0})
    sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
    return InterruptedImport(path, journal)


async def resume(
    sandbox: Sandbox,
    journal: Path,
    rows: Source | Sequence[Mapping[str, Any]] = ROWS,
    *,
    key: str = KEY,
    base_url: str | None = None,
    ask: AskTemplate = BY_EMAIL,
    at_rows: Mapping[int, Callable[[], object]] | None = None,
) -> Report:
    """Run a job to its end; `at_rows` has functions that are called when N rows have ended."""
    ended = 0
    async with (
        MoreGoodClient(key, base_url=base_url, transport=sandbox) as client,
        Job(client, rows, journal=journal, ask=ask, reconcile_after=0.0) as job,
    ):
        async for progress in job.run():
            ended += progress.row is not None
            (at_rows or {}).get(ended, int)()
        return job.report()


async def assert_refused(
    sandbox: Sandbox,
    journal: Path,
    message: str,
    error: type[JournalError] = JournalUnusable,
    **options: Any,
) -> None:
    """Assert that resuming raises an error with a message, and that nothing is sent."""
    before = sandbox.audit()
    with pytest.raises(error) as caught:
        await resume(sandbox, journal, **options)
    assert message in str(caught.value)
    assert sandbox.audit() == before


async def assert_resumes_and_asks_once(sandbox: Sandbox, journal: Path, **options: Any) -> None:
    """Assert that everybody is asked once after the job was resumed."""
    report = await resume(sandbox, journal, **options)
    audit = sandbox.audit()
    assert audit.duplicate_asks == ()
    assert audit.asks == audit.customers == report.people_asked == report.rows


def file_of(journal: Path, suffix: str) -> Path:
    """Return the path of a file of a journal, such as the one with the suffix ``-wal``."""
    return journal.with_name(f"{journal.name}{suffix}")


def run_command(base_url: str, *args: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line in a process of its own.

    ``-B``: under a limit of the file size, Python before 3.13.1 would leave truncated bytecode
    files behind, and every later import of such a module would fail.
    """
    return subprocess.run(
        [sys.executable, "-B", "-m", "moregood_async.cli", *map(str, args)],
        env={**os.environ, "MOREGOOD_API_KEY": KEY, "MOREGOOD_BASE_URL": base_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )
