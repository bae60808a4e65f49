"""The paginator, as Laravel writes it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.sandbox.paginator import PageQuery
from tests.sandbox.api import HOST, Api

URL = f"{HOST}/beacon/customers"


async def filled(api: Api, rows: int) -> None:
    for number in range(rows):
        await api.customer(email=f"{number}@example.com", phone=None)


async def test_a_page_in_the_middle(api: Api) -> None:
    """Links carry the page and nothing else; the keys are in alphabetical order."""
    await filled(api, 5)
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
    ("query", "shown"),
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
async def test_the_edges(api: Api, query: str, shown: dict[str, object]) -> None:
    """First, last, beyond, and far beyond, where PHP's integers overflow."""
    await filled(api, 3)
    page = await api.get(f"/customers{query}")
    told = {**page["pagination"], "data": len(page["data"])}
    assert {name: told[name] for name in shown} == pytest.approx(shown)


async def test_an_empty_list_has_one_page(api: Api) -> None:
    """With nothing on it."""
    page = (await api.get("/reviews"))["pagination"]
    assert (page["last_page"], page["total"], page["from"], page["to"]) == (1, 0, None, None)


@pytest.mark.parametrize("page", ["abc", "0", "-1", "1.5", "", "9" * 20, "02", "1e1"])
async def test_a_bad_page_is_silently_the_first(api: Api, page: str) -> None:
    """So it never ends a loop."""
    assert (await api.get(f"/customers?page={page}"))["pagination"]["current_page"] == 1


async def test_a_page_in_brackets_is_the_first_too(api: Api) -> None:
    """``page[]=2`` is an array to PHP."""
    assert (await api.get("/customers?page[]=2"))["pagination"]["current_page"] == 1


@given(total=st.integers(0, 400), size=st.integers(1, 120))
def test_the_pages_together_are_the_list(total: int, size: int) -> None:
    """Every row is on one page, and the links lead from the first to the last."""
    rows, number, seen = list(range(total)), 1, list[int]()
    while True:
        asked = PageQuery.from_query({"page": str(number), "per_page": str(size)})
        shown = rows[asked.offset : asked.offset + asked.per_page]
        page = asked.pagination("u", total, len(shown))
        seen += shown
        assert (page["from"], page["to"]) == (
            (shown[0] + 1, shown[-1] + 1) if shown else (None, None)
        )
        if page["next_page_url"] is None:
            break
        number += 1
    assert (seen, page["last_page"]) == (rows, number)
