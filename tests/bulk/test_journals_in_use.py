"""Journals that another job or process uses, and migrations that are interrupted."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal import schema
from moregood_async.bulk.journal.errors import JournalInUse
from moregood_async.bulk.report import read_report
from moregood_async.sandbox import Sandbox
from tests.bulk.crashing import KEY
from tests.bulk.interrupted_jobs import (
    InterruptedImport,
    assert_refused,
    assert_resumes_and_asks_once,
    crash_among_asks,
    file_of,
    interrupt_import,
    run_command,
)

MIGRATION = (
    "CREATE TABLE extra (x); ALTER TABLE rows ADD COLUMN more TEXT; UPDATE rows SET more = 'x'"
)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of one project, which has two keys."""
    with Sandbox(keys=(KEY, "other-key")) as sandbox:
        yield sandbox


@pytest.fixture
async def journal(sandbox: Sandbox, tmp_path: Path) -> Path:
    """The journal of a process that crashed among its asks."""
    return await crash_among_asks(sandbox, tmp_path)


@pytest.fixture
async def interrupted(sandbox: Sandbox, tmp_path: Path) -> InterruptedImport:
    """An import that stopped after a few rows."""
    return await interrupt_import(sandbox, tmp_path)


async def test_a_second_job_of_this_process_is_refused(sandbox: Sandbox, journal: Path) -> None:
    """A symbolic link to the journal is refused, too. After the first job, the second can run."""
    link = journal.with_name("link")
    link.symlink_to(journal)
    async with MoreGoodClient(KEY, transport=sandbox) as client, Job.open(client, journal):
        for name in (journal, link):
            await assert_refused(sandbox, name, "Wait until it has ended", JournalInUse)
    await assert_resumes_and_asks_once(sandbox, link)


async def test_a_second_process_is_refused(
    sandbox: Sandbox, interrupted: InterruptedImport
) -> None:
    """Its exit code is 2. The report can be read meanwhile."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job.open(client, interrupted.journal) as job,
    ):
        second = run_command("http://127.0.0.1:9/beacon", "resume", interrupted.journal)
        assert read_report(interrupted.journal).done == job.report().done
    assert second.returncode == 2
    assert "another process is running the journal" in second.stderr
    await assert_resumes_and_asks_once(sandbox, interrupted.journal, rows=interrupted.read())


class CrashingConnection:
    """A connection that copies the journal's files at its Nth statement instead of executing it."""

    def __init__(self, path: Path, copy: Path, number: int) -> None:
        self._path = path
        self._copy = copy
        self._remaining = number
        self._connection = sqlite3.connect(path, isolation_level=None)

    def execute(self, sql: str) -> sqlite3.Cursor:
        """Execute a statement, or raise `KeyboardInterrupt` at the crash."""
        self._remaining -= 1
        if not self._remaining:
            for path in self._path.parent.glob(f"{self._path.name}*"):
                shutil.copy(path, file_of(self._copy, path.name.removeprefix(self._path.name)))
            raise KeyboardInterrupt
        return self._connection.execute(sql)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@pytest.mark.parametrize("number", range(1, 11))
def test_a_crash_during_a_migration_leaves_the_old_version(
    journal: Path, tmp_path: Path, number: int
) -> None:
    """No row is lost, and the next process can migrate the journal."""
    rows = _read_rows(journal)
    copy = tmp_path / "copy"
    crashing: Any = CrashingConnection(journal, copy, number)
    scripts = (*schema.SCRIPTS, MIGRATION)
    with pytest.raises(KeyboardInterrupt):
        schema.migrate(crashing, scripts)
    crashing.close()
    connection = sqlite3.connect(copy, isolation_level=None)
    assert schema.version_of(connection) == len(schema.SCRIPTS)
    schema.migrate(connection, scripts)
    assert schema.version_of(connection) == len(scripts)
    assert connection.execute("SELECT count(*) FROM rows WHERE more = 'x'").fetchone() == (
        len(rows),
    )
    connection.close()
    assert [row[:-1] for row in _read_rows(copy)] == rows


def _read_rows(journal: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(journal)
    try:
        return connection.execute("SELECT * FROM rows ORDER BY row_index").fetchall()
    finally:
        connection.close()
