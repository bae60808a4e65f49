"""The lists of many customers, read at once."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import Any

import pytest

from moregood_async import Handler, InvalidRequest, MoreGoodClient, NotFound, Request, Response
from moregood_async.sandbox import Sandbox
from tests.batch.rows import SOURCES, people
from tests.conftest import Listing, MakeClient, collect_into, json_response, page_of, tasks_left


@SOURCES
async def test_reviews_and_messages_of_many_customers_come_with_their_customer(
    sandbox: Sandbox, client: MoreGoodClient, source: Callable[[Iterable[Any]], Any]
) -> None:
    """All pages of each, from ids in any kind of source."""
    upserted = await client.customers.upsert_many(people(10)).collect()
    ids = [result.value.id for result in upserted if result.value]
    expected = [(each, sandbox.click(each, score)) for each in ids for score in (4, 5)]
    pairs = [(each, review.id) async for each, review in client.reviews.for_customers(source(ids))]
    assert sorted(pairs) == sorted(expected)
    asks = ({"email": row["email"], "channels": ["email"]} for row in people(10))
    assert len(await client.asks.create_many(asks).collect()) == 10
    messages = [pair async for pair in client.messages.for_customers(source(ids))]
    assert sorted(each for each, _ in messages) == sorted(ids)
    assert all(message.customer and message.customer.id == each for each, message in messages)


async def test_as_many_lists_are_read_at_once_as_max_concurrency_allows(
    make_client: MakeClient,
) -> None:
    in_flight, peak = 0, 0

    async def count(_: Request) -> Response:
        nonlocal in_flight, peak
        in_flight += 1
        peak = max(peak, in_flight)
        await asyncio.sleep(0.002)
        in_flight -= 1
        return json_response(page_of([1]))

    client = make_client(count, max_concurrency=6)
    assert len([pair async for pair in client.reviews.for_customers(range(50))]) == 50
    assert peak == 6


@pytest.mark.parametrize("noun", ["reviews", "messages"])
async def test_a_customer_that_cannot_be_read_ends_the_iteration_with_an_error_that_names_it(
    client: MoreGoodClient, noun: str
) -> None:
    with pytest.raises(NotFound) as raised:
        await collect_into([], getattr(client, noun).for_customers([9041]))
    assert raised.value.operation == f"customers.{noun}"
    assert any("9041" in note for note in raised.value.__notes__)


async def test_a_foreign_error_is_raised_as_it_is(make_client: MakeClient) -> None:
    """Not inside the TaskGroup's exception group."""

    async def raise_key_error(_: Request, __: Handler) -> Response:
        raise KeyError("mine")

    client = make_client(Listing.of(3), middlewares=(raise_key_error,))
    with pytest.raises(KeyError, match="mine"):
        await collect_into([], client.reviews.for_customers([1, 2, 3]))


async def test_a_wrong_id_is_refused_before_sending(client: MoreGoodClient) -> None:
    wrong: Any = ["7/../8"]
    with pytest.raises(InvalidRequest, match="customer_id"):
        await collect_into([], client.reviews.for_customers(wrong))


async def test_leaving_early_leaves_no_task(make_client: MakeClient) -> None:
    async def slow(_: Request) -> Response:
        await asyncio.sleep(0.005)
        return json_response(page_of([1, 2, 3]))

    async with aclosing(make_client(slow).messages.for_customers(range(1000))) as pairs:
        async for _ in pairs:
            break
    assert tasks_left() == set()
