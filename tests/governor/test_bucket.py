"""The token bucket: its signs, its tokens, its delays after throttles, and its rate."""

from __future__ import annotations

import pytest

from moregood_async.config import Rate
from moregood_async.governor.bucket import TokenBucket
from moregood_async.governor.ledger import Ticket
from moregood_async.governor.rate_headers import Allowance
from moregood_async.governor.unlimited import Unlimited
from tests.governor.driver import ONE_WAY, Driver
from tests.governor.servers import (
    BucketServer,
    RetryAfter,
    changing_rate,
    make_response,
    steady_rate,
)
from tests.governor.simulation import START, Client, Network, Simulation, at_start


def driver_holding(tokens: int, limit: int = 20, rate: float = 10.0, at: float = 0.0) -> Driver:
    """Return a driver with a bucket model that holds ``tokens``; nothing is in flight."""
    driver = Driver.create()
    at = driver.grow_to(32, at - 100.0)
    ticket = driver.send(at)
    driver.receive(at, ticket, make_response())
    ledger = driver.governor._ledger
    allowance = Allowance(limit, tokens)
    driver.governor.model = TokenBucket.from_response(
        Ticket(ticket.number, 0.0), allowance, rate, 0.0, ledger
    )
    return driver


# Tokens


def test_all_tokens_but_a_reserve_are_used_at_once() -> None:
    assert len(driver_holding(10).send_all(0.0)) == 8


def test_the_next_request_waits_for_its_token() -> None:
    driver = driver_holding(3, rate=10.0)
    driver.send(0.0)
    assert driver.next_allowed_at(0.0) == pytest.approx(0.1)


def test_it_fills_while_time_passes() -> None:
    assert len(driver_holding(0, limit=50, rate=10.0).send_all(2.0)) == 18


def test_it_holds_no_more_than_its_burst() -> None:
    """After a year of filling."""
    assert len(driver_holding(0, limit=20, rate=10.0).send_all(3e7)) == 18


def test_a_request_in_flight_has_taken_its_token() -> None:
    driver = driver_holding(20)
    assert len(driver.send_all(0.0)) == 18
    assert len(driver.send_all(0.05)) == 0


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 20, 1000])
def test_a_full_bucket_of_any_size_allows_a_request(limit: int) -> None:
    """The reserve does not hold the only token back."""
    assert driver_holding(limit, limit=limit, rate=1.0).next_allowed_at(100.0) == 100.0


def test_a_bucket_that_shrinks_to_one_token_allows_a_request() -> None:
    driver = driver_holding(20, rate=1.0)
    driver.exchange(1.0, make_response(limit=1, remaining=0))
    driver.request_asap(100.0, BucketServer(steady_rate(1.0), 1, tokens=1.0, filled=100.0), 20)


def test_responses_correct_the_tokens() -> None:
    """Another client has taken most of them."""
    driver, at = driver_holding(20, rate=1.0), 0.0
    for _ in range(12):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(limit=20, remaining=3))
    assert len(driver.send_all(at + 2 * ONE_WAY)) <= 3


def test_a_response_that_was_overtaken_corrects_nothing() -> None:
    """The newest request is the one sent last, not the one whose response arrived last."""
    driver, other = driver_holding(10), driver_holding(10)
    for each, late in ((driver, True), (other, False)):
        older, newer = each.send(0.0), each.send(0.0)
        each.receive(0.1, newer, make_response(limit=20, remaining=4))
        each.receive(0.1, older, make_response(limit=20, remaining=19) if late else make_response())
    assert len(other.send_all(0.1)) == len(driver.send_all(0.1))


def test_a_limit_that_changes_is_followed() -> None:
    driver = driver_holding(10)
    driver.exchange(0.0, make_response(limit=50, remaining=40))
    assert driver.state(0.1).burst == 50


def test_a_response_without_headers_corrects_nothing() -> None:
    """A gateway's own error has none."""
    driver = driver_holding(10)
    driver.exchange(0.0, make_response(500))
    assert len(driver.send_all(0.05)) == 7


