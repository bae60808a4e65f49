"""Charges and asks without a response: they are reconciled, held, or sent again on request."""

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
from tests.bulk.jobs import EMAIL, RequestLog, collect_progress, people, run_job
from tests.conftest import KEY

PAID = ChargeTemplate(amount="paid", currency="USD")
SOON: dict[str, Any] = {"reconcile_after": 0.3}


def paying_people(count: int) -> list[dict[str, str]]:
    """Return the rows of different people, each with a charge."""
    return [{**person, "paid": "5"} for person in people(count)]


@pytest.mark.parametrize("fault", [DropAfterEffect, DropBeforeEffect])
async def test_asks_without_a_response_are_reconciled_by_their_messages(
    fault: type[DropAfterEffect] | type[DropBeforeEffect],
) -> None:
    """An applied ask is done, an ask that was not applied is sent again; each takes effect once."""
    with Sandbox(faults=fault(on="asks.create", times=7)) as sandbox:
        report = await run_job(sandbox, people(20), ask=EMAIL, **SOON)
        audit = sandbox.audit()
    assert 20 == audit.asks == report.done == report.people_asked
    assert () == audit.duplicate_asks
    assert 0 == report.unknown
    sent_again = 0 if fault is DropAfterEffect else 7
    assert 20 + sent_again == audit.requests["asks.create"]


async def test_an_ask_whose_message_is_listed_late_is_not_sent_again() -> None:
    """The server queues messages, so nothing is sent again before ``reconcile_after``."""
    hidden = Refuse(200, on="customers.messages", times=1, body=b'{"success": true, "data": []}')
    with Sandbox(faults=[hidden, DropAfterEffect(on="asks.create", times=1)]) as sandbox:
        report = await run_job(sandbox, people(1), ask=EMAIL, reconcile_after=1.2)
        assert (1, 1) == (sandbox.audit().asks, report.done)
        assert 2 == sandbox.audit().requests["customers.messages"]


@pytest.mark.parametrize("fault", [DropAfterEffect, DropBeforeEffect])
async def test_charges_without_a_response_are_reconciled_by_the_customers_number_of_charges(
    fault: type[DropAfterEffect] | type[DropBeforeEffect],
) -> None:
    """The customer is asked after that."""
    log = RequestLog()
    with Sandbox(faults=[log, fault(on="charges.create", times=5)]) as sandbox:
        report = await run_job(sandbox, paying_people(12), charge=PAID, ask=EMAIL, **SOON)
        audit = sandbox.audit()
    assert 12 == audit.charges == audit.asks == report.done == report.charges
    assert () == audit.duplicate_charges
    for person in paying_people(12):
        assert "asks" == log.resources_of(person["email"])[-1]


async def test_an_unclear_charge_is_reported_and_never_sent_again(tmp_path: Path) -> None:
    """Something else charged the customer meanwhile. Neither run nor reconcile sends the charge."""

    class ChargesTwice(RequestLog):
        """Sends the first charge twice, as if something else charged the customer meanwhile."""

        async def __call__(self, request: Any, call_next: Any) -> Any:
            if request.operation == "charges.create" and not self.requests:
                self.requests.append(("charges", {}))
                await call_next(request)
            return await call_next(request)

    lost = DropAfterEffect(on="charges.create", times=1)
    with Sandbox(faults=[lost, ChargesTwice()]) as sandbox:
        options: dict[str, Any] = {"charge": PAID, "ask": EMAIL, **SOON}
        first = await run_job(sandbox, paying_people(1), tmp_path / "j", **options)
        second = await run_job(sandbox, paying_people(1), tmp_path / "j", **options)
        assert [(1, 0)] * 2 == [(each.unknown, each.done) for each in (first, second)]
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job.open(client, tmp_path / "j") as job,
        ):
            assert 1 == (await job.reconcile()).unknown
        assert 1 == sandbox.audit().requests["charges.create"]
        assert 0 == sandbox.audit().asks
    assert "does not show whether it was applied" in second.errors[0][1]


