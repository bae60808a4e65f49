"""Responses that hold one page of a list."""

from typing import Any

import pytest

from moregood_async import Customer, Message, Page, Review, UnexpectedResponse
from moregood_async.envelope import page_of
from moregood_async.models.pages import Pagination
from tests.strategies import make_response

ADA = {"id": 1, "first_name": "Ada"}

DOCUMENTED = {
    "current_page": 2,
    "path": "https://api.moregoodreviews.com/beacon/customers",
    "first_page_url": "https://api.moregoodreviews.com/beacon/customers?page=1",
    "last_page_url": "https://api.moregoodreviews.com/beacon/customers?page=3",
    "prev_page_url": "https://api.moregoodreviews.com/beacon/customers?page=1",
    "next_page_url": "https://api.moregoodreviews.com/beacon/customers?page=3",
    "from": 51,
    "to": 100,
    "total": 110,
    "per_page": 50,
    "last_page": 3,
}


def test_a_page_holds_its_items_and_its_pagination() -> None:
    """In the documented form."""
    response = make_response(
        {"success": True, "code": 200, "data": [ADA], "pagination": DOCUMENTED}
    )
    page, claims = page_of(Customer, response, number=2)
    expected = Page(
        items=(Customer(id=1, first_name="Ada"),),
        page=2,
        last_page=3,
        total=110,
        per_page=50,
        has_next=True,
    )
    assert page == expected
    assert claims == Pagination(
        current_page=2, last_page=3, total=110, per_page=50, has_next_link=True
    )


@pytest.mark.parametrize(
    ("pagination", "expected"),
    [
        ({}, Pagination()),
        ({"pagination": None}, Pagination()),
        ({"pagination": []}, Pagination()),
        ({"pagination": "2"}, Pagination()),
        (
            {
                "pagination": {
                    **DOCUMENTED,
                    "current_page": 9,
                    "from": None,
                    "to": None,
                    "next_page_url": None,
                }
            },
            Pagination(current_page=9, last_page=3, total=110, per_page=50, has_next_link=False),
        ),
        (
            {"pagination": {"current_page": "2", "last_page": -1, "total": 2.5, "per_page": {}}},
            Pagination(current_page=2),
        ),
        (
            {"pagination": {"current_page": 2**63 - 1, "from": 4.611686018427388e20}},
            Pagination(current_page=2**63 - 1),
        ),
    ],
    ids=["missing", "null", "php's empty map", "text", "beyond the end", "nonsense", "huge"],
)
def test_pagination_that_makes_no_sense_is_ignored(
    pagination: dict[str, Any], expected: Pagination
) -> None:
    response = make_response({"success": True, "data": [], **pagination})
    page, claims = page_of(Message, response, number=1)
    assert claims == expected
    assert page == Page(
        items=(),
        page=1,
        last_page=expected.last_page,
        total=expected.total,
        per_page=expected.per_page,
        has_next=None if expected.last_page is None else expected.last_page > 1,
    )


@pytest.mark.parametrize("data", [None, {}, ADA, "x", 5], ids=repr)
def test_a_page_whose_data_is_no_list_is_unexpected(data: object) -> None:
    """Anything else would pass for an empty list."""
    with pytest.raises(UnexpectedResponse, match="a response whose data is no list"):
        page_of(Review, make_response({"success": True, "data": data}), number=1)


def test_a_page_without_data_is_unexpected() -> None:
    with pytest.raises(UnexpectedResponse, match="a response whose data is no list"):
        page_of(Review, make_response({"success": True}), number=1)


@pytest.mark.parametrize("row", [None, [], "x", {}, {"id": None}], ids=repr)
def test_a_page_with_a_row_that_is_no_item_is_unexpected(row: object) -> None:
    """A page is read whole or not at all."""
    with pytest.raises(UnexpectedResponse, match="the response holds"):
        page_of(Review, make_response({"success": True, "data": [{"id": 1}, row]}), number=1)


@pytest.mark.parametrize(("link", "expected"), [("https://a/?page=2", True), (None, False)])
def test_a_page_without_a_last_page_has_a_next_page_if_it_has_a_link(
    link: str | None, expected: bool
) -> None:
    envelope: dict[str, Any] = {
        "success": True,
        "data": [],
        "pagination": {"next_page_url": link},
    }
    page, _ = page_of(Review, make_response(envelope), number=1)
    assert page.has_next is expected
