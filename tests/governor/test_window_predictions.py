"""The windows after the first: when they are expected, and what is believed of others' windows."""

from __future__ import annotations

import math

import pytest

from moregood_async.config import Rate
from moregood_async.governor.window import FixedWindow
from tests.governor.driver import ONE_WAY, Driver
from tests.governor.servers import WindowServer, make_response

LATE = 0.05
"""A window opens at most so much later than it could: margins."""


def window_of(driver: Driver) -> FixedWindow:
    assert isinstance(driver.governor.model, FixedWindow)
    return driver.governor.model


def learn_window(server: WindowServer) -> tuple[Driver, float]:
    """A conversation after which the length is known and one request is sent in a new window."""
    driver, at = Driver.create(), 0.0
    while not (isinstance(driver.governor.model, FixedWindow) and window_of(driver).is_proven):
        at = driver.request_asap(at, server, 1)
    return driver, at


def use_up_window(server: WindowServer) -> tuple[Driver, float]:
    """A conversation that has used a window, and the time at which it expects the next."""
    driver, at = learn_window(server)
    driver.request_asap(at, server, server.limit - 1)
    return driver, driver.next_allowed_at(server.opened_at + 1.0)


# The next window


def test_the_first_of_the_second_window_goes_alone() -> None:
    """A prediction may be wrong."""
    server = WindowServer(8, 6.0)
    driver = Driver.create()
    driver.request_asap(0.0, server, 8 + 1 + 1)  # the window, who asks, and who tries early
    at = driver.next_allowed_at(5.9)
    assert 6.0 <= at <= 6.0 + LATE
    assert len(driver.send_all(at)) == 1


def test_once_the_prediction_has_held_all_go_at_once() -> None:
    """The whole limit, as soon as the window opens, while the last one's answers are on the way."""
    server = WindowServer(4, 6.0)
    driver, at = learn_window(server)
    driver.request_asap(at, server, 3)
    for _ in range(3):
        opened = window_of(driver).opened_at
        assert opened is not None
        at = driver.next_allowed_at(opened + 1.0)
        assert opened + 6.0 < at <= opened + 6.0 + LATE
        ticket = driver.send_all(at)
        assert len(ticket) == 4
        for one in ticket:
            driver.receive(at + 2 * ONE_WAY, one, server.handle(at + ONE_WAY))
    assert 2 >= server.throttled


def test_a_proven_window_opens_though_some_are_in_flight() -> None:
    """An answer that never comes keeps nobody out of the next window."""
    server = WindowServer(4, 6.0)
    driver, at = learn_window(server)
    held = driver.send_all(at)
    assert len(held) == 3
    assert at < driver.next_allowed_at(at) < math.inf
    assert len(driver.send_all(driver.next_allowed_at(at))) == 1


def test_a_prediction_that_was_too_early_is_tried_again_soon_and_alone() -> None:
    """With a wider margin."""
    server = WindowServer(4, 6.0)
    driver, _ = learn_window(server)
    driver.request_asap(server.opened_at, server, 3)
    at = driver.next_allowed_at(server.opened_at + 1.0)
    server.ends_at = at + ONE_WAY + 0.03  # this once the server's clock is behind
    assert driver.request(at, server).status == 429
    again = driver.next_allowed_at(at + 2 * ONE_WAY)
    assert at + 0.03 < again < at + 0.2
    assert len(driver.send_all(again)) == 1


def test_after_a_prediction_that_was_too_early_the_first_goes_alone_again() -> None:
    """However many had held before."""
    server = WindowServer(2, 6.0)
    driver, at = use_up_window(server)
    for _ in range(30):
        ticket = driver.send_all(at)
        assert len(ticket) == 2
        for one in ticket:
            driver.receive(at + 2 * ONE_WAY, one, server.handle(at + ONE_WAY))
        at = driver.next_allowed_at(at + 1.0)
    server.ends_at = at + ONE_WAY + 0.03
    for one in driver.send_all(at):
        driver.receive(at + 2 * ONE_WAY, one, server.handle(at + ONE_WAY))
    for _ in range(3):
        at = driver.next_allowed_at(at + 2 * ONE_WAY)
        ticket = driver.send_all(at)
        assert len(ticket) == 1
        driver.receive(at + 2 * ONE_WAY, ticket[0], server.handle(at + ONE_WAY))
        at = driver.request_asap(at + 2 * ONE_WAY, server, 1)


def test_the_margin_becomes_small_again() -> None:
    """A little with each prediction that holds."""
    server = WindowServer(2, 6.0)
    driver, at = use_up_window(server)
    server.ends_at = at + ONE_WAY + 0.03
    margins = list[float]()
    for _ in range(60):
        at = driver.next_allowed_at(at)
        opened = window_of(driver).opened_at
        if opened is not None and at > opened + 5.0:
            margins.append(at - opened - 6.0)
        driver.request(at, server)
        at += 2 * ONE_WAY
    assert max(margins) > 0.04
    assert margins[-1] < 0.005


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "overtaking"])
def test_where_all_were_too_early_it_is_tried_again_soon(order: int) -> None:
    """Whichever refusal is here first; no whole window is lost."""
    server = WindowServer(4, 6.0)
    driver, at = use_up_window(server)
    server.ends_at = at + ONE_WAY + 0.03
    ticket = driver.send_all(at)
    assert len(ticket) == 4
    for one in ticket[::order]:
        driver.receive(at + 2 * ONE_WAY, one, server.handle(at + ONE_WAY))
    again = driver.next_allowed_at(at + 2 * ONE_WAY)
    assert again < at + 0.2
    assert len(driver.send_all(again)) == 1


