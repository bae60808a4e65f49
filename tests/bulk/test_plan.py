"""Plans: a run does exactly what its plan says, and a digest stands for exactly that."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moregood_async import MoreGoodClient
from moregood_async.bulk import (
    AskTemplate,
    ChargeTemplate,
    Job,
    Plan,
    PlanChanged,
    SkipReason,
    read_csv,
)
from moregood_async.errors import ConfigurationError
from moregood_async.privacy import masked
from moregood_async.sandbox import DropAfterEffect, Sandbox
from tests.bulk.jobs import BOTH, EMAIL, people
from tests.conftest import KEY
from tests.depth import scaled

Cells = tuple[str, ...]

HEADER = ["First Name", "Email", "Phone", "unsubscribed_at", "Total"]
CELLS = st.tuples(
    st.sampled_from(["Ada", "Ada", "Bob", ""]),
    st.sampled_from(["", "a@example.com", " A@Example.com", "b@example.com", "c@example.com"]),
    st.sampled_from(["", "+1 415 555 0100", "+14155550100", "+1 415 555 0101"]),
    st.sampled_from(["", "", "", "2026-01-01"]),
    st.sampled_from(["", "5", "12.50", "free"]),
)
PAID = ChargeTemplate(amount="Total", currency="USD")


def csv_of(rows: Sequence[Cells]) -> str:
    """Return a CSV of rows."""
    file = io.StringIO()
    csv.writer(file).writerows([HEADER, *rows])
    return file.getvalue()


async def plan_job(
    sandbox: Sandbox, rows: Any, journal: Path | None = None, **options: Any
) -> Plan:
    """Return the plan of a job."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, rows, journal=journal, **options) as job,
    ):
        return await job.plan()


@settings(max_examples=scaled(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CELLS, max_size=12), st.sampled_from([None, 0, 2]), st.booleans())
async def test_a_run_does_what_its_plan_says(
    rows: list[Cells], max_asks: int | None, has_charges: bool
) -> None:
    """For any file: who is saved, charged, asked, skipped and rejected.

    A plan does not know which rows the API takes for one customer, so it may count more asks.
    """
    charge = PAID if has_charges else None
    with Sandbox(keys=KEY) as sandbox:
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job(
                client,
                read_csv(io.StringIO(csv_of(rows))),
                journal=None,
                ask=BOTH,
                charge=charge,
                max_asks=max_asks,
            ) as job,
        ):
            plan = await job.plan()
            assert sandbox.audit().requests == {}
            report = await job.run(confirm=plan.digest)
        audit = sandbox.audit()
    same_customer = report.skipped.get(SkipReason.SAME_CUSTOMER, 0)
    assert plan.rows == report.rows
    assert plan.rejected == report.rejected
    assert plan.to_save == audit.requests["customers.upsert"]
    assert plan.charges == audit.charges == report.charges
    assert audit.asks == report.people_asked
    assert plan.people_to_ask - same_customer <= audit.asks <= plan.people_to_ask
    if not same_customer and max_asks is None:
        assert plan.skipped == report.skipped
        assert plan.asks == report.asked
    assert audit.duplicate_asks == ()


# digests


def rows_of(count: int) -> list[Cells]:
    """Return rows of different people."""
    return [("Ada", f"a{number}@example.com", "", "", "5") for number in range(count)]


