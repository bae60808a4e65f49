"""The fixed window: what remains in it, and how its length is learned."""

from __future__ import annotations

import pytest

from moregood_async.config import Rate
from tests.governor.driver import ONE_WAY, UNTIL_ONE_ENDS, Driver
from tests.governor.servers import RetryAfter, WindowServer, date, make_response, unix

LATE = 0.05
"""The margins: the most by which a window is used later than it opens."""


def use_up(server: WindowServer) -> Driver:
    """Return a driver that has used the first window, a request each 0.1 s from 0.0 on."""
    driver = Driver.create()
    for number in range(server.limit):
        driver.request(number / 10, server)
    return driver


# What remains


def test_a_response_with_one_less_than_the_limit_has_opened_the_window() -> None:
    driver = Driver.create()
    driver.exchange(5.0, make_response(limit=3, remaining=2))
    assert driver.window.opened_at == 5.0
    assert driver.window.remaining == 2
    assert driver.window.limit == 3


def test_the_opening_of_a_window_that_another_client_used_is_unknown() -> None:
    driver = Driver.create()
    driver.exchange(5.0, make_response(limit=9, remaining=3))
    assert driver.window.opened_at is None
    assert driver.window.remaining == 3


def test_as_many_may_be_sent_as_remain_less_those_in_flight() -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=3))
    assert len(driver.send_all(0.1)) == 3
    assert driver.next_allowed_at(100.0) == UNTIL_ONE_ENDS


def test_the_least_stated_number_counts() -> None:
    """Responses overtake each other: an old one states too much."""
    driver = Driver.create()
    older, newer = driver.send(0.0), driver.send(0.0)
    driver.receive(0.1, newer, make_response(limit=9, remaining=5))
    driver.receive(0.2, older, make_response(limit=9, remaining=6))
    assert driver.window.remaining == 5


def test_the_opener_is_known_though_its_response_was_overtaken() -> None:
    driver = Driver.create()
    first, second = driver.send(0.0), driver.send(0.0)
    driver.receive(0.1, second, make_response(limit=9, remaining=7))
    driver.receive(0.2, first, make_response(limit=9, remaining=8))
    assert driver.window.opened_at == 0.0
    assert driver.window.remaining == 7


@pytest.mark.parametrize("remaining", [0, -1, -3, -(10**9)])
def test_an_exhausted_window_allows_one_probe(remaining: int) -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=remaining))
    assert len(driver.send_all(0.1)) == 1


def test_a_probe_waits_for_the_requests_in_flight() -> None:
    """Their responses may state more."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=1))
    ticket = driver.send(0.1)
    assert driver.next_allowed_at(0.1) == UNTIL_ONE_ENDS
    driver.receive(0.2, ticket, make_response(limit=9, remaining=0))
    assert driver.next_allowed_at(0.2) == 0.2


def test_all_requests_wait_for_the_probe() -> None:
    """However long its response takes."""
    driver = use_up(WindowServer(2, 6.0))
    driver.send(0.3)
    assert driver.next_allowed_at(30.0) == UNTIL_ONE_ENDS


def test_after_a_cancelled_probe_another_probe_is_allowed() -> None:
    driver = use_up(WindowServer(2, 6.0))
    driver.governor.release(driver.send(0.3))
    assert driver.next_allowed_at(0.4) == 0.4


def test_a_response_without_headers_changes_nothing() -> None:
    """A gateway's own error has none."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=5))
    driver.exchange(0.1, make_response(502))
    assert driver.window.remaining == 5


def test_no_probe_is_sent_at_an_unproven_end_while_requests_are_in_flight() -> None:
    server = WindowServer(3, 6.0, resets=True)
    driver = Driver.create()
    for ticket in driver.send_all(0.0, 3)[:2]:
        driver.receive(2 * ONE_WAY, ticket, server.handle(ONE_WAY))
    assert driver.window.length is not None
    assert driver.next_allowed_at(3.0) == UNTIL_ONE_ENDS


@pytest.mark.parametrize(("delay", "margin"), [("2.5", 0.1), ("2", 1.1)], ids=["exact", "whole"])
def test_the_margin_of_a_delay_in_a_window_of_unknown_age_depends_on_its_precision(
    delay: str, margin: float
) -> None:
    """Whole seconds may have been rounded down; fractions were not."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(429, limit=9, remaining=0, retry_after=delay))
    assert 0.05 + float(delay) <= driver.next_allowed_at(0.05) <= 0.05 + float(delay) + margin


def test_without_a_named_delay_the_probes_become_rarer() -> None:
    """Half a second apart at first, a minute at last."""
    driver, at = Driver.create(), 0.0
    waits = list[float]()
    for _ in range(12):
        driver.exchange(at, make_response(429, limit=9, remaining=0))
        at, received_at = driver.next_allowed_at(at + 2 * ONE_WAY), at + 2 * ONE_WAY
        waits.append(at - received_at)
    expected = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0, 60.0]
    assert waits == pytest.approx(expected)


def test_errors_with_headers_are_counted() -> None:
    """422, 404 of a model and 500 carry them."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(422, limit=9, remaining=5))
    assert driver.window.remaining == 5


@pytest.mark.parametrize(("limit", "remaining"), [(20, 11), (5, 2)], ids=["up", "down"])
def test_a_limit_that_changes_is_followed(limit: int, remaining: int) -> None:
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=8))
    driver.exchange(0.1, make_response(limit=limit, remaining=remaining))
    assert driver.window.limit == limit
    assert driver.window.remaining == remaining


