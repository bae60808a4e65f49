"""Customers whom something else asked since the job began are not asked by the job."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from moregood_async import Handler, MoreGoodClient, Request, Response
from moregood_async.bulk import Job, Report
from moregood_async.errors import Unauthorized
from moregood_async.sandbox import DropAfterEffect, DropBeforeEffect, Fault, Refuse, Sandbox
from tests.bulk.jobs import BOTH, EMAIL, collect_progress, people, run_job
from tests.conftest import KEY

LATER_SECONDS = 60
MANY = 200
"""More rows than are worked on concurrently."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox whose clock the test advances."""
    with Sandbox(keys=KEY) as sandbox:
        yield sandbox


async def begin_job(sandbox: Sandbox, journal: Path, count: int, **options: Any) -> Report:
    """Run a job on the first rows of its input, and advance the clock."""
    options.setdefault("ask", EMAIL)
    report = await run_job(sandbox, people(count), journal, **options)
    sandbox.advance(seconds=LATER_SECONDS)
    return report


async def ask_outside_the_job(sandbox: Sandbox, number: int) -> None:
    """Ask a customer, as a person does in the web console."""
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        await client.customers.upsert(first_name="Ada", email=f"ada{number}@example.com")
        await client.asks.create(email=f"ada{number}@example.com", channels=["email"])


async def test_a_customer_asked_since_the_job_began_is_skipped(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A customer asked before the job began is asked."""
    await ask_outside_the_job(sandbox, 4)
    sandbox.advance(seconds=LATER_SECONDS)
    await begin_job(sandbox, tmp_path / "j", 2)
    await ask_outside_the_job(sandbox, 3)
    report = await run_job(sandbox, people(6), tmp_path / "j", ask=EMAIL)
    assert ({"asked meanwhile": 1}, 6, 5) == (report.skipped, report.done, report.people_asked)
    assert "1 asked by something else since this job began" in str(report)
    assert 7 == sandbox.audit().asks


async def test_a_journal_restored_from_a_copy_asks_nobody_twice(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The API reports the customers whose asks the old copy does not have."""
    before, journal = tmp_path / "before", tmp_path / "live"
    before.mkdir()
    journal.mkdir()
    await begin_job(sandbox, journal / "j", 3)
    for file in journal.iterdir():
        shutil.copy(file, before)
    await run_job(sandbox, people(20), journal / "j", ask=EMAIL)
    assert 20 == sandbox.audit().asks
    report = await run_job(sandbox, people(20), before / "j", ask=EMAIL)
    audit = sandbox.audit()
    assert (20, ()) == (audit.asks, audit.duplicate_asks)
    assert ({"asked meanwhile": 17}, 20) == (report.skipped, report.done)


async def test_a_copy_of_a_stopped_jobs_journal_asks_nobody_twice(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """In the copy, the customers were saved and their asks wait."""
    before, journal = tmp_path / "before", tmp_path / "live"
    before.mkdir()
    journal.mkdir()
    await begin_job(sandbox, journal / "j", 20, max_asks=5)
    for file in journal.iterdir():
        shutil.copy(file, before)
    await run_job(sandbox, people(20), journal / "j", ask=EMAIL)
    report = await run_job(sandbox, people(20), before / "j", ask=EMAIL)
    assert (20, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)
    assert ({"asked meanwhile": 15}, 5) == (report.skipped, report.people_asked)


async def test_a_customer_who_cannot_be_read_is_not_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    """The row fails with an error that says why; a retry asks."""
    await begin_job(sandbox, tmp_path / "j", 2, max_asks=0)
    sandbox.faults = Refuse(422, on="customers.upsert", times=1)
    report = await run_job(sandbox, people(2), tmp_path / "j", ask=EMAIL)
    assert (1, 1, 1) == (report.failed, report.done, sandbox.audit().asks)
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(2), journal=tmp_path / "j", ask=EMAIL) as job,
    ):
        [failed] = [row async for row in job.results("failed")]
        assert failed.error.startswith("saved, but the ask: the API could not be read: ")
        await job.retry()
        await collect_progress(job)
        assert (2, 2) == (job.report().done, sandbox.audit().asks)


@pytest.mark.parametrize(
    "fault",
    [
        Refuse(503, on="customers.upsert", times=1),
        DropAfterEffect(on="customers.upsert", times=1),
        DropBeforeEffect(on="customers.upsert", times=1),
    ],
    ids=["refused", "lost", "cut off"],
)
async def test_a_customer_who_cannot_be_read_temporarily_is_asked_later(
    sandbox: Sandbox, tmp_path: Path, fault: Fault
) -> None:
    """An overloaded server or a lost connection fails no row."""
    await begin_job(sandbox, tmp_path / "j", 1, max_asks=0)
    sandbox.faults = fault
    async with MoreGoodClient(KEY, transport=sandbox, max_attempts=1) as client:
        report = await run_job(client, people(1), tmp_path / "j", ask=EMAIL)
    assert (1, 1, {}) == (report.people_asked, sandbox.audit().asks, report.skipped)


async def test_a_key_that_is_refused_while_customers_are_read_stops_the_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """No row fails; the next run asks all customers."""
    await begin_job(sandbox, tmp_path / "j", 5, max_asks=0)
    sandbox.faults = Refuse(401, on="customers.upsert")
    with pytest.raises(Unauthorized):
        await run_job(sandbox, people(5), tmp_path / "j", ask=EMAIL)
    sandbox.faults = ()
    report = await run_job(sandbox, people(5), tmp_path / "j", ask=EMAIL)
    assert (5, 0) == (report.people_asked, report.failed)


