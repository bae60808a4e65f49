"""`Job`: the requests of a run and their order, progress, results and reports."""

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
from tests.bulk.jobs import EMAIL, RequestLog, collect_progress, outcomes_by_row, people, run_job
from tests.conftest import KEY, tasks_left

MOST_IN_FLIGHT = 32
"""The default `max_concurrency` of a client."""

PAID = ChargeTemplate(amount="paid", currency="USD")


async def test_a_job_on_a_csv_file_yields_progress_and_a_printable_report(
    client: MoreGoodClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("First Name,Email\n" + "".join(f"A,a{n}@example.com\n" for n in range(50)))
    stream: list[Progress] = []
    template = AskTemplate(channels=["email"], reminders_count=2)
    async with Job(
        client, read_csv(file), journal=tmp_path / "spring.journal", ask=template
    ) as job:
        async for progress in job.run():
            stream.append(progress)  # noqa: PERF401 - written as users write it
        report = job.report()
    assert list(range(50)) == sorted(outcomes_by_row(stream))
    assert {"done"} == set(outcomes_by_row(stream).values())
    last = stream[-1]
    assert 50 == last.done == last.asked == last.total
    assert 0 == last.failed == last.unknown == last.rejected
    assert last.rate >= 0
    assert "customers.csv: 50 rows, 1 run" in str(report)
    assert 50 == report.rows == report.done
    assert report.is_input_complete
    assert report.is_over
    audit = sandbox.audit()
    assert 50 == audit.customers == audit.asks
    assert 150 == audit.messages


async def test_each_customer_is_saved_then_charged_then_asked() -> None:
    """Different customers are worked on concurrently."""
    log = RequestLog()
    rows = [{**person, "paid": "1.50"} for person in people(40)]
    with Sandbox(faults=[log, Delay(0.002)]) as sandbox:
        await run_job(sandbox, rows, charge=PAID, ask=EMAIL)
        audit = sandbox.audit()
    assert 40 == audit.customers == audit.charges == audit.asks
    for person in rows:
        assert ["customers", "charges", "asks"] == log.resources_of(person["email"])
    first_operations = [name for name, _ in log.requests[1:10]]
    assert ["customers.upsert"] * 9 == first_operations


async def test_a_run_of_a_finished_job_sends_only_the_probe(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        await run_job(sandbox, people(20), tmp_path / "j", ask=EMAIL)
        before = sandbox.audit().requests
        report = await run_job(sandbox, people(20), tmp_path / "j", ask=EMAIL)
        after = sandbox.audit().requests
    assert 1 == sum(after.values()) - sum(before.values())
    assert 1 == after["customers.list"] - before["customers.list"]
    assert (20, 2) == (report.done, len(report.runs))


async def test_a_job_without_a_journal_file_keeps_its_journal_in_memory() -> None:
    with Sandbox() as sandbox:
        report = await run_job(sandbox, people(3), ask=EMAIL)
        assert ("in memory", 3) == (report.journal, sandbox.audit().asks)


async def _yield_rows(rows: list[dict[str, str]]) -> AsyncIterator[dict[str, str]]:
    for row in rows:
        await asyncio.sleep(0)
        yield row


class AsyncRows:
    """An async iterable that can be read repeatedly."""

    def __aiter__(self) -> AsyncIterator[dict[str, str]]:
        return _yield_rows(people(5))


@pytest.mark.parametrize(
    "rows",
    [
        lambda: people(5),
        lambda: iter(people(5)),
        lambda: (CustomerUpsert.of(person) for person in people(5)),
        lambda: _yield_rows(people(5)),
        AsyncRows,
        lambda: read_csv(io.StringIO("First Name,Email\n" + "A,a@example.com\n" * 5)),
    ],
    ids=["list", "iterator", "customers", "async generator", "async iterable", "source"],
)
async def test_rows_can_be_any_iterable_async_iterable_or_source(rows: Any) -> None:
    """Iterators, which can be read only once, are among them."""
    with Sandbox() as sandbox:
        assert 5 == (await run_job(sandbox, rows(), ask=EMAIL)).done


async def test_an_error_of_the_input_ends_the_run_after_the_rows_that_were_read(
    tmp_path: Path,
) -> None:
    """The run raises the error of the input. The next run does the other rows."""

    def broken() -> Iterator[dict[str, str]]:
        yield from people(300)
        raise OSError(5, "Input/output error")

    with Sandbox() as sandbox:
        with pytest.raises(OSError, match="Input/output"):
            await run_job(sandbox, broken(), tmp_path / "j", ask=EMAIL)
        assert 256 == sandbox.audit().asks
        report = await run_job(sandbox, iter(people(300)), tmp_path / "j", ask=EMAIL)
        assert (300, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)
    assert "OSError: [Errno 5] Input/output error" == report.runs[0].ending
    assert "complete" == report.runs[1].ending


async def test_rows_that_differ_from_the_journaled_ones_are_refused(tmp_path: Path) -> None:
    """Rows of a list are compared one by one; nothing is sent for rows that differ."""
    with Sandbox() as sandbox:
        await run_job(sandbox, people(4), tmp_path / "j", ask=EMAIL)
        with pytest.raises(JournalMismatch, match="row 1 "):
            await run_job(sandbox, people(4, start=1), tmp_path / "j", ask=EMAIL)
        with pytest.raises(JournalMismatch, match="has 3 rows, and the journal knows 4"):
            await run_job(sandbox, people(3), tmp_path / "j", ask=EMAIL)
        assert 4 == sandbox.audit().customers
        report = await run_job(sandbox, people(6), tmp_path / "j", ask=EMAIL)
        assert 6 == report.done == sandbox.audit().asks


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Forbidden)])
async def test_a_refused_key_stops_the_run_and_loses_nothing(
    status: int, error: type[Exception], tmp_path: Path
) -> None:
    """Only requests in flight are still sent. The next run asks for the refused rows."""
    with Sandbox(faults=Refuse(status, on="asks.create")) as sandbox:
        with pytest.raises(error):
            await run_job(sandbox, people(300), tmp_path / "j", ask=EMAIL)
        assert sandbox.audit().requests["asks.create"] <= MOST_IN_FLIGHT
        sandbox.faults = ()
        report = await run_job(sandbox, people(300), tmp_path / "j", ask=EMAIL)
        assert (300, 300, ()) == (report.done, sandbox.audit().asks, sandbox.audit().duplicate_asks)


