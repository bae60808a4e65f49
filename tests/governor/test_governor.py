"""The governor as a whole: its models, delays, probes, slots and state."""

from __future__ import annotations

import pytest

from moregood_async.config import Rate
from moregood_async.governor.bucket import TokenBucket
from moregood_async.governor.goodput import Goodput
from moregood_async.governor.unlimited import Unlimited
from moregood_async.governor.window import FixedWindow
from tests.governor.driver import ONE_WAY, UNTIL_ONE_ENDS, Driver
from tests.governor.servers import BucketServer, Server, WindowServer, make_response, steady_rate


def test_no_limit_is_known_at_first() -> None:
    driver = Driver.create()
    state = driver.state(5.0)
    assert state.rate is None
    assert state.window is None
    assert state.burst is None
    assert state.next_allowed_in == 0.0


def test_responses_without_headers_leave_it_unlimited() -> None:
    driver = Driver.create()
    driver.grow_to(32)
    assert isinstance(driver.model, Unlimited)


@pytest.mark.parametrize(
    ("server", "model"),
    [
        pytest.param(WindowServer(5, 2.0), FixedWindow, id="a window"),
        pytest.param(
            WindowServer(5, 2.0, retry_after="absent"),
            FixedWindow,
            id="a window that names no delay",
        ),
        pytest.param(
            WindowServer(5, 2.0, overshoot=2), FixedWindow, id="a window that accepts too many"
        ),
        pytest.param(BucketServer(steady_rate(4.0), 20), TokenBucket, id="a bucket"),
        pytest.param(
            BucketServer(steady_rate(4.0), 20, retry_after="floored"),
            TokenBucket,
            id="a coarse bucket",
        ),
        pytest.param(
            BucketServer(steady_rate(4.0), 5, headers=False),
            Goodput,
            id="a bucket that names delays only",
        ),
        pytest.param(
            BucketServer(steady_rate(4.0), 5, retry_after="absent", headers=False),
            Goodput,
            id="a silent bucket",
        ),
    ],
)
def test_it_finds_the_model_that_fits_the_server(server: Server, model: type[object]) -> None:
    driver = Driver.create()
    driver.request_asap(1000.3, server, 100)
    assert isinstance(driver.model, model)


# Throttles


@pytest.mark.parametrize("headers", [{}, {"limit": 9, "remaining": 0}], ids=["silent", "a window"])
def test_after_a_429_all_requests_wait_at_least_the_named_delay(headers: dict[str, object]) -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(429, retry_after=7, **headers))
    assert 7.05 <= driver.next_allowed_at(0.05) <= 8.1


@pytest.mark.parametrize("status", [429, 503])
def test_the_first_request_after_a_throttle_is_a_probe(status: int) -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(status, retry_after=2))
    driver.send(driver.next_allowed_at(0.05))
    assert driver.next_allowed_at(1000.0) == UNTIL_ONE_ENDS


@pytest.mark.parametrize("status", [200, 404, 422, 500, 502])
def test_an_accepted_probe_lets_the_others_follow_whatever_its_status(status: int) -> None:
    driver = Driver.create()
    driver.grow_to(8)
    driver.exchange(10.0, make_response(503, retry_after=2))
    driver.exchange(20.0, make_response(status))
    assert len(driver.send_all(21.0)) > 1


def test_after_a_cancelled_probe_another_probe_is_sent() -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(503, retry_after=2))
    driver.governor.release(driver.send(10.0))
    assert len(driver.send_all(10.1)) == 1


def test_after_an_unanswered_probe_another_probe_is_sent() -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(503, retry_after=2))
    driver.governor.fail(driver.send(10.0))
    assert len(driver.send_all(10.1)) == 1


def test_a_response_to_a_request_from_before_the_throttle_does_not_end_the_probing() -> None:
    driver = Driver.create()
    older, throttled = driver.send(0.0), driver.send(0.0)
    driver.receive(0.1, throttled, make_response(503, retry_after=2))
    driver.receive(9.0, older, make_response())
    assert len(driver.send_all(9.0)) == 1


def test_throttles_of_one_wave_double_no_delay_but_are_all_counted() -> None:
    driver = Driver.create()
    for ticket in driver.send_all(0.0):
        driver.receive(0.1, ticket, make_response(503, retry_after=2))
    assert driver.state(0.1).throttled == 4
    assert driver.next_allowed_at(0.1) == pytest.approx(0.1 + 2.0 + 1.0)


def test_the_longest_delay_of_a_wave_holds() -> None:
    driver = Driver.create()
    for ticket, delay in zip(driver.send_all(0.0), [2, 9, 1, 1], strict=True):
        driver.receive(0.1, ticket, make_response(503, retry_after=delay))
    assert driver.next_allowed_at(0.1) >= 9.1


