"""The paginator, as Laravel writes it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.sandbox.paginator import PageQuery
from tests.sandbox.api import HOST, Api

URL = f"{HOST}/beacon/customers"


async def test_a_middle_page_links_to_both_neighbours(api: Api) -> None:
    """Links have ``page`` only; the keys are in alphabetical order."""
    await api.upsert_numbered(5)
    page = await api.get("/customers?page=2&per_page=2")
    assert [each["id"] for each in page["data"]] == [3, 2]
    expected = {
        "current_page": 2,
        "first_page_url": f"{URL}?page=1",
        "from": 3,
        "last_page": 3,
        "last_page_url": f"{URL}?page=3",
        "next_page_url": f"{URL}?page=3",
        "path": URL,
        "per_page": 2,
        "prev_page_url": f"{URL}?page=1",
        "to": 4,
        "total": 5,
    }
    assert json.dumps(page["pagination"]) == json.dumps(expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"data": 3, "from": 1, "to": 3, "last_page": 1, "next_page_url": None}),
        ("?page=1", {"prev_page_url": None, "per_page": 50}),
        ("?per_page=2&page=2", {"data": 1, "from": 3, "to": 3, "next_page_url": None}),
        (
            "?page=7",
            {"data": 0, "from": None, "to": None, "current_page": 7, "next_page_url": None},
        ),
        ("?page=7", {"prev_page_url": f"{URL}?page=6", "last_page": 1}),
        ("?per_page=1000", {"per_page": 100}),
        ("?per_page=0", {"per_page": 50}),
        (f"?page={2**63 - 1}", {"data": 3, "from": 50 * float(2**63)}),
    ],
)
async def test_the_first_the_last_and_impossible_pages(
    api: Api, query: str, expected: dict[str, object]
) -> None:
    """The last case overflows PHP's integers. ``data`` is the number of rows."""
    await api.upsert_numbered(3)
    page = await api.get(f"/customers{query}")
    actual = {**page["pagination"], "data": len(page["data"])}
    assert {name: actual[name] for name in expected} == pytest.approx(expected)


async def test_an_empty_list_has_one_empty_page(api: Api) -> None:
    page = (await api.get("/reviews"))["pagination"]
    actual = {name: page[name] for name in ("last_page", "total", "from", "to")}
    assert actual == {"last_page": 1, "total": 0, "from": None, "to": None}


@pytest.mark.parametrize("page", ["abc", "0", "-1", "1.5", "", "9" * 20, "02", "1e1"])
async def test_an_invalid_page_is_the_first_page_without_an_error(api: Api, page: str) -> None:
    assert (await api.get(f"/customers?page={page}"))["pagination"]["current_page"] == 1


async def test_a_page_in_brackets_is_the_first_page(api: Api) -> None:
    """``page[]=2`` is an array in PHP."""
    assert (await api.get("/customers?page[]=2"))["pagination"]["current_page"] == 1


@given(total=st.integers(0, 400), per_page=st.integers(1, 120))
def test_the_pages_together_contain_every_row_once(total: int, per_page: int) -> None:
    """``next_page_url`` leads from the first page to the last one."""
    rows, number, seen = list(range(total)), 1, list[int]()
    while True:
        query = PageQuery.from_query({"page": str(number), "per_page": str(per_page)})
        on_page = rows[query.offset : query.offset + query.per_page]
        pagination = query.pagination("u", total, len(on_page))
        seen += on_page
        assert pagination["from"] == (on_page[0] + 1 if on_page else None)
        assert pagination["to"] == (on_page[-1] + 1 if on_page else None)
        if pagination["next_page_url"] is None:
            break
        number += 1
    assert seen == rows
    assert pagination["last_page"] == number
