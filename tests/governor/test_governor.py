"""The governor as a whole: waits for everybody, who goes first, and what it shows."""

from __future__ import annotations

import pytest

from moregood_async.config import Rate
from moregood_async.governor.bucket import TokenBucket
from moregood_async.governor.goodput import Goodput
from moregood_async.governor.unlimited import Unlimited
from moregood_async.governor.window import FixedWindow
from tests.governor.driver import ONE_WAY, UNTIL_ONE_ENDS, Driver
from tests.governor.servers import BucketServer, Server, WindowServer, make_response, steady_rate


def test_nothing_is_believed_at_first() -> None:
    """Requests go as they come."""
    driver = Driver.create()
    state = driver.state(5.0)
    assert state.rate is None
    assert state.window is None
    assert state.burst is None
    assert state.next_allowed_in == 0.0


def test_answers_without_headers_leave_it_at_that() -> None:
    """A server without a limit is not paced."""
    driver = Driver.create()
    driver.grow_to(32)
    assert isinstance(driver.governor.model, Unlimited)


@pytest.mark.parametrize(
    ("server", "model"),
    [
        pytest.param(WindowServer(5, 2.0), FixedWindow, id="a window"),
        pytest.param(
            WindowServer(5, 2.0, retry_after="absent"),
            FixedWindow,
            id="a window that names no wait",
        ),
        pytest.param(
            WindowServer(5, 2.0, overshoot=2), FixedWindow, id="a window that lets in too many"
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
            id="a bucket that names waits only",
        ),
        pytest.param(
            BucketServer(steady_rate(4.0), 5, retry_after="absent", headers=False),
            Goodput,
            id="a silent bucket",
        ),
    ],
)
def test_it_finds_out_what_the_server_is(server: Server, model: type[object]) -> None:
    """By its answers alone."""
    driver = Driver.create()
    driver.request_asap(1000.3, server, 100)
    assert isinstance(driver.governor.model, model)


# Refusals


@pytest.mark.parametrize("headers", [{}, {"limit": 9, "remaining": 0}], ids=["silent", "a window"])
def test_after_a_429_everybody_waits(headers: dict[str, object]) -> None:
    """For as long as it names at least."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(429, retry_after=7, **headers))
    assert 7.05 <= driver.next_allowed_at(0.05) <= 8.1


@pytest.mark.parametrize("status", [429, 503])
def test_the_first_back_after_a_refusal_goes_alone(status: int) -> None:
    """Until it is answered, however long that takes."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(status, retry_after=2))
    driver.send(driver.next_allowed_at(0.05))
    assert driver.next_allowed_at(1000.0) == UNTIL_ONE_ENDS


@pytest.mark.parametrize("status", [200, 404, 422, 500, 502])
def test_once_it_was_let_in_the_others_follow(status: int) -> None:
    """Whatever became of it: it was no refusal."""
    driver = Driver.create()
    driver.grow_to(8)
    driver.exchange(10.0, make_response(503, retry_after=2))
    driver.exchange(20.0, make_response(status))
    assert 1 < len(driver.send_all(21.0))


def test_where_the_first_back_is_cancelled_another_goes_alone() -> None:
    """Nothing is known yet, and nobody is blocked."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(503, retry_after=2))
    driver.governor.release(driver.send(10.0))
    assert len(driver.send_all(10.1)) == 1


def test_where_the_first_back_gets_no_answer_another_goes_alone() -> None:
    """The same."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(503, retry_after=2))
    driver.governor.fail(driver.send(10.0))
    assert len(driver.send_all(10.1)) == 1


def test_an_answer_from_before_the_refusal_lets_no_second_go() -> None:
    """It was let in earlier, though it comes later."""
    driver = Driver.create()
    older, throttled = driver.send(0.0), driver.send(0.0)
    driver.receive(0.1, throttled, make_response(503, retry_after=2))
    driver.receive(9.0, older, make_response())
    assert len(driver.send_all(9.0)) == 1


def test_refusals_of_one_wave_count_once() -> None:
    """They do not double the wait, but all are shown."""
    driver = Driver.create()
    for ticket in driver.send_all(0.0):
        driver.receive(0.1, ticket, make_response(503, retry_after=2))
    assert driver.state(0.1).throttled == 4
    assert driver.next_allowed_at(0.1) == pytest.approx(0.1 + 2.0 + 1.0)


def test_the_longest_wait_of_a_wave_is_waited_for() -> None:
    """Each may name its own."""
    driver = Driver.create()
    for ticket, delay in zip(driver.send_all(0.0), [2, 9, 1, 1], strict=True):
        driver.receive(0.1, ticket, make_response(503, retry_after=delay))
    assert 9.1 <= driver.next_allowed_at(0.1)


def test_a_503_with_a_wait_shuts_without_teaching_a_limit() -> None:
    """Maintenance is no rate limit."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(503, retry_after=30))
    assert isinstance(driver.governor.model, Unlimited)
    assert driver.next_allowed_at(0.05) == pytest.approx(0.05 + 31.0)


def test_a_503_with_a_wait_does_not_empty_a_window() -> None:
    """What was left is left."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=9, remaining=5))
    driver.exchange(0.1, make_response(503, retry_after=1, limit=9, remaining=0))
    assert driver.governor.model.remaining == 5


