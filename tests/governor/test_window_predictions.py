"""The windows after the first: predictions, and windows of other clients."""

from __future__ import annotations

import math

import pytest

from moregood_async.config import Rate
from moregood_async.governor.window import FixedWindow
from tests.governor.driver import ONE_WAY, Driver
from tests.governor.servers import WindowServer, make_response

LATE = 0.05
"""The margins: the most by which a window is used later than it opens."""


def learn_window(server: WindowServer) -> tuple[Driver, float]:
    """Return a driver with a proven window, and the time after its first request."""
    driver, at = Driver.create(), 0.0
    while not (isinstance(driver.model, FixedWindow) and driver.window.is_proven):
        at = driver.request_asap(at, server, 1)
    return driver, at


def use_up_window(server: WindowServer) -> tuple[Driver, float]:
    """Return a driver that has used up a proven window, and the predicted time of the next."""
    driver, at = learn_window(server)
    driver.request_asap(at, server, server.limit - 1)
    return driver, driver.next_allowed_at(server.opened_at + 1.0)


# Predictions


def test_the_first_request_of_the_second_window_is_a_probe() -> None:
    server = WindowServer(8, 6.0)
    driver = Driver.create()
    driver.request_asap(0.0, server, 8 + 1 + 1)  # the window, the probe, and the early probe
    at = driver.next_allowed_at(5.9)
    assert 6.0 <= at <= 6.0 + LATE
    assert len(driver.send_all(at)) == 1


def test_after_a_prediction_that_held_the_whole_limit_is_sent_at_once() -> None:
    """As soon as the window opens, while responses of the last window are in flight."""
    server = WindowServer(4, 6.0)
    driver, at = learn_window(server)
    driver.request_asap(at, server, 3)
    for _ in range(3):
        opened = driver.window.opened_at
        assert opened is not None
        at = driver.next_allowed_at(opened + 1.0)
        assert opened + 6.0 < at <= opened + 6.0 + LATE
        tickets = driver.send_all(at)
        assert len(tickets) == 4
        for ticket in tickets:
            driver.receive(at + 2 * ONE_WAY, ticket, server.handle(at + ONE_WAY))
    assert server.throttled <= 2


def test_a_proven_window_opens_while_requests_are_in_flight() -> None:
    """A response that never arrives blocks no window."""
    server = WindowServer(4, 6.0)
    driver, at = learn_window(server)
    held = driver.send_all(at)
    assert len(held) == 3
    assert at < driver.next_allowed_at(at) < math.inf
    # The three in flight may count in the new window, so one of its four requests is certain.
    assert len(driver.send_all(driver.next_allowed_at(at))) == 1


def test_after_a_prediction_that_was_too_early_a_probe_follows_soon() -> None:
    """With a wider margin."""
    server = WindowServer(4, 6.0)
    driver, _ = learn_window(server)
    driver.request_asap(server.opened_at, server, 3)
    at = driver.next_allowed_at(server.opened_at + 1.0)
    server.ends_at = at + ONE_WAY + 0.03  # once, the server's window ends late
    assert driver.request(at, server).status == 429
    again = driver.next_allowed_at(at + 2 * ONE_WAY)
    assert at + 0.03 < again < at + 0.2
    assert len(driver.send_all(again)) == 1


def test_after_a_prediction_that_was_too_early_several_windows_start_with_a_probe() -> None:
    """However many predictions had held before."""
    server = WindowServer(2, 6.0)
    driver, at = use_up_window(server)
    for _ in range(30):
        tickets = driver.send_all(at)
        assert len(tickets) == 2
        for ticket in tickets:
            driver.receive(at + 2 * ONE_WAY, ticket, server.handle(at + ONE_WAY))
        at = driver.next_allowed_at(at + 1.0)
    server.ends_at = at + ONE_WAY + 0.03
    for ticket in driver.send_all(at):
        driver.receive(at + 2 * ONE_WAY, ticket, server.handle(at + ONE_WAY))
    for _ in range(3):
        at = driver.next_allowed_at(at + 2 * ONE_WAY)
        tickets = driver.send_all(at)
        assert len(tickets) == 1
        driver.receive(at + 2 * ONE_WAY, tickets[0], server.handle(at + ONE_WAY))
        at = driver.request_asap(at + 2 * ONE_WAY, server, 1)


