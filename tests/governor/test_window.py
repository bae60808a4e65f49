"""A fixed window: how its length and its phase are learned, and what is sent in it."""

from __future__ import annotations

import pytest

from moregood_async.config import Rate
from moregood_async.governor.window import FixedWindow
from tests.governor.driver import ONE_WAY, UNTIL_ONE_ENDS, Driver
from tests.governor.servers import WindowServer, date, make_response, unix

LATE = 0.05
"""A window opens at most so much later than it could: margins."""


def window_of(driver: Driver) -> FixedWindow:
    assert isinstance(driver.governor.model, FixedWindow)
    return driver.governor.model


def used_up(server: WindowServer) -> Driver:
    """A conversation that has used the first window, from 0.0 on, in tenths of a second."""
    driver = Driver.create()
    for number in range(server.limit):
        driver.request(number / 10, server)
    return driver


# What is left


def test_the_first_of_a_window_has_opened_it() -> None:
    """One less than the limit is left."""
    driver = Driver.create()
    driver.exchange(5.0, make_response(limit=3, remaining=2))
    assert window_of(driver).opened_at == 5.0
    assert window_of(driver).remaining == 2
    assert window_of(driver).limit == 3


def test_nobody_knows_when_a_window_opened_that_others_had_used() -> None:
    """The first answer says that more than one is gone."""
    driver = Driver.create()
    driver.exchange(5.0, make_response(limit=9, remaining=3))
    assert window_of(driver).opened_at is None
    assert window_of(driver).remaining == 3


def test_credit_is_what_is_left_less_what_is_in_flight() -> None:
    """With 3 left, 3 go."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=3))
    assert len(driver.send_all(0.1)) == 3
    assert driver.next_allowed_at(100.0) == UNTIL_ONE_ENDS


def test_the_least_that_was_said_counts() -> None:
    """Answers overtake each other: an old one says too much."""
    driver = Driver.create()
    older, newer = driver.send(0.0), driver.send(0.0)
    driver.receive(0.1, newer, make_response(limit=9, remaining=5))
    driver.receive(0.2, older, make_response(limit=9, remaining=6))
    assert window_of(driver).remaining == 5


def test_the_opener_is_known_though_its_answer_was_overtaken() -> None:
    """The second's answer is here before it."""
    driver = Driver.create()
    first, second = driver.send(0.0), driver.send(0.0)
    driver.receive(0.1, second, make_response(limit=9, remaining=7))
    driver.receive(0.2, first, make_response(limit=9, remaining=8))
    assert window_of(driver).opened_at == 0.0
    assert window_of(driver).remaining == 7


@pytest.mark.parametrize("remaining", [0, -1, -3, -(10**9)])
def test_nothing_left_lets_one_ask(remaining: int) -> None:
    """Nobody knows yet for how long; below 0 is nothing too."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=remaining))
    assert len(driver.send_all(0.1)) == 1


def test_who_asks_waits_for_those_in_flight() -> None:
    """Their answers may say more."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=1))
    ticket = driver.send(0.1)
    assert driver.next_allowed_at(0.1) == UNTIL_ONE_ENDS
    driver.receive(0.2, ticket, make_response(limit=9, remaining=0))
    assert driver.next_allowed_at(0.2) == 0.2


def test_while_one_asks_the_others_wait() -> None:
    """However long its answer takes."""
    driver = used_up(WindowServer(2, 6.0))
    driver.send(0.3)
    assert driver.next_allowed_at(30.0) == UNTIL_ONE_ENDS


def test_who_asks_and_is_cancelled_makes_room_for_another() -> None:
    """A lost question blocks nobody."""
    driver = used_up(WindowServer(2, 6.0))
    driver.governor.release(driver.send(0.3))
    assert driver.next_allowed_at(0.4) == 0.4


def test_an_answer_that_says_nothing_changes_nothing() -> None:
    """A gateway's own error has no such headers."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=5))
    driver.exchange(0.1, make_response(502))
    assert window_of(driver).remaining == 5


def test_while_some_are_in_flight_nobody_asks_at_a_first_predicted_end() -> None:
    """The prediction has not proved itself, and who asks goes alone."""
    server = WindowServer(3, 6.0, resets=True)
    driver = Driver.create()
    for ticket in driver.send_all(0.0, 3)[:2]:
        driver.receive(2 * ONE_WAY, ticket, server.handle(ONE_WAY))
    assert window_of(driver).length is not None
    assert driver.next_allowed_at(3.0) == UNTIL_ONE_ENDS


@pytest.mark.parametrize(("delay", "margin"), [("2.5", 0.1), ("2", 1.1)], ids=["exact", "whole"])
def test_a_wait_in_a_window_of_others_has_a_margin_by_its_precision(
    delay: str, margin: float
) -> None:
    """Whole seconds may have been rounded down; fractions were not."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(429, limit=9, remaining=0, retry_after=delay))
    assert 0.05 + float(delay) <= driver.next_allowed_at(0.05) <= 0.05 + float(delay) + margin


def test_where_no_wait_is_named_it_asks_less_and_less_often() -> None:
    """Half a second at first, a minute at last."""
    driver, at = Driver.create(), 0.0
    waits = list[float]()
    for _ in range(12):
        driver.exchange(at, make_response(429, limit=9, remaining=0))
        at, answered = driver.next_allowed_at(at + 2 * ONE_WAY), at + 2 * ONE_WAY
        waits.append(at - answered)
    expected = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0, 60.0]
    assert waits == pytest.approx(expected)


