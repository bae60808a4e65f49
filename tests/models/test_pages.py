"""Pages, and the pagination that they are made from."""

import pytest

from moregood_async.models.pages import Pagination


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, Pagination()),
        (None, Pagination()),
        ([], Pagination()),
        ("2", Pagination()),
        (
            {"current_page": 2, "last_page": 3, "total": 110, "per_page": 50, "from": 51},
            Pagination(current_page=2, last_page=3, total=110, per_page=50),
        ),
        (
            {"current_page": "2", "last_page": "3", "total": "0", "per_page": "50"},
            Pagination(current_page=2, last_page=3, total=0, per_page=50),
        ),
        (
            {"current_page": None, "last_page": -1, "total": True, "per_page": 5.5},
            Pagination(),
        ),
        (
            {"current_page": "٢", "last_page": "-3", "total": "9" * 16, "per_page": [50]},
            Pagination(),
        ),
        ({"next_page_url": "https://elsewhere.example/?page=2"}, Pagination(has_next_link=True)),
        ({"next_page_url": None}, Pagination(has_next_link=False)),
        ({"next_page_url": ""}, Pagination(has_next_link=False)),
        ({"next_page_url": False}, Pagination(has_next_link=False)),
    ],
    ids=[
        "empty",
        "null",
        "php's empty map",
        "text",
        "documented",
        "text of numbers",
        "nonsense numbers",
        "nonsense texts",
        "a next page",
        "none",
        "an empty link",
        "false",
    ],
)
def test_pagination_keeps_what_makes_sense(data: object, expected: Pagination) -> None:
    assert Pagination.of(data) == expected


@pytest.mark.parametrize(
    ("pagination", "expected"),
    [
        (Pagination(), None),
        (Pagination(last_page=3), True),
        (Pagination(last_page=2), False),
        (Pagination(last_page=0), False),
        (Pagination(has_next_link=True), True),
        (Pagination(has_next_link=False), False),
        (Pagination(last_page=2, has_next_link=True), False),
        (Pagination(last_page=3, has_next_link=False), True),
    ],
    ids=[
        "no claim",
        "a later last page",
        "the last page",
        "no pages",
        "a link",
        "no link",
        "the last page, and a link",
        "a later last page, and no link",
    ],
)
def test_the_last_page_decides_whether_a_page_follows_and_the_link_if_there_is_none(
    pagination: Pagination, expected: bool | None
) -> None:
    assert pagination.has_page_after(2) is expected
