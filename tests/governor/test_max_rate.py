"""The limit that the user sets: ``max_rate``."""

from __future__ import annotations

import math

import pytest

from moregood_async.config import Rate
from moregood_async.governor.max_rate import MaxRate
from moregood_async.wire import Response
from tests.governor.driver import UNTIL_ONE_ENDS, Driver
from tests.governor.servers import make_response


def test_requests_are_allowed_at_once_until_the_limit_is_used() -> None:
    max_rate = MaxRate(Rate(2, per=10.0))
    max_rate.start(0.0)
    assert max_rate.next_allowed_at() == -math.inf


def test_the_next_request_is_allowed_when_the_oldest_leaves_the_window() -> None:
    max_rate = MaxRate(Rate(2, per=10.0))
    max_rate.start(0.0)
    max_rate.start(3.0)
    assert max_rate.next_allowed_at() == 10.0
    max_rate.start(10.0)
    assert max_rate.next_allowed_at() == 13.0


def test_a_limit_of_one_spaces_requests_by_the_whole_period() -> None:
    max_rate = MaxRate(Rate(1, per=0.5))
    max_rate.start(7.0)
    assert max_rate.next_allowed_at() == 7.5


def test_it_holds_although_the_server_accepts_more() -> None:
    driver = Driver.create(max_rate=Rate(2, per=10.0))
    driver.exchange(0.0, make_response(limit=60, remaining=59))
    driver.exchange(1.0, make_response(limit=60, remaining=58))
    assert driver.next_allowed_at(2.0) == 10.0


def test_a_longer_delay_named_by_the_server_holds_beside_it() -> None:
    driver = Driver.create(max_rate=Rate(1, per=2.0))
    driver.exchange(0.0, make_response(503, retry_after=30))
    assert driver.next_allowed_at(1.0) > 30.0


@pytest.mark.parametrize(
    "response",
    [make_response(401), make_response(429), make_response(500)],
    ids=["401", "429", "500"],
)
def test_every_sent_request_counts_whatever_its_status(response: Response) -> None:
    driver = Driver.create(max_rate=Rate(1, per=1000.0))
    driver.exchange(0.0, response)
    assert driver.next_allowed_at(1.0) == 1000.0


def test_a_cancelled_request_counts() -> None:
    """It may have reached the server."""
    driver = Driver.create(max_rate=Rate(1, per=10.0))
    driver.governor.release(driver.send(0.0))
    assert driver.next_allowed_at(1.0) == 10.0


def test_it_allows_nothing_beyond_the_concurrency() -> None:
    driver = Driver.create(max_concurrency=1, max_rate=Rate(2, per=1.0))
    driver.send(0.0)
    assert driver.next_allowed_at(5.0) == UNTIL_ONE_ENDS
