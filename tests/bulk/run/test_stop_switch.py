"""When a run stops: because it is asked to, or because too many rows fail alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.run.circuit_breaker import (
    MAX_ALIKE,
    WINDOW_ROWS,
    CircuitBreaker,
    TooManyFailures,
)
from moregood_async.bulk.run.stop_switch import StopSwitch
from moregood_async.errors import Unauthorized


def stops_after(*error_classes: str) -> bool:
    """Return whether a breaker stops at the last of these rows."""
    breaker = CircuitBreaker()
    return [breaker.record(error_class) for error_class in error_classes][-1]


def test_the_breaker_stops_when_more_than_a_tenth_of_200_rows_fail_alike() -> None:
    assert [WINDOW_ROWS, MAX_ALIKE] == [200, 20]
    assert not stops_after(*["X"] * 20)
    assert stops_after(*["X"] * 21)
    assert not stops_after(*["X"] * 20, *[""] * 180, "X")
    assert stops_after(*["X"] * 20, *[""] * 179, "X")


def test_the_breaker_never_stops_at_a_row_that_did_not_fail() -> None:
    assert not stops_after(*[""] * 1_000)
    assert not stops_after(*["X"] * 21, "")


def test_the_breaker_counts_different_error_classes_apart() -> None:
    """Bad rows in a file are not a broken server."""
    assert not stops_after(*["X", "Y"] * 20)


@given(st.lists(st.sampled_from(["", "X", "Y"]), min_size=1, max_size=600))
def test_the_breaker_looks_at_the_last_200_rows_only(error_classes: list[str]) -> None:
    last = error_classes[-1]
    alike = error_classes[-WINDOW_ROWS:].count(last)
    assert stops_after(*error_classes) == (bool(last) and alike > MAX_ALIKE)


@pytest.mark.parametrize("percent", [9, 10, 11])
def test_the_breaker_stops_at_a_steady_share_of_failures_above_a_tenth(percent: int) -> None:
    breaker = CircuitBreaker()
    error_classes = [("X" if row % 100 < percent else "") for row in range(2_000)]
    has_stopped = any(breaker.record(error_class) for error_class in error_classes)
    assert has_stopped == (percent > 10)


async def test_a_new_switch_is_off() -> None:
    switch = StopSwitch()
    assert not switch.is_on
    assert not switch.drain.is_started
    assert not switch.changed.is_set()
    assert switch.stopped_by is None


async def test_a_stopped_switch_drains_queued_requests_and_wakes_the_engine() -> None:
    """A run that is asked to stop has no error."""
    switch = StopSwitch()
    switch.stop()
    assert switch.is_on
    assert switch.drain.is_started
    assert switch.changed.is_set()
    assert switch.stopped_by is None


async def test_the_first_error_that_stops_a_run_is_kept() -> None:
    """A run that was asked to stop may still meet an error of the API."""
    switch, first, second = StopSwitch(), Unauthorized("a", status=401), RuntimeError("b")
    switch.stop()
    switch.stop(first)
    switch.stop(second)
    switch.stop()
    assert switch.stopped_by is first


async def test_the_switch_stops_with_an_error_when_too_many_rows_fail_alike() -> None:
    switch = StopSwitch()
    for _ in range(MAX_ALIKE):
        switch.record("ValidationFailed email", "email: is taken")
    assert not switch.is_on
    switch.record("ValidationFailed email", "email: is taken")
    assert switch.is_on
    assert isinstance(switch.stopped_by, TooManyFailures)
    assert "more than 10 % of the last 200 rows failed" in str(switch.stopped_by)
    assert "email: is taken" in str(switch.stopped_by)
    assert "resume" in str(switch.stopped_by)


async def test_failures_after_a_stop_are_not_counted() -> None:
    """Rows that end while a run stops are no reason for another error."""
    switch = StopSwitch()
    switch.stop()
    for _ in range(MAX_ALIKE + 1):
        switch.record("X", "x")
    assert switch.stopped_by is None