def test_a_503_with_a_wait_is_counted_as_a_refusal_and_not_as_a_struggle() -> None:
    """It names the wait, so the wait is the answer to it."""
    driver = Driver.create()
    at = driver.grow_to(8)
    driver.exchange(at, make_response(503, retry_after=1))
    assert driver.state(at).throttled == 1
    assert driver.state(at).concurrency == 8


@pytest.mark.parametrize(
    "headers", [{}, {"retry_after": "soon"}, {"retry_after": 1e9}], ids=["none", "a word", "1e9"]
)
def test_a_503_without_a_wait_is_no_refusal(headers: dict[str, object]) -> None:
    """Nothing is waited for; fewer are in flight."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(503, **headers))
    assert driver.state(0.1).throttled == 0
    assert driver.state(0.1).concurrency == 2
    assert driver.next_allowed_at(0.1) == 0.1


def test_the_margin_of_a_503_doubles_up_to_a_minute() -> None:
    """``Retry-After: 0`` from a server that is down for a day is not hammered."""
    driver, at, waits = Driver.create(), 0.0, [0.0]
    for _ in range(3000):
        driver.exchange(at, make_response(503, retry_after=0))
        allowed_at = driver.next_allowed_at(at + 0.05)
        waits.append(round(allowed_at - at - 0.05, 6))
        at = allowed_at
    assert waits[1:9] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert max(waits) == 60.0


def test_a_wait_of_a_month_is_waited_for_and_a_longer_one_is_not_believed() -> None:
    """The longest that makes sense is 30 days."""
    month = 30 * 86_400
    driver = Driver.create()
    driver.exchange(0.0, make_response(429, retry_after=month))
    assert month <= driver.next_allowed_at(0.05) <= month + 2.0
    other = Driver.create()
    other.exchange(0.0, make_response(429, retry_after=month + 1))
    assert other.next_allowed_at(0.05) <= 2.0


def test_a_retry_after_that_is_a_date_is_read_against_the_servers_own_clock() -> None:
    """Whatever ours says."""
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


# Who is in flight


@pytest.mark.parametrize("how", ["answered", "refused", "unanswered", "gone"])
def test_whoever_ends_makes_room(how: str) -> None:
    """However it ends, its slot is free."""
    driver = Driver.create(max_concurrency=1)
    ticket = driver.send(0.0)
    if how == "gone":
        driver.governor.release(ticket)
    elif how == "unanswered":
        driver.governor.fail(ticket)
    else:
        driver.receive(0.1, ticket, make_response(200 if how == "answered" else 429))
    assert driver.state(0.1).in_flight == 0
    assert driver.next_allowed_at(0.1) < 2.0


def test_it_takes_no_answer_for_a_token_that_is_free() -> None:
    """No answer says nothing about the limit: the belief stays."""
    driver = Driver.create()
    driver.governor.fail(driver.send(0.0))
    assert isinstance(driver.governor.model, Unlimited)


# What it shows


def test_it_shows_who_is_in_flight_and_who_waits() -> None:
    """The middleware knows who waits."""
    driver = Driver.create()
    driver.send_all(0.0, 3)
    state = driver.state(0.1, waiting=7)
    assert state.in_flight == 3
    assert state.waiting == 7
    assert state.concurrency == 4


def test_it_shows_all_that_were_refused() -> None:
    """429, and 503 with a wait."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(429))
    driver.exchange(100.0, make_response(503, retry_after=1))
    driver.exchange(200.0, make_response(503))
    assert driver.state(300.0).throttled == 2


def test_it_shows_in_how_many_seconds_it_opens() -> None:
    """Counted from now."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(503, retry_after=9))
    assert driver.state(3.0).next_allowed_in == pytest.approx(7.05)
    assert driver.state(30.0).next_allowed_in == 0.0


def test_it_shows_no_infinite_wait() -> None:
    """It opens once one has ended, and nobody knows when."""
    driver = Driver.create(max_concurrency=1)
    driver.send(0.0)
    assert driver.state(1.0).next_allowed_in == 0.0


def test_it_shows_a_windows_rate_in_the_terms_of_max_rate() -> None:
    """What was learned can be stated next time."""
    server = WindowServer(6, 3.0)
    driver = Driver.create()
    at = driver.request_asap(1000.3, server, 30)
    state = driver.state(at)
    assert state.rate == 2.0
    assert state.window == Rate(6, per=3.0)
    assert state.burst is None


def test_it_shows_a_buckets_rate_and_burst() -> None:
    """And no window."""
    server = BucketServer(steady_rate(4.0), 20)
    driver = Driver.create()
    at = driver.request_asap(1000.3, server, 200)
    state = driver.state(at + ONE_WAY)
    assert state.window is None
    assert state.burst == 20
    assert state.rate == pytest.approx(4.0, rel=0.15)
