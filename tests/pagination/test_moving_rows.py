"""Rows that are added or deleted while a list is read."""

import asyncio
from typing import Any

import attrs
import pytest

from moregood_async import MoreGoodClient, Request, Response, UnexpectedResponse
from moregood_async.privacy import Headers
from moregood_async.sandbox import Sandbox
from tests.conftest import KEY, Listing, MakeClient, page_of
from tests.pagination.walks import PREFETCHES, add_reviews, ids_of


@PREFETCHES
async def test_rows_that_move_while_they_are_read_come_once(
    sandbox: Sandbox, client: MoreGoodClient, in_process_client: MoreGoodClient, prefetch: int
) -> None:
    """New reviews push the old ones to later pages."""
    before, ids = await add_reviews(sandbox, in_process_client, 20), list[int]()
    async for page in client.reviews.list(per_page=4, prefetch=prefetch).pages():
        ids += [review.id for review in page.items]
        if page.page < 9:
            await add_reviews(sandbox, in_process_client, 3)
    assert len(set(ids)) == len(ids)
    assert set(before) <= set(ids)


async def test_customers_that_are_added_between_pages_repeat_nobody(
    sandbox: Sandbox, client: MoreGoodClient, in_process_client: MoreGoodClient
) -> None:
    """The order of customers is undocumented."""
    rows = ({"first_name": "A", "email": f"a{number}@example.com"} for number in range(12))
    upserted = await in_process_client.customers.upsert_many(rows).collect()
    before = {result.value.id for result in upserted if result.value}
    ids = list[int]()
    async for page in client.customers.list(per_page=3).pages():
        ids += [customer.id for customer in page.items]
        if page.page < 5:
            await in_process_client.customers.upsert(
                first_name="B", email=f"b{page.page}@example.com"
            )
    assert len(set(ids)) == len(ids)
    assert before <= set(ids)
    assert sandbox.audit().customers == 12 + 4


async def test_a_row_added_while_pages_are_fetched_ahead_hides_no_other(sandbox: Sandbox) -> None:
    """A page that arrived before the one in front of it is requested again."""
    ahead = asyncio.Event()

    async def third_page_first(request: Request) -> Response:
        if "?page=2" in request.url and not ahead.is_set():
            await ahead.wait()
            await sandbox(attrs.evolve(request, **_another_customer(request)))
        response = await sandbox(request)
        if "?page=3" in request.url:
            ahead.set()
        return response

    async with MoreGoodClient(KEY, transport=third_page_first) as client:
        ids = [
            (await client.customers.upsert(first_name="Ada", email=f"{n}@example.com")).id
            for n in range(6)
        ]
        customers = client.customers.list(per_page=2, prefetch=3)
        assert [customer.id async for customer in customers] == ids[::-1]
        assert sandbox.audit().requests["customers.list"] == 5  # four pages now, the third twice


def _another_customer(request: Request) -> dict[str, Any]:
    """Return the fields that turn a request for a page into one that adds a customer."""
    return {
        "method": "POST",
        "url": request.url.partition("?")[0],
        "headers": Headers({**request.headers, "Content-Type": "application/json"}),
        "body": b'{"first_name": "Bob", "email": "bob@example.com"}',
    }


async def test_a_list_that_shrinks_while_it_is_read_ends_without_an_error(
    make_client: MakeClient,
) -> None:
    """The server takes its own claim back: the page after the new end is empty."""

    def serve(number: int) -> dict[str, object]:
        last = 3 if number == 1 else 1
        rows = [1, 2] if number == 1 else []
        return page_of(rows, current_page=number, last_page=last, total=last * 2)

    listing = Listing(serve)
    assert await ids_of(make_client(listing).reviews.list()) == [1, 2]
    assert listing.requested_pages == [1, 2]


async def test_a_list_that_shrinks_on_a_clamping_server_ends_with_an_error(
    make_client: MakeClient,
) -> None:
    """Asked for page 2 of 3, the server sends page 1: nobody can say what page 2 held."""
    first, later = (
        page_of([1, 2], current_page=1, last_page=3),
        page_of([1], current_page=1, last_page=1),
    )
    listing = Listing(lambda n: first if n == 1 else later)
    with pytest.raises(UnexpectedResponse, match="sent page 1 when asked for page 2"):
        await ids_of(make_client(listing).reviews.list())


async def test_a_list_that_grows_while_it_is_read_is_read_to_its_new_end(
    make_client: MakeClient,
) -> None:
    listing = Listing(lambda n: page_of([n], current_page=n, last_page=min(n + 1, 5)))
    assert await ids_of(make_client(listing).reviews.list()) == [1, 2, 3, 4, 5]
