"""Pages: how they are asked for, what moves while they are read, and servers that misbehave."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from moregood_async import (
    InvalidRequest,
    MoreGoodClient,
    MoreGoodError,
    Page,
    Paginator,
    Request,
    Response,
    Review,
    ServerError,
    UnexpectedResponse,
)
from moregood_async.models.pages import Pagination
from moregood_async.pagination.seen_ids import SeenIds
from moregood_async.privacy import Headers
from moregood_async.sandbox import CutBody, Refuse, Sandbox
from tests.conftest import KEY, Listing, Reader, answered, into, page_of, tasks_left

PREFETCHES = pytest.mark.parametrize("prefetch", [0, 3], ids=["one by one", "ahead"])


async def ids_of(paginator: Paginator[Review]) -> list[int]:
    """The ids of a whole walk."""
    return [review.id async for review in paginator]


async def with_reviews(sandbox: Sandbox, client: MoreGoodClient, count: int) -> list[int]:
    """Leaves a number of reviews in a sandbox; gives their ids, the newest first."""
    ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    return [sandbox.click(ada.id) for _ in range(count)][::-1]


# What a paginator does -------------------------------------------------------------------------


def test_nothing_is_fetched_before_it_is_asked_for(reader: Reader) -> None:
    """Making a paginator sends nothing."""
    listing = Listing.of(4)
    reader(listing).reviews.list(prefetch=3)
    assert listing.asked == []


async def test_items_come_lazily_in_order_a_page_at_a_time(reader: Reader) -> None:
    """The second page is asked for only once the first is used up."""
    listing, got = Listing.of(5), list[tuple[int, int]]()
    async for review in reader(listing).reviews.list():
        got.append((review.id, len(listing.asked)))
    assert got == [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)]
    assert listing.asked == [1, 2, 3]


@PREFETCHES
async def test_every_walk_starts_anew(reader: Reader, prefetch: int) -> None:
    """A paginator can be walked twice, with the same result."""
    paginator = reader(Listing.of(5)).reviews.list(prefetch=prefetch)
    assert await ids_of(paginator) == [1, 2, 3, 4, 5]
    assert await ids_of(paginator) == [1, 2, 3, 4, 5]


@PREFETCHES
async def test_pages_come_with_number_last_and_total(reader: Reader, prefetch: int) -> None:
    """As the server said them."""
    paginator = reader(Listing.of(5)).reviews.list(prefetch=prefetch)
    got = [
        (page.page, [each.id for each in page.items], page.last_page, page.total)
        async for page in paginator.pages()
    ]
    assert got == [(1, [1, 2], 3, 5), (2, [3, 4], 3, 5), (3, [5], 3, 5)]


async def test_awaiting_a_paginator_gives_the_first_page(reader: Reader) -> None:
    """By ``await`` or by ``first_page``, and one request each."""
    listing = Listing.of(5)
    paginator = reader(listing).reviews.list(start_page=2)
    page = await paginator
    assert (page.page, [each.id for each in page.items]) == (2, [3, 4])
    assert await paginator.first_page() == page
    assert listing.asked == [2, 2]


@pytest.mark.parametrize(
    ("count", "got", "asked"),
    [(0, [], []), (-1, [], []), (1, [1], [1]), (3, [1, 2, 3], [1, 2]), (9, [1, 2, 3, 4], [1, 2])],
    ids=["none", "less than none", "one", "within the second page", "more than there are"],
)
async def test_take_gives_so_many_and_asks_for_no_page_more(
    reader: Reader, count: int, got: list[int], asked: list[int]
) -> None:
    """A page that is not needed is not fetched."""
    listing = Listing.of(4)
    paginator = reader(listing).reviews.list()
    assert [review.id async for review in paginator.take(count)] == got
    assert listing.asked == asked


@pytest.mark.parametrize(
    ("limit", "got"),
    [(None, [1, 2, 3, 4]), (0, []), (3, [1, 2, 3]), (9, [1, 2, 3, 4])],
    ids=["all", "none", "three", "more than there are"],
)
async def test_collect_gives_a_list_with_a_limit_or_without(
    reader: Reader, limit: int | None, got: list[int]
) -> None:
    """``limit=None`` is everything."""
    collected = await reader(Listing.of(4)).reviews.list().collect(limit)
    assert [review.id for review in collected] == got


async def test_start_page_resumes(reader: Reader) -> None:
    """The pages before it are not asked for."""
    listing = Listing.of(6)
    assert await ids_of(reader(listing).reviews.list(start_page=2)) == [3, 4, 5, 6]
    assert listing.asked == [2, 3]


@pytest.mark.parametrize("clamps", [False, True], ids=["an empty page", "clamped"])
async def test_starting_beyond_the_end_gives_nothing(reader: Reader, clamps: bool) -> None:
    """Laravel answers an empty page there; others the last one, which was not asked for."""
    rows = [3, 4] if clamps else []
    listing = Listing(lambda n: page_of(rows, current_page=2 if clamps else n, last_page=2))
    assert await ids_of(reader(listing).reviews.list(start_page=7)) == []
    assert listing.asked == [7]


async def test_per_page_is_sent_where_it_is_given(
    sandbox: Sandbox, client: MoreGoodClient, near: MoreGoodClient
) -> None:
    """The sandbox honours it: seven reviews at three a page are three requests."""
    newest_first = await with_reviews(sandbox, near, 7)
    assert await ids_of(client.reviews.list(per_page=3)) == newest_first
    assert sandbox.audit().requests["reviews.list"] == 3
    page = await client.reviews.list(per_page=3)
    assert (page.per_page, len(page.items), page.total, page.last_page) == (3, 3, 7, 3)


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
def test_a_senseless_number_is_refused_before_anything_is_sent(
    reader: Reader, wrong: dict[str, Any]
) -> None:
    """With the name of the argument and of the operation."""
    listing = Listing.of(2)
    with pytest.raises(InvalidRequest) as refused:
        reader(listing).reviews.list(**wrong)
    assert [*refused.value.fields] == [*wrong]
    assert refused.value.operation == "reviews.list"
    assert listing.asked == []


# Fetching ahead --------------------------------------------------------------------------------


@pytest.mark.parametrize("prefetch", [1, 3, 50])
async def test_prefetch_runs_ahead_so_many_pages_and_no_more(reader: Reader, prefetch: int) -> None:
    """Counted at the server, while a slow reader holds each page."""
    listing, ahead = Listing.of(24), list[int]()
    async for page in reader(listing).reviews.list(prefetch=prefetch).pages():
        await asyncio.sleep(0.01)
        ahead.append(len(listing.asked) - page.page)
    assert ahead[0] == 0  # how many pages there are is known only now
    assert ahead[1:] == [min(prefetch, 12 - number) for number in range(2, 13)]
    assert listing.asked == [*range(1, 13)]


async def test_prefetched_pages_come_in_order_however_long_each_takes(reader: Reader) -> None:
    """Later pages answer sooner here, all at once."""
    listing = Listing.of(12)

    async def slower_first(request: Request) -> Response:
        response = await listing(request)
        await asyncio.sleep(0.03 - 0.004 * listing.asked[-1])
        return response

    client = reader(slower_first)
    assert await ids_of(client.reviews.list(prefetch=6)) == [*range(1, 13)]
    assert listing.asked == [1, 2, 3, 4, 5, 6]


async def test_prefetched_pages_are_fetched_side_by_side_under_the_clients_pace(
    reader: Reader,
) -> None:
    """At most ``max_concurrency`` at once, though more are wanted."""
    listing, flying, most = Listing.of(40), 0, 0

    async def counted(request: Request) -> Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        return await listing(request)

    client = reader(counted, max_concurrency=3)
    assert len(await ids_of(client.reviews.list(prefetch=9))) == 40
    assert most == 3


async def test_an_error_of_a_prefetched_page_comes_after_the_pages_before_it(
    reader: Reader,
) -> None:
    """What was read before it is given first, and nothing is left running."""

    def answer(number: int) -> dict[str, object] | Response:
        if number == 3:
            return answered({"message": "No."}, 403)
        return page_of([number], current_page=number, last_page=9)

    got = list[Review]()
    with pytest.raises(MoreGoodError) as raised:
        await into(got, reader(Listing(answer)).reviews.list(prefetch=4))
    assert [review.id for review in got] == [1, 2]
    assert raised.value.operation == "reviews.list"
    assert tasks_left() == set()


# Left early ------------------------------------------------------------------------------------


async def broken_off(paginator: Paginator[Review]) -> None:
    async with aclosing(aiter(paginator)) as reviews:
        async for _ in reviews:
            break


async def broken_by_an_error(paginator: Paginator[Review]) -> None:
    async def read() -> None:
        async with aclosing(paginator.pages()) as pages:
            async for _ in pages:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read()


async def taken(paginator: Paginator[Review]) -> None:
    await paginator.collect(limit=1)


async def cancelled(paginator: Paginator[Review]) -> None:
    async def read() -> None:
        async for _ in paginator:
            await asyncio.sleep(60)

    task = asyncio.create_task(read())
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@PREFETCHES
@pytest.mark.parametrize("leave", [broken_off, broken_by_an_error, taken, cancelled])
async def test_a_walk_that_is_left_early_leaves_nothing_running(
    reader: Reader, prefetch: int, leave: Callable[[Paginator[Review]], Any]
) -> None:
    """No task, and no warning about a generator that was never closed."""
    listing = Listing.of(40)

    async def slow(request: Request) -> Response:
        await asyncio.sleep(0.005)
        return await listing(request)

    await leave(reader(slow).reviews.list(prefetch=prefetch))
    asked = len(listing.asked)
    await asyncio.sleep(0.03)
    assert tasks_left() == set()
    assert len(listing.asked) == asked


async def test_a_plain_break_is_cleaned_up_too(reader: Reader) -> None:
    """Without `aclosing`, as most people write it: the loop closes the generator soon after."""
    async for _ in reader(Listing.of(40)).reviews.list(prefetch=5):
        break
    await asyncio.sleep(0.05)
    assert tasks_left() == set()


async def test_a_cancelled_wait_for_a_page_cancels_the_pages_ahead(reader: Reader) -> None:
    """The reader is cancelled while the first page is still on its way."""
    reached = asyncio.Event()

    async def never(_: Request) -> Response:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    reading = asyncio.create_task(reader(never).reviews.list(prefetch=3).collect())
    await reached.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert tasks_left() == set()


# Rows that move --------------------------------------------------------------------------------


@PREFETCHES
async def test_rows_that_move_while_they_are_read_come_once(
    sandbox: Sandbox, client: MoreGoodClient, near: MoreGoodClient, prefetch: int
) -> None:
    """New reviews push the old ones to later pages: none twice, none of the old ones lost."""
    before, got = await with_reviews(sandbox, near, 20), list[int]()
    async for page in client.reviews.list(per_page=4, prefetch=prefetch).pages():
        got += [review.id for review in page.items]
        if page.page < 9:
            await with_reviews(sandbox, near, 3)
    assert len(set(got)) == len(got)
    assert set(before) <= set(got)


async def test_new_customers_between_pages_shift_nobody_in_twice(
    sandbox: Sandbox, client: MoreGoodClient, near: MoreGoodClient
) -> None:
    """Whatever the order of customers is."""
    rows = ({"first_name": "A", "email": f"a{number}@example.com"} for number in range(12))
    before = {result.value.id async for result in near.customers.upsert_many(rows) if result.value}
    got = list[int]()
    async for page in client.customers.list(per_page=3).pages():
        got += [customer.id for customer in page.items]
        if page.page < 5:
            await near.customers.upsert(first_name="B", email=f"b{page.page}@example.com")
    assert len(set(got)) == len(got)
    assert before <= set(got)
    assert sandbox.audit().customers == 12 + 4


async def test_a_row_added_while_pages_are_fetched_ahead_hides_no_other(sandbox: Sandbox) -> None:
    """A page answered before the one in front of it is fetched again, where a row came between."""
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
        listed = client.customers.list(per_page=2, prefetch=3)
        assert [customer.id async for customer in listed] == ids[::-1]
        assert sandbox.audit().requests["customers.list"] == 5  # four pages now, the third twice


def _another_customer(request: Request) -> dict[str, Any]:
    """What makes the request for a page one that adds a customer."""
    return {
        "method": "POST",
        "url": request.url.partition("?")[0],
        "headers": Headers({**request.headers, "Content-Type": "application/json"}),
        "body": b'{"first_name": "Bob", "email": "bob@example.com"}',
    }


async def test_a_list_that_shrinks_while_it_is_read_ends_without_an_error(reader: Reader) -> None:
    """The server takes its own claim back: the page after the new end is empty."""

    def answer(number: int) -> dict[str, object]:
        last = 3 if number == 1 else 1
        rows = [1, 2] if number == 1 else []
        return page_of(rows, current_page=number, last_page=last, total=last * 2)

    listing = Listing(answer)
    assert await ids_of(reader(listing).reviews.list()) == [1, 2]
    assert listing.asked == [1, 2]


async def test_a_list_that_shrinks_to_a_clamping_server_is_not_passed_off_as_whole(
    reader: Reader,
) -> None:
    """Asked for page 2 of 3, it answers page 1: nobody can say what page 2 held."""
    answers = {1: page_of([1, 2], current_page=1, last_page=3)}
    listing = Listing(lambda n: answers.get(n, page_of([1], current_page=1, last_page=1)))
    with pytest.raises(UnexpectedResponse, match="sent page 1 when asked for page 2"):
        await ids_of(reader(listing).reviews.list())


async def test_a_list_that_grows_while_it_is_read_is_read_to_its_new_end(reader: Reader) -> None:
    """The last page is the one that the server names last."""
    listing = Listing(lambda n: page_of([n], current_page=n, last_page=min(n + 1, 5)))
    assert await ids_of(reader(listing).reviews.list()) == [1, 2, 3, 4, 5]


# Servers that misbehave ------------------------------------------------------------------------

SHORT = "the list was not read to its end"


Answer = Callable[[int], dict[str, object]]
CUT_SHORT: list[tuple[Answer, list[int]]] = [
    (lambda n: page_of([1, 2], current_page=n, last_page=2), [1, 2]),
    (lambda n: page_of([1, 2], last_page=2), [1, 2]),
    (lambda n: page_of([n] if n < 3 else [1], last_page=3), [1, 2]),
    (lambda n: page_of([min(n, 2)], current_page=min(n, 2), last_page=5), [1, 2]),
    (lambda n: page_of([1], current_page=1, last_page=5), [1]),
    (lambda n: page_of([n] if n < 3 else [], current_page=n, last_page=5), [1, 2]),
    (lambda n: page_of([n] if n < 3 else [], last_page=3), [1, 2]),
    (lambda n: page_of([1, 2], current_page=n, last_page=10**9), [1, 2]),
    (lambda n: page_of([1, 2], last_page=10**9), [1, 2]),
    (lambda n: page_of([1, 2], current_page=n, next_page_url="https://a/?page=2"), [1, 2]),
    (lambda n: page_of([1, 2], next_page_url="https://a/?page=2"), [1, 2]),
    (lambda n: page_of([], current_page=n, last_page=10**9), []),
    (lambda n: page_of([], next_page_url="https://a/?page=2"), []),
    (lambda n: page_of([n] if n < 3 else [1], current_page=n, next_page_url="x"), [1, 2]),
]


@PREFETCHES
@pytest.mark.parametrize(
    ("answer", "got"),
    CUT_SHORT,
    ids=[
        "its last page repeats the one before",
        "its last page repeats the one before, and no number",
        "its last page repeats its first, and no number",
        "clamps to its second page",
        "always answers its first page",
        "claims five and gives two",
        "claims three and gives two, and no number",
        "the same rows under new numbers, for ever",
        "the same rows and no number, for ever",
        "the same rows and always a next link",
        "the same rows, a next link and no number",
        "empty pages for ever",
        "empty pages with a next link",
        "falls back to its first row",
    ],
)
async def test_a_list_cut_short_ends_with_an_error(
    reader: Reader, answer: Callable[[int], dict[str, object]], got: list[int], prefetch: int
) -> None:
    """What was read is given first; then the walk ends, and says that it is not whole."""
    listing, read = Listing(answer), list[Review]()
    with pytest.raises(UnexpectedResponse, match=SHORT) as raised:
        await into(read, reader(listing).reviews.list(prefetch=prefetch))
    assert [review.id for review in read] == got
    assert len(listing.asked) <= 10
    assert raised.value.operation == "reviews.list"
    assert tasks_left() == set()


SAYING_LITTLE: list[tuple[Answer, list[int], list[int]]] = [
    (lambda n: page_of([1, 2]), [1, 2], [1]),
    (lambda n: page_of([]), [], [1]),
    (lambda n: page_of([], current_page=1, last_page=1, total=0), [], [1]),
    (lambda n: page_of([], current_page=1, last_page=0, total=0), [], [1]),
    (lambda n: page_of([n], last_page=2), [1, 2], [1, 2]),
    (lambda n: page_of([n], current_page=str(n), last_page="2"), [1, 2], [1, 2]),
    (lambda n: page_of([n], next_page_url="x" if n < 3 else None), [1, 2, 3], [1, 2, 3]),
    (lambda n: page_of([n, n, n], current_page=n, last_page=2), [1, 2], [1, 2]),
    (lambda n: page_of([n], current_page=None, last_page=None), [1], [1]),
    (lambda n: page_of([n], last_page=3) if n < 3 else page_of([n]), [1, 2, 3], [1, 2, 3]),
]


@pytest.mark.parametrize(
    ("answer", "got", "asked"),
    SAYING_LITTLE,
    ids=[
        "no pagination",
        "no pagination and no rows",
        "an empty list",
        "an empty list of no pages",
        "no number",
        "numbers as text",
        "links only",
        "one row three times on a page",
        "nulls",
        "its last page says nothing",
    ],
)
async def test_a_list_that_says_little_is_read_to_its_end(
    reader: Reader, answer: Callable[[int], dict[str, object]], got: list[int], asked: list[int]
) -> None:
    """Each part of ``pagination`` may be missing, and all of it."""
    listing = Listing(answer)
    assert await ids_of(reader(listing).reviews.list()) == got
    assert listing.asked == asked


async def test_pagination_that_is_no_object_counts_as_missing(reader: Reader) -> None:
    """PHP writes an empty map as a list."""
    listing = Listing(lambda _: {"success": True, "data": [{"id": 1}], "pagination": []})
    assert await ids_of(reader(listing).reviews.list()) == [1]


async def test_a_link_to_another_host_is_never_followed() -> None:
    """Believed is the other host's own count: nobody came, so the key did not go there."""
    visits = list[str]()

    async def elsewhere(request: web.Request) -> web.Response:
        visits.append(request.path_qs)
        return web.json_response(page_of([666]))

    async def listed(request: web.Request) -> web.Response:
        number = int(request.query["page"])
        link = str(other.make_url("/beacon/reviews?page=2")) if number == 1 else None
        links = {"path": str(other.make_url("/beacon/reviews")), "first_page_url": link}
        return web.json_response(
            page_of([number], current_page=number, last_page=2, next_page_url=link, **links)
        )

    async with (
        TestServer(_app(elsewhere)) as other,
        TestServer(_app(listed)) as server,
        MoreGoodClient(KEY, base_url=str(server.make_url("/beacon"))) as client,
    ):
        assert await ids_of(client.reviews.list()) == [1, 2]
    assert visits == []


