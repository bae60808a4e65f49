"""Every operation through every fault: which requests are retried, and which never."""

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
    FAULT_CASES,
    KEY,
    FaultCase,
    LateResponse,
    Scene,
    each_operation,
    furnished_sandbox,
    scene,
)

NOT_IDEMPOTENT = {"charges.create", "asks.create", "locations.create"}


WRITES = NOT_IDEMPOTENT | {"customers.upsert", "locations.update"}


def test_the_tables_have_every_operation() -> None:
    """A new operation is added to `CALLS`, and to `NOT_IDEMPOTENT` if it is not idempotent."""
    assert {operation.name: operation.idempotent for operation in OPERATIONS} == {
        name: name not in NOT_IDEMPOTENT for name in CALLS
    }
    assert {operation.name for operation in OPERATIONS if operation.method != "GET"} == WRITES


@each_operation
@pytest.mark.parametrize("case", FAULT_CASES.values(), ids=FAULT_CASES)
async def test_each_operation_through_each_fault(name: str, case: FaultCase) -> None:
    """An operation is retried if that is safe; otherwise its error says what is known."""
    retried = case.retried and name not in NOT_IDEMPOTENT
    async with scene(
        case.fault, attempt_timeout=0.15 if isinstance(case.fault, LateResponse) else 30
    ) as env:
        if retried:
            await CALLS[name](env.client)
            assert 2 == env.requests(name)
            assert (name in COUNTED_AS) == env.effects(name)
            return
        with pytest.raises(case.error_class) as caught:
            await CALLS[name](env.client)
        took_effect = case.took_effect and name in COUNTED_AS
        assert 1 == env.requests(name)
        assert took_effect == env.effects(name)
    error, may_have_applied = caught.value, case.may_have_applied and name in WRITES
    assert case.error_class is type(error)
    assert name == error.operation
    assert may_have_applied == error.may_have_applied
    [attempt] = error.attempts
    assert 1 == attempt.number
    assert case.phase == attempt.phase
    assert may_have_applied == attempt.may_have_applied
    assert attempt.outcome.startswith(case.outcome)
    assert may_have_applied == ("It may have taken effect." in error.explain())
    assert may_have_applied == ("It may have taken effect." in str(error))


@pytest.mark.parametrize(
    ("fault", "min_delay"),
    [
        (Refuse(429, times=1), 0.25),
        (Refuse(429, {"Retry-After": "0"}, times=1), 1.0),
        (Refuse(503, {"Retry-After": "0"}, times=1), 1.0),
    ],
    ids=["429", "429, Retry-After 0", "503, Retry-After 0"],
)
async def test_every_operation_is_retried_after_it_was_rate_limited(
    fault: Fault, min_delay: float
) -> None:
    """A 429, or a 503 with Retry-After, has had no effect, so that even an ask is retried."""

    async def outcome(name: str) -> tuple[int, int, bool]:
        async with scene(fault) as env:
            started = time.monotonic()
            await CALLS[name](env.client)
            waited = time.monotonic() - started >= min_delay
            return env.requests(name), env.effects(name), waited

    outcomes = await asyncio.gather(*map(outcome, CALLS))
    assert {name: (2, int(name in COUNTED_AS), True) for name in CALLS} == dict(
        zip(CALLS, outcomes, strict=True)
    )


@each_operation
async def test_every_operation_is_retried_after_a_refused_connection(
    name: str,
) -> None:
    """Nothing was sent, so that a retry is safe for every operation."""
    port = free_port()
    with await furnished_sandbox() as sandbox:
        before, server = sandbox.audit(), sandbox.serve(port=port)

        async def start_server(seconds: float) -> None:
            await server.__aenter__()

        async with MoreGoodClient(KEY, base_url=f"http://127.0.0.1:{port}/beacon") as client:
            await CALLS[name](without_backoff(client, sleep=start_server))
            env = Scene(sandbox, client, before)
            assert 1 == env.requests(name)
            assert (name in COUNTED_AS) == env.effects(name)
        await server.__aexit__(None, None, None)


@each_operation
async def test_nothing_is_sent_to_a_server_that_never_starts(name: str) -> None:
    """All attempts are used, and the error says that nothing was sent."""
    base_url = f"http://127.0.0.1:{free_port()}/beacon"
    async with MoreGoodClient(KEY, base_url=base_url) as client:
        with pytest.raises(ConnectionFailed) as caught:
            await CALLS[name](without_backoff(client))
    error = caught.value
    assert [1, 2, 3, 4] == [each.number for each in error.attempts]
    assert not error.sent
    assert {("connecting", False)} == {
        (each.phase, each.may_have_applied) for each in error.attempts
    }
    assert not error.may_have_applied
    assert "it is safe to send again" in error.explain()


@pytest.mark.parametrize("name", [name for name in CALLS if name not in NOT_IDEMPOTENT])
@pytest.mark.parametrize(
    ("fault", "error_class"),
    [
        (Refuse(500), ServerError),
        (DropAfterEffect(), ConnectionLost),
        (CutBody(), ConnectionLost),
    ],
    ids=["500", "dropped", "truncated"],
)
async def test_retrying_ends_after_max_attempts(
    name: str, fault: Fault, error_class: type[MoreGoodError]
) -> None:
    """An upsert that arrives several times creates one customer."""
    async with scene(fault, max_attempts=3) as env:
        with pytest.raises(error_class) as caught:
            await CALLS[name](env.client)
        created = name == "customers.upsert" and error_class is ConnectionLost
        assert 3 == env.requests(name)
        assert created == env.effects(name)
    assert [1, 2, 3] == [attempt.number for attempt in caught.value.attempts]
    assert (name in WRITES) == caught.value.may_have_applied


async def test_one_call_survives_every_fault_that_can_be_retried() -> None:
    """An upsert that meets five different faults creates one customer."""
    async with scene(
        Refuse(502, times=1),
        DropBeforeEffect(times=1),
        Html(504, times=1),
        Refuse(408, times=1),
        DropAfterEffect(times=1),
        max_attempts=6,
    ) as env:
        await CALLS["customers.upsert"](env.client)
        assert 6 == env.requests("customers.upsert")
        assert 1 == env.effects("customers.upsert")


@pytest.mark.parametrize("seed", range(4))
async def test_no_call_ever_makes_two_asks(seed: int) -> None:
    """The server's count of asks lies within the bounds that the errors of a batch allow."""
    faults = (
        DropBeforeEffect(probability=0.1, seed=seed),
        DropAfterEffect(probability=0.2, seed=seed + 100),
        CutBody(probability=0.1, seed=seed + 200),
        Refuse(500, probability=0.1, seed=seed + 300),
        Html(504, after_effect=True, probability=0.1, seed=seed + 400),
        Garbage(probability=0.1, seed=seed + 500),
    )
    async with scene() as env:
        emails = [f"customer{number}@example.com" for number in range(60)]
        people = ({"first_name": "A", "email": email} for email in emails)
        errors = [each.error async for each in env.client.customers.upsert_many(people)]
        assert [None] * 60 == errors
        env.sandbox.faults = faults
        batch = env.client.asks.create_many(
            {"email": email, "channels": ["email"]} for email in emails
        )
        async for result in batch:
            assert result.error is None or isinstance(result.error, MoreGoodError)
        audit, stats = env.sandbox.audit(), batch.stats
    assert () == audit.duplicate_asks
    assert stats.done <= audit.asks <= stats.done + stats.unknown
    assert 60 == audit.requests["asks.create"] == stats.done + stats.failed + stats.unknown
    assert min(stats.done, stats.unknown) > 0