def test_a_503_with_a_delay_blocks_without_changing_the_model() -> None:
    """Maintenance is no rate limit."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(503, retry_after=30))
    assert isinstance(driver.model, Unlimited)
    assert driver.next_allowed_at(0.05) == pytest.approx(0.05 + 31.0)


def test_a_503_with_a_delay_does_not_change_what_remains() -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=5))
    driver.exchange(0.1, make_response(503, retry_after=1, limit=9, remaining=0))
    assert driver.model.remaining == 5


def test_a_503_with_a_delay_counts_as_throttled_and_not_as_an_overload() -> None:
    driver = Driver.create()
    at = driver.grow_to(8)
    driver.exchange(at, make_response(503, retry_after=1))
    assert driver.state(at).throttled == 1
    assert driver.state(at).concurrency == 8


@pytest.mark.parametrize(
    "headers", [{}, {"retry_after": "soon"}, {"retry_after": 1e9}], ids=["none", "a word", "1e9"]
)
def test_a_503_without_a_sensible_delay_counts_as_an_overload(headers: dict[str, object]) -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(503, **headers))
    assert driver.state(0.1).throttled == 0
    assert driver.state(0.1).concurrency == 2
    assert driver.next_allowed_at(0.1) == 0.1


def test_the_margin_of_a_503_doubles_up_to_a_minute() -> None:
    """``Retry-After: 0`` from a server that is down for a day causes no retry storm."""
    driver, at, waits = Driver.create(), 0.0, [0.0]
    for _ in range(3000):
        driver.exchange(at, make_response(503, retry_after=0))
        allowed_at = driver.next_allowed_at(at + 0.05)
        waits.append(round(allowed_at - at - 0.05, 6))
        at = allowed_at
    assert waits[1:9] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert max(waits) == 60.0


def test_a_delay_of_30_days_holds_and_a_longer_one_is_ignored() -> None:
    month = 30 * 86_400
    driver = Driver.create()
    driver.exchange(0.0, make_response(429, retry_after=month))
    assert month <= driver.next_allowed_at(0.05) <= month + 2.0
    other = Driver.create()
    other.exchange(0.0, make_response(429, retry_after=month + 1))
    assert other.next_allowed_at(0.05) <= 2.0


def test_a_retry_after_date_is_compared_with_the_servers_date() -> None:
    driver = Driver.create()
    driver.exchange(
        0.0,
        make_response(
            429,
            retry_after="Wed, 01 Jan 2020 00:00:30 GMT",
            date="Wed, 01 Jan 2020 00:00:00 GMT",
        ),
    )
    assert 30.05 <= driver.next_allowed_at(0.05) <= 31.1


# Requests in flight


@pytest.mark.parametrize("end", ["accepted", "throttled", "unanswered", "released"])
def test_every_end_of_a_request_frees_its_slot(end: str) -> None:
    driver = Driver.create(max_concurrency=1)
    ticket = driver.send(0.0)
    if end == "released":
        driver.governor.release(ticket)
    elif end == "unanswered":
        driver.governor.fail(ticket)
    else:
        driver.receive(0.1, ticket, make_response(200 if end == "accepted" else 429))
    assert driver.state(0.1).in_flight == 0
    assert driver.next_allowed_at(0.1) < 2.0


def test_an_unanswered_request_does_not_change_the_model() -> None:
    driver = Driver.create()
    driver.governor.fail(driver.send(0.0))
    assert isinstance(driver.model, Unlimited)


# Its state


def test_its_state_counts_the_requests_in_flight_and_waiting() -> None:
    driver = Driver.create()
    driver.send_all(0.0, 3)
    state = driver.state(0.1, waiting=7)
    assert state.in_flight == 3
    assert state.waiting == 7
    assert state.concurrency == 4


def test_its_state_counts_429s_and_503s_with_a_delay_as_throttled() -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(429))
    driver.exchange(100.0, make_response(503, retry_after=1))
    driver.exchange(200.0, make_response(503))
    assert driver.state(300.0).throttled == 2


def test_its_state_has_the_seconds_until_the_next_request() -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(503, retry_after=9))
    assert driver.state(3.0).next_allowed_in == pytest.approx(7.05)
    assert driver.state(30.0).next_allowed_in == 0.0


def test_its_state_has_no_infinite_delay() -> None:
    """A request in flight must end first, and nobody knows when."""
    driver = Driver.create(max_concurrency=1)
    driver.send(0.0)
    assert driver.state(1.0).next_allowed_in == 0.0


def test_its_state_shows_a_window_as_a_rate_for_max_rate() -> None:
    server = WindowServer(6, 3.0)
    driver = Driver.create()
    at = driver.request_asap(1000.3, server, 30)
    state = driver.state(at)
    assert state.rate == 2.0
    assert state.window == Rate(6, per=3.0)
    assert state.burst is None


def test_its_state_shows_the_rate_and_burst_of_a_bucket() -> None:
    server = BucketServer(steady_rate(4.0), 20)
    driver = Driver.create()
    at = driver.request_asap(1000.3, server, 200)
    state = driver.state(at + ONE_WAY)
    assert state.window is None
    assert state.burst == 20
    assert state.rate == pytest.approx(4.0, rel=0.15)