def _app(handler: Callable[[web.Request], Any]) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    return app


@PREFETCHES
async def test_a_429_in_the_middle_does_not_kill_the_listing(
    sandbox: Sandbox, client: MoreGoodClient, near: MoreGoodClient, prefetch: int
) -> None:
    """It is waited out, and the walk goes on where it was."""
    newest_first, got = await with_reviews(sandbox, near, 6), list[int]()
    async for page in client.reviews.list(per_page=2, prefetch=prefetch).pages():
        got += [review.id for review in page.items]
        if page.page == 1:
            sandbox.faults = Refuse(429, {"Retry-After": "0"}, times=1)
    assert got == newest_first
    assert (sandbox.audit().requests["reviews.list"], sandbox.audit().throttled) == (4, 1)


async def test_a_page_that_breaks_off_is_read_again(
    sandbox: Sandbox, client: MoreGoodClient, near: MoreGoodClient
) -> None:
    """A body cut short is an attempt's failure, not the end of the list."""
    newest_first = await with_reviews(sandbox, near, 4)
    sandbox.faults = CutBody(times=1, on="reviews.list")
    assert await ids_of(client.reviews.list(per_page=2)) == newest_first


async def test_a_page_that_fails_for_good_ends_the_walk_with_its_error(
    sandbox: Sandbox, near: MoreGoodClient
) -> None:
    """The pages before it were given."""
    await with_reviews(sandbox, near, 4)
    pages = near.with_options(max_attempts=1).reviews.list(per_page=2).pages()
    assert len((await anext(pages)).items) == 2
    sandbox.faults = Refuse(500)
    with pytest.raises(ServerError):
        await anext(pages)