async def test_a_customer_asked_before_max_asks_is_raised_is_skipped(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The rows were saved by the run before; the plan counts the customer, too."""
    await ask_outside_the_job(sandbox, 3)
    sandbox.advance(seconds=LATER_SECONDS)
    await begin_job(sandbox, tmp_path / "j", 4, max_asks=0)
    await ask_outside_the_job(sandbox, 2)
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(4), journal=tmp_path / "j", ask=EMAIL, max_asks=9) as job,
    ):
        plan = await job.plan()
        assert ({"asked meanwhile": 1}, 3) == (plan.skipped, plan.people_to_ask)
        await collect_progress(job, confirm=plan.digest)
        assert ({"asked meanwhile": 1}, 3) == (job.report().skipped, job.report().people_asked)


async def test_a_customer_asked_by_another_row_of_the_job_is_skipped_as_the_same_customer(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The API has one customer for both rows, and the job asked for the first of them."""
    await run_job(sandbox, [{**people(1, start=1)[0], "phone": "+14155550100"}])
    await begin_job(sandbox, tmp_path / "j", 1, ask=BOTH)
    await begin_job(sandbox, tmp_path / "j", 2, ask=BOTH)
    rows = [*people(2), {"first_name": "Ada", "phone": "+14155550100"}]
    report = await run_job(sandbox, rows, tmp_path / "j", ask=BOTH)
    assert ({"same customer": 1}, 2) == (report.skipped, sandbox.audit().asks)


async def test_customers_asked_meanwhile_do_not_count_towards_max_asks(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A higher limit does not ask them either."""
    await begin_job(sandbox, tmp_path / "j", 2, max_asks=3)
    for number in (2, 3):
        await ask_outside_the_job(sandbox, number)
    rows = people(MANY)
    report = await run_job(sandbox, rows, tmp_path / "j", ask=EMAIL, max_asks=3)
    assert ({"asked meanwhile": 2, "max asks": MANY - 5}, 3) == (
        report.skipped,
        report.people_asked,
    )
    report = await run_job(sandbox, rows, tmp_path / "j", ask=EMAIL, max_asks=MANY)
    assert ({"asked meanwhile": 2}, MANY - 2) == (report.skipped, report.people_asked)
    assert MANY == sandbox.audit().asks


async def test_a_plan_counts_customers_asked_meanwhile(sandbox: Sandbox, tmp_path: Path) -> None:
    """The run skips exactly those."""
    await begin_job(sandbox, tmp_path / "j", 2)
    await ask_outside_the_job(sandbox, 3)
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(6), journal=tmp_path / "j", ask=EMAIL) as job,
    ):
        plan = await job.plan()
        assert ({"asked meanwhile": 1}, 3, 2) == (plan.skipped, plan.people_to_ask, plan.over)
        await collect_progress(job, confirm=plan.digest)
        assert (plan.skipped, 5) == (job.report().skipped, job.report().people_asked)


async def test_a_failed_ask_can_be_retried(sandbox: Sandbox, tmp_path: Path) -> None:
    """A failed ask has asked nobody, so its customer was not asked meanwhile."""
    sandbox.faults = Refuse(422, on="asks.create")
    assert 2 == (await begin_job(sandbox, tmp_path / "j", 2)).failed
    sandbox.faults = ()
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(2), journal=tmp_path / "j", ask=EMAIL) as job,
    ):
        assert 2 == await job.retry()
        await collect_progress(job)
        assert (2, {}) == (job.report().people_asked, job.report().skipped)


async def hide_messages(request: Request, call_next: Handler) -> Response:
    """Return an empty list of messages; a fault."""
    response = await call_next(request)
    if request.operation != "customers.messages":
        return response
    page = {"current_page": 1, "last_page": 1, "total": 0, "per_page": 15}
    body = json.dumps({"success": True, "data": [], "pagination": page}).encode()
    return attrs.evolve(response, body=body)


async def test_an_applied_ask_whose_messages_are_not_listed_is_not_sent_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The customer's record shows that the ask was applied."""
    await begin_job(sandbox, tmp_path / "j", 1)
    sandbox.faults = [DropAfterEffect(on="asks.create", times=1), hide_messages]
    report = await run_job(sandbox, people(2), tmp_path / "j", ask=EMAIL, reconcile_after=0.0)
    assert ({"asked meanwhile": 1}, 2) == (report.skipped, sandbox.audit().asks)


async def test_a_job_asks_customers_of_a_job_that_ended_just_before_it_began(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Asks of the first job were not made since the second began."""
    await run_job(sandbox, people(5), tmp_path / "first", ask=EMAIL)
    report = await run_job(sandbox, people(5), tmp_path / "second", ask=EMAIL)
    assert (5, {}, 10) == (report.people_asked, report.skipped, sandbox.audit().asks)


async def test_an_ask_just_after_the_job_began_is_skipped_as_asked_recently(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The clocks cannot show whether the ask came before the job began."""
    options: dict[str, Any] = {"ask": EMAIL, "not_asked_within": timedelta(days=1)}
    await run_job(sandbox, people(2), tmp_path / "j", max_asks=0, **options)
    await ask_outside_the_job(sandbox, 1)
    report = await run_job(sandbox, people(2), tmp_path / "j", **options)
    assert ({"asked recently": 1}, 1, 2) == (report.skipped, report.people_asked, report.done)


async def test_asked_recently_and_asked_meanwhile_are_different_skip_reasons(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """They mean asked before the job began, and asked since."""
    within = timedelta(days=1)
    await ask_outside_the_job(sandbox, 4)
    sandbox.advance(seconds=LATER_SECONDS)
    await begin_job(sandbox, tmp_path / "j", 2, not_asked_within=within)
    await ask_outside_the_job(sandbox, 3)
    report = await run_job(sandbox, people(6), tmp_path / "j", ask=EMAIL, not_asked_within=within)
    assert {"asked meanwhile": 1, "asked recently": 1} == report.skipped