async def test_a_lost_charge_stays_unknown_if_the_customer_was_charged_since(
    tmp_path: Path,
) -> None:
    """The number of charges grew by the charge of a later row of the same customer."""
    rows = [*paying_people(1), {**paying_people(1)[0], "paid": "7"}]
    lost = DropBeforeEffect(on="charges.create", times=1)
    with Sandbox(faults=lost) as sandbox:
        held = await run_job(sandbox, rows, tmp_path / "j", charge=PAID, on_unknown="hold")
        assert (1, 1, 1) == (held.unknown, held.done, sandbox.audit().charges)
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job.open(client, tmp_path / "j") as job,
        ):
            reconciled = await job.reconcile(reconcile_after=0)
        assert (1, 1) == (reconciled.unknown, reconciled.done)
        again = await run_job(sandbox, rows, tmp_path / "j", charge=PAID, **SOON)
        assert (1, 1, 1) == (again.unknown, again.done, sandbox.audit().charges)


async def test_a_charge_of_another_row_is_not_taken_for_a_lost_one() -> None:
    """The rows share no contact keys, so the customer is charged for both concurrently."""
    by_phone = "+14155550100"

    class LoseChargeByEmail(RequestLog):
        """Loses the charge by email before it takes effect, and delays the charge by phone."""

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
        await run_job(sandbox, [known])
        sandbox.faults = [LoseChargeByEmail()]
        report = await run_job(sandbox, rows, charge=PAID, **SOON)
        assert 1 == sandbox.audit().charges
    assert (1, 1, 1) == (report.done, report.charges, report.unknown)


@pytest.mark.parametrize(
    ("on_unknown", "asks", "unknown"), [("hold", 2, 1), ("resend", 3, 0), ("reconcile", 2, 0)]
)
async def test_on_unknown_decides_what_is_done_about_an_unknown_ask(
    on_unknown: OnUnknown, asks: int, unknown: int
) -> None:
    """``resend`` may ask a customer twice."""
    with Sandbox(faults=DropAfterEffect(on="asks.create", times=1)) as sandbox:
        report = await run_job(sandbox, people(2), ask=EMAIL, on_unknown=on_unknown, **SOON)
        assert (asks, unknown) == (sandbox.audit().asks, report.unknown)


@pytest.mark.parametrize("fault", [DropAfterEffect, DropBeforeEffect])
async def test_reconcile_reads_the_api_and_sends_no_charge_or_ask(
    fault: type[DropAfterEffect] | type[DropBeforeEffect], tmp_path: Path
) -> None:
    """A row whose request was not applied waits for the next run."""
    is_applied = fault is DropAfterEffect
    faults = [fault(on="asks.create", times=3), fault(on="charges.create", times=2)]
    with Sandbox(faults=faults) as sandbox:
        options: dict[str, Any] = {"charge": PAID, "ask": EMAIL, "on_unknown": "hold"}
        held = await run_job(sandbox, paying_people(8), tmp_path / "j", **options)
        assert 5 == held.unknown
        before = sandbox.audit()
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job.open(client, tmp_path / "j") as job,
        ):
            reconciled = await job.reconcile(reconcile_after=0.1)
            assert reconciled == job.report()
        after = sandbox.audit()
        assert (before.asks, before.charges) == (after.asks, after.charges)
        assert before.requests["asks.create"] == after.requests["asks.create"]
        assert 0 == reconciled.unknown
        assert (2 if is_applied else 5) == reconciled.waiting
        final = await run_job(sandbox, paying_people(8), tmp_path / "j", **options)
        audit = sandbox.audit()
    assert 8 == final.done == audit.asks == audit.charges
    assert () == audit.duplicate_asks == audit.duplicate_charges


