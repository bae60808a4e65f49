"""Jobs that are cancelled, left or stopped resume without asking or charging anybody twice."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk import job as job_module
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal import files
from moregood_async.bulk.outcomes import RowResult
from moregood_async.bulk.report import Report
from moregood_async.sandbox import Delay, DropAfterEffect, Sandbox, Throttle
from tests.bulk.crashing import BETWEEN_PROCESSES_SECONDS, BY_EMAIL, CHARGE_TOTAL, KEY
from tests.bulk.jobs import run_job
from tests.conftest import tasks_left
from tests.depth import STRIDE

PEOPLE = 100
"""More rows than are worked on concurrently."""
ROWS = [
    {"first_name": f"N{number}", "email": f"n{number}@example.com", "Total": f"{number + 1}.00"}
    for number in range(PEOPLE)
]
LOSE_RESPONSES = DropAfterEffect(probability=0.2, on=("asks.create", "charges.create"))
SLOW = Delay(0.02)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that loses responses to charges and asks."""
    with Sandbox(keys=KEY, faults=LOSE_RESPONSES | SLOW) as sandbox:
        yield sandbox


def journal_threads() -> list[str]:
    """Return the names of the threads of open journals."""
    return [thread.name for thread in threading.enumerate() if thread.name == "journal"]


async def run_partly(sandbox: Sandbox, journal: Path, *, leave: int = 0, stop: int = 0) -> Job:
    """Run a job; leave the loop, or stop the job, after that number of progress updates."""
    updates = 0
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(
            client, ROWS, journal=journal, charge=CHARGE_TOTAL, ask=BY_EMAIL, reconcile_after=0.0
        ) as job,
        aclosing(job.run()) as run,
    ):
        async for _ in run:
            updates += 1
            if updates == leave:
                break
            if updates == stop:
                job.stop()
    return job


async def assert_resumes_exactly(sandbox: Sandbox, journal: Path) -> None:
    """Assert that no task or thread is left; resume without faults; assert the effects."""
    assert tasks_left() == set()
    assert journal_threads() == []
    gc.collect()
    sandbox.faults = ()
    sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
    await run_partly(sandbox, journal)
    audit = sandbox.audit()
    assert audit.duplicate_asks == audit.duplicate_charges == ()
    assert audit.customers == audit.asks == audit.charges == PEOPLE


@pytest.mark.parametrize("seed", range(0, 12, STRIDE))
async def test_a_cancelled_job_resumes_and_asks_and_charges_everybody_once(
    sandbox: Sandbox, tmp_path: Path, seed: int
) -> None:
    """The job is cancelled at random: while it opens, commits, sends, reconciles or closes."""
    dice = Random(seed)
    for _ in range(3):
        task = asyncio.create_task(run_partly(sandbox, tmp_path / "j"))
        await asyncio.sleep(dice.choice([0.0, dice.uniform(0.0, 0.02), dice.uniform(0.02, 0.3)]))
        task.cancel()
        for _ in range(seed % 3):  # cancel it again while it closes
            await asyncio.sleep(dice.uniform(0.0, 0.003))
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
    await assert_resumes_exactly(sandbox, tmp_path / "j")


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("name", ["JournalLock", "open_database", "report_of_journal"])
async def test_a_job_that_is_cancelled_while_it_opens_releases_its_journal(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, times: int
) -> None:
    """The journal can be opened again immediately, even if the job was cancelled repeatedly."""
    module: Any = job_module if name == "report_of_journal" else files
    original = getattr(module, name)

    def call_slowly(*args: Any) -> Any:
        time.sleep(0.05)
        return original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, call_slowly)
        task = asyncio.create_task(run_partly(sandbox, tmp_path / "j"))
        for _ in range(times):
            await asyncio.sleep(0.01)
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await assert_resumes_exactly(sandbox, tmp_path / "j")


@pytest.mark.parametrize("updates", [1, 7, 30, 99])
@pytest.mark.parametrize("how", ["leave", "stop"])
async def test_a_job_that_is_left_or_stopped_resumes_and_asks_and_charges_everybody_once(
    sandbox: Sandbox, tmp_path: Path, how: str, updates: int
) -> None:
    """Leaving the loop cancels the requests in flight, stopping lets them finish."""
    await run_partly(sandbox, tmp_path / "j", **{how: updates})
    await assert_resumes_exactly(sandbox, tmp_path / "j")


