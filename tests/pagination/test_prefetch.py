"""Prefetching, and walks that are left early."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

import pytest

from moregood_async import MoreGoodError, Paginator, Request, Response, Review
from tests.conftest import Listing, MakeClient, collect_into, json_response, page_of, tasks_left
from tests.pagination.walks import PREFETCHES, ids_of


@pytest.mark.parametrize("prefetch", [1, 3, 50])
async def test_prefetch_requests_that_many_pages_ahead(
    make_client: MakeClient, prefetch: int
) -> None:
    """Counted by the server, while a slow reader holds each page."""
    listing, ahead = Listing.of(24), list[int]()
    async for page in make_client(listing).reviews.list(prefetch=prefetch).pages():
        await asyncio.sleep(0.01)
        ahead.append(len(listing.requested_pages) - page.page)
    assert ahead[0] == 0  # the number of pages is known from here on
    assert ahead[1:] == [min(prefetch, 12 - number) for number in range(2, 13)]
    assert listing.requested_pages == [*range(1, 13)]


async def test_prefetched_pages_come_in_order_however_long_each_takes(
    make_client: MakeClient,
) -> None:
    """Later pages arrive sooner here."""
    listing = Listing.of(12)

    async def slower_first(request: Request) -> Response:
        response = await listing(request)
        await asyncio.sleep(0.03 - 0.004 * listing.requested_pages[-1])
        return response

    client = make_client(slower_first)
    assert await ids_of(client.reviews.list(prefetch=6)) == [*range(1, 13)]
    assert listing.requested_pages == [1, 2, 3, 4, 5, 6]


async def test_prefetched_pages_are_requested_within_max_concurrency(
    make_client: MakeClient,
) -> None:
    listing, in_flight, peak = Listing.of(40), 0, 0

    async def count(request: Request) -> Response:
        nonlocal in_flight, peak
        in_flight += 1
        peak = max(peak, in_flight)
        await asyncio.sleep(0.001)
        in_flight -= 1
        return await listing(request)

    client = make_client(count, max_concurrency=3)
    assert len(await ids_of(client.reviews.list(prefetch=9))) == 40
    assert peak == 3


async def test_the_error_of_a_prefetched_page_is_raised_after_the_pages_before_it(
    make_client: MakeClient,
) -> None:
    def serve(number: int) -> dict[str, object] | Response:
        if number == 3:
            return json_response({"message": "No."}, 403)
        return page_of([number], current_page=number, last_page=9)

    read = list[Review]()
    with pytest.raises(MoreGoodError) as raised:
        await collect_into(read, make_client(Listing(serve)).reviews.list(prefetch=4))
    assert [review.id for review in read] == [1, 2]
    assert raised.value.operation == "reviews.list"
    assert tasks_left() == set()


async def break_off(paginator: Paginator[Review]) -> None:
    async with aclosing(aiter(paginator)) as reviews:
        async for _ in reviews:
            break


async def raise_in_the_loop(paginator: Paginator[Review]) -> None:
    async def read() -> None:
        async with aclosing(paginator.pages()) as pages:
            async for _ in pages:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read()


async def collect_one(paginator: Paginator[Review]) -> None:
    await paginator.collect(limit=1)


async def cancel(paginator: Paginator[Review]) -> None:
    async def read() -> None:
        async for _ in paginator:
            await asyncio.sleep(60)

    task = asyncio.create_task(read())
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@PREFETCHES
@pytest.mark.parametrize("leave", [break_off, raise_in_the_loop, collect_one, cancel])
async def test_a_walk_that_is_left_early_leaves_no_task_and_no_request(
    make_client: MakeClient, prefetch: int, leave: Callable[[Paginator[Review]], Any]
) -> None:
    listing = Listing.of(40)

    async def slow(request: Request) -> Response:
        await asyncio.sleep(0.005)
        return await listing(request)

    await leave(make_client(slow).reviews.list(prefetch=prefetch))
    requests = len(listing.requested_pages)
    await asyncio.sleep(0.03)
    assert tasks_left() == set()
    assert len(listing.requested_pages) == requests


async def test_a_plain_break_leaves_no_task_either(make_client: MakeClient) -> None:
    """Without `aclosing` the event loop closes the generator soon after."""
    async for _ in make_client(Listing.of(40)).reviews.list(prefetch=5):
        break
    await asyncio.sleep(0.05)
    assert tasks_left() == set()


async def test_a_cancelled_wait_for_a_page_cancels_the_pages_ahead(make_client: MakeClient) -> None:
    reached = asyncio.Event()

    async def never(_: Request) -> Response:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    reading = asyncio.create_task(make_client(never).reviews.list(prefetch=3).collect())
    await reached.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert tasks_left() == set()


async def test_closing_take_closes_the_walk_below_it(make_client: MakeClient) -> None:
    listing = Listing.of(40)
    taking = cast("Any", make_client(listing).reviews.list(prefetch=2).take(9))
    first: Review = await anext(cast("AsyncIterator[Review]", taking))
    await taking.aclose()
    assert first.id == 1
    with contextlib.suppress(StopAsyncIteration):
        await anext(taking)
    assert tasks_left() == set()
