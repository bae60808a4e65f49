"""Who is one person, and that nobody is asked twice, in whatever disguise."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from moregood_async.bulk import ChargeTemplate, Report
from moregood_async.sandbox import Delay, DropAfterEffect, Sandbox
from tests.bulk.jobs import BOTH, EMAIL, Log, done, people

Row = dict[str, str]

PHONE = "+1 415 555 0100"


def row(email: str = "", phone: str = "", **more: str) -> Row:
    """A customer."""
    return {"first_name": "Ada", "email": email, "phone": phone, **more}


@pytest.mark.parametrize(
    "rows",
    [
        [row("ada@example.com"), row(" ADA@Example.com ")],
        [row(phone=PHONE), row(phone="+14155550100"), row(phone="001 (415) 555-0100")],
        [row("ada@example.com", PHONE), row(phone=PHONE), row("ada@example.com")],
        [row("ada@example.com"), row("ada@example.com", PHONE), row(phone=PHONE)],
        [row("a@example.com", PHONE), row("b@example.com", PHONE), row("b@example.com")],
    ],
    ids=["case and blanks", "phones", "either", "a row between", "a chain"],
)
async def test_a_person_is_asked_once_in_any_disguise(rows: list[Row]) -> None:
    """And the rows that repeat say so; each is saved all the same, in the order of the file."""
    log = Log()
    with Sandbox(faults=[log, Delay(0.002, probability=0.5)]) as sandbox:
        report = await done(sandbox, rows, ask=BOTH)
        assert (1, 1) == (sandbox.audit().asks, sandbox.audit().customers)
    assert (len(rows), len(rows) - 1) == (report.done, report.duplicates)
    assert {"duplicate": len(rows) - 1} == report.skipped
    saved = [body for name, body in log.got if name == "customers.upsert"]
    assert [each["email"].strip() for each in rows if each["email"]] == [
        body["email"].strip() for body in saved if body.get("email")
    ]


async def test_a_person_whom_only_the_api_knows_as_one_is_asked_once() -> None:
    """Email in one row, phone in another; the API has both for one customer."""
    with Sandbox() as sandbox:
        await done(sandbox, [row("ada@example.com", PHONE)])
        report = await done(sandbox, [row("ada@example.com"), row(phone=PHONE)], ask=BOTH)
        assert (1, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)
    assert {"same customer": 1} == report.skipped


async def test_two_rows_of_one_person_stay_in_the_order_of_the_file() -> None:
    """What the later one says is what stays."""
    log = Log()
    rows = [row(f"ada{n % 10}@example.com", city=f"{n}") for n in range(100)]
    with Sandbox(faults=[log, Delay(0.001, probability=0.3)]) as sandbox:
        await done(sandbox, rows, ask=EMAIL)
        assert (10, 10) == (sandbox.audit().customers, sandbox.audit().asks)
    for person in range(10):
        email = f"ada{person}@example.com"
        cities = [
            int(body["city"])
            for _, body in log.got
            if body.get("email") == email and "city" in body
        ]
        assert list(range(person, 100, 10)) == cities


async def test_a_person_whose_email_changes_within_the_file_is_charged_for_each_row() -> None:
    """The last row, which the API knows by its phone, does not overtake the one before it."""
    rows = [
        row("ada@example.com", PHONE, paid=""),
        row("ada@example.com", paid="5"),
        row("new@example.com", PHONE, paid=""),
    ]
    paid = ChargeTemplate(amount="paid", currency="USD")
    slow = Delay(0.05, times=1, on="charges.create")
    with Sandbox(faults=slow) as sandbox:
        report = await done(sandbox, rows, charge=paid)
        assert (1, 1) == (sandbox.audit().customers, sandbox.audit().charges)
    assert 3 == report.done


async def test_each_row_of_a_person_has_its_charge() -> None:
    """JobOptions repeat customers; only asks do not repeat."""
    rows = [row("ada@example.com", paid=f"{n}") for n in range(1, 6)]
    paid = ChargeTemplate(amount="paid", currency="USD")
    with Sandbox() as sandbox:
        report = await done(sandbox, rows, charge=paid, ask=EMAIL)
        assert (5, 1) == (sandbox.audit().charges, sandbox.audit().asks)
    assert 5 == report.charges


async def test_who_has_opted_out_is_saved_and_not_asked_by_any_row() -> None:
    """By the channels of which they did."""
    rows = [
        row("ada@example.com", unsubscribed_at="2026-01-01"),
        row("ada@example.com"),
        row("bob@example.com"),
    ]
    with Sandbox() as sandbox:
        report = await done(sandbox, rows, ask=EMAIL)
        assert (2, 1) == (sandbox.audit().customers, sandbox.audit().asks)
    assert {"opted out": 1, "duplicate": 1} == report.skipped


async def test_who_was_perhaps_asked_before_is_not_asked() -> None:
    """As a file of rejects says."""
    rows = [row("ada@example.com", error="unknown: saved, but the ask: lost")]
    with Sandbox() as sandbox:
        report = await done(sandbox, rows, ask=EMAIL)
        assert (1, 0) == (sandbox.audit().customers, sandbox.audit().asks)
    assert {"held": 1} == report.skipped


async def test_a_row_that_cannot_reach_its_person_leaves_the_ask_to_one_that_can() -> None:
    """The same phone, and an email only later."""
    rows = [row(phone=PHONE), row("ada@example.com", PHONE)]
    with Sandbox() as sandbox:
        report = await done(sandbox, rows, ask=EMAIL)
        assert (1, 1) == (sandbox.audit().customers, sandbox.audit().asks)
    assert {"unreachable": 1} == report.skipped


async def test_a_customer_without_email_and_phone_is_never_doubled(tmp_path: Path) -> None:
    """Nobody can match them: an answer that was lost leaves them unknown, for all runs."""
    rows = [row(), row()]
    with Sandbox(faults=DropAfterEffect(on="customers.upsert", times=1)) as sandbox:
        outcomes: list[Report] = []
        for _ in range(3):
            outcomes.append(await done(sandbox, rows, tmp_path / "j", ask=EMAIL))  # noqa: PERF401
        assert 2 == sandbox.audit().customers
    assert [(1, 1)] * 3 == [(report.done, report.unknown) for report in outcomes]


@pytest.mark.parametrize("minutes", [-45, -5, 0, 5, 45])
async def test_a_server_clock_that_is_off_asks_nobody_twice(minutes: int, tmp_path: Path) -> None:
    """Ahead of this machine's or behind it, with every third answer lost."""
    now = datetime.now(UTC) + timedelta(minutes=minutes)
    lost = DropAfterEffect(on="asks.create", probability=0.34, seed=3)
    with Sandbox(now=now, faults=lost) as sandbox:
        await done(sandbox, people(10), tmp_path / "a", ask=EMAIL, reconcile_after=0.2)
        second = await done(
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