# Whatever a server does ------------------------------------------------------------------------

IDS = st.lists(st.integers(0, 25), max_size=5)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "current_page": st.sampled_from(["asked", 1, 2, 3, None]),
        "last_page": st.integers(0, 12) | st.none(),
        "has_next_link": st.booleans() | st.none(),
    },
)
SCRIPT = st.lists(st.tuples(IDS, CLAIMS), min_size=1, max_size=8)
"""What a server answers, one after the other; the last one for ever."""

Walked = tuple[list[int], UnexpectedResponse | None, list[tuple[int, Pagination]]]


class Row:
    """A row with an id."""

    def __init__(self, number: int) -> None:
        self.id = number


def walked(answer: Callable[[int, int], tuple[list[int], Pagination]], prefetch: int) -> Walked:
    """Walks a server that is a function of the request's turn and its page."""
    said: list[tuple[int, Pagination]] = []

    async def fetch(number: int) -> tuple[Page[Row], Pagination]:
        ids, pagination = answer(len(said), number)
        said.append((number, pagination))
        assert len(said) < 3000, "the walk does not end"
        return Page(items=tuple(map(Row, ids)), page=number), pagination

    async def walk() -> Walked:
        got, read, error = list[int](), 0, None
        pages = Paginator(fetch, prefetch=prefetch).pages()
        try:
            async for page in pages:
                got += [row.id for row in page.items]
                read = page.page
        except UnexpectedResponse as short:
            error, read = short, read + 1
        return got, error, said[:read]

    return asyncio.run(walk())


