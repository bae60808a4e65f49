"""A job from Python: what is sent, in which order, and what is told of it."""

import asyncio
import gc
import io
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk import (
    AskTemplate,
    ChargeTemplate,
    Job,
    JournalMismatch,
    JournalUnusable,
    Progress,
    RowResult,
    SkipReason,
    TooManyFailures,
    read_csv,
)
from moregood_async.errors import ConfigurationError, Forbidden, Unauthorized
from moregood_async.models.customers import CustomerUpsert
from moregood_async.sandbox import Delay, Refuse, Sandbox
from tests.bulk.jobs import EMAIL, Log, done, ends, people, run
from tests.conftest import KEY, tasks_left

MOST_IN_FLIGHT = 32
"""Of a client that was told nothing else."""

PAID = ChargeTemplate(amount="paid", currency="USD")


async def test_the_example_runs(client: MoreGoodClient, sandbox: Sandbox, tmp_path: Path) -> None:
    """Of the issue, on a socket: events with counts, and a report that prints."""
    file = tmp_path / "customers.csv"
    file.write_text("First Name,Email\n" + "".join(f"A,a{n}@example.com\n" for n in range(50)))
    events: list[Progress] = []
    template = AskTemplate(channels=["email"], reminders_count=2)
    async with Job(
        client, read_csv(file), journal=tmp_path / "spring.journal", ask=template
    ) as job:
        async for event in job.run():
            events.append(event)  # noqa: PERF401 - as in the example
        report = job.report()
    assert list(range(50)) == sorted(ends(events))
    assert {"done"} == set(ends(events).values())
    last = events[-1]
    assert (50, 0, 0, 0, 50) == (last.done, last.failed, last.unknown, last.rejected, last.asked)
    assert (50, True) == (last.total, last.rate >= 0)
    assert "customers.csv: 50 rows, 1 run" in str(report)
    assert (50, 50, True, True) == (
        report.rows,
        report.done,
        report.is_input_complete,
        report.is_over,
    )
    assert (50, 50, 150) == (
        sandbox.audit().customers,
        sandbox.audit().asks,
        sandbox.audit().messages,
    )


async def test_each_customer_is_saved_then_charged_then_asked() -> None:
    """And different customers side by side."""
    log = Log()
    rows = [{**person, "paid": "1.50"} for person in people(40)]
    with Sandbox(faults=[log, Delay(0.002)]) as sandbox:
        await done(sandbox, rows, charge=PAID, ask=EMAIL)
        assert (40, 40, 40) == (
            sandbox.audit().customers,
            sandbox.audit().charges,
            sandbox.audit().asks,
        )
    for person in rows:
        assert ["customers", "charges", "asks"] == log.of(person["email"])
    firsts = [name for name, _ in log.got[1:10]]
    assert ["customers.upsert"] * 9 == firsts


async def test_a_second_run_sends_the_probe_and_nothing_else(tmp_path: Path) -> None:
    """Rows that are done are skipped without a request."""
    with Sandbox() as sandbox:
        await done(sandbox, people(20), tmp_path / "j", ask=EMAIL)
        before = sandbox.audit().requests
        report = await done(sandbox, people(20), tmp_path / "j", ask=EMAIL)
        after = sandbox.audit().requests
    assert 1 == sum(after.values()) - sum(before.values())
    assert 1 == after["customers.list"] - before["customers.list"]
    assert (20, 2) == (report.done, len(report.runs))


async def test_without_a_journal_it_is_kept_in_memory() -> None:
    """For runs that need not survive the process."""
    with Sandbox() as sandbox:
        report = await done(sandbox, people(3), ask=EMAIL)
        assert ("in memory", 3) == (report.journal, sandbox.audit().asks)


async def _slowly(rows: list[dict[str, str]]) -> AsyncIterator[dict[str, str]]:
    for row in rows:
        await asyncio.sleep(0)
        yield row


