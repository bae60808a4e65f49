"""A token bucket: how it is told from a window, how its rate is measured, and what goes."""

from __future__ import annotations

import pytest

from moregood_async.config import Rate
from moregood_async.governor.answers import Allowance
from moregood_async.governor.bucket import TokenBucket
from moregood_async.governor.ledger import Sent
from moregood_async.governor.window import FixedWindow
from tests.governor.dialogue import WAY, Dialogue
from tests.governor.servers import Bucket, Named, Window, changing, said, steady
from tests.governor.simulation import BEGINS, Client, Simulation, Way, at_once


def held(tokens: int, limit: int = 20, rate: float = 10.0, at: float = 0.0) -> Dialogue:
    """A conversation that believes in a bucket with so many tokens; nothing is in flight."""
    dialogue = Dialogue.begun()
    at = dialogue.grows_to(32, at - 100.0)
    sent = dialogue.sends(at)
    dialogue.hears(at, sent, said())
    ledger = dialogue.governor._ledger
    allowed = Allowance(limit, tokens)
    dialogue.governor.belief = TokenBucket.of(Sent(sent.number, 0.0), allowed, rate, 0.0, ledger)
    return dialogue


def bucket_of(dialogue: Dialogue) -> TokenBucket:
    assert isinstance(dialogue.governor.belief, TokenBucket)
    return dialogue.governor.belief


# What it is


def test_a_count_that_rises_twice_within_a_window_makes_it_a_bucket() -> None:
    """More is left than before, and it is not a new window's whole limit."""
    dialogue = Dialogue.begun()
    for at, remaining in enumerate([19, 18, 17, 17, 17]):
        assert isinstance(dialogue.governor.belief, FixedWindow) or at == 0
        dialogue.exchanges(float(at), said(limit=20, remaining=remaining))
    assert isinstance(dialogue.governor.belief, TokenBucket)


def test_a_count_that_rises_once_is_still_a_window() -> None:
    """Others can be the reason."""
    dialogue = Dialogue.begun()
    for at, remaining in enumerate([19, 18, 10, 15, 14, 13]):
        dialogue.exchanges(float(at), said(limit=20, remaining=remaining))
    assert isinstance(dialogue.governor.belief, FixedWindow)


def test_a_count_that_only_falls_is_a_window() -> None:
    """Down to nothing."""
    dialogue = Dialogue.begun()
    for at in range(20):
        dialogue.exchanges(float(at), said(limit=20, remaining=19 - at))
    assert isinstance(dialogue.governor.belief, FixedWindow)


