"""Asks and charges that lost their answer: looked up, held, or sent again where one says so."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk import ChargeTemplate, Job
from moregood_async.bulk.options import OnUnknown
from moregood_async.errors import ConnectionFailed, ConnectionLost
from moregood_async.sandbox import (
    DropAfterEffect,
    DropBeforeEffect,
    Refuse,
    Sandbox,
)
from moregood_async.wire import Handler, Request, Response
from tests.bulk.jobs import EMAIL, Log, done, people, run
from tests.conftest import KEY

PAID = ChargeTemplate(amount="paid", currency="USD")
QUICK: dict[str, Any] = {"reconcile_after": 0.3}


def payers(count: int) -> list[dict[str, str]]:
    """Customers who paid."""
    return [{**person, "paid": "5"} for person in people(count)]


@pytest.mark.parametrize("fault", [DropAfterEffect, DropBeforeEffect])
async def test_lost_asks_are_settled_by_their_messages(
    fault: type[DropAfterEffect] | type[DropBeforeEffect],
) -> None:
    """What has happened is done, what has not is sent; each once."""
    with Sandbox(faults=fault(on="asks.create", times=7)) as sandbox:
        report = await done(sandbox, people(20), ask=EMAIL, **QUICK)
        audit = sandbox.audit()
    assert (20, ()) == (audit.asks, audit.duplicate_asks)
    assert (20, 20, 0) == (report.done, report.people_asked, report.unknown)
    extra = 0 if fault is DropAfterEffect else 7
    assert 20 + extra == audit.requests["asks.create"]


async def test_messages_that_show_late_are_waited_for() -> None:
    """A queue of the server's: nothing is sent again before ``reconcile_after``."""
    hidden = Refuse(200, on="customers.messages", times=1, body=b'{"success": true, "data": []}')
    with Sandbox(faults=[hidden, DropAfterEffect(on="asks.create", times=1)]) as sandbox:
        report = await done(sandbox, people(1), ask=EMAIL, reconcile_after=1.2)
        assert (1, 1) == (sandbox.audit().asks, report.done)
        assert 2 == sandbox.audit().requests["customers.messages"]


@pytest.mark.parametrize("fault", [DropAfterEffect, DropBeforeEffect])
async def test_lost_charges_are_settled_by_counts(
    fault: type[DropAfterEffect] | type[DropBeforeEffect],
) -> None:
    """Before their customers are asked."""
    log = Log()
    with Sandbox(faults=[log, fault(on="charges.create", times=5)]) as sandbox:
        report = await done(sandbox, payers(12), charge=PAID, ask=EMAIL, **QUICK)
        audit = sandbox.audit()
    assert (12, (), 12) == (audit.charges, audit.duplicate_charges, audit.asks)
    assert (12, 12) == (report.done, report.charges)
    for person in payers(12):
        assert "asks" == log.of(person["email"])[-1]


async def test_unclear_charges_are_told_and_never_sent_again(tmp_path: Path) -> None:
    """Somebody else charged meanwhile; not by resume, and not by settle."""

    class Meanwhile(Log):
        """Charges once more, by another hand, when a charge comes."""

        async def __call__(self, request: Any, call_next: Any) -> Any:
            if request.operation == "charges.create" and not self.got:
                self.got.append(("charges", {}))
                await call_next(request)
            return await call_next(request)

    lost = DropAfterEffect(on="charges.create", times=1)
    with Sandbox(faults=[lost, Meanwhile()]) as sandbox:
        orders: dict[str, Any] = {"charge": PAID, "ask": EMAIL, **QUICK}
        first = await done(sandbox, payers(1), tmp_path / "j", **orders)
        report = await done(sandbox, payers(1), tmp_path / "j", **orders)
        assert [(1, 0)] * 2 == [(each.unknown, each.done) for each in (first, report)]
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job.open(client, tmp_path / "j") as job,
        ):
            assert 1 == (await job.reconcile()).unknown
        assert (1, 0) == (sandbox.audit().requests["charges.create"], sandbox.audit().asks)
    assert "does not show whether it was applied" in report.errors[0][1]


