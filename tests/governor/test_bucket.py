"""A token bucket: how it is told from a window, how its rate is measured, and what goes."""

from __future__ import annotations

import pytest

from moregood_async.config import Rate
from moregood_async.governor.bucket import TokenBucket
from moregood_async.governor.ledger import Ticket
from moregood_async.governor.rate_headers import Allowance
from moregood_async.governor.window import FixedWindow
from tests.governor.driver import ONE_WAY, Driver
from tests.governor.servers import (
    BucketServer,
    RetryAfter,
    WindowServer,
    changing_rate,
    make_response,
    steady_rate,
)
from tests.governor.simulation import START, Client, Network, Simulation, at_start


def held(tokens: int, limit: int = 20, rate: float = 10.0, at: float = 0.0) -> Driver:
    """A conversation that believes in a bucket with so many tokens; nothing is in flight."""
    driver = Driver.create()
    at = driver.grow_to(32, at - 100.0)
    ticket = driver.send(at)
    driver.receive(at, ticket, make_response())
    ledger = driver.governor._ledger
    allowed = Allowance(limit, tokens)
    driver.governor.model = TokenBucket.from_response(
        Ticket(ticket.number, 0.0), allowed, rate, 0.0, ledger
    )
    return driver


def bucket_of(driver: Driver) -> TokenBucket:
    assert isinstance(driver.governor.model, TokenBucket)
    return driver.governor.model


# What it is


def test_a_count_that_rises_twice_within_a_window_makes_it_a_bucket() -> None:
    """More is left than before, and it is not a new window's whole limit."""
    driver = Driver.create()
    for at, remaining in enumerate([19, 18, 17, 17, 17]):
        assert isinstance(driver.governor.model, FixedWindow) or at == 0
        driver.exchange(float(at), make_response(limit=20, remaining=remaining))
    assert isinstance(driver.governor.model, TokenBucket)


def test_a_count_that_rises_once_is_still_a_window() -> None:
    """Others can be the reason."""
    driver = Driver.create()
    for at, remaining in enumerate([19, 18, 10, 15, 14, 13]):
        driver.exchange(float(at), make_response(limit=20, remaining=remaining))
    assert isinstance(driver.governor.model, FixedWindow)


def test_a_count_that_only_falls_is_a_window() -> None:
    """Down to nothing."""
    driver = Driver.create()
    for at in range(20):
        driver.exchange(float(at), make_response(limit=20, remaining=19 - at))
    assert isinstance(driver.governor.model, FixedWindow)


def test_more_than_three_limits_in_what_seems_one_window_make_it_a_bucket() -> None:
    """Though each rise alone could be a new window's, which others have opened."""
    driver = Driver.create()
    driver.exchange(0.0, make_response(limit=10, remaining=9))
    for number in range(1, 20):
        for ticket in driver.send_all(number / 10, 3):
            driver.receive(number / 10 + 0.05, ticket, make_response(limit=10, remaining=7))
    assert isinstance(driver.governor.model, TokenBucket)


def test_new_windows_are_no_bucket() -> None:
    """The count rises, but to the whole limit."""
    server = WindowServer(5, 2.0)
    driver = Driver.create()
    driver.request_asap(0.0, server, 60)
    assert isinstance(driver.governor.model, FixedWindow)


def test_its_first_rate_is_what_came_since_it_was_full() -> None:
    """By the answers: what is left and what was let in."""
    server = BucketServer(steady_rate(10.0), 20)
    driver = Driver.create()
    at = 0.0
    while not isinstance(driver.governor.model, TokenBucket):
        driver.request(at, server)
        at += 0.06
    assert 6.0 <= bucket_of(driver).rate <= 14.0


# What goes


def test_tokens_go_at_once_but_for_a_reserve() -> None:
    """Requests do not arrive as evenly as they are sent."""
    assert len(held(10).send_all(0.0)) == 8