class Again:
    """An async iterable that can be read as often as one likes."""

    def __aiter__(self) -> AsyncIterator[dict[str, str]]:
        return _slowly(people(5))


@pytest.mark.parametrize(
    "rows",
    [
        lambda: people(5),
        lambda: iter(people(5)),
        lambda: (CustomerUpsert.of(person) for person in people(5)),
        lambda: _slowly(people(5)),
        Again,
        lambda: read_csv(io.StringIO("First Name,Email\n" + "A,a@example.com\n" * 5)),
    ],
    ids=["list", "iterator", "customers", "async generator", "async iterable", "source"],
)
async def test_rows_come_from_anything_that_gives_rows(rows: Any) -> None:
    """Also once only."""
    with Sandbox() as sandbox:
        assert 5 == (await done(sandbox, rows(), ask=EMAIL)).done


async def test_a_source_that_breaks_ends_the_run_after_what_was_read(tmp_path: Path) -> None:
    """With its own error; what was read is done, and the next run goes on."""

    def broken() -> Iterator[dict[str, str]]:
        yield from people(300)
        raise OSError(5, "Input/output error")

    with Sandbox() as sandbox:
        with pytest.raises(OSError, match="Input/output"):
            await done(sandbox, broken(), tmp_path / "j", ask=EMAIL)
        assert 256 == sandbox.audit().asks
        report = await done(sandbox, iter(people(300)), tmp_path / "j", ask=EMAIL)
        assert (300, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)
    assert "OSError: [Errno 5] Input/output error" == report.runs[0].ending
    assert "complete" == report.runs[1].ending


async def test_other_rows_than_the_journals_are_refused(tmp_path: Path) -> None:
    """Row by row where there is no file; nothing is sent for them."""
    with Sandbox() as sandbox:
        await done(sandbox, people(4), tmp_path / "j", ask=EMAIL)
        with pytest.raises(JournalMismatch, match="row 1 "):
            await done(sandbox, people(4, start=1), tmp_path / "j", ask=EMAIL)
        with pytest.raises(JournalMismatch, match="has 3 rows, and the journal knows 4"):
            await done(sandbox, people(3), tmp_path / "j", ask=EMAIL)
        assert 4 == sandbox.audit().customers
        more = await done(sandbox, people(6), tmp_path / "j", ask=EMAIL)
        assert (6, 6) == (more.done, sandbox.audit().asks)


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Forbidden)])
async def test_a_refused_key_stops_the_run_and_loses_nothing(
    status: int, error: type[Exception], tmp_path: Path
) -> None:
    """Rows go back to where they were; the next run does them. Only what was in flight left."""
    with Sandbox(faults=Refuse(status, on="asks.create")) as sandbox:
        with pytest.raises(error):
            await done(sandbox, people(300), tmp_path / "j", ask=EMAIL)
        assert sandbox.audit().requests["asks.create"] <= MOST_IN_FLIGHT
        sandbox.faults = ()
        report = await done(sandbox, people(300), tmp_path / "j", ask=EMAIL)
        assert (300, 300, ()) == (report.done, sandbox.audit().asks, sandbox.audit().duplicate_asks)


async def test_a_probe_that_is_refused_costs_one_request(tmp_path: Path) -> None:
    """And no row."""
    with Sandbox(keys="other") as sandbox:
        with pytest.raises(Unauthorized):
            await done(sandbox, people(300), tmp_path / "j")
        assert 1 == sum(sandbox.audit().requests.values())


async def test_a_run_stops_where_too_much_fails_alike(tmp_path: Path) -> None:
    """Failed rows wait for a retry, and the rest for the next run."""
    with Sandbox(faults=Refuse(422, on="customers.upsert")) as sandbox:
        with pytest.raises(TooManyFailures, match="more than 10 % of the last 200"):
            await done(sandbox, people(1000), tmp_path / "j")
        assert sandbox.audit().requests["customers.upsert"] <= 21 + MOST_IN_FLIGHT
        sandbox.faults = ()
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job(client, people(1000), journal=tmp_path / "j") as job,
        ):
            failed = job.report().failed
            await run(job)
            assert (1000 - failed, failed) == (job.report().done, job.report().failed)
            assert failed == await job.retry()
            await run(job)
            assert (1000, 0) == (job.report().done, await job.retry())


