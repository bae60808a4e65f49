"""Every operation through every fault: what is retried, and what never."""

from __future__ import annotations

import asyncio
import time

import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    ConnectionFailed,
    ConnectionLost,
    MoreGoodError,
    ServerError,
)
from moregood_async.operations import OPERATIONS
from moregood_async.sandbox import (
    CutBody,
    DropAfterEffect,
    DropBeforeEffect,
    Fault,
    Garbage,
    Html,
    Refuse,
)
from tests.aiohttp_doubles import free_port
from tests.middleware.doubles import without_backoff
from tests.retries.scenes import (
    CALLS,
    COUNTED_AS,
    KEY,
    ROWS,
    Late,
    Row,
    Scene,
    each_operation,
    furnished,
    scene,
)

ONCE = {"charges.create", "asks.create", "locations.create"}


WRITES = ONCE | {"customers.upsert", "locations.update"}


def test_the_table_knows_every_operation() -> None:
    """A new one is told here whether it may be repeated."""
    assert {operation.name: operation.idempotent for operation in OPERATIONS} == {
        name: name not in ONCE for name in CALLS
    }
    assert {operation.name for operation in OPERATIONS if operation.method != "GET"} == WRITES


@each_operation
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_each_operation_through_each_fault(name: str, row: Row) -> None:
    """Sent again where that helps and does no harm; otherwise the error says what is known."""
    again = row.again and name not in ONCE
    async with scene(row.fault, attempt_timeout=0.15 if isinstance(row.fault, Late) else 30) as on:
        if again:
            await CALLS[name](on.client)
            assert (2, name in COUNTED_AS) == (on.requests(name), on.effects(name))
            return
        with pytest.raises(row.kind) as caught:
            await CALLS[name](on.client)
        took_effect = row.took_effect and name in COUNTED_AS
        assert (1, took_effect) == (on.requests(name), on.effects(name))
    error, unclear = caught.value, row.unclear and name in WRITES
    assert row.kind is type(error)
    assert (name, unclear) == (error.operation, error.may_have_applied)
    [attempt] = error.attempts
    assert (1, row.phase, unclear) == (attempt.number, attempt.phase, attempt.may_have_applied)
    assert attempt.outcome.startswith(row.says)
    assert unclear == ("It may have taken effect." in error.explain())
    assert unclear == ("It may have taken effect." in str(error))


@pytest.mark.parametrize(
    ("fault", "least"),
    [
        (Refuse(429, times=1), 0.25),
        (Refuse(429, {"Retry-After": "0"}, times=1), 1.0),
        (Refuse(503, {"Retry-After": "0"}, times=1), 1.0),
    ],
    ids=["429", "429, Retry-After 0", "503, Retry-After 0"],
)
async def test_every_operation_is_sent_again_after_it_was_told_to_wait(
    fault: Fault, least: float
) -> None:
    """A refusal for now did nothing, so even an ask is sent again; later than told at least."""

    async def outcome(name: str) -> tuple[int, int, bool]:
        async with scene(fault) as on:
            begun = time.monotonic()
            await CALLS[name](on.client)
            waited = time.monotonic() - begun >= least
            return on.requests(name), on.effects(name), waited

    outcomes = await asyncio.gather(*map(outcome, CALLS))
    assert {name: (2, int(name in COUNTED_AS), True) for name in CALLS} == dict(
        zip(CALLS, outcomes, strict=True)
    )


@each_operation
async def test_every_operation_is_sent_again_after_a_connection_that_did_not_come_about(
    name: str,
) -> None:
    """Nobody listens at first; nothing left, so it is safe for all of them."""
    port = free_port()
    with await furnished() as sandbox:
        before, server = sandbox.audit(), sandbox.serve(port=port)

        async def server_comes_up(seconds: float) -> None:
            await server.__aenter__()

        async with MoreGoodClient(KEY, base_url=f"http://127.0.0.1:{port}/beacon") as client:
            await CALLS[name](without_backoff(client, sleep=server_comes_up))
            on = Scene(sandbox, client, before)
            assert (1, name in COUNTED_AS) == (on.requests(name), on.effects(name))
        await server.__aexit__(None, None, None)


@each_operation
async def test_a_server_that_never_comes_up_has_got_nothing(name: str) -> None:
    """All attempts are used, and the error is sure that nothing happened."""
    base_url = f"http://127.0.0.1:{free_port()}/beacon"
    async with MoreGoodClient(KEY, base_url=base_url) as client:
        with pytest.raises(ConnectionFailed) as caught:
            await CALLS[name](without_backoff(client))
    error = caught.value
    assert ([1, 2, 3, 4], False) == ([each.number for each in error.attempts], error.sent)
    assert {("connecting", False)} == {
        (each.phase, each.may_have_applied) for each in error.attempts
    }
    assert not error.may_have_applied
    assert "it is safe to send again" in error.explain()


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ONCE])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Refuse(500), ServerError),
        (DropAfterEffect(), ConnectionLost),
        (CutBody(), ConnectionLost),
    ],
    ids=["500", "dropped", "cut short"],
)
async def test_repeating_ends(name: str, fault: Fault, kind: type[MoreGoodError]) -> None:
    """After ``max_attempts`` requests; however often an upsert arrived, there is one customer."""
    async with scene(fault, max_attempts=3) as on:
        with pytest.raises(kind) as caught:
            await CALLS[name](on.client)
        created = name == "customers.upsert" and kind is ConnectionLost
        assert (3, created) == (on.requests(name), on.effects(name))
    assert [1, 2, 3] == [attempt.number for attempt in caught.value.attempts]
    assert (name in WRITES) == caught.value.may_have_applied


async def test_one_call_can_meet_every_fault_that_may_be_repeated() -> None:
    """An upsert gets through whatever comes, and ends in the same state."""
    async with scene(
        Refuse(502, times=1),
        DropBeforeEffect(times=1),
        Html(504, times=1),
        Refuse(408, times=1),
        DropAfterEffect(times=1),
        max_attempts=6,
    ) as on:
        await CALLS["customers.upsert"](on.client)
        assert (6, 1) == (on.requests("customers.upsert"), on.effects("customers.upsert"))


@pytest.mark.parametrize("seed", range(4))
async def test_no_call_ever_makes_two_asks(seed: int) -> None:
    """Through a storm of faults: the server's count lies within what the errors say."""
    storm = (
        DropBeforeEffect(probability=0.1, seed=seed),
        DropAfterEffect(probability=0.2, seed=seed + 100),
        CutBody(probability=0.1, seed=seed + 200),
        Refuse(500, probability=0.1, seed=seed + 300),
        Html(504, after_effect=True, probability=0.1, seed=seed + 400),
        Garbage(probability=0.1, seed=seed + 500),
    )
    async with scene() as on:
        emails = [f"customer{number}@example.com" for number in range(60)]
        people = ({"first_name": "A", "email": email} for email in emails)
        errors = [each.error async for each in on.client.customers.upsert_many(people)]
        assert [None] * 60 == errors
        on.sandbox.faults = storm
        batch = on.client.asks.create_many(
            {"email": email, "channels": ["email"]} for email in emails
        )
        async for result in batch:
            assert result.error is None or isinstance(result.error, MoreGoodError)
        audit, stats = on.sandbox.audit(), batch.stats
    assert () == audit.duplicate_asks
    assert stats.done <= audit.asks <= stats.done + stats.unknown
    assert 60 == audit.requests["asks.create"] == stats.done + stats.failed + stats.unknown
    assert min(stats.done, stats.unknown) > 0
