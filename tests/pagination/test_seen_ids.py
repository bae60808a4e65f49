"""The set of ids that a walk has returned."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from moregood_async.pagination.seen_ids import SeenIds


@given(st.lists(st.integers(0, 300) | st.integers(-(2**70), 2**70)))
def test_seen_ids_agrees_with_a_set(numbers: list[int]) -> None:
    """Ids that are close, far apart, huge or negative."""
    seen, known = SeenIds(), set[int]()
    for number in numbers:
        assert seen.add(number) == (number not in known)
        known.add(number)


def test_a_million_consecutive_ids_take_less_than_a_megabyte() -> None:
    """A set of them takes more than sixty."""
    seen = SeenIds()
    for number in range(1_000_000):
        seen.add(number)
    blocks = seen._blocks
    used = sys.getsizeof(blocks) + sum(
        sys.getsizeof(each) for pair in blocks.items() for each in pair
    )
    assert 100_000 < used < 1_000_000
