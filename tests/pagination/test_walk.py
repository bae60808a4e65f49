"""The decision after each page, against servers that claim little, too much, or nonsense."""

import asyncio
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async import Page, Paginator, Review, UnexpectedResponse
from moregood_async.models.pages import Pagination
from tests.conftest import Listing, MakeClient, collect_into, page_of, tasks_left
from tests.pagination.walks import PREFETCHES, ids_of

INCOMPLETE_LIST = "the list was not read to its end"

Serve = Callable[[int], dict[str, object]]
"""Returns the JSON of the page with a number."""

CUT_SHORT: dict[str, tuple[Serve, list[int]]] = {
    "its last page repeats the one before": (
        lambda n: page_of([1, 2], current_page=n, last_page=2),
        [1, 2],
    ),
    "its last page repeats the one before, and no number": (
        lambda n: page_of([1, 2], last_page=2),
        [1, 2],
    ),
    "its last page repeats its first, and no number": (
        lambda n: page_of([n] if n < 3 else [1], last_page=3),
        [1, 2],
    ),
    "clamps to its second page": (
        lambda n: page_of([min(n, 2)], current_page=min(n, 2), last_page=5),
        [1, 2],
    ),
    "always sends its first page": (lambda n: page_of([1], current_page=1, last_page=5), [1]),
    "claims five and has two": (
        lambda n: page_of([n] if n < 3 else [], current_page=n, last_page=5),
        [1, 2],
    ),
    "claims three and has two, and no number": (
        lambda n: page_of([n] if n < 3 else [], last_page=3),
        [1, 2],
    ),
    "the same rows under new numbers, for ever": (
        lambda n: page_of([1, 2], current_page=n, last_page=10**9),
        [1, 2],
    ),
    "the same rows and no number, for ever": (lambda n: page_of([1, 2], last_page=10**9), [1, 2]),
    "the same rows and always a next link": (
        lambda n: page_of([1, 2], current_page=n, next_page_url="https://a/?page=2"),
        [1, 2],
    ),
    "the same rows, a next link and no number": (
        lambda n: page_of([1, 2], next_page_url="https://a/?page=2"),
        [1, 2],
    ),
    "empty pages for ever": (lambda n: page_of([], current_page=n, last_page=10**9), []),
    "empty pages with a next link": (lambda n: page_of([], next_page_url="https://a/?page=2"), []),
    "falls back to its first row": (
        lambda n: page_of([n] if n < 3 else [1], current_page=n, next_page_url="x"),
        [1, 2],
    ),
}


@PREFETCHES
@pytest.mark.parametrize(("serve", "expected"), CUT_SHORT.values(), ids=CUT_SHORT)
async def test_a_list_that_is_cut_short_ends_with_an_error_after_what_was_read(
    make_client: MakeClient, serve: Serve, expected: list[int], prefetch: int
) -> None:
    listing, read = Listing(serve), list[Review]()
    with pytest.raises(UnexpectedResponse, match=INCOMPLETE_LIST) as raised:
        await collect_into(read, make_client(listing).reviews.list(prefetch=prefetch))
    assert [review.id for review in read] == expected
    assert len(listing.requested_pages) <= 10
    assert raised.value.operation == "reviews.list"
    assert tasks_left() == set()


INCOMPLETE: dict[str, tuple[Serve, list[int], list[int]]] = {
    "no pagination": (lambda n: page_of([1, 2]), [1, 2], [1]),
    "no pagination and no rows": (lambda n: page_of([]), [], [1]),
    "an empty list": (lambda n: page_of([], current_page=1, last_page=1, total=0), [], [1]),
    "an empty list of no pages": (
        lambda n: page_of([], current_page=1, last_page=0, total=0),
        [],
        [1],
    ),
    "no number": (lambda n: page_of([n], last_page=2), [1, 2], [1, 2]),
    "numbers as text": (lambda n: page_of([n], current_page=str(n), last_page="2"), [1, 2], [1, 2]),
    "links only": (
        lambda n: page_of([n], next_page_url="x" if n < 3 else None),
        [1, 2, 3],
        [1, 2, 3],
    ),
    "one row three times on a page": (
        lambda n: page_of([n, n, n], current_page=n, last_page=2),
        [1, 2],
        [1, 2],
    ),
    "nulls": (lambda n: page_of([n], current_page=None, last_page=None), [1], [1]),
    "its last page has no pagination": (
        lambda n: page_of([n], last_page=3) if n < 3 else page_of([n]),
        [1, 2, 3],
        [1, 2, 3],
    ),
}


@pytest.mark.parametrize(("serve", "expected", "requested"), INCOMPLETE.values(), ids=INCOMPLETE)
async def test_a_list_with_incomplete_pagination_is_read_to_its_end(
    make_client: MakeClient, serve: Serve, expected: list[int], requested: list[int]
) -> None:
    listing = Listing(serve)
    assert await ids_of(make_client(listing).reviews.list()) == expected
    assert listing.requested_pages == requested