def test_a_request_just_before_the_expected_end_does_not_shorten_it_by_a_second() -> None:
    """It met the next window since ways are uneven: a hundredth of a second proves nothing."""
    server = WindowServer(4, 6.0)
    driver, at = use_up_window(server)
    server.handle(at + ONE_WAY)
    driver.receive(at + 2 * ONE_WAY, driver.send(at), make_response(limit=4, remaining=3))
    driver.exchange(at + 5.99, make_response(limit=4, remaining=3))
    length = window_of(driver).length
    assert length is None or length > 5.9


def test_a_window_that_becomes_longer_is_followed() -> None:
    """The refusal at the predicted end names what is missing."""
    server = WindowServer(4, 6.0)
    driver, at = learn_window(server)
    server.period = 20.0
    driver.request_asap(at, server, 30)
    assert window_of(driver).length == 20.0


def test_a_prediction_is_never_later_by_more_than_a_minute() -> None:
    """However often it was too early: a day of refusals does not cost another one."""
    server = WindowServer(2, 6.0)
    driver, at = learn_window(server)
    for _ in range(40):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(429, limit=2, remaining=0, retry_after=0))
        at += 0.05
        assert driver.next_allowed_at(at) <= at + 61.0


def test_refusals_without_a_wait_do_not_shut_a_known_window_for_ever() -> None:
    """Each try comes within a minute of the last."""
    server = WindowServer(2, 6.0)
    driver, at = learn_window(server)
    for _ in range(40):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(429))
        at += 0.05
        assert driver.next_allowed_at(at) <= at + 61.0


def test_an_opening_by_others_is_not_taken_for_ours() -> None:
    """Our first in the new window finds that more than one is gone."""
    server = WindowServer(4, 6.0)
    driver, _ = learn_window(server)
    driver.request_asap(server.opened_at, server, 3)
    at, ended = driver.next_allowed_at(server.opened_at + 1.0), server.ends_at
    server.handle(ended)
    server.handle(at + ONE_WAY)
    assert driver.request(at, server).status == 200
    assert window_of(driver).opened_at is None
    assert window_of(driver).remaining == 1
    assert not window_of(driver).is_proven


def test_a_window_that_others_have_used_up_is_no_longer_window() -> None:
    """Our first in it is refused, and told to wait for nearly one length: so long it stays."""
    server = WindowServer(4, 6.0)
    driver, _ = learn_window(server)
    driver.request_asap(server.opened_at, server, 3)
    at = driver.next_allowed_at(server.opened_at + 1.0)
    ended = server.ends_at
    for _ in range(4):
        server.handle(ended)
    assert driver.request(at, server).status == 429
    length = window_of(driver).length
    assert length is None or length <= 7.0


def test_a_request_that_was_counted_stays_counted_though_it_was_cancelled() -> None:
    """It was on its way, so the server has counted it; no more than the limit are sent."""
    server = WindowServer(8, 6.0)
    driver, at = learn_window(server)
    for one in driver.send_all(at):
        server.handle(at + ONE_WAY)
        driver.governor.release(one)
    again = driver.send_all(at + 0.01)
    assert 1 >= len(again)


def test_an_answer_settles_what_became_of_the_cancelled() -> None:
    """What is left by it is left: they are in it, or were never counted."""
    server = WindowServer(8, 6.0)
    driver, at = learn_window(server)
    for one in driver.send_all(at, 3):
        driver.governor.release(one)
    driver.exchange(at + 0.01, make_response(limit=8, remaining=6))
    assert len(driver.send_all(at + 1.0)) == 6


def test_a_request_that_was_counted_stays_counted_though_no_answer_came() -> None:
    """It took too long, so the server has counted it; no more than the limit are sent."""
    server = WindowServer(8, 6.0)
    driver, at = learn_window(server)
    for one in driver.send_all(at):
        server.handle(at + ONE_WAY)
        driver.governor.fail(one)
    again = driver.send_all(at + 0.01)
    assert 1 >= len(again)


# What it shows


def test_before_the_length_is_known_it_shows_no_rate() -> None:
    """A limit alone is none."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=8))
    state = driver.state(1.0)
    assert state.rate is None
    assert state.window is None
    assert state.burst is None


def test_it_shows_its_window_as_a_rate() -> None:
    """In the terms of ``max_rate``."""
    server = WindowServer(3, 6.0)
    driver, at = learn_window(server)
    state = driver.state(at)
    assert state.rate == 0.5
    assert state.window == Rate(3, per=6.0)
    assert state.burst is None
