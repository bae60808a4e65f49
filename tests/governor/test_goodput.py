"""A server that only refuses: its rate is found by what it lets in."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from moregood_async.governor.goodput import INITIAL_RATE, OVERSHOOT_SHARE, Goodput
from tests.governor.driver import ONE_WAY, Driver
from tests.governor.servers import BucketServer, changing_rate, make_response, steady_rate
from tests.governor.simulation import Client, Simulation, at_start


def goodput_of(driver: Driver) -> Goodput:
    assert isinstance(driver.governor.model, Goodput)
    return driver.governor.model


def throttled_first(delay: object = None, accepted: int = 0) -> Driver:
    """The first refusal came at 1.05."""
    driver = Driver.create()
    for number in range(accepted):
        driver.exchange(number / accepted, make_response())
    driver.exchange(1.0, make_response(429, retry_after=delay))
    return driver


def silent(rate: float, burst: int = 5) -> BucketServer:
    return BucketServer(steady_rate(rate), burst, retry_after="absent", headers=False)


def test_a_refusal_without_headers_makes_it() -> None:
    """Nothing else is known."""
    assert isinstance(throttled_first().governor.model, Goodput)


def test_before_it_requests_go_as_they_come() -> None:
    """Answers without headers speak of no limit."""
    driver = Driver.create()
    driver.grow_to(32)
    assert len(driver.send_all(9.0)) == 32


def test_a_refusal_that_names_no_wait_is_waited_for_briefly() -> None:
    """A quarter of a second at first."""
    assert throttled_first().next_allowed_at(1.05) == pytest.approx(1.05 + 0.25)


@pytest.mark.parametrize("delay", [0, 3, 60])
def test_a_wait_that_is_named_is_waited_for_with_a_margin(delay: int) -> None:
    """It may be rounded down."""
    assert throttled_first(delay).next_allowed_at(1.05) == pytest.approx(1.05 + delay + 1.0)


@pytest.mark.parametrize("delay", [None, 0, 7])
def test_the_wait_doubles_up_to_a_minute(delay: int | None) -> None:
    """Beyond what is named, however often it is refused: thousands of times, too."""
    driver, at, waits = throttled_first(delay), 1.05, [0.0]
    for _ in range(3000):
        allowed_at = driver.next_allowed_at(at)
        waits.append(allowed_at - at - (delay or 0))
        driver.exchange(allowed_at, make_response(429, retry_after=delay))
        at = allowed_at + 2 * ONE_WAY
    assert waits[3] / waits[2] == pytest.approx(2.0)
    assert max(waits) == pytest.approx(60.0, abs=1.0)


def test_the_first_back_goes_alone() -> None:
    """One tells whether it is open."""
    driver = throttled_first()
    driver.send(2.0)
    assert driver.next_allowed_at(50.0) == math.inf


def test_it_begins_slowly_where_too_few_were_let_in_to_tell() -> None:
    """A handful a second, then faster with each that is let in."""
    driver = throttled_first()
    assert goodput_of(driver).rate == INITIAL_RATE
    driver.exchange(2.0, make_response())
    assert goodput_of(driver).rate > INITIAL_RATE


def test_a_refusal_so_soon_that_it_measures_nothing_makes_it_slower() -> None:
    """By a third, and by nothing more while it goes on."""
    driver = throttled_first()
    at = driver.next_allowed_at(2.0)
    for status in (200, 429, 429, 429):
        driver.exchange(at, make_response(status))
        at = driver.next_allowed_at(at + 2 * ONE_WAY)
    assert 0.6 * INITIAL_RATE < goodput_of(driver).rate < 0.8 * INITIAL_RATE


def test_it_begins_with_what_was_let_in_until_the_refusal() -> None:
    """Sixty in a second and a bit."""
    rate = goodput_of(throttled_first(accepted=60)).rate
    assert 60 / 1.4 <= rate <= 60.0


def test_requests_go_evenly() -> None:
    """One gap after the other, and not all that have waited at once."""
    driver, at, times = throttled_first(accepted=60), 5.0, [0.0]
    for _ in range(20):
        at = driver.next_allowed_at(at)
        times.append(at)
        driver.governor.release(driver.send(at))
    gap = 1.0 / (goodput_of(driver).rate * (1.0 + OVERSHOOT_SHARE))
    gaps = [later - sooner for sooner, later in pairwise(times[3:])]
    assert gaps == [pytest.approx(gap)] * len(gaps)


def test_after_a_pause_no_burst_goes() -> None:
    """What was not sent is not made up for, but for one."""
    driver = throttled_first(accepted=60)
    driver.exchange(2.0, make_response())
    assert 2 >= len(driver.send_all(3600.0))


@pytest.mark.parametrize("rate", [2.0, 20.0, 200.0])
def test_its_rate_is_measured(rate: float) -> None:
    """Between refusals it has let in what it had to give."""
    client = Client(at_start(600))
    Simulation(silent(rate), [client]).run()
    assert client.governor.state(0.0, 0).rate == pytest.approx(rate, rel=0.1)


@pytest.mark.parametrize("to", [10.0, 40.0], ids=["halves", "doubles"])
def test_a_rate_that_changes_is_followed(to: float) -> None:
    """Each refusal measures anew; where none comes, requests go faster and faster."""
    client = Client(at_start(1500))
    server = BucketServer(changing_rate(20.0, 1020.0, to), 5, retry_after="absent", headers=False)
    Simulation(server, [client]).run()
    assert client.governor.state(0.0, 0).rate == pytest.approx(to, rel=0.15)


def test_idle_time_is_not_taken_for_slowness() -> None:
    """Two hours with a request now and then, and a refusal: the server is no slower for it."""
    trickle = [600.0 * number for number in range(1, 13)]
    client = Client(at_start(300) + trickle + [7300.0] * 300)
    Simulation(silent(20.0), [client]).run()
    assert client.finished_at - 7300.0 <= 2 * 300 / 20.0


@pytest.mark.parametrize("every", [2, 3, 5], ids=["half", "a third", "a fifth"])
def test_refusals_that_no_pace_avoids_do_not_stop_it(every: int) -> None:
    """Where they come at random, or by another's traffic: a minute between two, at the most."""
    driver, at = Driver.create(), 0.0
    for number in range(2000):
        allowed_at = driver.next_allowed_at(at)
        assert allowed_at - at <= 61.0, f"after {number} requests"
        driver.exchange(allowed_at, make_response(200 if number % every else 429))
        at = allowed_at + 2 * ONE_WAY


def test_without_refusals_its_rate_stays_a_number() -> None:
    """A hundred thousand requests after the only refusal, it shows no infinite rate."""
    driver = throttled_first()
    model = goodput_of(driver)
    ticket = driver.send(2.0)
    for _ in range(100_000):
        model.accept(ticket, make_response(), 0.05, driver.governor._ledger)
    assert model.estimate().rate is None or model.rate < math.inf


def test_it_shows_its_rate() -> None:
    """No window and no burst: nobody knows them."""
    state = throttled_first().state(2.0)
    assert state.rate == INITIAL_RATE
    assert state.window is None
    assert state.burst is None