def test_more_than_three_limits_in_what_seems_one_window_make_it_a_bucket() -> None:
    """Though each rise alone could be a new window's, which others have opened."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(limit=10, remaining=9))
    for number in range(1, 20):
        for sent in dialogue.sends_all(number / 10, 3):
            dialogue.hears(number / 10 + 0.05, sent, said(limit=10, remaining=7))
    assert isinstance(dialogue.governor.belief, TokenBucket)


def test_new_windows_are_no_bucket() -> None:
    """The count rises, but to the whole limit."""
    server = Window(5, 2.0)
    dialogue = Dialogue.begun()
    dialogue.asks_at_best(0.0, server, 60)
    assert isinstance(dialogue.governor.belief, FixedWindow)


def test_its_first_rate_is_what_came_since_it_was_full() -> None:
    """By the answers: what is left and what was let in."""
    server = Bucket(steady(10.0), 20)
    dialogue = Dialogue.begun()
    at = 0.0
    while not isinstance(dialogue.governor.belief, TokenBucket):
        dialogue.asks(at, server)
        at += 0.06
    assert 6.0 <= bucket_of(dialogue).rate <= 14.0


# What goes


def test_tokens_go_at_once_but_for_a_reserve() -> None:
    """Requests do not arrive as evenly as they are sent."""
    assert 8 == len(held(10).sends_all(0.0))


def test_the_next_token_is_waited_for() -> None:
    """By the rate."""
    dialogue = held(3, rate=10.0)
    dialogue.sends(0.0)
    assert pytest.approx(0.1) == dialogue.opens(0.0)


def test_it_fills_while_time_passes() -> None:
    """And is open once there is enough."""
    assert 18 == len(held(0, limit=50, rate=10.0).sends_all(2.0))


def test_it_holds_no_more_than_its_burst() -> None:
    """A year of filling is a full bucket."""
    assert 18 == len(held(0, limit=20, rate=10.0).sends_all(3e7))


def test_what_is_in_flight_has_taken_its_token() -> None:
    """Before its answer says so."""
    dialogue = held(20)
    assert 18 == len(dialogue.sends_all(0.0))
    assert 0 == len(dialogue.sends_all(0.05))


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 20, 1000])
def test_a_full_bucket_lets_one_go(limit: int) -> None:
    """However small it is, its reserve does not hold the last token back."""
    assert 100.0 == held(limit, limit=limit, rate=1.0).opens(100.0)


def test_a_bucket_that_shrinks_to_one_token_lets_one_go() -> None:
    """The limit may change at any time."""
    dialogue = held(20, rate=1.0)
    dialogue.exchanges(1.0, said(limit=1, remaining=0))
    dialogue.asks_at_best(100.0, Bucket(steady(1.0), 1, tokens=1.0, filled=100.0), 20)


def test_an_answer_corrects_what_it_holds() -> None:
    """Others have taken most of it: within a few answers that is known."""
    dialogue, at = held(20, rate=1.0), 0.0
    for _ in range(12):
        at = dialogue.opens(at)
        dialogue.exchanges(at, said(limit=20, remaining=3))
    assert 3 >= len(dialogue.sends_all(at + 2 * WAY))


def test_an_answer_that_was_overtaken_corrects_nothing() -> None:
    """Newest is which was sent last, not which came last."""
    dialogue, other = held(10), held(10)
    for each, late in ((dialogue, True), (other, False)):
        older, newer = each.sends(0.0), each.sends(0.0)
        each.hears(0.1, newer, said(limit=20, remaining=4))
        each.hears(0.1, older, said(limit=20, remaining=19) if late else said())
    assert len(other.sends_all(0.1)) == len(dialogue.sends_all(0.1))


def test_a_limit_that_changes_is_followed() -> None:
    """It is the burst."""
    dialogue = held(10)
    dialogue.exchanges(0.0, said(limit=50, remaining=40))
    assert 50 == dialogue.state(0.1).burst


def test_an_answer_that_says_nothing_corrects_nothing() -> None:
    """A gateway's own error has no such headers."""
    dialogue = held(10)
    dialogue.exchanges(0.0, said(500))
    assert 7 == len(dialogue.sends_all(0.05))


@pytest.mark.parametrize("remaining", [-3, -(10**9), -(10**400)], ids=["-3", "-1e9", "-1e400"])
def test_less_than_nothing_left_is_no_long_wait(remaining: int) -> None:
    """A count below 0 by a race is not a debt of years, and no number is too large."""
    dialogue = held(20, rate=1.0)
    dialogue.exchanges(0.0, said(limit=20, remaining=remaining))
    assert dialogue.opens(0.05) <= 61.0


def test_a_limit_beyond_floats_does_no_harm() -> None:
    """No number is too large for a header."""
    huge = 10**400
    dialogue = Dialogue.begun()
    for at, remaining in enumerate([huge - 1, huge - 9, huge - 9, huge - 9, huge - 9]):
        dialogue.exchanges(float(at), said(limit=huge, remaining=remaining))
    dialogue.state(9.0)


# Refusals


def test_a_refusal_says_that_it_is_empty() -> None:
    """So fewer go than were believed to be in it."""
    dialogue = held(20, rate=1.0)
    dialogue.exchanges(0.0, said(429))
    dialogue.exchanges(5.0, said())
    assert 3 >= len(dialogue.sends_all(5.1))