def list_changes() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what must change a digest: other rows, another mapping, other options."""
    yield "a name", {"rows": [("Eve", "a0@example.com", "", "", "5"), *rows_of(3)[1:]]}
    yield "an email", {"rows": [("Ada", "z@example.com", "", "", "5"), *rows_of(3)[1:]]}
    yield "an amount", {"rows": [("Ada", "a0@example.com", "", "", "6"), *rows_of(3)[1:]]}
    yield "a row less", {"rows": rows_of(2)}
    yield "a row more", {"rows": rows_of(4)}
    yield "the order of rows", {"rows": rows_of(3)[::-1]}
    yield "the mapping", {"mapping": {"Total": "notes"}}
    yield "the channels", {"ask": BOTH}
    yield "the reminders", {"ask": AskTemplate(channels=["email"], reminders_count=1)}
    yield "no ask", {"ask": None}
    yield "the currency", {"charge": ChargeTemplate(amount="Total", currency="EUR")}
    yield "the unit", {"charge": ChargeTemplate(amount="Total", currency="USD", unit="minor")}
    yield "a limit", {"max_asks": 2}
    yield "a limit that nobody reaches", {"max_asks": 20}
    yield "a time", {"not_asked_within": timedelta(days=1)}


async def digest_of(
    sandbox: Sandbox,
    journal: Path | None = None,
    *,
    rows: Sequence[Cells] | None = None,
    mapping: dict[str, str] | None = None,
    **options: Any,
) -> str:
    """Return the digest of a job that differs from the usual one as the arguments say."""
    text = csv_of(rows_of(3) if rows is None else rows)
    source = read_csv(io.StringIO(text), mapping=mapping)
    plan = await plan_job(sandbox, source, journal, **{"ask": EMAIL, "charge": PAID} | options)
    return plan.digest


@pytest.mark.parametrize(
    "change", [pytest.param(change, id=name) for name, change in list_changes()]
)
async def test_a_digest_changes_if_the_requests_would_change(
    change: dict[str, Any], sandbox: Sandbox
) -> None:
    assert await digest_of(sandbox, **change) != await digest_of(sandbox)


async def test_a_digest_stays_the_same_if_the_requests_stay_the_same(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """With a journal or without, and whatever is done about unknown rows."""
    digests = [
        await digest_of(sandbox),
        await digest_of(sandbox),
        await digest_of(sandbox, tmp_path / "j"),
        await digest_of(sandbox, on_unknown="hold", reconcile_after=7),
    ]
    assert len(set(digests)) == 1


async def test_a_digest_is_of_one_project(sandbox: Sandbox) -> None:
    source = read_csv(io.StringIO(csv_of(rows_of(3))))
    with Sandbox(keys="other-key") as other:
        async with (
            MoreGoodClient("other-key", transport=other) as client,
            Job(client, source, journal=None, ask=EMAIL, charge=PAID) as job,
        ):
            assert (await job.plan()).digest != await digest_of(sandbox)


async def test_no_part_of_a_digest_is_masked_in_an_error(sandbox: Sandbox) -> None:
    """Ten digits in a row would be masked as a phone number."""
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        for max_asks in range(100):
            async with Job(client, people(1), journal=None, ask=EMAIL, max_asks=max_asks) as job:
                text = f"the plan is {(await job.plan()).digest} now"
                assert masked(text) == text


async def test_the_plan_of_a_finished_job_is_empty_and_has_another_digest(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A plan counts only the rows that are left."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(5), journal=tmp_path / "j", ask=EMAIL) as job,
    ):
        first = await job.plan()
        await job.run(confirm=first.digest)
        second = await job.plan()
        with pytest.raises(PlanChanged) as changed:
            await job.run(confirm=first.digest)
    assert changed.value.plan == second
    assert second.rows == 5
    assert second.over == 5
    assert second.to_save == 0
    assert second.people_to_ask == 0
    assert "5 rows, 5 of them done by earlier runs" in str(second)
    assert sandbox.audit().asks == 5


async def test_a_run_whose_plan_is_not_the_confirmed_one_sends_nothing(sandbox: Sandbox) -> None:
    """The error has the plan as it is now, which can be confirmed."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(5), journal=None, ask=EMAIL) as job,
    ):
        with pytest.raises(PlanChanged, match="not abc") as changed:
            await job.run(confirm="abc")
        plan = changed.value.plan
        assert plan is not None
        assert plan.people_to_ask == 5
        assert sandbox.audit().requests == {}
        await job.run(confirm=plan.digest)
    assert sandbox.audit().asks == 5


# who is asked


async def test_a_plan_finds_customers_asked_recently_in_one_scan(
    sandbox: Sandbox,
) -> None:
    """They are found by email or phone, and by the server's clock. Nothing is sent."""
    asked = [*people(3), {"first_name": "Cy", "phone": "415 555 0100 "}]
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, [{"phone": "", **row} for row in asked], journal=None, ask=BOTH) as job,
    ):
        await job.run()
    sandbox.advance(days=10)
    rows = [*people(5), {"first_name": "Cy", "email": "cy@example.com"}]
    before = sandbox.audit().requests
    shorter = await plan_job(sandbox, rows, ask=EMAIL, not_asked_within=timedelta(days=9))
    longer = await plan_job(sandbox, rows, ask=EMAIL, not_asked_within=timedelta(days=11))
    after = sandbox.audit().requests
    assert {name for name in after if after[name] > before[name]} == {"customers.list"}
    assert shorter.skipped == {}
    assert shorter.people_to_ask == 6
    assert longer.skipped == {SkipReason.ASKED_RECENTLY: 3}
    assert longer.people_to_ask == 3


