"""The paginator: what is requested when, and every way to read a list."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from moregood_async import InvalidRequest, MoreGoodClient, Page, ServerError
from moregood_async.sandbox import CutBody, Refuse, Sandbox
from tests.conftest import KEY, Listing, MakeClient, page_of
from tests.pagination.walks import PREFETCHES, add_reviews, ids_of


def test_making_a_paginator_sends_nothing(make_client: MakeClient) -> None:
    listing = Listing.of(4)
    make_client(listing).reviews.list(prefetch=3)
    assert listing.requested_pages == []


async def test_a_page_is_requested_when_the_items_before_it_are_used_up(
    make_client: MakeClient,
) -> None:
    listing, requests_at = Listing.of(5), dict[int, int]()
    async for review in make_client(listing).reviews.list():
        requests_at[review.id] = len(listing.requested_pages)
    assert requests_at == {1: 1, 2: 1, 3: 2, 4: 2, 5: 3}
    assert listing.requested_pages == [1, 2, 3]


@PREFETCHES
async def test_every_walk_starts_again_at_the_first_page(
    make_client: MakeClient, prefetch: int
) -> None:
    paginator = make_client(Listing.of(5)).reviews.list(prefetch=prefetch)
    assert await ids_of(paginator) == [1, 2, 3, 4, 5]
    assert await ids_of(paginator) == [1, 2, 3, 4, 5]


@PREFETCHES
async def test_a_page_has_its_number_and_the_claims_of_the_server(
    make_client: MakeClient, prefetch: int
) -> None:
    paginator = make_client(Listing.of(5)).reviews.list(prefetch=prefetch)
    pages = [page async for page in paginator.pages()]
    assert [[review.id for review in page.items] for page in pages] == [[1, 2], [3, 4], [5]]
    assert [attrs.evolve(page, items=()) for page in pages] == [
        Page(items=(), page=1, last_page=3, total=5, has_next=True),
        Page(items=(), page=2, last_page=3, total=5, has_next=True),
        Page(items=(), page=3, last_page=3, total=5, has_next=False),
    ]


async def test_awaiting_a_paginator_returns_the_first_page_with_one_request(
    make_client: MakeClient,
) -> None:
    listing = Listing.of(5)
    paginator = make_client(listing).reviews.list(start_page=2)
    page = await paginator
    assert page.page == 2
    assert [review.id for review in page.items] == [3, 4]
    assert await paginator.first_page() == page
    assert listing.requested_pages == [2, 2]


@pytest.mark.parametrize(
    ("count", "expected", "requested"),
    [(0, [], []), (-1, [], []), (1, [1], [1]), (3, [1, 2, 3], [1, 2]), (9, [1, 2, 3, 4], [1, 2])],
    ids=["none", "less than none", "one", "within the second page", "more than exist"],
)
async def test_take_requests_no_page_that_it_does_not_need(
    make_client: MakeClient, count: int, expected: list[int], requested: list[int]
) -> None:
    listing = Listing.of(4)
    paginator = make_client(listing).reviews.list()
    assert [review.id async for review in paginator.take(count)] == expected
    assert listing.requested_pages == requested


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(None, [1, 2, 3, 4]), (0, []), (3, [1, 2, 3]), (9, [1, 2, 3, 4])],
    ids=["all", "none", "three", "more than exist"],
)
async def test_collect_returns_all_items_or_the_first_ones(
    make_client: MakeClient, limit: int | None, expected: list[int]
) -> None:
    collected = await make_client(Listing.of(4)).reviews.list().collect(limit)
    assert [review.id for review in collected] == expected


async def test_pages_before_start_page_are_not_requested(make_client: MakeClient) -> None:
    listing = Listing.of(6)
    assert await ids_of(make_client(listing).reviews.list(start_page=2)) == [3, 4, 5, 6]
    assert listing.requested_pages == [2, 3]


@pytest.mark.parametrize("clamps", [False, True], ids=["an empty page", "clamped"])
async def test_a_walk_that_starts_beyond_the_end_returns_nothing(
    make_client: MakeClient, clamps: bool
) -> None:
    """Laravel sends an empty page there; other servers send the last page instead."""
    rows = [3, 4] if clamps else []
    listing = Listing(lambda n: page_of(rows, current_page=2 if clamps else n, last_page=2))
    assert await ids_of(make_client(listing).reviews.list(start_page=7)) == []
    assert listing.requested_pages == [7]


async def test_per_page_is_sent_if_it_is_set(
    sandbox: Sandbox, client: MoreGoodClient, in_process_client: MoreGoodClient
) -> None:
    """The sandbox honours it: seven reviews at three a page are three requests."""
    newest_first = await add_reviews(sandbox, in_process_client, 7)
    assert await ids_of(client.reviews.list(per_page=3)) == newest_first
    assert sandbox.audit().requests["reviews.list"] == 3
    page = await client.reviews.list(per_page=3)
    assert len(page.items) == page.per_page == 3
    assert page.total == 7
    assert page.last_page == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"start_page": 0},
        {"start_page": True},
        {"start_page": "2"},
        {"prefetch": -1},
        {"prefetch": 1.5},
        {"per_page": 0},
        {"per_page": True},
        {"per_page": "fifty"},
        {"per_page": 2.5},
    ],
    ids=str,
)
def test_a_wrong_number_is_refused_before_sending_with_argument_and_operation(
    make_client: MakeClient, wrong: dict[str, Any]
) -> None:
    listing = Listing.of(2)
    with pytest.raises(InvalidRequest) as refused:
        make_client(listing).reviews.list(**wrong)
    assert [*refused.value.fields] == [*wrong]
    assert refused.value.operation == "reviews.list"
    assert listing.requested_pages == []


async def test_a_link_to_another_host_is_never_followed() -> None:
    """The other host counts its own visits: the key did not go there."""
    visits = list[str]()

    async def elsewhere(request: web.Request) -> web.Response:
        visits.append(request.path_qs)
        return web.json_response(page_of([666]))

    async def respond(request: web.Request) -> web.Response:
        number = int(request.query["page"])
        link = str(other.make_url("/beacon/reviews?page=2")) if number == 1 else None
        links = {"path": str(other.make_url("/beacon/reviews")), "first_page_url": link}
        return web.json_response(
            page_of([number], current_page=number, last_page=2, next_page_url=link, **links)
        )

    async with (
        TestServer(_app(elsewhere)) as other,
        TestServer(_app(respond)) as server,
        MoreGoodClient(KEY, base_url=str(server.make_url("/beacon"))) as client,
    ):
        assert await ids_of(client.reviews.list()) == [1, 2]
    assert visits == []


def _app(handler: Callable[[web.Request], Any]) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    return app


@PREFETCHES
async def test_a_429_delays_the_walk_and_does_not_end_it(
    sandbox: Sandbox, client: MoreGoodClient, in_process_client: MoreGoodClient, prefetch: int
) -> None:
    newest_first, ids = await add_reviews(sandbox, in_process_client, 6), list[int]()
    async for page in client.reviews.list(per_page=2, prefetch=prefetch).pages():
        ids += [review.id for review in page.items]
        if page.page == 1:
            sandbox.faults = Refuse(429, {"Retry-After": "0"}, times=1)
    assert ids == newest_first
    assert sandbox.audit().requests["reviews.list"] == 4
    assert sandbox.audit().throttled == 1


async def test_a_page_that_is_cut_short_is_requested_again(
    sandbox: Sandbox, client: MoreGoodClient, in_process_client: MoreGoodClient
) -> None:
    newest_first = await add_reviews(sandbox, in_process_client, 4)
    sandbox.faults = CutBody(times=1, on="reviews.list")
    assert await ids_of(client.reviews.list(per_page=2)) == newest_first


async def test_a_page_that_keeps_failing_ends_the_walk_after_the_pages_before_it(
    sandbox: Sandbox, in_process_client: MoreGoodClient
) -> None:
    await add_reviews(sandbox, in_process_client, 4)
    pages = in_process_client.with_options(max_attempts=1).reviews.list(per_page=2).pages()
    assert len((await anext(pages)).items) == 2
    sandbox.faults = Refuse(500)
    with pytest.raises(ServerError):
        await anext(pages)