def test_refusals_are_waited_for_though_it_is_full_again() -> None:
    """The fifth of them means more than what is believed to be in it."""
    dialogue, at = held(20, rate=1000.0), 0.0
    for _ in range(7):
        at = dialogue.opens(at)
        dialogue.exchanges(at, said(429))
        at += 2 * WAY
    assert pytest.approx(at + 0.064) == dialogue.opens(at)


def test_a_refusal_waits_for_a_token() -> None:
    """Where it names no wait, or 0."""
    dialogue = held(10, rate=10.0)
    dialogue.exchanges(0.0, said(429, retry_after=0))
    assert 0.1 <= dialogue.opens(0.05) <= 0.5


def test_a_refusal_that_names_a_wait_is_waited_for() -> None:
    """For as long as it says."""
    dialogue = held(10, rate=10.0)
    dialogue.exchanges(0.0, said(429, retry_after=7))
    assert 7.05 <= dialogue.opens(0.05) <= 8.1


def test_refusals_widen_the_reserve_but_leave_most_of_the_burst() -> None:
    """Requests arrive unevenly; yet however often, a full bucket lets some go."""
    dialogue, at = held(20, rate=10.0), 0.0
    for _ in range(50):
        at = dialogue.opens(at)
        dialogue.exchanges(at, said(429))
    at = dialogue.opens(at)
    dialogue.exchanges(at, said(limit=20, remaining=19))
    assert 7 <= len(dialogue.sends_all(at + 1000.0)) < 18


def test_the_wait_doubles_with_each_refusal() -> None:
    """Where nothing was let in between."""
    dialogue, at, waits = held(0, rate=1.0, at=0.0), 5.0, [0.0]
    for _ in range(4):
        dialogue.exchanges(at, said(429))
        at, sent_at = dialogue.opens(at + 0.05), at
        waits.append(at - sent_at - 0.05)
    assert sorted(waits) == waits
    assert waits[1] <= 5.0 < 8.0 <= waits[4]


