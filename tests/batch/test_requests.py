"""Batches against the sandbox: what is sent, how often, and how many at once."""

from contextlib import aclosing
from typing import Any

import pytest

from moregood_async import (
    AskCreate,
    BatchStats,
    ChargeCreate,
    CustomerUpsert,
    Handler,
    InvalidRequest,
    MoreGoodClient,
    NotFound,
    Request,
    Response,
)
from moregood_async.sandbox import Delay, DropAfterEffect, Refuse, Sandbox
from tests.batch.rows import IN_ANY_ORDER, index_of, people
from tests.conftest import KEY


@IN_ANY_ORDER
async def test_many_customers_are_upserted_once_each(
    sandbox: Sandbox, client: MoreGoodClient, ordered: bool
) -> None:
    """Counted by the sandbox."""
    batch = client.customers.upsert_many(people(300), ordered=ordered)
    results = [result async for result in batch]
    assert {result.outcome for result in results} == {"done"}
    in_order = results if ordered else sorted(results, key=index_of)
    assert [result.index for result in in_order] == [*range(300)]
    audit = sandbox.audit()
    assert audit.customers == 300
    assert audit.requests["customers.upsert"] == 300
    emails = [row["email"] for row in people(300)]
    assert all(r.value is not None and r.value.email == emails[r.index] for r in results)


async def test_models_and_mappings_may_be_mixed_and_wrong_rows_are_not_sent(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """An unknown field, a missing one, and rows that are none."""
    rows: list[Any] = [
        CustomerUpsert(first_name="Ada", email="ada@example.com"),
        {"first_name": "Bob", "email": "bob@example.com"},
        {"first_name": "Cyd", "emial": "cyd@example.com"},
        {"email": "dan@example.com"},
        ("Eve", "eve@example.com"),
        None,
    ]
    results = await client.customers.upsert_many(rows).collect()
    assert [each.outcome for each in results] == ["done"] * 2 + ["failed"] * 4
    errors = [each.error for each in results[2:] if isinstance(each.error, InvalidRequest)]
    assert [next(iter(error.fields)) for error in errors] == [
        "emial",
        "first_name",
        "CustomerUpsert",
        "first_name",
    ]
    assert {error.operation for error in errors} == {"customers.upsert"}
    assert "did you mean email" in str(errors[0])
    assert sandbox.audit().requests["customers.upsert"] == 2


async def test_an_unknown_customer_fails_its_own_charge_or_ask_only(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    await client.customers.upsert(first_name="Ada", email="ada@example.com")
    charges: list[Any] = [
        ChargeCreate(email="ada@example.com", amount=100, currency="USD"),
        {"email": "ada@example.com", "amount": 200, "currency": "USD"},
        {"email": "nobody@example.com", "amount": 300, "currency": "USD"},
    ]
    asks: list[Any] = [
        AskCreate(email="ada@example.com", channels=["email"]),
        {"email": "nobody@example.com", "channels": ["email"]},
    ]
    charged = await client.charges.create_many(charges).collect()
    asked = await client.asks.create_many(asks).collect()
    assert [each.outcome for each in charged] == ["done", "done", "failed"]
    assert [each.outcome for each in asked] == ["done", "failed"]
    assert isinstance(charged[2].error, NotFound)
    assert isinstance(asked[1].error, NotFound)
    assert sandbox.audit().charges == 2
    assert sandbox.audit().asks == 1


async def test_a_row_without_a_response_is_unknown_and_not_sent_again(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """The asks took effect, once each; the client cannot know."""
    rows = [{"email": f"ada{number}@example.com", "channels": ["email"]} for number in range(6)]
    assert len(await client.customers.upsert_many(people(6)).collect()) == 6
    sandbox.faults = DropAfterEffect(times=2, on="asks.create")
    batch = client.asks.create_many(rows)
    outcomes = sorted([result.outcome async for result in batch])
    assert outcomes == ["done"] * 4 + ["unknown"] * 2
    assert batch.stats == BatchStats(read=6, done=4, unknown=2)
    audit = sandbox.audit()
    assert audit.asks == 6
    assert audit.requests["asks.create"] == 6
    assert audit.duplicate_asks == ()


async def test_a_rate_limit_extends_the_deadlines_of_rows(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    sandbox.faults = Refuse(429, {"Retry-After": "0"}, times=1)
    hasty = client.with_options(deadline=0.5)
    results = await hasty.customers.upsert_many(people(5)).collect()
    assert {each.outcome for each in results} == {"done"}


@pytest.mark.parametrize("bound", [1, 5])
async def test_no_more_rows_are_in_flight_than_max_concurrency(
    sandbox: Sandbox, bound: int
) -> None:
    """Counted by the sandbox."""
    in_flight, peak = 0, 0

    async def count(request: Request, call_next: Handler) -> Response:
        nonlocal in_flight, peak
        in_flight += 1
        peak = max(peak, in_flight)
        try:
            return await call_next(request)
        finally:
            in_flight -= 1

    sandbox.faults = [count, Delay(0.002)]
    async with (
        sandbox.serve() as server,
        MoreGoodClient(KEY, base_url=server.base_url, max_concurrency=bound) as client,
    ):
        assert len(await client.customers.upsert_many(people(40)).collect()) == 40
    assert peak == bound


async def test_a_middleware_that_raises_makes_its_own_row_unknown(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    turns = 0

    async def raise_once(request: Request, call_next: Handler) -> Response:
        nonlocal turns
        turns += 1
        if turns == 2:
            raise KeyError("not today")
        return await call_next(request)

    view = client.with_options(middlewares=(raise_once,))
    results = await view.customers.upsert_many(people(4)).collect()
    assert sorted(each.outcome for each in results) == ["done", "done", "done", "unknown"]
    assert [type(each.error).__name__ for each in results if each.error] == ["KeyError"]
    assert sandbox.audit().customers == 3


async def test_the_client_works_on_after_a_batch_was_left_early(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    sandbox.faults = Delay(0.02)
    async with aclosing(aiter(client.customers.upsert_many(people(500)))) as results:
        async for _ in results:
            break
    sandbox.faults = ()
    assert len(await client.customers.list().collect()) >= 1
    assert sandbox.audit().requests["customers.upsert"] <= 32 * 3