async def test_a_plan_counts_the_asks_that_a_higher_max_asks_allows(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    asked: list[int] = []
    planned: list[int] = []
    for max_asks in (2, 5, None):
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job(client, people(6), journal=tmp_path / "j", ask=EMAIL, max_asks=max_asks) as job,
        ):
            before = sandbox.audit().asks
            plan = await job.plan()
            await job.run(confirm=plan.digest)
            planned.append(plan.people_to_ask)
            asked.append(sandbox.audit().asks - before)
    assert planned == [2, 3, 1]
    assert asked == [2, 3, 1]


async def test_an_unknown_ask_counts_towards_max_asks(sandbox: Sandbox, tmp_path: Path) -> None:
    """The ask may have been applied. It is reconciled first, and counted once."""
    sandbox.faults = DropAfterEffect(on="asks.create", times=1)
    options: dict[str, Any] = {"ask": EMAIL, "on_unknown": "hold", "max_asks": 3}
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(1), journal=tmp_path / "j", **options) as job,
    ):
        assert (await job.run()).unknown == 1
    plan = await plan_job(sandbox, people(5), tmp_path / "j", **options)
    assert plan.to_reconcile == 1
    assert plan.people_to_ask == 2
    assert plan.skipped == {SkipReason.MAX_ASKS: 2}
    assert "1 unknown charge or ask to reconcile first" in str(plan)


async def test_an_input_that_can_be_read_only_once_cannot_be_planned(sandbox: Sandbox) -> None:
    """The run could not read the input again."""
    with pytest.raises(ConfigurationError, match="give a file, or a list"):
        await plan_job(sandbox, iter(people(3)))


# what a plan shows


@pytest.fixture
def odd_rows() -> str:
    """A CSV with a row of every kind."""
    return csv_of(
        [
            ("Ada", "a@example.com", "", "", "5"),
            ("Ada", "A@example.com", "", "", "free"),
            ("", "x@example.com", "", "", ""),
            ("Eve", "e@example.com", "", "2026-01-01", ""),
            ("Bob", "b@example.com", "12", "", ""),
            ("Ada", "A@example.com", "", "", ""),
        ]
    )


async def test_a_printed_plan_shows_counts_with_their_nouns(
    odd_rows: str, sandbox: Sandbox
) -> None:
    source = read_csv(io.StringIO(odd_rows), region="US")
    plan = await plan_job(sandbox, source, ask=EMAIL, charge=PAID)
    assert str(plan).splitlines() == [
        "rows: 6 rows",
        "  4 customers to save, 2 rejected",
        "  1 charge to record",
        "  2 people to ask: 2 by email",
        "  not asked: 1 in an earlier row already, 1 opted out",
        "  1 row with a warning",
        f"Plan {plan.digest}",
    ]


async def test_a_plan_lists_the_lines_with_problems_warnings_and_duplicates(
    odd_rows: str, sandbox: Sandbox
) -> None:
    """Line 1 is the header; data rows are counted from 1."""
    source = read_csv(io.StringIO(odd_rows), region="US")
    plan = await plan_job(sandbox, source, ask=EMAIL, charge=PAID)
    assert [line for line, _ in plan.problems] == [3, 4]
    assert [line for line, _ in plan.warnings] == [6]
    assert plan.duplicate_lines == [(7, 1)]


async def test_a_plan_without_an_ask_still_shows_duplicates(
    odd_rows: str, sandbox: Sandbox
) -> None:
    plan = await plan_job(sandbox, read_csv(io.StringIO(odd_rows)))
    assert "with the same person as an earlier one" in str(plan)


async def test_a_plan_can_be_json_and_has_no_personal_data(odd_rows: str, sandbox: Sandbox) -> None:
    plan = await plan_job(sandbox, read_csv(io.StringIO(odd_rows), region="US"), ask=EMAIL)
    as_json = json.loads(json.dumps(plan.as_json()))
    assert as_json["skipped"] == {"duplicate": 2, "opted out": 1}
    assert as_json["digest"] == plan.digest
    assert "example.com" not in str(plan) + json.dumps(as_json)
