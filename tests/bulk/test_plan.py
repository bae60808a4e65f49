"""Plans: what a run then does, to the last person, and a digest that stands for exactly that."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moregood_async import MoreGoodClient
from moregood_async.bulk import AskTemplate, ChargeTemplate, Job, Plan, PlanChanged, read_csv
from moregood_async.bulk.contacts import contact_keys_of_customer
from moregood_async.errors import ConfigurationError
from moregood_async.models.customers import Customer
from moregood_async.privacy import masked
from moregood_async.sandbox import DropAfterEffect, Sandbox
from tests.bulk.jobs import BOTH, EMAIL, people, run
from tests.conftest import KEY
from tests.depth import scaled

HEADER = ["First Name", "Email", "Phone", "unsubscribed_at", "Total"]
CELLS = st.tuples(
    st.sampled_from(["Ada", "Ada", "Bob", ""]),
    st.sampled_from(["", "a@example.com", " A@Example.com", "b@example.com", "c@example.com"]),
    st.sampled_from(["", "+1 415 555 0100", "+14155550100", "+1 415 555 0101"]),
    st.sampled_from(["", "", "", "2026-01-01"]),
    st.sampled_from(["", "5", "12.50", "free"]),
)
PAID = ChargeTemplate(amount="Total", currency="USD")


def text_of(rows: list[tuple[str, ...]]) -> str:
    """A CSV of these rows."""
    file = io.StringIO()
    csv.writer(file).writerows([HEADER, *rows])
    return file.getvalue()


async def planned(sandbox: Sandbox, rows: Any, journal: Path | None = None, **orders: Any) -> Plan:
    """The plan of a job."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, rows, journal=journal, **orders) as job,
    ):
        return await job.plan()


@settings(max_examples=scaled(30), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(CELLS, max_size=12), st.sampled_from([None, 0, 2]), st.booleans())
async def test_a_run_does_what_its_plan_says(
    rows: list[tuple[str, ...]], most: int | None, charges: bool
) -> None:
    """For any file: who is saved, charged, asked, left out and rejected."""
    source = read_csv(io.StringIO(text_of(rows)))
    with Sandbox() as sandbox:
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job(client, source, journal=None, ask=BOTH, max_asks=most, **orders) as job,
        ):
            orders: dict[str, Any] = {"charge": PAID if charges else None}
            plan = await job.plan()
            assert {} == sandbox.audit().requests
            await run(job, confirm=plan.digest)
            report = job.report()
        audit = sandbox.audit()
    assert (plan.rows, plan.rejected) == (report.rows, report.rejected)
    assert plan.to_save == audit.requests["customers.upsert"]
    assert plan.charges == audit.charges == report.charges
    by_id = report.skipped.get("same customer", 0)
    assert plan.people_to_ask - by_id <= audit.asks == report.people_asked <= plan.people_to_ask
    if not by_id and most is None:
        assert (plan.skipped, plan.asks) == (report.skipped, report.asked)
    assert () == audit.duplicate_asks


def rows_of(count: int) -> list[tuple[str, ...]]:
    """So many people."""
    return [("Ada", f"a{number}@example.com", "", "", "5") for number in range(count)]


def changes() -> Iterator[tuple[str, dict[str, Any]]]:
    """What must change a digest: other rows, or other orders."""
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
    yield "a cap", {"max_asks": 2}
    yield "a cap that caps nobody", {"max_asks": 20}
    yield "a time", {"not_asked_within": timedelta(days=1)}


async def digest(sandbox: Sandbox, journal: Path | None = None, **said: Any) -> str:
    """The digest of a job."""
    text = text_of(said.pop("rows", rows_of(3)))
    source = read_csv(io.StringIO(text), mapping=said.pop("mapping", None))
    orders: dict[str, Any] = {"ask": EMAIL, "charge": PAID} | said
    return (await planned(sandbox, source, journal, **orders)).digest


@pytest.mark.parametrize("said", [pytest.param(said, id=name) for name, said in changes()])
async def test_a_digest_changes_with_what_would_be_sent(
    said: dict[str, Any], sandbox: Sandbox
) -> None:
    """Or to whom."""
    assert await digest(sandbox) != await digest(sandbox, **said)


async def test_a_digest_is_the_same_for_the_same(sandbox: Sandbox, tmp_path: Path) -> None:
    """With a journal or without, whatever happens to what is unknown; not for another project."""
    same = {await digest(sandbox), await digest(sandbox), await digest(sandbox, tmp_path / "j")}
    same.add(await digest(sandbox, on_unknown="hold", reconcile_after=7))
    assert 1 == len(same)
    with Sandbox(keys="other-key") as other:
        async with (
            MoreGoodClient("other-key", transport=other) as client,
            Job(
                client,
                read_csv(io.StringIO(text_of(rows_of(3)))),
                journal=None,
                ask=EMAIL,
                charge=PAID,
            ) as job,
        ):
            assert (await job.plan()).digest not in same


async def test_a_digest_can_be_told_in_an_error(sandbox: Sandbox) -> None:
    """No part of it is masked as a phone number, whatever its digits are."""
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        for most in range(100):
            async with Job(client, people(1), journal=None, ask=EMAIL, max_asks=most) as job:
                told = f"the plan is {(await job.plan()).digest} now"
                assert told == masked(told)


