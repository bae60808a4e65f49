"""The sandbox's clock."""

from datetime import datetime, timedelta

import pytest

from moregood_async.sandbox import Sandbox
from tests.sandbox.api import NOW, Api


@pytest.mark.parametrize("days", [-1, float("nan"), float("inf"), 10_000_000])
async def test_the_clock_refuses_impossible_times(api: Api, days: float) -> None:
    """The times are negative, not a number, infinite, and after the year 9999."""
    with pytest.raises((ValueError, OverflowError)):
        api.sandbox.advance(days=days)
    assert api.sandbox.now == NOW


async def test_advance_adds_its_arguments_and_returns_the_new_time(api: Api) -> None:
    new_time = api.sandbox.advance(days=1, hours=1, minutes=1, seconds=1)
    assert new_time == NOW + timedelta(seconds=90_061)
    assert api.sandbox.now == new_time


def test_the_start_of_the_clock_needs_a_time_zone() -> None:
    """A naive time would be another moment on each machine."""
    with pytest.raises(ValueError, match="time zone"):
        Sandbox(now=datetime(2026, 1, 1))