def test_the_next_token_is_waited_for() -> None:
    """By the rate."""
    driver = held(3, rate=10.0)
    driver.send(0.0)
    assert driver.next_allowed_at(0.0) == pytest.approx(0.1)


def test_it_fills_while_time_passes() -> None:
    """And is open once there is enough."""
    assert len(held(0, limit=50, rate=10.0).send_all(2.0)) == 18


def test_it_holds_no_more_than_its_burst() -> None:
    """A year of filling is a full bucket."""
    assert len(held(0, limit=20, rate=10.0).send_all(3e7)) == 18


def test_what_is_in_flight_has_taken_its_token() -> None:
    """Before its answer says so."""
    driver = held(20)
    assert len(driver.send_all(0.0)) == 18
    assert len(driver.send_all(0.05)) == 0


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 20, 1000])
def test_a_full_bucket_lets_one_go(limit: int) -> None:
    """However small it is, its reserve does not hold the last token back."""
    assert held(limit, limit=limit, rate=1.0).next_allowed_at(100.0) == 100.0


def test_a_bucket_that_shrinks_to_one_token_lets_one_go() -> None:
    """The limit may change at any time."""
    driver = held(20, rate=1.0)
    driver.exchange(1.0, make_response(limit=1, remaining=0))
    driver.request_asap(100.0, BucketServer(steady_rate(1.0), 1, tokens=1.0, filled=100.0), 20)


def test_an_answer_corrects_what_it_holds() -> None:
    """Others have taken most of it: within a few answers that is known."""
    driver, at = held(20, rate=1.0), 0.0
    for _ in range(12):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(limit=20, remaining=3))
    assert 3 >= len(driver.send_all(at + 2 * ONE_WAY))


def test_an_answer_that_was_overtaken_corrects_nothing() -> None:
    """Newest is which was sent last, not which came last."""
    driver, other = held(10), held(10)
    for each, late in ((driver, True), (other, False)):
        older, newer = each.send(0.0), each.send(0.0)
        each.receive(0.1, newer, make_response(limit=20, remaining=4))
        each.receive(0.1, older, make_response(limit=20, remaining=19) if late else make_response())
    assert len(other.send_all(0.1)) == len(driver.send_all(0.1))


def test_a_limit_that_changes_is_followed() -> None:
    """It is the burst."""
    driver = held(10)
    driver.exchange(0.0, make_response(limit=50, remaining=40))
    assert driver.state(0.1).burst == 50


def test_an_answer_that_says_nothing_corrects_nothing() -> None:
    """A gateway's own error has no such headers."""
    driver = held(10)
    driver.exchange(0.0, make_response(500))
    assert len(driver.send_all(0.05)) == 7


@pytest.mark.parametrize("remaining", [-3, -(10**9), -(10**400)], ids=["-3", "-1e9", "-1e400"])
def test_less_than_nothing_left_is_no_long_wait(remaining: int) -> None:
    """A count below 0 by a race is not a debt of years, and no number is too large."""
    driver = held(20, rate=1.0)
    driver.exchange(0.0, make_response(limit=20, remaining=remaining))
    assert driver.next_allowed_at(0.05) <= 61.0


def test_a_limit_beyond_floats_does_no_harm() -> None:
    """No number is too large for a header."""
    huge = 10**400
    driver = Driver.create()
    for at, remaining in enumerate([huge - 1, huge - 9, huge - 9, huge - 9, huge - 9]):
        driver.exchange(float(at), make_response(limit=huge, remaining=remaining))
    driver.state(9.0)


# Refusals


def test_a_refusal_says_that_it_is_empty() -> None:
    """So fewer go than were believed to be in it."""
    driver = held(20, rate=1.0)
    driver.exchange(0.0, make_response(429))
    driver.exchange(5.0, make_response())
    assert 3 >= len(driver.send_all(5.1))