@pytest.mark.parametrize("remaining", [-3, -(10**9), -(10**400)], ids=["-3", "-1e9", "-1e400"])
def test_a_negative_remaining_causes_no_long_delay(remaining: int) -> None:
    """A race brings it below 0, and no number is too large for a header."""
    driver = driver_holding(20, rate=1.0)
    driver.exchange(0.0, make_response(limit=20, remaining=remaining))
    assert driver.next_allowed_at(0.05) <= 61.0


def test_a_limit_that_overflows_a_float_is_ignored() -> None:
    huge = 10**400
    driver = Driver.create()
    for at, remaining in enumerate([huge - 1, huge - 9, huge - 9, huge - 9, huge - 9]):
        driver.exchange(float(at), make_response(limit=huge, remaining=remaining))
    assert isinstance(driver.model, Unlimited)


# Throttles


def test_a_throttle_means_that_it_was_empty() -> None:
    driver = driver_holding(20, rate=1.0)
    driver.exchange(0.0, make_response(429))
    driver.exchange(5.0, make_response())
    assert len(driver.send_all(5.1)) <= 3


def test_delays_after_throttles_hold_though_the_copy_is_full_again() -> None:
    """The copy is wrong if the server throttles five requests in a row."""
    driver, at = driver_holding(20, rate=1000.0), 0.0
    for _ in range(7):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(429))
        at += 2 * ONE_WAY
    assert driver.next_allowed_at(at) == pytest.approx(at + 0.064)


def test_a_throttle_without_a_delay_waits_for_a_token() -> None:
    driver = driver_holding(10, rate=10.0)
    driver.exchange(0.0, make_response(429, retry_after=0))
    assert 0.1 <= driver.next_allowed_at(0.05) <= 0.5


def test_a_named_delay_holds() -> None:
    driver = driver_holding(10, rate=10.0)
    driver.exchange(0.0, make_response(429, retry_after=7))
    assert 7.05 <= driver.next_allowed_at(0.05) <= 8.1


def test_throttles_widen_the_reserve_but_leave_a_part_of_the_burst() -> None:
    driver, at = driver_holding(20, rate=10.0), 0.0
    for _ in range(50):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(429))
    at = driver.next_allowed_at(at)
    driver.exchange(at, make_response(limit=20, remaining=19))
    assert 7 <= len(driver.send_all(at + 1000.0)) < 18


def test_the_delay_doubles_with_each_throttle_in_a_row() -> None:
    driver, at, waits = driver_holding(0, rate=1.0, at=0.0), 5.0, [0.0]
    for _ in range(4):
        driver.exchange(at, make_response(429))
        at, sent_at = driver.next_allowed_at(at + 0.05), at
        waits.append(at - sent_at - 0.05)
    assert waits == sorted(waits)
    assert waits[1] <= 5.0 < 8.0 <= waits[4]


