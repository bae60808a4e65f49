"""When a run stops by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.run.stop_switch import MAX_ALIKE, WINDOW_ROWS, CircuitBreaker


def told(*kinds: str) -> bool:
    """Whether a run of these ends stops at the last."""
    rule = CircuitBreaker()
    return [rule.record(kind) for kind in kinds][-1]


def test_a_tenth_of_the_last_two_hundred_may_fail_alike() -> None:
    """One more stops."""
    assert (200, 20) == (WINDOW_ROWS, MAX_ALIKE)
    assert not told(*["X"] * 20)
    assert told(*["X"] * 21)
    assert not told(*["X"] * 20, *[""] * 180, "X")
    assert told(*["X"] * 20, *[""] * 179, "X")


def test_what_is_done_never_stops() -> None:
    """However much of it."""
    assert not told(*[""] * 1_000)
    assert not told(*["X"] * 21, "")


def test_different_failures_are_counted_apart() -> None:
    """A bad file is not a broken server."""
    assert not told(*["X", "Y"] * 20)


@given(st.lists(st.sampled_from(["", "X", "Y"]), min_size=1, max_size=600))
def test_it_counts_the_last_two_hundred(kinds: list[str]) -> None:
    """Whatever came before."""
    last = kinds[-1]
    alike = kinds[-WINDOW_ROWS:].count(last)
    assert (bool(last) and alike > MAX_ALIKE) == told(*kinds)


@pytest.mark.parametrize("share", [9, 10, 11])
def test_a_steady_share_of_failures_stops_above_a_tenth(share: int) -> None:
    """Nine or ten of a hundred go on."""
    rule = CircuitBreaker()
    kinds = [("X" if row % 100 < share else "") for row in range(2_000)]
    assert any(rule.record(kind) for kind in kinds) == (share > 10)
