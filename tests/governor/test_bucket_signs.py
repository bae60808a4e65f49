"""The signs by which a token bucket differs from a fixed window."""

from __future__ import annotations

from moregood_async.governor.bucket import TokenBucket
from moregood_async.governor.window import FixedWindow
from tests.governor.driver import Driver
from tests.governor.servers import BucketServer, WindowServer, make_response, steady_rate


def test_a_number_that_rises_twice_within_a_window_makes_a_bucket() -> None:
    """It rises, but not to a new window's whole limit."""
    driver = Driver.create()
    for at, remaining in enumerate([19, 18, 17, 17, 17]):
        assert isinstance(driver.model, FixedWindow) or at == 0
        driver.exchange(float(at), make_response(limit=20, remaining=remaining))
    assert isinstance(driver.model, TokenBucket)


def test_a_number_that_rises_once_is_still_a_window() -> None:
    """Another client can be the reason."""
    driver = Driver.create()
    for at, remaining in enumerate([19, 18, 10, 15, 14, 13]):
        driver.exchange(float(at), make_response(limit=20, remaining=remaining))
    assert isinstance(driver.model, FixedWindow)


def test_a_number_that_only_falls_is_a_window() -> None:
    driver = Driver.create()
    for at in range(20):
        driver.exchange(float(at), make_response(limit=20, remaining=19 - at))
    assert isinstance(driver.model, FixedWindow)


def test_more_than_three_limits_within_one_window_make_a_bucket() -> None:
    """Though each rise alone could be a new window that another client has opened."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=10, remaining=9))
    for number in range(1, 20):
        for ticket in driver.send_all(number / 10, 3):
            driver.receive(number / 10 + 0.05, ticket, make_response(limit=10, remaining=7))
    assert isinstance(driver.model, TokenBucket)


def test_new_windows_are_no_bucket() -> None:
    """The number rises, but to the whole limit."""
    server = WindowServer(5, 2.0)
    driver = Driver.create()
    driver.request_asap(0.0, server, 60)
    assert isinstance(driver.model, FixedWindow)


def test_its_first_rate_is_measured_since_it_was_full() -> None:
    server = BucketServer(steady_rate(10.0), 20)
    driver = Driver.create()
    at = 0.0
    while not isinstance(driver.model, TokenBucket):
        driver.request(at, server)
        at += 0.06
    assert 6.0 <= driver.bucket.rate <= 14.0