async def test_max_asks_counts_all_runs_together(tmp_path: Path) -> None:
    """A higher cap goes on, a lower one asks nobody more."""
    asks: list[tuple[int, int]] = []
    with Sandbox() as sandbox:
        for cap in (0, 3, 3, 7, 2, None):
            report = await done(sandbox, people(10), tmp_path / "j", ask=EMAIL, max_asks=cap)
            asks.append((sandbox.audit().asks, report.skipped.get(SkipReason.MAX_ASKS, 0)))
        assert () == sandbox.audit().duplicate_asks
        saved_then_checked = 10 + 10
        assert saved_then_checked == sandbox.audit().requests["customers.upsert"]
    assert [(0, 10), (3, 7), (3, 7), (7, 3), (7, 3), (10, 0)] == asks


async def test_who_was_asked_not_long_ago_is_left_out(sandbox: Sandbox) -> None:
    """By whatever, on the server's clock."""
    within = timedelta(days=30)
    await done(sandbox, people(3), ask=EMAIL)
    sandbox.advance(days=29)
    first = await done(sandbox, people(5), ask=EMAIL, not_asked_within=within)
    assert ({"asked recently": 3}, 5) == (first.skipped, sandbox.audit().asks)
    sandbox.advance(days=2)
    second = await done(sandbox, people(5), ask=EMAIL, not_asked_within=within)
    assert ({"asked recently": 2}, 8) == (second.skipped, sandbox.audit().asks)


async def test_events_tell_how_far_it_is(sandbox: Sandbox) -> None:
    """A tick a second where nothing ends, a rate and the time left."""
    sandbox.faults = Delay(1.3, on="customers.upsert")
    async with (
        MoreGoodClient(KEY, transport=sandbox, max_concurrency=4) as client,
        Job(client, people(8), journal=None) as job,
    ):
        events = await run(job)
    ticks = [event for event in events if event.row is None]
    assert ticks
    assert (0, 8, None) == (ticks[0].done, ticks[0].total, ticks[0].eta)
    assert [1, 2, 3, 4, 5, 6, 7, 8] == [event.done for event in events if event.row]
    assert events[-1].rate > 0
    assert 0.0 == events[-1].eta
    assert [] == [task for task in tasks_left() if not task.done()]


async def test_what_became_of_the_rows_can_be_read_one_by_one(sandbox: Sandbox) -> None:
    """All of them, or those of some outcomes; without anybody's data."""
    rows = [*people(2), {"first_name": "", "email": "x@example.com"}, *people(1)]
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, rows, journal=None, ask=EMAIL) as job,
    ):
        await run(job)
        all_ends = [end async for end in job.results()]
        rejected = [end async for end in job.results("rejected", "failed")]
    assert ["done", "done", "rejected", "done"] == [end.outcome for end in all_ends]
    assert [2] == [end.row_index for end in rejected]
    assert ("duplicate", 0) == (all_ends[3].skip_reason, all_ends[3].duplicate_of)
    assert ("email",) == all_ends[0].asked
    assert all(isinstance(end, RowResult) for end in all_ends)
    assert "example.com" not in repr(all_ends)


async def test_a_job_that_is_used_wrongly_says_how_it_is_used(sandbox: Sandbox) -> None:
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        job = Job(client, people(100), journal=None)
        with pytest.raises(ConfigurationError, match="async with"):
            job.report()
        with pytest.raises(ConfigurationError, match="async with"):
            await job.retry()
        async with job:
            first = job.run()
            await anext(aiter(first))
            with pytest.raises(ConfigurationError, match="running already"):
                await job.run()
            with pytest.raises(RuntimeError, match="used once"):
                aiter(first)