async def test_a_row_that_cannot_be_reconciled_stays_unknown_until_the_next_run(
    tmp_path: Path,
) -> None:
    refused = Refuse(403, on="customers.messages")
    with Sandbox(faults=[refused, DropAfterEffect(on="asks.create", times=1)]) as sandbox:
        with pytest.raises(Exception, match="403"):
            await run_job(sandbox, people(3), tmp_path / "j", ask=EMAIL, **SOON)
        sandbox.faults = ()
        report = await run_job(sandbox, people(3), tmp_path / "j", ask=EMAIL, **SOON)
        assert (3, 3, ()) == (report.done, sandbox.audit().asks, sandbox.audit().duplicate_asks)


async def test_runs_that_are_left_or_stopped_ask_nobody_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaving the loop cancels the requests in flight; `Job.stop` lets them finish."""
    monkeypatch.setattr("moregood_async.bulk.journal.journal.HEARTBEAT_SECONDS", 0.1)
    with Sandbox() as sandbox:
        async with MoreGoodClient(KEY, transport=sandbox) as client:
            for is_stopped in (False, True, False, True):
                async with Job(
                    client, people(400), journal=tmp_path / "j", ask=EMAIL, **SOON
                ) as job:
                    stream = aiter(job.run())
                    for _ in range(20):
                        await anext(stream)
                    if is_stopped:
                        job.stop()
                        async for _ in stream:
                            await asyncio.sleep(0)
                        assert "stopped" == job.report().runs[-1].ending
                    await stream.aclose()
            async with Job(client, people(400), journal=tmp_path / "j", ask=EMAIL, **SOON) as job:
                await collect_progress(job)
                assert 400 == job.report().done
        assert (400, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)


async def test_a_retry_repeats_only_the_failed_step_of_a_row(tmp_path: Path) -> None:
    """Before an ask, the customer is read again, as something else may have asked meanwhile."""
    faults = [Refuse(422, on="charges.create", times=2), Refuse(422, on="asks.create", times=3)]
    options: dict[str, Any] = {"charge": PAID, "ask": EMAIL}
    with Sandbox(faults=faults) as sandbox:
        first = await run_job(sandbox, paying_people(10), tmp_path / "j", **options)
        assert (5, 5) == (first.failed, first.done)
        async with (
            MoreGoodClient(KEY, transport=sandbox) as client,
            Job(client, paying_people(10), journal=tmp_path / "j", **options) as job,
        ):
            assert (5, 0) == (await job.retry(), job.report().failed)
            await collect_progress(job)
            assert 10 == job.report().done
        audit = sandbox.audit()
    assert 10 == audit.charges == audit.asks
    saved_then_checked = 10 + 5
    assert saved_then_checked == audit.requests["customers.upsert"]
    assert 12 == audit.requests["charges.create"]


class CannotConnect:
    """A fault: the first `times` asks cannot connect."""

    def __init__(self, times: int) -> None:
        self.remaining = times

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        if request.operation == "asks.create" and self.remaining:
            self.remaining -= 1
            raise ConnectionFailed("down", phase="connecting", seconds=0.0, sent=False)
        return await call_next(request)


@pytest.mark.parametrize(("times", "outcome"), [(3, "done"), (4, "failed")])
async def test_an_ask_that_cannot_connect_is_attempted_four_times(
    times: int, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After that the row fails, so that it can be retried: no request was sent."""
    monkeypatch.setattr("moregood_async.bulk.run.actions.DELAYS_SECONDS", (0.02, 0.02, 0.02))
    with Sandbox(faults=[CannotConnect(times)]) as sandbox:
        async with MoreGoodClient(KEY, transport=sandbox, max_attempts=1) as client:
            report = await run_job(client, people(1), ask=EMAIL)
        assert int(outcome == "done") == sandbox.audit().asks
        assert (outcome == "failed") == ("attempted too often" in str(report))
    assert 1 == report.as_json()[outcome]