@pytest.mark.parametrize("rate", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("delay", [None, 0, 1, 60])
def test_the_delay_is_at_most_a_minute_beyond_the_named_one(delay: int | None, rate: float) -> None:
    driver, at = driver_holding(20, rate=rate), 0.0
    for _ in range(3000):
        driver.exchange(at, make_response(429, retry_after=delay))
        allowed_at = driver.next_allowed_at(at + 0.05)
        assert allowed_at - at <= (delay or 0) + 61.0
        at = allowed_at


# Its rate


def drive_simulation(server: BucketServer, requests: int = 400) -> Driver:
    client = Client(at_start(requests))
    Simulation(server, [client]).run()
    return Driver(client.governor)


@pytest.mark.parametrize(("rate", "burst"), [(2.0, 5), (20.0, 5), (100.0, 20), (400.0, 100)])
def test_its_rate_is_measured(rate: float, burst: int) -> None:
    assert drive_simulation(BucketServer(steady_rate(rate), burst)).bucket.rate == pytest.approx(
        rate, rel=0.1
    )


@pytest.mark.parametrize("to", [50.0, 200.0], ids=["halves", "doubles"])
def test_a_rate_that_changes_is_followed(to: float) -> None:
    server = BucketServer(changing_rate(100.0, 1005.0, to), 20)
    assert drive_simulation(server, 1500).bucket.rate == pytest.approx(to, rel=0.15)


@pytest.mark.parametrize("seed", range(4))
def test_idle_time_does_not_lower_the_rate(seed: int) -> None:
    """After an hour the bucket is full and has overflowed. Responses overtake each other."""
    client = Client(at_start(300) + [3600.0] * 1000, network=Network(jitter=0.02))
    Simulation(BucketServer(steady_rate(100.0), 20), [client], seed=seed).run()
    assert client.finished_at - 3600.0 <= 1.2 * 1000 / 100.0


def test_idle_time_that_another_client_ended_does_not_lower_the_rate() -> None:
    """Our first request finds the bucket nearly full."""
    client = Client(at_start(300) + [3600.0] * 1000)
    others = [3600.0 + 0.001 * number for number in range(3)]
    Simulation(BucketServer(steady_rate(100.0), 20), [client], others=others).run()
    assert client.finished_at - 3600.0 <= 1.2 * 1000 / 100.0


def test_a_full_bucket_measures_nothing() -> None:
    """One request a minute finds it full each time, and no request waited."""
    driver = driver_holding(19, rate=100.0)
    for number in range(1, 10):
        driver.exchange(60.0 * number, make_response(limit=20, remaining=19))
    assert driver.bucket.rate == 100.0


def test_half_a_second_measures_nothing() -> None:
    """Whole tokens are too coarse for it."""
    driver = driver_holding(10, limit=100, rate=100.0)
    driver.exchange(0.49, make_response(limit=100, remaining=90))
    assert driver.bucket.rate == 100.0


def test_a_bucket_that_was_full_while_requests_waited_raises_the_rate() -> None:
    driver, at = driver_holding(0, limit=5, rate=0.5), 0.0
    for _ in range(40):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(limit=5, remaining=4))
        at += 2 * ONE_WAY
    assert driver.bucket.rate > 1.0


def test_a_bucket_that_was_full_after_a_named_delay_does_not_raise_the_rate() -> None:
    """Nothing was sent during the delay, so the bucket filled."""
    driver, at = driver_holding(20, rate=100.0), 0.0
    for _ in range(40):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(429, limit=20, remaining=0, retry_after=1))
        at = driver.next_allowed_at(at + 2 * ONE_WAY)
        driver.exchange(at, make_response(limit=20, remaining=19))
        at += 2 * ONE_WAY
    assert driver.bucket.rate <= 200.0


@pytest.mark.parametrize("jitter", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("retry_after", ["exact", "floored", "rounded up", "absent"])
@pytest.mark.parametrize("seed", range(4))
def test_an_uneven_network_costs_little(seed: int, retry_after: RetryAfter, jitter: float) -> None:
    client = Client(at_start(1000), network=Network(jitter=jitter))
    server = BucketServer(steady_rate(100.0), 20, retry_after=retry_after, filled=START)
    Simulation(server, [client], seed=seed).run()
    assert 70.0 <= Driver(client.governor).bucket.rate <= 140.0
    assert client.finished_at <= 1.7 * 980 / 100.0
    assert server.throttled <= 50


def test_a_bucket_that_never_fills_is_given_up() -> None:
    """It was a window after all; the governor starts from nothing."""
    driver, at = driver_holding(100, limit=200, rate=10.0), 0.0
    for number in range(1, 100):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(limit=200, remaining=100 - number))
        at += 0.2
        if not isinstance(driver.model, TokenBucket):
            return
    raise AssertionError(f"still a bucket: {driver.model}")


def test_responses_at_the_same_time_measure_nothing() -> None:
    driver = driver_holding(100, limit=200, rate=10.0)
    for ticket in driver.send_all(0.0, 30):
        driver.receive(0.0, ticket, make_response(limit=200, remaining=90))
    assert driver.bucket.rate == 10.0


# Its state


def test_its_state_has_a_rate_and_a_burst_and_no_window() -> None:
    state = drive_simulation(BucketServer(steady_rate(100.0), 20)).state(1e6)
    assert state.window is None
    assert state.burst == 20
    assert state.rate == pytest.approx(100.0, rel=0.1)


def test_a_lower_max_rate_holds_beside_it() -> None:
    driver = Driver.create(max_rate=Rate(1, per=9.0))
    driver.governor.model = driver_holding(19).governor.model
    driver.send(1.0)
    assert driver.next_allowed_at(1.0 + 2 * ONE_WAY) == 10.0