@given(script=SCRIPT, prefetch=st.integers(0, 3))
def test_any_server_is_walked_to_an_end_and_gives_no_id_twice(
    script: list[tuple[list[int], dict[str, Any]]], prefetch: int
) -> None:
    """And where it ends without an error, the last answer claimed no page beyond itself."""

    def answer(turn: int, number: int) -> tuple[list[int], Pagination]:
        ids, claims = script[min(turn, len(script) - 1)]
        if claims.get("current_page") == "asked":
            claims = {**claims, "current_page": number}
        return ids, Pagination(**claims)

    got, error, said = walked(answer, prefetch)
    assert len(set(got)) == len(got)
    if error is None:
        number, last = said[-1]
        assert last.last_page is None or last.last_page <= number
        assert last.last_page is not None or not last.has_next_link


@given(
    rows=st.integers(0, 30),
    per_page=st.integers(1, 7),
    gives=st.integers(1, 12),
    beyond=st.sampled_from(["clamped", "first", "empty", "repeated"]),
    numbered=st.booleans(),
    prefetch=st.integers(0, 3),
)
def test_a_short_list_never_ends_without_an_error(
    rows: int, per_page: int, gives: int, beyond: str, numbered: bool, prefetch: int
) -> None:
    """A server that stops giving before its own claim is found out, however it does so."""
    last = max(1, -(-rows // per_page))

    def page(number: int) -> list[int]:
        return [*range(rows)][(number - 1) * per_page : number * per_page]

    def answer(_: int, number: int) -> tuple[list[int], Pagination]:
        shown = {"clamped": gives, "repeated": gives, "first": 1, "empty": number}[beyond]
        shown = number if number <= gives else shown
        ids = [] if beyond == "empty" and number > gives else page(shown)
        current = (number if beyond == "repeated" else shown) if numbered else None
        return ids, Pagination(current_page=current, last_page=last)

    got, error, _ = walked(answer, prefetch)
    whole = [*range(rows)]
    if gives >= last:
        assert (got, error) == (whole, None)
    else:
        assert error is not None
        assert whole[: len(got)] == got


@given(
    inserted=st.lists(st.integers(0, 9), max_size=12),
    rows=st.integers(0, 40),
    per_page=st.integers(1, 7),
    prefetch=st.integers(0, 3),
)
def test_rows_inserted_between_any_two_pages_lose_nothing(
    inserted: list[int], rows: int, per_page: int, prefetch: int
) -> None:
    """Newest first, as reviews come: all that were there at the start are given, once.

    As long as they come slower than they are read.
    """
    there = [*range(rows)]

    def answer(turn: int, number: int) -> tuple[list[int], Pagination]:
        if 0 < turn <= len(inserted):
            start = 1000 * turn
            there[:0] = range(start, start + min(inserted[turn - 1], (per_page - 1) // 2))
        last = max(1, -(-len(there) // per_page))
        ids = there[(number - 1) * per_page : number * per_page]
        return ids, Pagination(current_page=number, last_page=last)

    got, error, _ = walked(answer, prefetch)
    assert error is None
    assert len(set(got)) == len(got)
    assert set(range(rows)) <= set(got)


# Which ids have come by ------------------------------------------------------------------------


@given(st.lists(st.integers(0, 300) | st.integers(-(2**70), 2**70)))
def test_seen_ids_agrees_with_a_set(numbers: list[int]) -> None:
    """Whatever the ids: close, far apart, huge or negative."""
    seen, known = SeenIds(), set[int]()
    for number in numbers:
        assert seen.add(number) == (number not in known)
        known.add(number)


def test_a_million_ids_that_lie_together_take_less_than_a_megabyte() -> None:
    """A set of them takes more than sixty."""
    seen = SeenIds()
    for number in range(1_000_000):
        seen.add(number)
    blocks = seen._blocks
    used = sys.getsizeof(blocks) + sum(
        sys.getsizeof(each) for pair in blocks.items() for each in pair
    )
    assert 100_000 < used < 1_000_000


def test_rows_without_an_id_are_all_given() -> None:
    """Nothing tells them apart, so none is left out."""

    async def fetch(number: int) -> tuple[Page[str], Pagination]:
        page = Page(items=("same", "same"), page=number)
        return page, Pagination(current_page=number, last_page=2)

    assert asyncio.run(Paginator(fetch).collect()) == ["same"] * 4


async def test_the_walk_of_a_generator_can_be_closed_by_hand(reader: Reader) -> None:
    """`take` is a generator too, and closing it closes what is under it."""
    listing = Listing.of(40)
    taking = cast("Any", reader(listing).reviews.list(prefetch=2).take(9))
    first: Review = await anext(cast("AsyncIterator[Review]", taking))
    await taking.aclose()
    assert first.id == 1
    with contextlib.suppress(StopAsyncIteration):
        await anext(taking)
    assert tasks_left() == set()
