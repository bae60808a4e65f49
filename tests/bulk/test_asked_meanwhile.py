"""People whom something else asks while a job is under way: they are not asked once more."""

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
from tests.bulk.jobs import BOTH, EMAIL, done, people, run
from tests.conftest import KEY

LATER_SECONDS = 60
MANY = 200
"""More than are at work at once."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One of its own."""
    with Sandbox(keys=KEY) as sandbox:
        yield sandbox


async def begun(sandbox: Sandbox, journal: Path, count: int, **orders: Any) -> Report:
    """A job that has done the first rows of its input; some time passes."""
    orders.setdefault("ask", EMAIL)
    report = await done(sandbox, people(count), journal, **orders)
    sandbox.advance(seconds=LATER_SECONDS)
    return report


async def asked_by_another(sandbox: Sandbox, number: int) -> None:
    """Somebody sends a request in the console."""
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        await client.customers.upsert(first_name="Ada", email=f"ada{number}@example.com")
        await client.asks.create(email=f"ada{number}@example.com", channels=["email"])


async def test_who_was_asked_since_the_job_began_is_not_asked_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """And the report says so; who was asked before it is."""
    await asked_by_another(sandbox, 4)
    sandbox.advance(seconds=LATER_SECONDS)
    await begun(sandbox, tmp_path / "j", 2)
    await asked_by_another(sandbox, 3)
    report = await done(sandbox, people(6), tmp_path / "j", ask=EMAIL)
    assert ({"asked meanwhile": 1}, 6, 5) == (report.skipped, report.done, report.people_asked)
    assert "1 asked by something else since this job began" in str(report)
    assert 7 == sandbox.audit().asks


async def test_a_journal_restored_from_a_copy_asks_nobody_twice(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What it has forgotten shows in what the API says of the customers."""
    before, journal = tmp_path / "before", tmp_path / "live"
    before.mkdir()
    journal.mkdir()
    await begun(sandbox, journal / "j", 3)
    for file in journal.iterdir():
        shutil.copy(file, before)
    await done(sandbox, people(20), journal / "j", ask=EMAIL)
    assert 20 == sandbox.audit().asks
    report = await done(sandbox, people(20), before / "j", ask=EMAIL)
    audit = sandbox.audit()
    assert (20, ()) == (audit.asks, audit.duplicate_asks)
    assert ({"asked meanwhile": 17}, 20) == (report.skipped, report.done)


async def test_a_copy_of_a_stopped_jobs_journal_asks_nobody_twice(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Its rows were saved, and wait to be asked."""
    before, journal = tmp_path / "before", tmp_path / "live"
    before.mkdir()
    journal.mkdir()
    await begun(sandbox, journal / "j", 20, max_asks=5)
    for file in journal.iterdir():
        shutil.copy(file, before)
    await done(sandbox, people(20), journal / "j", ask=EMAIL)
    report = await done(sandbox, people(20), before / "j", ask=EMAIL)
    assert (20, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)
    assert ({"asked meanwhile": 15}, 5) == (report.skipped, report.people_asked)


async def test_who_cannot_be_looked_up_is_not_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    """It is told, and a retry asks."""
    await begun(sandbox, tmp_path / "j", 2, max_asks=0)
    sandbox.faults = Refuse(422, on="customers.upsert", times=1)
    report = await done(sandbox, people(2), tmp_path / "j", ask=EMAIL)
    assert (1, 1, 1) == (report.failed, report.done, sandbox.audit().asks)
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(2), journal=tmp_path / "j", ask=EMAIL) as job,
    ):
        [failed] = [row async for row in job.results("failed")]
        assert failed.error.startswith("saved, but the ask: the API could not be read: ")
        await job.retry()
        await run(job)
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
async def test_who_cannot_be_looked_up_for_now_is_asked_a_little_later(
    sandbox: Sandbox, tmp_path: Path, fault: Fault
) -> None:
    """A server or a network in trouble fails no row."""
    await begun(sandbox, tmp_path / "j", 1, max_asks=0)
    sandbox.faults = fault
    async with MoreGoodClient(KEY, transport=sandbox, max_attempts=1) as client:
        report = await done(client, people(1), tmp_path / "j", ask=EMAIL)
    assert (1, 1, {}) == (report.people_asked, sandbox.audit().asks, report.skipped)


async def test_a_key_that_is_refused_while_they_are_looked_up_stops_the_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """And fails no row."""
    await begun(sandbox, tmp_path / "j", 5, max_asks=0)
    sandbox.faults = Refuse(401, on="customers.upsert")
    with pytest.raises(Unauthorized):
        await done(sandbox, people(5), tmp_path / "j", ask=EMAIL)
    sandbox.faults = ()
    report = await done(sandbox, people(5), tmp_path / "j", ask=EMAIL)
    assert (5, 0) == (report.people_asked, report.failed)


