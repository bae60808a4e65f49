"""The goodput of a server that throttles without headers: its rate is what it accepts."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from moregood_async.governor.goodput import INITIAL_RATE, OVERSHOOT_SHARE, Goodput
from tests.governor.driver import ONE_WAY, Driver
from tests.governor.servers import BucketServer, changing_rate, make_response, steady_rate
from tests.governor.simulation import Client, Simulation, at_start


def driver_throttled(delay: object = None, accepted: int = 0) -> Driver:
    """Return a driver that receives its first throttled response at 1.05."""
    driver = Driver.create()
    for number in range(accepted):
        driver.exchange(number / accepted, make_response())
    driver.exchange(1.0, make_response(429, retry_after=delay))
    return driver


def silent_bucket(rate: float, burst: int = 5) -> BucketServer:
    return BucketServer(steady_rate(rate), burst, retry_after="absent", headers=False)


def test_a_429_without_headers_starts_it() -> None:
    assert isinstance(driver_throttled().model, Goodput)


def test_without_headers_and_throttles_requests_are_not_paced() -> None:
    driver = Driver.create()
    driver.grow_to(32)
    assert len(driver.send_all(9.0)) == 32


def test_without_a_named_delay_the_first_delay_is_a_quarter_of_a_second() -> None:
    assert driver_throttled().next_allowed_at(1.05) == pytest.approx(1.05 + 0.25)


@pytest.mark.parametrize("delay", [0, 3, 60])
def test_a_named_delay_gets_a_margin_of_a_second(delay: int) -> None:
    """It may be rounded down."""
    assert driver_throttled(delay).next_allowed_at(1.05) == pytest.approx(1.05 + delay + 1.0)


@pytest.mark.parametrize("delay", [None, 0, 7])
def test_the_delay_doubles_up_to_a_minute(delay: int | None) -> None:
    """Beyond the named one; also after thousands of throttles."""
    driver, at, waits = driver_throttled(delay), 1.05, [0.0]
    for _ in range(3000):
        allowed_at = driver.next_allowed_at(at)
        waits.append(allowed_at - at - (delay or 0))
        driver.exchange(allowed_at, make_response(429, retry_after=delay))
        at = allowed_at + 2 * ONE_WAY
    assert waits[3] / waits[2] == pytest.approx(2.0)
    assert max(waits) == pytest.approx(60.0, abs=1.0)


def test_the_first_request_after_a_throttle_is_a_probe() -> None:
    driver = driver_throttled()
    driver.send(2.0)
    assert driver.next_allowed_at(50.0) == math.inf


def test_too_few_accepted_requests_start_it_at_the_initial_rate() -> None:
    """The rate then grows with each accepted request."""
    driver = driver_throttled()
    assert driver.goodput.rate == INITIAL_RATE
    driver.exchange(2.0, make_response())
    assert driver.goodput.rate > INITIAL_RATE


def test_a_throttle_too_soon_to_measure_reduces_the_rate_once() -> None:
    """By about a third; further throttles in a row reduce nothing."""
    driver = driver_throttled()
    at = driver.next_allowed_at(2.0)
    for status in (200, 429, 429, 429):
        driver.exchange(at, make_response(status))
        at = driver.next_allowed_at(at + 2 * ONE_WAY)
    assert 0.6 * INITIAL_RATE < driver.goodput.rate < 0.8 * INITIAL_RATE


def test_the_first_rate_comes_from_the_requests_accepted_until_the_throttle() -> None:
    """60 in a bit more than a second."""
    rate = driver_throttled(accepted=60).goodput.rate
    assert 60 / 1.4 <= rate <= 60.0


def test_requests_are_spread_evenly() -> None:
    driver, at, times = driver_throttled(accepted=60), 5.0, [0.0]
    for _ in range(20):
        at = driver.next_allowed_at(at)
        times.append(at)
        driver.governor.release(driver.send(at))
    gap = 1.0 / (driver.goodput.rate * (1.0 + OVERSHOOT_SHARE))
    gaps = [later - sooner for sooner, later in pairwise(times[3:])]
    assert gaps == [pytest.approx(gap)] * len(gaps)


def test_after_a_pause_at_most_two_requests_are_sent_at_once() -> None:
    driver = driver_throttled(accepted=60)
    driver.exchange(2.0, make_response())
    assert len(driver.send_all(3600.0)) <= 2


@pytest.mark.parametrize("rate", [2.0, 20.0, 200.0])
def test_its_rate_is_measured(rate: float) -> None:
    client = Client(at_start(600))
    Simulation(silent_bucket(rate), [client]).run()
    assert client.governor.state(0.0, 0).rate == pytest.approx(rate, rel=0.1)


@pytest.mark.parametrize("to", [10.0, 40.0], ids=["halves", "doubles"])
def test_a_rate_that_changes_is_followed(to: float) -> None:
    client = Client(at_start(1500))
    server = BucketServer(changing_rate(20.0, 1020.0, to), 5, retry_after="absent", headers=False)
    Simulation(server, [client]).run()
    assert client.governor.state(0.0, 0).rate == pytest.approx(to, rel=0.15)


def test_idle_time_does_not_lower_the_rate() -> None:
    """Two hours with a request every ten minutes, and a throttle."""
    trickle = [600.0 * number for number in range(1, 13)]
    client = Client(at_start(300) + trickle + [7300.0] * 300)
    Simulation(silent_bucket(20.0), [client]).run()
    assert client.finished_at - 7300.0 <= 2 * 300 / 20.0


@pytest.mark.parametrize("every", [2, 3, 5], ids=["half", "a third", "a fifth"])
def test_throttles_that_no_pace_avoids_leave_delays_of_at_most_a_minute(every: int) -> None:
    """They come at random, or from the traffic of another client."""
    driver, at = Driver.create(), 0.0
    for number in range(2000):
        allowed_at = driver.next_allowed_at(at)
        assert allowed_at - at <= 61.0, f"after {number} requests"
        driver.exchange(allowed_at, make_response(200 if number % every else 429))
        at = allowed_at + 2 * ONE_WAY


def test_after_a_single_throttle_its_rate_stays_finite() -> None:
    driver = driver_throttled()
    model = driver.goodput
    ticket = driver.send(2.0)
    for _ in range(100_000):
        model.accept(ticket, make_response(), 0.05, driver.governor._ledger)
    assert model.estimate().rate is None or model.rate < math.inf


def test_its_state_has_a_rate_and_no_window_or_burst() -> None:
    state = driver_throttled().state(2.0)
    assert state.rate == INITIAL_RATE
    assert state.window is None
    assert state.burst is None