async def test_a_later_charge_of_the_same_customer_settles_no_earlier_one(tmp_path: Path) -> None:
    """An export of orders repeats its customers: the count is another's."""
    rows = [*payers(1), {**payers(1)[0], "paid": "7"}]
    lost = DropBeforeEffect(on="charges.create", times=1)
    with Sandbox(faults=lost) as sandbox:
        held = await done(sandbox, rows, tmp_path / "j", charge=PAID, on_unknown="hold")
        assert (1, 1, 1) == (held.unknown, held.done, sandbox.audit().charges)
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job.open(client, tmp_path / "j") as job,
        ):
            settled = await job.reconcile(reconcile_after=0)
        assert (1, 1) == (settled.unknown, settled.done)
        again = await done(sandbox, rows, tmp_path / "j", charge=PAID, **QUICK)
        assert (1, 1, 1) == (again.unknown, again.done, sandbox.audit().charges)


async def test_a_charge_of_another_row_is_not_taken_for_a_lost_one() -> None:
    """Two rows of one customer at the API, who share no mark, are charged side by side."""
    by_phone = "+14155550100"

    class OneLost(Log):
        """That by email is lost before it has an effect; that by phone comes late."""

        async def __call__(self, request: Request, call_next: Handler) -> Response:
            if request.operation == "charges.create":
                if b"example" in (request.body or b""):
                    raise ConnectionLost("lost", phase="waiting", seconds=0.0, sent=True)
                await asyncio.sleep(0.2)
            return await call_next(request)

    known = {"first_name": "Ada", "email": "ada@example.com", "phone": by_phone}
    rows = [
        {"first_name": "Ada", "phone": by_phone, "paid": "1"},
        {"first_name": "Ada", "email": "ada@example.com", "paid": "2"},
    ]
    with Sandbox() as sandbox:
        await done(sandbox, [known])
        sandbox.faults = [OneLost()]
        report = await done(sandbox, rows, charge=PAID, **QUICK)
        assert 1 == sandbox.audit().charges
    assert (1, 1, 1) == (report.done, report.charges, report.unknown)


@pytest.mark.parametrize(
    ("on_unknown", "asks", "unknown"), [("hold", 2, 1), ("resend", 3, 0), ("reconcile", 2, 0)]
)
async def test_unknown_asks_are_dealt_with_as_told(
    on_unknown: OnUnknown, asks: int, unknown: int
) -> None:
    """To send again is a risk that only the user takes."""
    with Sandbox(faults=DropAfterEffect(on="asks.create", times=1)) as sandbox:
        report = await done(sandbox, people(2), ask=EMAIL, on_unknown=on_unknown, **QUICK)
        assert (asks, unknown) == (sandbox.audit().asks, report.unknown)


@pytest.mark.parametrize("fault", [DropAfterEffect, DropBeforeEffect])
async def test_settle_looks_up_and_sends_nothing(
    fault: type[DropAfterEffect] | type[DropBeforeEffect], tmp_path: Path
) -> None:
    """What has not happened waits for the next run."""
    happened = fault is DropAfterEffect
    faults = [fault(on="asks.create", times=3), fault(on="charges.create", times=2)]
    with Sandbox(faults=faults) as sandbox:
        orders: dict[str, Any] = {"charge": PAID, "ask": EMAIL, "on_unknown": "hold"}
        held = await done(sandbox, payers(8), tmp_path / "j", **orders)
        assert 5 == held.unknown
        before = sandbox.audit()
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job.open(client, tmp_path / "j") as job,
        ):
            settled = await job.reconcile(reconcile_after=0.1)
            assert settled == job.report()
        after = sandbox.audit()
        assert (before.asks, before.charges) == (after.asks, after.charges)
        assert before.requests["asks.create"] == after.requests["asks.create"]
        assert 0 == settled.unknown
        assert (2 if happened else 5) == settled.waiting
        final = await done(sandbox, payers(8), tmp_path / "j", **orders)
        audit = sandbox.audit()
    assert 8 == final.done
    assert (8, 8, (), ()) == (
        audit.asks,
        audit.charges,
        audit.duplicate_asks,
        audit.duplicate_charges,
    )