def test_refusals_are_waited_for_though_it_is_full_again() -> None:
    """The fifth of them means more than what is believed to be in it."""
    driver, at = held(20, rate=1000.0), 0.0
    for _ in range(7):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(429))
        at += 2 * ONE_WAY
    assert driver.next_allowed_at(at) == pytest.approx(at + 0.064)


def test_a_refusal_waits_for_a_token() -> None:
    """Where it names no wait, or 0."""
    driver = held(10, rate=10.0)
    driver.exchange(0.0, make_response(429, retry_after=0))
    assert 0.1 <= driver.next_allowed_at(0.05) <= 0.5


def test_a_refusal_that_names_a_wait_is_waited_for() -> None:
    """For as long as it says."""
    driver = held(10, rate=10.0)
    driver.exchange(0.0, make_response(429, retry_after=7))
    assert 7.05 <= driver.next_allowed_at(0.05) <= 8.1


def test_refusals_widen_the_reserve_but_leave_most_of_the_burst() -> None:
    """Requests arrive unevenly; yet however often, a full bucket lets some go."""
    driver, at = held(20, rate=10.0), 0.0
    for _ in range(50):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(429))
    at = driver.next_allowed_at(at)
    driver.exchange(at, make_response(limit=20, remaining=19))
    assert 7 <= len(driver.send_all(at + 1000.0)) < 18


def test_the_wait_doubles_with_each_refusal() -> None:
    """Where nothing was let in between."""
    driver, at, waits = held(0, rate=1.0, at=0.0), 5.0, [0.0]
    for _ in range(4):
        driver.exchange(at, make_response(429))
        at, sent_at = driver.next_allowed_at(at + 0.05), at
        waits.append(at - sent_at - 0.05)
    assert sorted(waits) == waits
    assert waits[1] <= 5.0 < 8.0 <= waits[4]


@pytest.mark.parametrize("rate", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("delay", [None, 0, 1, 60])
def test_the_wait_has_an_end(delay: int | None, rate: float) -> None:
    """What is named and at most a minute more, however often it was refused."""
    driver, at = held(20, rate=rate), 0.0
    for _ in range(3000):
        driver.exchange(at, make_response(429, retry_after=delay))
        allowed_at = driver.next_allowed_at(at + 0.05)
        assert allowed_at - at <= (delay or 0) + 61.0
        at = allowed_at


# Its rate


def measured(server: BucketServer, requests: int = 400) -> Driver:
    client = Client(at_start(requests))
    Simulation(server, [client]).run()
    return Driver(client.governor)


@pytest.mark.parametrize(("rate", "burst"), [(2.0, 5), (20.0, 5), (100.0, 20), (400.0, 100)])
def test_its_rate_is_measured(rate: float, burst: int) -> None:
    """Within a twentieth, where a burst's own size does not blur it."""
    assert bucket_of(measured(BucketServer(steady_rate(rate), burst))).rate == pytest.approx(
        rate, rel=0.1
    )


@pytest.mark.parametrize("to", [50.0, 200.0], ids=["halves", "doubles"])
def test_a_rate_that_changes_is_followed(to: float) -> None:
    """Measured again, all the time."""
    server = BucketServer(changing_rate(100.0, 1005.0, to), 20)
    assert bucket_of(measured(server, 1500)).rate == pytest.approx(to, rel=0.15)


@pytest.mark.parametrize("seed", range(4))
def test_idle_time_is_not_taken_for_slowness(seed: int) -> None:
    """After an hour it is full: what flowed over was lost. Answers overtake each other."""
    client = Client(at_start(300) + [3600.0] * 1000, network=Network(jitter=0.02))
    Simulation(BucketServer(steady_rate(100.0), 20), [client], seed=seed).run()
    assert client.finished_at - 3600.0 <= 1.2 * 1000 / 100.0


def test_idle_time_that_others_ended_is_not_taken_for_slowness() -> None:
    """Our first finds it nearly full."""
    client = Client(at_start(300) + [3600.0] * 1000)
    others = [3600.0 + 0.001 * number for number in range(3)]
    Simulation(BucketServer(steady_rate(100.0), 20), [client], others=others).run()
    assert client.finished_at - 3600.0 <= 1.2 * 1000 / 100.0


def test_a_full_bucket_measures_nothing() -> None:
    """One request a minute finds it full each time, and nobody waited for it."""
    driver = held(19, rate=100.0)
    for number in range(1, 10):
        driver.exchange(60.0 * number, make_response(limit=20, remaining=19))
    assert bucket_of(driver).rate == 100.0


def test_half_a_second_measures_nothing() -> None:
    """Whole tokens are too coarse for it."""
    driver = held(10, limit=100, rate=100.0)
    driver.exchange(0.49, make_response(limit=100, remaining=90))
    assert bucket_of(driver).rate == 100.0


def test_where_requests_waited_and_it_was_full_it_is_believed_to_be_faster() -> None:
    """A rate that was taken for too low is found out."""
    driver, at = held(0, limit=5, rate=0.5), 0.0
    for _ in range(40):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(limit=5, remaining=4))
        at += 2 * ONE_WAY
    assert bucket_of(driver).rate > 1.0