async def test_a_stopped_job_finishes_the_requests_in_flight(tmp_path: Path) -> None:
    """The journal has the outcome of every request that was sent."""
    with Sandbox(keys=KEY, faults=SLOW) as sandbox:
        job = await run_partly(sandbox, tmp_path / "j", stop=5)
        audit, report = sandbox.audit(), job.report()
    assert report.people_asked == audit.asks
    assert report.charges == audit.charges
    assert report.unknown == 0
    assert report.done < len(ROWS)
    assert [run.ending for run in report.runs] == ["stopped"]


async def stop_at_rate_limit(
    sandbox: Sandbox, journal: Path, rows: list[dict[str, str]]
) -> tuple[Report, list[RowResult]]:
    """Stop a job while its requests wait an hour; return its report and the rows that ended."""
    ended: list[RowResult] = []
    async with (
        asyncio.timeout(60.0),
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, rows, journal=journal, ask=BY_EMAIL) as job,
        aclosing(job.run()) as run,
    ):
        async for progress in run:
            if progress.row is not None:
                ended.append(progress.row)
            if progress.rate_limit_wait > 60.0 and client.pace.waiting:
                job.stop()
    return job.report(), ended


async def assert_resumed_run_asks_all(sandbox: Sandbox, journal: Path) -> None:
    """Resume without faults; assert that everybody is asked once."""
    sandbox.faults = ()
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        report = await run_job(client, ROWS, journal, ask=BY_EMAIL)
    audit = sandbox.audit()
    assert report.done == audit.asks == PEOPLE
    assert audit.duplicate_asks == ()


async def test_a_stopped_job_does_not_wait_for_the_rate_limit(tmp_path: Path) -> None:
    """Requests that wait are not sent, so that the next run has nothing to reconcile."""
    with Sandbox(keys=KEY, faults=Throttle(PEOPLE + 30, per=3600.0)) as sandbox:
        report, _ = await stop_at_rate_limit(sandbox, tmp_path / "j", ROWS)
        assert 0 < sandbox.audit().asks == report.done == report.people_asked < PEOPLE
        assert report.unknown == report.failed == 0
        assert [run.ending for run in report.runs] == ["stopped"]
        await assert_resumed_run_asks_all(sandbox, tmp_path / "j")
        assert 0 == sandbox.audit().requests["customers.messages"]


async def test_a_stopped_job_fails_no_row_whose_customer_it_has_yet_to_read(tmp_path: Path) -> None:
    """Such a row waits for its ask as before."""
    with Sandbox(keys=KEY) as sandbox:
        async with MoreGoodClient(KEY, transport=sandbox) as client:
            await run_job(client, ROWS, tmp_path / "j", ask=BY_EMAIL, max_asks=0)
        sandbox.faults = Throttle(9, per=3600.0)
        report, _ = await stop_at_rate_limit(sandbox, tmp_path / "j", ROWS)
        assert report.failed == 0
        assert report.done + report.waiting == PEOPLE
        await assert_resumed_run_asks_all(sandbox, tmp_path / "j")


async def test_a_stopped_job_keeps_the_error_of_an_unknown_row(tmp_path: Path) -> None:
    """Reconciling was interrupted, which does not replace the error of the ask."""
    lose_response = DropAfterEffect(times=1, on="asks.create")
    with Sandbox(keys=KEY, faults=lose_response | Throttle(3, per=3600.0)) as sandbox:
        report, [row] = await stop_at_rate_limit(sandbox, tmp_path / "j", ROWS[:1])
    assert report.unknown == 1
    assert row.outcome == "unknown"
    assert row.error == "saved, but the ask: the sandbox dropped the connection"


async def test_an_open_job_whose_run_was_left_runs_again(sandbox: Sandbox, tmp_path: Path) -> None:
    """The second run reconciles the requests that were in flight when the first was left."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(
            client,
            ROWS,
            journal=tmp_path / "j",
            charge=CHARGE_TOTAL,
            ask=BY_EMAIL,
            reconcile_after=1.0,
        ) as job,
    ):
        async with aclosing(job.run()) as run:
            async for _ in run:
                break
        sandbox.faults = ()
        sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
        async with asyncio.timeout(20):
            async for _ in job.run():
                pass
        assert job.report().is_over
    audit = sandbox.audit()
    assert audit.asks == audit.charges == PEOPLE
    assert audit.duplicate_asks == ()