@pytest.mark.parametrize("rate", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("told", [None, 0, 1, 60])
def test_the_wait_has_an_end(told: int | None, rate: float) -> None:
    """What is named and at most a minute more, however often it was refused."""
    dialogue, at = held(20, rate=rate), 0.0
    for _ in range(3000):
        dialogue.exchanges(at, said(429, retry_after=told))
        opens = dialogue.opens(at + 0.05)
        assert opens - at <= (told or 0) + 61.0
        at = opens


# Its rate


def measured(server: Bucket, requests: int = 400) -> Dialogue:
    client = Client(at_once(requests))
    Simulation(server, [client]).run()
    return Dialogue(client.governor)


@pytest.mark.parametrize(("rate", "burst"), [(2.0, 5), (20.0, 5), (100.0, 20), (400.0, 100)])
def test_its_rate_is_measured(rate: float, burst: int) -> None:
    """Within a twentieth, where a burst's own size does not blur it."""
    assert pytest.approx(rate, rel=0.1) == bucket_of(measured(Bucket(steady(rate), burst))).rate


@pytest.mark.parametrize("to", [50.0, 200.0], ids=["halves", "doubles"])
def test_a_rate_that_changes_is_followed(to: float) -> None:
    """Measured again, all the time."""
    server = Bucket(changing(100.0, 1005.0, to), 20)
    assert pytest.approx(to, rel=0.15) == bucket_of(measured(server, 1500)).rate


@pytest.mark.parametrize("seed", range(4))
def test_idle_time_is_not_taken_for_slowness(seed: int) -> None:
    """After an hour it is full: what flowed over was lost. Answers overtake each other."""
    client = Client(at_once(300) + [3600.0] * 1000, way=Way(jitter=0.02))
    Simulation(Bucket(steady(100.0), 20), [client], seed=seed).run()
    assert client.ended - 3600.0 <= 1.2 * 1000 / 100.0


def test_idle_time_that_others_ended_is_not_taken_for_slowness() -> None:
    """Our first finds it nearly full."""
    client = Client(at_once(300) + [3600.0] * 1000)
    others = [3600.0 + 0.001 * number for number in range(3)]
    Simulation(Bucket(steady(100.0), 20), [client], others=others).run()
    assert client.ended - 3600.0 <= 1.2 * 1000 / 100.0


def test_a_full_bucket_measures_nothing() -> None:
    """One request a minute finds it full each time, and nobody waited for it."""
    dialogue = held(19, rate=100.0)
    for number in range(1, 10):
        dialogue.exchanges(60.0 * number, said(limit=20, remaining=19))
    assert 100.0 == bucket_of(dialogue).rate


def test_half_a_second_measures_nothing() -> None:
    """Whole tokens are too coarse for it."""
    dialogue = held(10, limit=100, rate=100.0)
    dialogue.exchanges(0.49, said(limit=100, remaining=90))
    assert 100.0 == bucket_of(dialogue).rate


def test_where_requests_waited_and_it_was_full_it_is_believed_to_be_faster() -> None:
    """A rate that was taken for too low is found out."""
    dialogue, at = held(0, limit=5, rate=0.5), 0.0
    for _ in range(40):
        at = dialogue.opens(at)
        dialogue.exchanges(at, said(limit=5, remaining=4))
        at += 2 * WAY
    assert bucket_of(dialogue).rate > 1.0


def test_a_wait_that_was_named_does_not_make_it_faster() -> None:
    """After a second it is full since nobody sent anything, and not since it fills so fast."""
    dialogue, at = held(20, rate=100.0), 0.0
    for _ in range(40):
        at = dialogue.opens(at)
        dialogue.exchanges(at, said(429, limit=20, remaining=0, retry_after=1))
        at = dialogue.opens(at + 2 * WAY)
        dialogue.exchanges(at, said(limit=20, remaining=19))
        at += 2 * WAY
    assert bucket_of(dialogue).rate <= 200.0


@pytest.mark.parametrize("jitter", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("named", ["exactly", "floored", "rounded up", "not"])
@pytest.mark.parametrize("seed", range(4))
def test_uneven_ways_cost_little(seed: int, named: Named, jitter: float) -> None:
    """However a refusal names its wait, its rate is not misjudged."""
    client = Client(at_once(1000), way=Way(jitter=jitter))
    server = Bucket(steady(100.0), 20, named=named, filled=BEGINS)
    Simulation(server, [client], seed=seed).run()
    assert 70.0 <= bucket_of(Dialogue(client.governor)).rate <= 140.0
    assert client.ended <= 1.7 * 980 / 100.0
    assert server.refused <= 50


def test_a_bucket_to_which_nothing_comes_is_given_up() -> None:
    """It counts down and never up: it was a window, after all; the governor begins anew."""
    dialogue, at = held(100, limit=200, rate=10.0), 0.0
    for number in range(1, 100):
        at = dialogue.opens(at)
        dialogue.exchanges(at, said(limit=200, remaining=100 - number))
        at += 0.2
        if not isinstance(dialogue.governor.belief, TokenBucket):
            return
    raise AssertionError(f"still believed: {dialogue.governor.belief}")


def test_answers_at_the_same_time_measure_nothing() -> None:
    """A clock that stands still is no rate."""
    dialogue = held(100, limit=200, rate=10.0)
    for sent in dialogue.sends_all(0.0, 30):
        dialogue.hears(0.0, sent, said(limit=200, remaining=90))
    assert 10.0 == bucket_of(dialogue).rate


# What it shows


def test_it_shows_its_rate_and_its_burst() -> None:
    """And no window."""
    state = measured(Bucket(steady(100.0), 20)).state(1e6)
    assert (None, 20) == (state.window, state.burst)
    assert state.rate == pytest.approx(100.0, rel=0.1)


def test_a_rate_that_is_stated_and_lower_holds_beside_it() -> None:
    """What was learned opens nothing that the user has shut."""
    dialogue = Dialogue.begun(max_rate=Rate(1, per=9.0))
    dialogue.governor.belief = held(19).governor.belief
    dialogue.sends(1.0)
    assert 10.0 == dialogue.opens(1.0 + 2 * WAY)
