"""The arithmetic of a fixed window's times."""

from __future__ import annotations

import pytest

from moregood_async.governor.window_timing import infer_length, probe_delay, wider_margin


@pytest.mark.parametrize(
    ("open_seconds", "delay", "length"),
    [
        pytest.param(0.3, 5.0, 6.0, id="5.7 s are left, rounded down"),
        pytest.param(0.3, 6.0, 7.0, id="5.7 s are left, rounded up"),
        pytest.param(1.0, 5.0, 7.0, id="a whole second old, perhaps a little more"),
        pytest.param(0.25, 2.25, 2.5, id="an exact delay"),
    ],
)
def test_a_length_is_inferred_from_the_age_and_the_delay(
    open_seconds: float, delay: float, length: float
) -> None:
    assert infer_length(open_seconds, delay) == length


@pytest.mark.parametrize(
    ("named", "delays"),
    [
        pytest.param(None, [0.5, 1.0, 2.0, 4.0], id="no delay"),
        pytest.param(2.0, [3.0, 4.0, 6.0, 10.0], id="whole seconds"),
        pytest.param(2.5, [2.55, 2.6, 2.7, 2.9], id="an exact delay"),
    ],
)
def test_the_delay_before_a_probe_doubles_its_margin(
    named: float | None, delays: list[float]
) -> None:
    assert [probe_delay(named, throttles) for throttles in (1, 2, 3, 4)] == pytest.approx(delays)


@pytest.mark.parametrize("named", [None, 0.0, 7.0, 7.5])
def test_the_delay_before_a_probe_is_at_most_a_minute_beyond_the_named_one(
    named: float | None,
) -> None:
    assert probe_delay(named, 10_000) <= (named or 0.0) + 60.0


def test_the_margin_grows_fast_to_a_second_and_then_doubles_to_a_minute() -> None:
    margins = [0.004]
    for _ in range(9):
        margins.append(wider_margin(margins[-1]))
    expected = [0.004, 0.05, 0.25, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0]
    assert margins == pytest.approx(expected)