async def test_a_look_that_fails_is_repeated_and_then_left_for_later(tmp_path: Path) -> None:
    """The row stays unknown; the next run looks again."""
    blind = Refuse(403, on="customers.messages")
    with Sandbox(faults=[blind, DropAfterEffect(on="asks.create", times=1)]) as sandbox:
        with pytest.raises(Exception, match="403"):
            await done(sandbox, people(3), tmp_path / "j", ask=EMAIL, **QUICK)
        sandbox.faults = ()
        report = await done(sandbox, people(3), tmp_path / "j", ask=EMAIL, **QUICK)
        assert (3, 3, ()) == (report.done, sandbox.audit().asks, sandbox.audit().duplicate_asks)


async def test_a_run_that_is_left_early_asks_nobody_twice_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaving the loop stops at once; a stop finishes what is under way."""
    monkeypatch.setattr("moregood_async.bulk.journal.journal.HEARTBEAT_SECONDS", 0.1)
    with Sandbox() as sandbox:
        async with MoreGoodClient(KEY, transport=sandbox) as client:
            for stops in (False, True, False, True):
                async with Job(
                    client, people(400), journal=tmp_path / "j", ask=EMAIL, **QUICK
                ) as job:
                    events = aiter(job.run())
                    for _ in range(20):
                        await anext(events)
                    if stops:
                        job.stop()
                        async for _ in events:
                            await asyncio.sleep(0)
                        assert "stopped" == job.report().runs[-1].ending
                    await events.aclose()
            async with Job(client, people(400), journal=tmp_path / "j", ask=EMAIL, **QUICK) as job:
                await run(job)
                assert 400 == job.report().done
        assert (400, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)


async def test_a_retry_tries_only_what_failed(tmp_path: Path) -> None:
    """From the step at which it failed, once it was seen that nobody has asked meanwhile."""
    faults = [Refuse(422, on="charges.create", times=2), Refuse(422, on="asks.create", times=3)]
    orders: dict[str, Any] = {"charge": PAID, "ask": EMAIL}
    with Sandbox(faults=faults) as sandbox:
        first = await done(sandbox, payers(10), tmp_path / "j", **orders)
        assert (5, 5) == (first.failed, first.done)
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job(client, payers(10), journal=tmp_path / "j", **orders) as job,
        ):
            assert (5, 0) == (await job.retry(), job.report().failed)
            await run(job)
            assert 10 == job.report().done
        audit = sandbox.audit()
    assert (10, 10) == (audit.charges, audit.asks)
    saved_then_checked = 10 + 5
    assert saved_then_checked == audit.requests["customers.upsert"]
    assert 12 == audit.requests["charges.create"]


class Down:
    """A network that is down for asks, so often."""

    def __init__(self, times: int) -> None:
        self.left = times

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        if request.operation == "asks.create" and self.left:
            self.left -= 1
            raise ConnectionFailed("down", phase="connecting", seconds=0.0, sent=False)
        return await call_next(request)


@pytest.mark.parametrize(("times", "ends"), [(3, "done"), (4, "failed")])
async def test_a_network_that_is_down_is_tried_again_and_given_up(
    times: int, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After rests; nothing has happened for sure, so the row has failed and can be retried."""
    monkeypatch.setattr("moregood_async.bulk.run.actions.DELAYS_SECONDS", (0.02, 0.02, 0.02))
    with Sandbox(faults=[Down(times)]) as sandbox:
        async with MoreGoodClient(KEY, transport=sandbox, max_attempts=1) as client:
            report = await done(client, people(1), ask=EMAIL)
        assert int(ends == "done") == sandbox.audit().asks
        assert (ends == "failed") == ("attempted too often" in str(report))
    assert 1 == report.as_json()[ends]
