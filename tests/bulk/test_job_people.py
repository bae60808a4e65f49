"""Rows of one person are recognized, kept in order, and asked once, however they are spelled."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from moregood_async.bulk import ChargeTemplate, Report
from moregood_async.sandbox import Delay, DropAfterEffect, Sandbox
from tests.bulk.jobs import BOTH, EMAIL, RequestLog, people, run_job

Row = dict[str, str]

PHONE = "+1 415 555 0100"


def row(email: str = "", phone: str = "", **cells: str) -> Row:
    """Return the row of a customer."""
    return {"first_name": "Ada", "email": email, "phone": phone, **cells}


@pytest.mark.parametrize(
    "rows",
    [
        [row("ada@example.com"), row(" ADA@Example.com ")],
        [row(phone=PHONE), row(phone="+14155550100"), row(phone="001 (415) 555-0100")],
        [row("ada@example.com", PHONE), row(phone=PHONE), row("ada@example.com")],
        [row("ada@example.com"), row("ada@example.com", PHONE), row(phone=PHONE)],
        [row("a@example.com", PHONE), row("b@example.com", PHONE), row("b@example.com")],
    ],
    ids=["case and blanks", "phones", "email or phone", "a row between", "a chain"],
)
async def test_a_person_with_several_rows_is_saved_by_each_and_asked_once(rows: list[Row]) -> None:
    """The rows are saved in their order; all but one are skipped as duplicates."""
    log = RequestLog()
    with Sandbox(faults=[log, Delay(0.002, probability=0.5)]) as sandbox:
        report = await run_job(sandbox, rows, ask=BOTH)
        assert (1, 1) == (sandbox.audit().asks, sandbox.audit().customers)
    assert (len(rows), len(rows) - 1) == (report.done, report.duplicates)
    assert {"duplicate": len(rows) - 1} == report.skipped
    saved = [body for name, body in log.requests if name == "customers.upsert"]
    assert [each["email"].strip() for each in rows if each["email"]] == [
        body["email"].strip() for body in saved if body.get("email")
    ]


async def test_rows_that_only_the_api_takes_for_one_customer_are_asked_once() -> None:
    """One row has the email, the other the phone; the API has both for one customer."""
    with Sandbox() as sandbox:
        await run_job(sandbox, [row("ada@example.com", PHONE)])
        report = await run_job(sandbox, [row("ada@example.com"), row(phone=PHONE)], ask=BOTH)
        assert (1, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)
    assert {"same customer": 1} == report.skipped


async def test_rows_of_one_person_are_sent_in_the_order_of_the_input() -> None:
    """So the values of the last row remain."""
    log = RequestLog()
    rows = [row(f"ada{n % 10}@example.com", city=f"{n}") for n in range(100)]
    with Sandbox(faults=[log, Delay(0.001, probability=0.3)]) as sandbox:
        await run_job(sandbox, rows, ask=EMAIL)
        assert (10, 10) == (sandbox.audit().customers, sandbox.audit().asks)
    for person in range(10):
        email = f"ada{person}@example.com"
        cities = [
            int(body["city"])
            for _, body in log.requests
            if body.get("email") == email and "city" in body
        ]
        assert list(range(person, 100, 10)) == cities


async def test_a_person_whose_email_changes_within_the_input_is_charged_for_each_row() -> None:
    """The last row, which the API matches by phone, does not overtake the row before it."""
    rows = [
        row("ada@example.com", PHONE, paid=""),
        row("ada@example.com", paid="5"),
        row("new@example.com", PHONE, paid=""),
    ]
    paid = ChargeTemplate(amount="paid", currency="USD")
    slow = Delay(0.05, times=1, on="charges.create")
    with Sandbox(faults=slow) as sandbox:
        report = await run_job(sandbox, rows, charge=paid)
        assert (1, 1) == (sandbox.audit().customers, sandbox.audit().charges)
    assert 3 == report.done


async def test_a_person_with_several_rows_is_charged_for_each_and_asked_once() -> None:
    """An export of a shop's sales repeats its customers."""
    rows = [row("ada@example.com", paid=f"{n}") for n in range(1, 6)]
    paid = ChargeTemplate(amount="paid", currency="USD")
    with Sandbox() as sandbox:
        report = await run_job(sandbox, rows, charge=paid, ask=EMAIL)
        assert (5, 1) == (sandbox.audit().charges, sandbox.audit().asks)
    assert 5 == report.charges


async def test_a_person_who_opted_out_is_saved_and_not_asked_by_any_row() -> None:
    rows = [
        row("ada@example.com", unsubscribed_at="2026-01-01"),
        row("ada@example.com"),
        row("bob@example.com"),
    ]
    with Sandbox() as sandbox:
        report = await run_job(sandbox, rows, ask=EMAIL)
        assert (2, 1) == (sandbox.audit().customers, sandbox.audit().asks)
    assert {"opted out": 1, "duplicate": 1} == report.skipped


async def test_a_row_whose_ask_was_unknown_in_a_rejects_file_is_not_asked() -> None:
    """The person may have been asked already."""
    rows = [row("ada@example.com", error="unknown: saved, but the ask: lost")]
    with Sandbox() as sandbox:
        report = await run_job(sandbox, rows, ask=EMAIL)
        assert (1, 0) == (sandbox.audit().customers, sandbox.audit().asks)
    assert {"held": 1} == report.skipped


async def test_a_row_without_the_channels_contact_leaves_the_ask_to_a_later_row() -> None:
    """The first row has no email to ask by; the second has one, and the same phone."""
    rows = [row(phone=PHONE), row("ada@example.com", PHONE)]
    with Sandbox() as sandbox:
        report = await run_job(sandbox, rows, ask=EMAIL)
        assert (1, 1) == (sandbox.audit().customers, sandbox.audit().asks)
    assert {"unreachable": 1} == report.skipped


async def test_a_customer_without_email_and_phone_is_never_created_twice(tmp_path: Path) -> None:
    """The API cannot match the customer, so a lost response leaves the row unknown in all runs."""
    rows = [row(), row()]
    with Sandbox(faults=DropAfterEffect(on="customers.upsert", times=1)) as sandbox:
        reports: list[Report] = []
        for _ in range(3):
            reports.append(await run_job(sandbox, rows, tmp_path / "j", ask=EMAIL))  # noqa: PERF401
        assert 2 == sandbox.audit().customers
    assert [(1, 1)] * 3 == [(report.done, report.unknown) for report in reports]


@pytest.mark.parametrize("minutes", [-45, -5, 0, 5, 45])
async def test_nobody_is_asked_twice_if_the_servers_clock_differs(
    minutes: int, tmp_path: Path
) -> None:
    """The server's clock is ahead or behind, and every third response is lost."""
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    lost = DropAfterEffect(on="asks.create", probability=0.34, seed=3)
    with Sandbox(now=now, faults=lost) as sandbox:
        await run_job(sandbox, people(10), tmp_path / "a", ask=EMAIL, reconcile_after=0.2)
        second = await run_job(
            sandbox,
            people(20),
            tmp_path / "b",
            ask=EMAIL,
            reconcile_after=0.2,
            not_asked_within=timedelta(hours=1),
        )
        audit = sandbox.audit()
    assert (20, ()) == (audit.asks, audit.duplicate_asks)
    assert ({"asked recently": 10}, 20) == (second.skipped, second.done)