async def test_a_run_whose_probe_is_refused_sends_nothing_else(tmp_path: Path) -> None:
    with Sandbox(keys="other") as sandbox:
        with pytest.raises(Unauthorized):
            await run_job(sandbox, people(300), tmp_path / "j")
        assert 1 == sum(sandbox.audit().requests.values())


async def test_a_run_stops_if_too_many_rows_fail_with_one_error(tmp_path: Path) -> None:
    """Failed rows wait for `Job.retry`; the next run does the others."""
    with Sandbox(faults=Refuse(422, on="customers.upsert")) as sandbox:
        with pytest.raises(TooManyFailures, match="more than 10 % of the last 200"):
            await run_job(sandbox, people(1000), tmp_path / "j")
        assert sandbox.audit().requests["customers.upsert"] <= 21 + MOST_IN_FLIGHT
        sandbox.faults = ()
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job(client, people(1000), journal=tmp_path / "j") as job,
        ):
            failed = job.report().failed
            await collect_progress(job)
            assert (1000 - failed, failed) == (job.report().done, job.report().failed)
            assert failed == await job.retry()
            await collect_progress(job)
            assert (1000, 0) == (job.report().done, await job.retry())


async def test_max_asks_limits_all_runs_of_a_job_together(tmp_path: Path) -> None:
    """A run with a higher limit asks more people, a run with a lower limit asks nobody."""
    asks_and_skipped: list[tuple[int, int]] = []
    with Sandbox() as sandbox:
        for max_asks in (0, 3, 3, 7, 2, None):
            report = await run_job(
                sandbox, people(10), tmp_path / "j", ask=EMAIL, max_asks=max_asks
            )
            skipped = report.skipped.get(SkipReason.MAX_ASKS, 0)
            asks_and_skipped.append((sandbox.audit().asks, skipped))
        assert () == sandbox.audit().duplicate_asks
        saved_then_checked = 10 + 10  # an upsert reads a skipped row's customer again
        assert saved_then_checked == sandbox.audit().requests["customers.upsert"]
    assert [(0, 10), (3, 7), (3, 7), (7, 3), (7, 3), (10, 0)] == asks_and_skipped


async def test_customers_asked_within_not_asked_within_are_skipped(sandbox: Sandbox) -> None:
    """Asks of other jobs count, too. The period is measured by the server's clock."""
    within = timedelta(days=30)
    await run_job(sandbox, people(3), ask=EMAIL)
    sandbox.advance(days=29)
    first = await run_job(sandbox, people(5), ask=EMAIL, not_asked_within=within)
    assert ({"asked recently": 3}, 5) == (first.skipped, sandbox.audit().asks)
    sandbox.advance(days=2)
    second = await run_job(sandbox, people(5), ask=EMAIL, not_asked_within=within)
    assert ({"asked recently": 2}, 8) == (second.skipped, sandbox.audit().asks)