# Its length


@pytest.mark.parametrize("period", [1.0, 2.0, 6.0, 60.0])
def test_the_length_is_learned_from_one_throttled_probe(period: float) -> None:
    server = WindowServer(2, period)
    driver = use_up(server)
    driver.request(0.3, server)
    assert server.throttled == 1
    assert driver.window.length == period


def test_an_exact_delay_yields_an_exact_length() -> None:
    server = WindowServer(2, 2.5, retry_after="exact")
    driver = use_up(server)
    driver.request(0.3, server)
    assert driver.window.length == pytest.approx(2.5, abs=0.01)


def test_a_reset_in_unix_seconds_yields_the_length() -> None:
    driver = use_up(WindowServer(2, 6.0))
    throttled = make_response(429, limit=2, remaining=0, reset=unix(6.0), date=date(0.325))
    driver.exchange(0.3, throttled)
    assert driver.next_allowed_at(0.35) >= 6.0


def test_a_reset_on_every_response_yields_the_length_without_a_throttle() -> None:
    server = WindowServer(2, 6.0, resets=True)
    driver = use_up(server)
    assert 6.0 <= driver.next_allowed_at(0.2) <= 7.0 + LATE
    assert server.throttled == 0


def test_a_request_from_before_the_window_yields_no_length() -> None:
    """Its response took long, and its reset has passed."""
    driver = Driver.create()
    slow, (opener, *_) = driver.send(0.0), driver.send_all(9.0, 3)
    driver.receive(
        9.1, opener, make_response(limit=3, remaining=2, reset=unix(14.0), date=date(9.0))
    )
    driver.receive(9.2, slow, make_response(limit=3, remaining=2, reset=unix(5.0), date=date(9.1)))
    length = driver.window.length
    assert length is None or length > 0


def test_a_window_that_another_client_opened_yields_no_length() -> None:
    """The delay holds, with a margin of a second."""
    server = WindowServer(3, 6.0)
    server.handle(-2.0)
    driver = Driver.create()
    driver.request(0.0, server)
    driver.request(0.1, server)
    driver.request(0.2, server)
    assert server.throttled == 1
    assert driver.window.length is None
    assert 4.0 <= driver.next_allowed_at(0.3) <= 3 + 1 + 0.3


def test_an_opening_of_long_ago_yields_no_length() -> None:
    """Another client opened the present window."""
    server = WindowServer(9, 60.0)
    driver = Driver.create()
    driver.request(0.0, server)
    for number in range(3):
        server.handle(3600.0 + number)
    for number in range(7):
        driver.request(3610.0 + number / 10, server)
    assert server.throttled == 1
    length = driver.window.length
    assert length is None or length <= 61.0


def test_a_slow_opener_moves_the_end_later() -> None:
    """The first request also connects, so the window opens later than it seems."""
    server = WindowServer(2, 6.0)
    driver = Driver.create()
    ticket = driver.send(0.0)
    driver.receive(0.33, ticket, server.handle(0.3))
    driver.request(0.4, server)
    driver.request(0.5, server)
    assert driver.window.length == 6.0
    assert driver.window.ends_at + ONE_WAY >= server.ends_at


# A server that rounds up


def test_one_early_probe_tests_whether_the_server_rounds_up() -> None:
    """A second before the end."""
    server = WindowServer(2, 7.0)
    driver = use_up(server)
    driver.request(0.3, server)
    at = driver.next_allowed_at(0.4)
    assert 6.0 <= at < 7.0
    driver.send(at)
    assert driver.next_allowed_at(at) == UNTIL_ONE_ENDS


def test_a_throttled_early_probe_is_not_repeated() -> None:
    server = WindowServer(2, 7.0)
    driver = use_up(server)
    driver.request(0.3, server)
    at = driver.next_allowed_at(0.4)
    assert driver.request(at, server).status == 429
    assert 7.0 <= driver.next_allowed_at(at + 0.1) <= 7.0 + LATE


def test_no_early_probe_is_sent_once_an_earlier_end_is_ruled_out() -> None:
    """The window was still exhausted at 3.5 s, so it does not end at 3 s."""
    server = WindowServer(2, 4.0)
    driver = use_up(server)
    driver.request(3.5, server)
    assert driver.window.length == 4.0
    assert 4.0 <= driver.next_allowed_at(3.6) <= 4.0 + LATE


def test_an_accepted_early_probe_makes_the_length_one_second_shorter() -> None:
    server = WindowServer(2, 6.0, retry_after="rounded up")
    driver = use_up(server)
    driver.request(0.3, server)
    assert driver.window.length == 7.0
    at = driver.request_asap(0.4, server, 7)
    model = driver.window
    assert model.length == 6.0
    assert model.is_proven
    assert server.throttled == 1
    assert driver.state(at).window == Rate(2, per=6.0)


@pytest.mark.parametrize("retry_after", ["floored", "rounded up"])
@pytest.mark.parametrize("period", [1.0, 2.0, 3.0, 60.0])
def test_the_length_is_found_with_two_throttles_however_the_server_rounds(
    period: float, retry_after: RetryAfter
) -> None:
    """One for the length, and perhaps one for the early probe."""
    server = WindowServer(2, period, retry_after=retry_after)
    driver = Driver.create()
    driver.request_asap(0.0, server, 30)
    assert server.throttled <= 2
    assert driver.window.length == period
    assert driver.window.is_proven
