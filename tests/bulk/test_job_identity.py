"""A journal belongs to one job: another input, options or project is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk import Job, JournalMismatch, Report, read_csv
from moregood_async.errors import Unauthorized
from moregood_async.sandbox import Sandbox
from tests.bulk.jobs import EMAIL, people
from tests.conftest import KEY

TEXT = "First Name,Email,Total\nAda,a@example.com,5\nBob,b@example.com,6\n"


async def run_job(key: str, sandbox: Sandbox, rows: Any, journal: Path, **options: Any) -> Report:
    """Run a job to its end with a client of its own."""
    async with (
        MoreGoodClient(key, transport=sandbox) as client,
        Job(client, rows, journal=journal, **options) as job,
    ):
        return await job.run()


async def test_the_error_of_a_mismatch_names_all_differences_and_nothing_is_sent(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """The journal stays as it was, so that the right input resumes the job."""
    file, changed, journal = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "j"
    file.write_text(TEXT, encoding="utf-8")
    changed.write_text(TEXT + "\n", encoding="utf-8")
    await run_job(KEY, sandbox, read_csv(file), journal, ask=EMAIL)
    before = sandbox.audit().requests
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, read_csv(changed, region="GB"), journal=journal) as job,
    ):
        with pytest.raises(JournalMismatch) as mismatch:
            await job.run()
        with pytest.raises(JournalMismatch):
            await job.plan()
    parts = ("the journal j belongs", "has changed", "region", "another ask", "Nothing was sent")
    assert [part for part in parts if part not in str(mismatch.value)] == []
    assert sandbox.audit().requests == before
    report = await run_job(KEY, sandbox, read_csv(file), journal, ask=EMAIL)
    assert report.done == 2
    assert sum(sandbox.audit().requests.values()) == sum(before.values()) + 1  # the server's time


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True)])
async def test_a_different_keep_rows_is_refused(
    first: bool, second: bool, tmp_path: Path, sandbox: Sandbox
) -> None:
    await run_job(KEY, sandbox, people(2), tmp_path / "j", keep_rows=first)
    with pytest.raises(JournalMismatch, match="keep_rows=True"):
        await run_job(KEY, sandbox, people(2), tmp_path / "j", keep_rows=second)


@pytest.fixture
def project() -> Iterator[Sandbox]:
    """A project with two API keys."""
    with Sandbox(keys=("one-key", "two-key")) as sandbox:
        yield sandbox


async def test_another_api_key_is_refused_unless_new_key_is_set(
    tmp_path: Path, project: Sandbox
) -> None:
    """After a run with `new_key`, the journal belongs to the new key."""

    async def run(key: str, **options: Any) -> int:
        report = await run_job(key, project, people(2), tmp_path / "j", **options)
        return report.done

    assert await run("one-key") == 2
    with pytest.raises(JournalMismatch, match="new_key=True, --new-key"):
        await run("two-key")
    assert await run("two-key", new_key=True) == 2
    assert await run("two-key") == 2
    with pytest.raises(JournalMismatch):
        await run("one-key")


async def test_a_named_project_can_change_its_api_key(tmp_path: Path, project: Sandbox) -> None:
    for key in ("one-key", "two-key"):
        report = await run_job(key, project, people(2), tmp_path / "j", project="shop")
        assert report.done == 2
    with pytest.raises(JournalMismatch):
        await run_job("two-key", project, people(2), tmp_path / "j", project="other shop")


async def test_a_journal_without_rows_accepts_any_job(tmp_path: Path, sandbox: Sandbox) -> None:
    """A mistyped key or option can be corrected."""
    with pytest.raises(Unauthorized):
        await run_job("wrong-key", sandbox, people(2), tmp_path / "j")
    report = await run_job(KEY, sandbox, people(3), tmp_path / "j", ask=EMAIL)
    assert report.done == 3
    assert report.name == "rows"