async def test_progress_has_counts_a_rate_and_the_time_left(sandbox: Sandbox) -> None:
    """While no row ends, there is progress without a row once a second."""
    sandbox.faults = Delay(1.3, on="customers.upsert")
    async with (
        MoreGoodClient(KEY, transport=sandbox, max_concurrency=4) as client,
        Job(client, people(8), journal=None) as job,
    ):
        stream = await collect_progress(job)
    without_row = [progress for progress in stream if progress.row is None]
    assert without_row
    assert 0 == without_row[0].done
    assert 8 == without_row[0].total
    assert without_row[0].eta is None
    assert [1, 2, 3, 4, 5, 6, 7, 8] == [progress.done for progress in stream if progress.row]
    assert stream[-1].rate > 0
    assert 0.0 == stream[-1].eta
    assert [] == [task for task in tasks_left() if not task.done()]


async def test_results_yields_the_result_of_each_row_or_of_some_outcomes(sandbox: Sandbox) -> None:
    """Results have no personal data."""
    rows = [*people(2), {"first_name": "", "email": "x@example.com"}, *people(1)]
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, rows, journal=None, ask=EMAIL) as job,
    ):
        await collect_progress(job)
        results = [result async for result in job.results()]
        rejected = [result async for result in job.results("rejected", "failed")]
    assert ["done", "done", "rejected", "done"] == [result.outcome for result in results]
    assert [2] == [result.row_index for result in rejected]
    assert "duplicate" == results[3].skip_reason
    assert 0 == results[3].duplicate_of
    assert ("email",) == results[0].asked
    assert all(isinstance(result, RowResult) for result in results)
    assert "example.com" not in repr(results)


async def test_the_error_of_a_misused_job_says_how_to_use_it(sandbox: Sandbox) -> None:
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        job = Job(client, people(100), journal=None)
        with pytest.raises(ConfigurationError, match="async with"):
            job.report()
        with pytest.raises(ConfigurationError, match="async with"):
            await job.retry()
        async with job:
            run = job.run()
            await anext(aiter(run))
            with pytest.raises(ConfigurationError, match="running already"):
                await job.run()
            with pytest.raises(RuntimeError, match="used once"):
                aiter(run)


async def test_a_job_without_rows_reports_retries_and_reconciles_and_does_not_run(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await run_job(sandbox, people(3), tmp_path / "j", ask=EMAIL)
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


async def test_opening_a_journal_that_does_not_exist_does_not_create_it(
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


def _create_run_and_drop_it(job: Job) -> None:
    job.run()
    gc.collect()


async def test_a_run_that_is_never_used_warns(sandbox: Sandbox) -> None:
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(3), journal=None) as job,
    ):
        with pytest.warns(RuntimeWarning, match="a run was never started"):
            _create_run_and_drop_it(job)
    assert sandbox.audit().requests == {}


async def test_a_report_counts_the_jobs_own_requests_and_no_others(sandbox: Sandbox) -> None:
    """Other requests of the same client, and their retries, are not counted."""
    async with MoreGoodClient(KEY, transport=sandbox) as client:

        async def list_reviews() -> None:
            while True:
                await client.reviews.list()

        sandbox.faults = [Refuse(500, on="reviews.list", probability=0.5), Delay(0.002)]
        others = asyncio.ensure_future(list_reviews())
        async with Job(client, people(50), journal=None, ask=EMAIL) as job:
            report = await job.run()
        others.cancel()
        await asyncio.gather(others, return_exceptions=True)
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
    report = await run_job(sandbox, people(5), ask=EMAIL)
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


async def test_a_report_as_json_has_the_figures_of_the_printed_one(sandbox: Sandbox) -> None:
    report = await run_job(sandbox, [*people(2), {"first_name": ""}], ask=EMAIL)
    as_json = report.as_json()
    assert 3 == as_json["rows"]
    assert 2 == as_json["done"]
    assert 1 == as_json["rejected"]
    assert as_json["is_input_complete"] is True
    assert {"upsert", "ask"} == set(as_json["timings"])
    assert as_json["slowest_phase"] in ("saving customers", "asking for reviews")
    assert 5 == as_json["requests"]
    assert 0 == as_json["throttled"] == as_json["retries"]
    assert "2 done, 1 rejected" in str(report)
    assert "asked: 2 by email" in str(report)