async def test_a_digest_changes_once_it_is_done(sandbox: Sandbox, tmp_path: Path) -> None:
    """A plan is of what is left."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(5), journal=tmp_path / "j", ask=EMAIL) as job,
    ):
        first = await job.plan()
        await run(job, confirm=first.digest)
        second = await job.plan()
        assert (5, 5, 0, 0) == (second.rows, second.over, second.to_save, second.people_to_ask)
        with pytest.raises(PlanChanged) as changed:
            await run(job, confirm=first.digest)
        assert second == changed.value.plan
        assert "5 rows, 5 of them done by earlier runs" in str(second)
    assert 5 == sandbox.audit().asks


async def test_another_plan_than_the_confirmed_one_sends_nothing(sandbox: Sandbox) -> None:
    """And carries the plan as it is."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(5), journal=None, ask=EMAIL) as job,
    ):
        with pytest.raises(PlanChanged, match="not abc") as changed:
            await run(job, confirm="abc")
        assert changed.value.plan is not None
        assert 5 == changed.value.plan.people_to_ask
        assert {} == sandbox.audit().requests
        await run(job, confirm=changed.value.plan.digest)
    assert 5 == sandbox.audit().asks


async def test_who_was_asked_not_long_ago_is_found_in_one_scan(sandbox: Sandbox) -> None:
    """By email or phone, on the server's clock; nothing is written."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(
            client,
            [{**each, "phone": each.get("phone", "")} for each in asked],
            journal=None,
            ask=BOTH,
        ) as job,
    ):
        asked = [*people(3), {"first_name": "Cy", "phone": "415 555 0100 "}]
        await run(job)
    sandbox.advance(days=10)
    rows = [*people(5), {"first_name": "Cy", "email": "cy@example.com"}]
    before = sandbox.audit().requests
    within = await planned(sandbox, rows, ask=EMAIL, not_asked_within=timedelta(days=11))
    after = sandbox.audit().requests
    assert ({"recent": 3}, 3) == (within.skip_reason, within.people_to_ask)
    assert {"customers.list"} == {name for name, n in after.items() if n > before[name]}
    longer = await planned(sandbox, rows, ask=EMAIL, not_asked_within=timedelta(days=9))
    assert ({}, 6) == (longer.skip_reason, longer.people_to_ask)


async def test_a_plan_knows_what_a_cap_has_left(sandbox: Sandbox, tmp_path: Path) -> None:
    """A higher cap asks those whom the lower one left out."""
    for most, asked in ((2, 2), (5, 3), (None, 1)):
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job(client, people(6), journal=tmp_path / "j", ask=EMAIL, max_asks=most) as job,
        ):
            before = sandbox.audit().asks
            plan = await job.plan()
            await run(job, confirm=plan.digest)
            assert asked == sandbox.audit().asks - before
            assert asked == plan.people_to_ask


async def test_a_plan_counts_an_unknown_ask_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """It may have happened, and takes one of the cap."""
    sandbox.faults = DropAfterEffect(on="asks.create", times=1)
    orders: dict[str, Any] = {"ask": EMAIL, "on_unknown": "hold"}
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job(client, people(1), journal=tmp_path / "j", max_asks=3, **orders) as job,
    ):
        await run(job)
        assert 1 == job.report().unknown
    plan = await planned(sandbox, people(5), tmp_path / "j", max_asks=3, **orders)
    assert ({"cap": 2}, 2, 1) == (plan.skipped, plan.people_to_ask, plan.to_reconcile)
    assert "1 lost charge or ask to look up first" in str(plan)


async def test_what_can_be_read_once_cannot_be_planned(sandbox: Sandbox) -> None:
    """Running it would find nothing left."""
    with pytest.raises(ConfigurationError, match="give a file, or a list"):
        await planned(sandbox, iter(people(3)))


async def test_a_plan_prints_and_is_json(sandbox: Sandbox) -> None:
    """Counts with their nouns, and nobody's data."""
    rows: list[tuple[str, ...]] = [("Ada", "a@example.com", "", "", "5")]
    rows += [("Ada", "A@example.com", "", "", "free")]
    rows += [("", "x@example.com", "", "", ""), ("Eve", "e@example.com", "", "2026-01-01", "")]
    rows += [("Bob", "b@example.com", "12", "", ""), ("Ada", "A@example.com", "", "", "")]
    source = read_csv(io.StringIO(text_of(rows)), region="US")
    plan = await planned(sandbox, source, ask=EMAIL, charge=PAID)
    told = str(plan)
    for expected in (
        "6 rows\n",
        "4 customers to save, 2 rejected",
        "1 charge to record",
        "2 people to ask: 2 by email",
        "not asked: 1 opted out, 1 in an earlier row already",
        "1 row with a warning",
        f"Plan {plan.digest}",
    ):
        assert expected in told
    assert "example.com" not in told + repr(plan.as_json())
    only = await planned(sandbox, read_csv(io.StringIO(text_of(rows))))
    assert "with the same person as an earlier one" in str(only)


def test_marks_of_the_api_are_those_of_a_file() -> None:
    """So that a scan finds the people of the rows."""
    customer = Customer(id=1, email="A@example.com", phone_e164="+14155550100")
    assert ["email a@example.com", "phone 14155550100"] == contact_keys_of_customer(customer)