def test_the_margin_shrinks_with_each_prediction_that_holds() -> None:
    server = WindowServer(2, 6.0)
    driver, at = use_up_window(server)
    server.ends_at = at + ONE_WAY + 0.03
    margins = list[float]()
    for _ in range(60):
        at = driver.next_allowed_at(at)
        opened = driver.window.opened_at
        if opened is not None and at > opened + 5.0:
            margins.append(at - opened - 6.0)
        driver.request(at, server)
        at += 2 * ONE_WAY
    assert max(margins) > 0.04
    assert margins[-1] < 0.005


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "overtaking"])
def test_after_a_whole_window_was_too_early_a_probe_follows_soon(order: int) -> None:
    """Whichever 429 arrives first; no whole window is lost."""
    server = WindowServer(4, 6.0)
    driver, at = use_up_window(server)
    server.ends_at = at + ONE_WAY + 0.03
    tickets = driver.send_all(at)
    assert len(tickets) == 4
    for ticket in tickets[::order]:
        driver.receive(at + 2 * ONE_WAY, ticket, server.handle(at + ONE_WAY))
    again = driver.next_allowed_at(at + 2 * ONE_WAY)
    assert again < at + 0.2
    assert len(driver.send_all(again)) == 1


def test_a_new_window_just_before_the_expected_end_does_not_shorten_the_length() -> None:
    """The network is uneven: a hundredth of a second proves nothing."""
    server = WindowServer(4, 6.0)
    driver, at = use_up_window(server)
    server.handle(at + ONE_WAY)
    driver.receive(at + 2 * ONE_WAY, driver.send(at), make_response(limit=4, remaining=3))
    driver.exchange(at + 5.99, make_response(limit=4, remaining=3))
    length = driver.window.length
    assert length is None or length > 5.9


def test_a_window_that_becomes_longer_is_followed() -> None:
    server = WindowServer(4, 6.0)
    driver, at = learn_window(server)
    server.period = 20.0
    driver.request_asap(at, server, 30)
    assert driver.window.length == 20.0


def test_the_margin_is_at_most_a_minute() -> None:
    """A day of throttles does not cost another day."""
    server = WindowServer(2, 6.0)
    driver, at = learn_window(server)
    for _ in range(40):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(429, limit=2, remaining=0, retry_after=0))
        at += 0.05
        assert driver.next_allowed_at(at) <= at + 61.0


def test_throttles_without_a_delay_block_a_known_window_for_at_most_a_minute() -> None:
    server = WindowServer(2, 6.0)
    driver, at = learn_window(server)
    for _ in range(40):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(429))
        at += 0.05
        assert driver.next_allowed_at(at) <= at + 61.0


def test_a_window_that_another_client_opened_has_an_unknown_opening() -> None:
    """Our first request in it finds that more than one is used."""
    server = WindowServer(4, 6.0)
    driver, _ = learn_window(server)
    driver.request_asap(server.opened_at, server, 3)
    at, ended = driver.next_allowed_at(server.opened_at + 1.0), server.ends_at
    server.handle(ended)
    server.handle(at + ONE_WAY)
    assert driver.request(at, server).status == 200
    assert driver.window.opened_at is None
    assert driver.window.remaining == 1
    assert not driver.window.is_proven


def test_a_window_that_another_client_used_up_does_not_lengthen_the_length() -> None:
    """The server throttles our first request in it and names nearly one length."""
    server = WindowServer(4, 6.0)
    driver, _ = learn_window(server)
    driver.request_asap(server.opened_at, server, 3)
    at = driver.next_allowed_at(server.opened_at + 1.0)
    ended = server.ends_at
    for _ in range(4):
        server.handle(ended)
    assert driver.request(at, server).status == 429
    length = driver.window.length
    assert length is None or length <= 7.0


def test_cancelled_requests_stay_counted() -> None:
    """The server has counted them, so no more than the limit are sent."""
    server = WindowServer(8, 6.0)
    driver, at = learn_window(server)
    for ticket in driver.send_all(at):
        server.handle(at + ONE_WAY)
        driver.governor.release(ticket)
    again = driver.send_all(at + 0.01)
    assert len(again) <= 1


def test_a_later_response_settles_the_cancelled_requests() -> None:
    """They are part of the stated number, or were never counted."""
    server = WindowServer(8, 6.0)
    driver, at = learn_window(server)
    for ticket in driver.send_all(at, 3):
        driver.governor.release(ticket)
    driver.exchange(at + 0.01, make_response(limit=8, remaining=6))
    assert len(driver.send_all(at + 1.0)) == 6


def test_unanswered_requests_stay_counted() -> None:
    """The server has counted them, so no more than the limit are sent."""
    server = WindowServer(8, 6.0)
    driver, at = learn_window(server)
    for ticket in driver.send_all(at):
        server.handle(at + ONE_WAY)
        driver.governor.fail(ticket)
    again = driver.send_all(at + 0.01)
    assert len(again) <= 1


# Its state


def test_its_state_has_no_rate_before_the_length_is_known() -> None:
    """A limit alone is no rate."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=8))
    state = driver.state(1.0)
    assert state.rate is None
    assert state.window is None
    assert state.burst is None


def test_its_state_has_the_window_as_a_rate_for_max_rate() -> None:
    server = WindowServer(3, 6.0)
    driver, at = learn_window(server)
    state = driver.state(at)
    assert state.rate == 0.5
    assert state.window == Rate(3, per=6.0)
    assert state.burst is None
