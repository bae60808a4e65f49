"""Whether a list is sorted by something that never changes."""

from datetime import UTC, datetime

import pytest

from moregood_async.bulk.exporting.sort_order import SortOrder
from moregood_async.models.reviews import Review


def review(number: int, day: int | None = None) -> Review:
    """Return a review with this id, created on this day of May."""
    return Review(id=number, created_at=datetime(2026, 5, day, tzinfo=UTC) if day else None)


@pytest.mark.parametrize(
    ("reviews", "is_stable"),
    [
        ([], True),
        ([review(3), review(5), review(9)], True),
        ([review(9), review(5), review(3)], True),
        ([review(3), review(9), review(5)], False),
        ([review(3, day=1), review(9, day=2), review(5, day=3)], True),
        ([review(3, day=1), review(9, day=1), review(5, day=1)], True),
        ([review(3, day=1), review(9, day=3), review(5, day=2)], False),
        ([review(3, day=1), review(9), review(5, day=3)], False),
    ],
    ids=[
        "empty",
        "ids ascend",
        "ids descend",
        "no order",
        "times ascend",
        "equal times",
        "no order of times",
        "a missing time",
    ],
)
def test_a_list_is_stable_if_ids_or_creation_times_are_sorted(
    reviews: list[Review], is_stable: bool
) -> None:
    order = SortOrder()
    order.observe(reviews)
    assert order.is_stable is is_stable