async def test_pagination_that_is_no_object_counts_as_missing(make_client: MakeClient) -> None:
    """PHP writes an empty map as a list."""
    listing = Listing(lambda _: {"success": True, "data": [{"id": 1}], "pagination": []})
    assert await ids_of(make_client(listing).reviews.list()) == [1]


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
"""The responses of a server, one after the other; the last one is repeated."""


@attrs.define
class Walked:
    """What a walk returned, the error that ended it, and the responses that it read."""

    ids: list[int] = attrs.field(factory=list[int])
    error: UnexpectedResponse | None = None
    responses: list[tuple[int, Pagination]] = attrs.field(factory=list[tuple[int, Pagination]])
    """The number of the requested page, and the pagination of its response."""


class Row:
    """A row with an id."""

    def __init__(self, number: int) -> None:
        self.id = number


Respond = Callable[[int, int], tuple[list[int], Pagination]]
"""A server: takes the request's turn, from 0, and its page; returns ids and pagination."""


def walk_over(respond: Respond, prefetch: int) -> Walked:
    """Walk over the list of a server."""
    walked = Walked()
    responses: list[tuple[int, Pagination]] = []

    async def fetch(number: int) -> tuple[Page[Row], Pagination]:
        ids, pagination = respond(len(responses), number)
        responses.append((number, pagination))
        assert len(responses) < 3000, "the walk does not end"
        return Page(items=tuple(map(Row, ids)), page=number), pagination

    async def walk() -> None:
        last_read = 0
        try:
            async for page in Paginator(fetch, prefetch=prefetch).pages():
                walked.ids += [row.id for row in page.items]
                last_read = page.page
        except UnexpectedResponse as error:
            walked.error = error
            last_read += 1
        walked.responses = responses[:last_read]

    asyncio.run(walk())
    return walked


@given(script=SCRIPT, prefetch=st.integers(0, 3))
def test_a_walk_ends_and_repeats_no_id_whatever_the_server_does(
    script: list[tuple[list[int], dict[str, Any]]], prefetch: int
) -> None:
    """If it ends without an error, the last response claimed no further page."""

    def respond(turn: int, number: int) -> tuple[list[int], Pagination]:
        ids, claims = script[min(turn, len(script) - 1)]
        if claims.get("current_page") == "asked":
            claims = {**claims, "current_page": number}
        return ids, attrs.evolve(Pagination(), **claims)

    walked = walk_over(respond, prefetch)
    assert len(set(walked.ids)) == len(walked.ids)
    if walked.error is None:
        number, last = walked.responses[-1]
        assert last.last_page is None or last.last_page <= number
        assert last.last_page is not None or not last.has_next_link


@given(
    rows=st.integers(0, 30),
    per_page=st.integers(1, 7),
    existing=st.integers(1, 12),
    beyond=st.sampled_from(["clamped", "first", "empty", "repeated"]),
    numbered=st.booleans(),
    prefetch=st.integers(0, 3),
)
def test_a_list_that_is_shorter_than_claimed_ends_with_an_error(
    rows: int, per_page: int, existing: int, beyond: str, numbered: bool, prefetch: int
) -> None:
    last = max(1, -(-rows // per_page))

    def page(number: int) -> list[int]:
        return [*range(rows)][(number - 1) * per_page : number * per_page]

    def respond(_: int, number: int) -> tuple[list[int], Pagination]:
        shown = {"clamped": existing, "repeated": existing, "first": 1, "empty": number}[beyond]
        shown = number if number <= existing else shown
        ids = [] if beyond == "empty" and number > existing else page(shown)
        current = (number if beyond == "repeated" else shown) if numbered else None
        return ids, Pagination(current_page=current, last_page=last)

    walked = walk_over(respond, prefetch)
    whole = [*range(rows)]
    if existing >= last:
        assert walked.error is None
        assert walked.ids == whole
    else:
        assert walked.error is not None
        assert walked.ids == whole[: len(walked.ids)]


@given(
    added=st.lists(st.integers(0, 9), max_size=12),
    rows=st.integers(0, 40),
    per_page=st.integers(1, 7),
    prefetch=st.integers(0, 3),
)
def test_rows_added_between_any_two_pages_hide_no_other(
    added: list[int], rows: int, per_page: int, prefetch: int
) -> None:
    """Newest first, as reviews come, and slower than they are read."""
    listed = [*range(rows)]

    def respond(turn: int, number: int) -> tuple[list[int], Pagination]:
        if 0 < turn <= len(added):
            start = 1000 * turn
            listed[:0] = range(start, start + min(added[turn - 1], (per_page - 1) // 2))
        last = max(1, -(-len(listed) // per_page))
        ids = listed[(number - 1) * per_page : number * per_page]
        return ids, Pagination(current_page=number, last_page=last)

    walked = walk_over(respond, prefetch)
    assert walked.error is None
    assert len(set(walked.ids)) == len(walked.ids)
    assert set(range(rows)) <= set(walked.ids)


def test_rows_without_an_id_are_all_returned() -> None:
    """Nothing tells them apart."""

    async def fetch(number: int) -> tuple[Page[str], Pagination]:
        page = Page(items=("same", "same"), page=number)
        return page, Pagination(current_page=number, last_page=2)

    assert asyncio.run(Paginator(fetch).collect()) == ["same"] * 4
