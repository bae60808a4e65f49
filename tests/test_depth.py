"""A quick run of the heavy tests is a tenth of the full one, and never nothing."""

import pytest
from hypothesis import settings

from tests.depth import STRIDE, scaled


@pytest.mark.parametrize(("count", "quick"), [(1, 1), (4, 1), (25, 3), (100, 10), (150, 15)])
def test_a_quick_run_is_a_tenth_and_at_least_one_example(count: int, quick: int) -> None:
    assert scaled(count, stride=10) == quick
    assert scaled(count, stride=1) == count


def test_properties_without_a_number_of_their_own_follow_the_depth() -> None:
    assert settings().max_examples == 100 // STRIDE