async def test_who_was_asked_between_two_caps_is_not_asked_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The rows were saved long ago; a plan knows it too."""
    await asked_by_another(sandbox, 3)
    sandbox.advance(seconds=LATER_SECONDS)
    await begun(sandbox, tmp_path / "j", 4, max_asks=0)
    await asked_by_another(sandbox, 2)
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(4), journal=tmp_path / "j", ask=EMAIL, max_asks=9) as job,
    ):
        plan = await job.plan()
        assert ({"asked meanwhile": 1}, 3) == (plan.skipped, plan.people_to_ask)
        await run(job, confirm=plan.digest)
        assert ({"asked meanwhile": 1}, 3) == (job.report().skipped, job.report().people_asked)


async def test_a_row_of_the_job_itself_is_told_as_that(sandbox: Sandbox, tmp_path: Path) -> None:
    """The API has both rows for one customer, and the first of them was asked by this job."""
    await done(sandbox, [{**people(1, start=1)[0], "phone": "+14155550100"}])
    await begun(sandbox, tmp_path / "j", 1, ask=BOTH)
    await begun(sandbox, tmp_path / "j", 2, ask=BOTH)
    rows = [*people(2), {"first_name": "Ada", "phone": "+14155550100"}]
    report = await done(sandbox, rows, tmp_path / "j", ask=BOTH)
    assert ({"same customer": 1}, 2) == (report.skipped, sandbox.audit().asks)


async def test_they_take_nothing_of_the_cap(sandbox: Sandbox, tmp_path: Path) -> None:
    """Nor does a cap that is reached hide them, or a higher one ask them."""
    await begun(sandbox, tmp_path / "j", 2, max_asks=3)
    for number in (2, 3):
        await asked_by_another(sandbox, number)
    rows = people(MANY)
    report = await done(sandbox, rows, tmp_path / "j", ask=EMAIL, max_asks=3)
    assert ({"asked meanwhile": 2, "max asks": MANY - 5}, 3) == (
        report.skipped,
        report.people_asked,
    )
    report = await done(sandbox, rows, tmp_path / "j", ask=EMAIL, max_asks=MANY)
    assert ({"asked meanwhile": 2}, MANY - 2) == (report.skipped, report.people_asked)
    assert MANY == sandbox.audit().asks


async def test_a_plan_knows_them(sandbox: Sandbox, tmp_path: Path) -> None:
    """In one scan, once the job has begun; and the run does just that."""
    await begun(sandbox, tmp_path / "j", 2)
    await asked_by_another(sandbox, 3)
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(6), journal=tmp_path / "j", ask=EMAIL) as job,
    ):
        plan = await job.plan()
        assert ({"asked meanwhile": 1}, 3, 2) == (plan.skipped, plan.people_to_ask, plan.over)
        await run(job, confirm=plan.digest)
        assert (plan.skipped, 5) == (job.report().skipped, job.report().people_asked)


async def test_a_failed_ask_can_be_retried(sandbox: Sandbox, tmp_path: Path) -> None:
    """It has asked nobody."""
    sandbox.faults = Refuse(422, on="asks.create")
    assert 2 == (await begun(sandbox, tmp_path / "j", 2)).failed
    sandbox.faults = ()
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(2), journal=tmp_path / "j", ask=EMAIL) as job,
    ):
        assert 2 == await job.retry()
        await run(job)
        assert (2, {}) == (job.report().people_asked, job.report().skipped)


async def messages_hidden(request: Request, call_next: Handler) -> Response:
    """A fault: whoever looks for messages sees none."""
    response = await call_next(request)
    if request.operation != "customers.messages":
        return response
    page = {"current_page": 1, "last_page": 1, "total": 0, "per_page": 15}
    body = json.dumps({"success": True, "data": [], "pagination": page}).encode()
    return attrs.evolve(response, body=body)


async def test_an_ask_whose_messages_show_too_late_is_not_sent_again(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Its customer's record tells that it has happened."""
    await begun(sandbox, tmp_path / "j", 1)
    sandbox.faults = [DropAfterEffect(on="asks.create", times=1), messages_hidden]
    report = await done(sandbox, people(2), tmp_path / "j", ask=EMAIL, reconcile_after=0.0)
    assert ({"asked meanwhile": 1}, 2) == (report.skipped, sandbox.audit().asks)


async def test_two_jobs_one_after_the_other_each_ask(sandbox: Sandbox, tmp_path: Path) -> None:
    """Those of the first were asked before the second began, if only a moment before."""
    await done(sandbox, people(5), tmp_path / "first", ask=EMAIL)
    report = await done(sandbox, people(5), tmp_path / "second", ask=EMAIL)
    assert (5, {}, 10) == (report.people_asked, report.skipped, sandbox.audit().asks)


async def test_a_moment_after_the_beginning_counts_as_not_long_ago(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The clocks cannot tell whether it was before; it is seen all the same."""
    orders: dict[str, Any] = {"ask": EMAIL, "not_asked_within": timedelta(days=1)}
    await done(sandbox, people(2), tmp_path / "j", max_asks=0, **orders)
    await asked_by_another(sandbox, 1)
    report = await done(sandbox, people(2), tmp_path / "j", **orders)
    assert ({"asked recently": 1}, 1, 2) == (report.skipped, report.people_asked, report.done)


async def test_not_long_ago_and_meanwhile_are_told_apart(sandbox: Sandbox, tmp_path: Path) -> None:
    """Before the job and since."""
    within = timedelta(days=1)
    await asked_by_another(sandbox, 4)
    sandbox.advance(seconds=LATER_SECONDS)
    await begun(sandbox, tmp_path / "j", 2, not_asked_within=within)
    await asked_by_another(sandbox, 3)
    report = await done(sandbox, people(6), tmp_path / "j", ask=EMAIL, not_asked_within=within)
    assert {"asked meanwhile": 1, "asked recently": 1} == report.skipped