def test_errors_that_count_are_counted() -> None:
    """422, 404 of a model and 500 carry the headers."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(422, limit=9, remaining=5))
    assert window_of(driver).remaining == 5


@pytest.mark.parametrize(("limit", "left"), [(20, 11), (5, 2)], ids=["up", "down"])
def test_a_limit_that_changes_is_followed(limit: int, left: int) -> None:
    """What is left by the new one is left."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=8))
    driver.exchange(0.1, make_response(limit=limit, remaining=left))
    assert window_of(driver).limit == limit
    assert window_of(driver).remaining == left


# Its length


@pytest.mark.parametrize("period", [1.0, 2.0, 6.0, 60.0])
def test_the_length_is_learned_from_one_refusal(period: float) -> None:
    """The whole seconds it names, and the time since the window opened."""
    server = WindowServer(2, period)
    driver = used_up(server)
    driver.request(0.3, server)
    assert server.throttled == 1
    assert window_of(driver).length == period


def test_a_length_that_is_named_exactly_is_taken_exactly() -> None:
    """A server that names fractions means them."""
    server = WindowServer(2, 2.5, retry_after="exact")
    driver = used_up(server)
    driver.request(0.3, server)
    assert window_of(driver).length == pytest.approx(2.5, abs=0.01)


def test_a_reset_in_whole_unix_seconds_tells_the_length() -> None:
    """Where a refusal has no ``Retry-After``."""
    driver = used_up(WindowServer(2, 6.0))
    throttled = make_response(429, limit=2, remaining=0, reset=unix(6.0), date=date(0.325))
    driver.exchange(0.3, throttled)
    assert driver.next_allowed_at(0.35) >= 6.0


def test_a_reset_on_every_answer_tells_the_length_before_anything_is_refused() -> None:
    """Nobody needs to ask."""
    server = WindowServer(2, 6.0, resets=True)
    driver = used_up(server)
    assert 6.0 <= driver.next_allowed_at(0.2) <= 7.0 + LATE
    assert server.throttled == 0


def test_a_request_from_before_the_window_tells_no_length() -> None:
    """Its answer took long, and its reset is long over."""
    driver = Driver.create()
    slow, (opener, *_) = driver.send(0.0), driver.send_all(9.0, 3)
    driver.receive(
        9.1, opener, make_response(limit=3, remaining=2, reset=unix(14.0), date=date(9.0))
    )
    driver.receive(9.2, slow, make_response(limit=3, remaining=2, reset=unix(5.0), date=date(9.1)))
    length = window_of(driver).length
    assert length is None or length > 0


def test_a_window_that_others_opened_has_no_length_yet() -> None:
    """The wait is waited for, with a second's margin, and says nothing about the length."""
    server = WindowServer(3, 6.0)
    server.handle(-2.0)
    driver = Driver.create()
    driver.request(0.0, server)
    driver.request(0.1, server)
    driver.request(0.2, server)
    assert server.throttled == 1
    assert window_of(driver).length is None
    assert 4.0 <= driver.next_allowed_at(0.3) <= 3 + 1 + 0.3


def test_a_length_is_not_learned_from_a_window_of_long_ago() -> None:
    """Others opened the present one, so nobody knows how long it has been open."""
    server = WindowServer(9, 60.0)
    driver = Driver.create()
    driver.request(0.0, server)
    for number in range(3):
        server.handle(3600.0 + number)
    for number in range(7):
        driver.request(3610.0 + number / 10, server)
    assert server.throttled == 1
    length = window_of(driver).length
    assert length is None or length <= 61.0


def test_a_window_seems_older_than_it_is_where_its_opener_was_long_under_way() -> None:
    """Its first request had to connect: the end is later by as much."""
    server = WindowServer(2, 6.0)
    driver = Driver.create()
    ticket = driver.send(0.0)
    driver.receive(0.33, ticket, server.handle(0.3))
    driver.request(0.4, server)
    driver.request(0.5, server)
    assert window_of(driver).length == 6.0
    assert window_of(driver).ends_at + ONE_WAY >= server.ends_at


# A server that rounds up


def test_one_request_tries_whether_the_server_rounds_up() -> None:
    """A second before the end, alone."""
    server = WindowServer(2, 7.0)
    driver = used_up(server)
    driver.request(0.3, server)
    at = driver.next_allowed_at(0.4)
    assert 6.0 <= at < 7.0
    driver.send(at)
    assert driver.next_allowed_at(at) == UNTIL_ONE_ENDS


def test_the_early_one_goes_but_once() -> None:
    """After its refusal everybody waits for the end."""
    server = WindowServer(2, 7.0)
    driver = used_up(server)
    driver.request(0.3, server)
    at = driver.next_allowed_at(0.4)
    assert driver.request(at, server).status == 429
    assert 7.0 <= driver.next_allowed_at(at + 0.1) <= 7.0 + LATE


def test_a_server_that_rounds_up_is_found_out() -> None:
    """The early one is let in: the length is one second less, and never tried early again."""
    server = WindowServer(2, 6.0, retry_after="rounded up")
    driver = used_up(server)
    driver.request(0.3, server)
    assert window_of(driver).length == 7.0
    at = driver.request_asap(0.4, server, 7)
    model = window_of(driver)
    assert model.length == 6.0
    assert model.is_proven
    assert server.throttled == 1
    assert driver.state(at).window == Rate(2, per=6.0)


@pytest.mark.parametrize("retry_after", ["floored", "rounded up"])
@pytest.mark.parametrize("period", [1.0, 2.0, 3.0, 60.0])
def test_however_it_rounds_the_length_is_found_with_two_refusals(
    period: float, retry_after: str
) -> None:
    """One for the length, and perhaps one for the early try."""
    server = WindowServer(
        2, period, retry_after="floored" if retry_after == "floored" else "rounded up"
    )
    driver = Driver.create()
    driver.request_asap(0.0, server, 30)
    assert 2 >= server.throttled
    assert window_of(driver).length == period
    assert window_of(driver).is_proven