def test_a_wait_that_was_named_does_not_make_it_faster() -> None:
    """After a second it is full since nobody sent anything, and not since it fills so fast."""
    driver, at = held(20, rate=100.0), 0.0
    for _ in range(40):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(429, limit=20, remaining=0, retry_after=1))
        at = driver.next_allowed_at(at + 2 * ONE_WAY)
        driver.exchange(at, make_response(limit=20, remaining=19))
        at += 2 * ONE_WAY
    assert bucket_of(driver).rate <= 200.0


@pytest.mark.parametrize("jitter", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("retry_after", ["exact", "floored", "rounded up", "absent"])
@pytest.mark.parametrize("seed", range(4))
def test_uneven_ways_cost_little(seed: int, retry_after: RetryAfter, jitter: float) -> None:
    """However a refusal names its wait, its rate is not misjudged."""
    client = Client(at_start(1000), network=Network(jitter=jitter))
    server = BucketServer(steady_rate(100.0), 20, retry_after=retry_after, filled=START)
    Simulation(server, [client], seed=seed).run()
    assert 70.0 <= bucket_of(Driver(client.governor)).rate <= 140.0
    assert client.finished_at <= 1.7 * 980 / 100.0
    assert server.throttled <= 50


def test_a_bucket_to_which_nothing_comes_is_given_up() -> None:
    """It counts down and never up: it was a window, after all; the governor begins anew."""
    driver, at = held(100, limit=200, rate=10.0), 0.0
    for number in range(1, 100):
        at = driver.next_allowed_at(at)
        driver.exchange(at, make_response(limit=200, remaining=100 - number))
        at += 0.2
        if not isinstance(driver.governor.model, TokenBucket):
            return
    raise AssertionError(f"still a bucket: {driver.model}")


def test_answers_at_the_same_time_measure_nothing() -> None:
    """A clock that stands still is no rate."""
    driver = held(100, limit=200, rate=10.0)
    for ticket in driver.send_all(0.0, 30):
        driver.receive(0.0, ticket, make_response(limit=200, remaining=90))
    assert bucket_of(driver).rate == 10.0


# What it shows


def test_it_shows_its_rate_and_its_burst() -> None:
    """And no window."""
    state = measured(BucketServer(steady_rate(100.0), 20)).state(1e6)
    assert state.window is None
    assert state.burst == 20
    assert state.rate == pytest.approx(100.0, rel=0.1)


def test_a_rate_that_is_stated_and_lower_holds_beside_it() -> None:
    """What was learned opens nothing that the user has shut."""
    driver = Driver.create(max_rate=Rate(1, per=9.0))
    driver.governor.model = held(19).governor.model
    driver.send(1.0)
    assert driver.next_allowed_at(1.0 + 2 * ONE_WAY) == 10.0