async def test_a_job_without_rows_reports_retries_and_reconciles_and_does_not_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await done(sandbox, people(3), tmp_path / "j", ask=EMAIL)
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job.open(client, tmp_path / "j") as job,
    ):
        assert job.report().done == 3
        assert [result.outcome async for result in job.results()] == ["done"] * 3
        assert await job.retry() == 0
        assert (await job.reconcile()).unknown == 0
        with pytest.raises(ConfigurationError, match=r"Job\(client, rows"):
            job.run()
        with pytest.raises(ConfigurationError, match=r"Job\(client, rows"):
            await job.plan()


async def test_a_journal_that_does_not_exist_is_not_made_by_opening_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        with pytest.raises(JournalUnusable, match="there is no journal"):
            async with Job.open(client, tmp_path / "j"):
                pass
    assert not (tmp_path / "j").exists()


async def test_awaiting_a_run_returns_the_report(sandbox: Sandbox) -> None:
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(3), journal=None, ask=EMAIL) as job,
    ):
        report = await job.run()
        assert report is job.report()
    assert report.people_asked == 3


def _make_and_forget(job: Job) -> None:
    job.run()
    gc.collect()


async def test_a_run_that_is_never_used_warns(sandbox: Sandbox) -> None:
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(3), journal=None) as job,
    ):
        with pytest.warns(RuntimeWarning, match="a run was never started"):
            _make_and_forget(job)
    assert sandbox.audit().requests == {}


async def test_a_report_counts_the_jobs_own_requests_and_no_others(sandbox: Sandbox) -> None:
    """Other calls of the same client, and their retries, belong to nobody's job."""
    async with MoreGoodClient(KEY, transport=sandbox) as client:

        async def others() -> None:
            while True:
                await client.reviews.list()

        sandbox.faults = [Refuse(500, on="reviews.list", probability=0.5), Delay(0.002)]
        beside = asyncio.ensure_future(others())
        async with Job(client, people(50), journal=None, ask=EMAIL) as job:
            report = await job.run()
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)
    assert sandbox.audit().requests["reviews.list"] > 0
    assert report.requests == 1 + 50 + 50
    assert report.retries == 0
    assert report.throttled == 0


async def test_a_report_counts_the_retries_and_the_throttled_requests_of_the_job(
    sandbox: Sandbox,
) -> None:
    sandbox.faults = [
        Refuse(500, on="customers.upsert", times=2),
        Refuse(429, on="asks.create", times=1),
    ]
    report = await done(sandbox, people(5), ask=EMAIL)
    assert report.requests == 1 + 5 + 5 + 3
    assert report.retries == 3
    assert report.throttled == 1


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"on_unknown": "hope"}, "on_unknown"),
        ({"reconcile_after": -1}, "reconcile_after"),
        ({"max_asks": -1}, "max_asks"),
        ({"not_asked_within": timedelta(0)}, "not_asked_within"),
    ],
)
async def test_an_option_that_is_out_of_its_range_is_refused(
    options: dict[str, Any], name: str, sandbox: Sandbox
) -> None:
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        with pytest.raises(ConfigurationError, match=name):
            Job(client, people(1), journal=None, **options)


async def test_a_report_is_plain_json(sandbox: Sandbox) -> None:
    """With what its text says."""
    report = await done(sandbox, [*people(2), {"first_name": ""}], ask=EMAIL)
    told = report.as_json()
    assert (3, 2, 1, True) == (
        told["rows"],
        told["done"],
        told["rejected"],
        told["is_input_complete"],
    )
    assert {"upsert", "ask"} == set(told["timings"])
    assert told["slowest_phase"] in ("saving customers", "asking for reviews")
    assert (5, 0, 0) == (told["requests"], told["throttled"], told["retries"])
    assert "2 done, 1 rejected" in str(report)
    assert "asked: 2 by email" in str(report)
