"""A server that only refuses: its rate is found by what it lets in."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from moregood_async.governor.goodput import FASTER_SHARE, FIRST_RATE, Goodput
from tests.governor.dialogue import WAY, Dialogue
from tests.governor.servers import Bucket, changing, said, steady
from tests.governor.simulation import Client, Simulation, at_once


def goodput_of(dialogue: Dialogue) -> Goodput:
    assert isinstance(dialogue.governor.belief, Goodput)
    return dialogue.governor.belief


def refused_first(told: object = None, let_in: int = 0) -> Dialogue:
    """The first refusal came at 1.05."""
    dialogue = Dialogue.begun()
    for number in range(let_in):
        dialogue.exchanges(number / let_in, said())
    dialogue.exchanges(1.0, said(429, retry_after=told))
    return dialogue


def silent(rate: float, burst: int = 5) -> Bucket:
    return Bucket(steady(rate), burst, named="not", headers=False)


def test_a_refusal_without_headers_makes_it() -> None:
    """Nothing else is known."""
    assert isinstance(refused_first().governor.belief, Goodput)


def test_before_it_requests_go_as_they_come() -> None:
    """Answers without headers speak of no limit."""
    dialogue = Dialogue.begun()
    dialogue.grows_to(32)
    assert 32 == len(dialogue.sends_all(9.0))


def test_a_refusal_that_names_no_wait_is_waited_for_briefly() -> None:
    """A quarter of a second at first."""
    assert pytest.approx(1.05 + 0.25) == refused_first().opens(1.05)


@pytest.mark.parametrize("told", [0, 3, 60])
def test_a_wait_that_is_named_is_waited_for_with_a_margin(told: int) -> None:
    """It may be rounded down."""
    assert pytest.approx(1.05 + told + 1.0) == refused_first(told).opens(1.05)


@pytest.mark.parametrize("told", [None, 0, 7])
def test_the_wait_doubles_up_to_a_minute(told: int | None) -> None:
    """Beyond what is named, however often it is refused: thousands of times, too."""
    dialogue, at, waits = refused_first(told), 1.05, [0.0]
    for _ in range(3000):
        opens = dialogue.opens(at)
        waits.append(opens - at - (told or 0))
        dialogue.exchanges(opens, said(429, retry_after=told))
        at = opens + 2 * WAY
    assert pytest.approx(2.0) == waits[3] / waits[2]
    assert pytest.approx(60.0, abs=1.0) == max(waits)


def test_the_first_back_goes_alone() -> None:
    """One tells whether it is open."""
    dialogue = refused_first()
    dialogue.sends(2.0)
    assert math.inf == dialogue.opens(50.0)


def test_it_begins_slowly_where_too_few_were_let_in_to_tell() -> None:
    """A handful a second, then faster with each that is let in."""
    dialogue = refused_first()
    assert FIRST_RATE == goodput_of(dialogue).rate
    dialogue.exchanges(2.0, said())
    assert goodput_of(dialogue).rate > FIRST_RATE


def test_a_refusal_so_soon_that_it_measures_nothing_makes_it_slower() -> None:
    """By a third, and by nothing more while it goes on."""
    dialogue = refused_first()
    at = dialogue.opens(2.0)
    for status in (200, 429, 429, 429):
        dialogue.exchanges(at, said(status))
        at = dialogue.opens(at + 2 * WAY)
    assert 0.6 * FIRST_RATE < goodput_of(dialogue).rate < 0.8 * FIRST_RATE


def test_it_begins_with_what_was_let_in_until_the_refusal() -> None:
    """Sixty in a second and a bit."""
    rate = goodput_of(refused_first(let_in=60)).rate
    assert 60 / 1.4 <= rate <= 60.0


def test_requests_go_evenly() -> None:
    """One gap after the other, and not all that have waited at once."""
    dialogue, at, times = refused_first(let_in=60), 5.0, [0.0]
    for _ in range(20):
        at = dialogue.opens(at)
        times.append(at)
        dialogue.governor.gone(dialogue.sends(at))
    gap = 1.0 / (goodput_of(dialogue).rate * (1.0 + FASTER_SHARE))
    gaps = [later - sooner for sooner, later in pairwise(times[3:])]
    assert [pytest.approx(gap)] * len(gaps) == gaps


def test_after_a_pause_no_burst_goes() -> None:
    """What was not sent is not made up for, but for one."""
    dialogue = refused_first(let_in=60)
    dialogue.exchanges(2.0, said())
    assert 2 >= len(dialogue.sends_all(3600.0))


@pytest.mark.parametrize("rate", [2.0, 20.0, 200.0])
def test_its_rate_is_measured(rate: float) -> None:
    """Between refusals it has let in what it had to give."""
    client = Client(at_once(600))
    Simulation(silent(rate), [client]).run()
    assert pytest.approx(rate, rel=0.1) == client.governor.state(0.0, 0).rate


@pytest.mark.parametrize("to", [10.0, 40.0], ids=["halves", "doubles"])
def test_a_rate_that_changes_is_followed(to: float) -> None:
    """Each refusal measures anew; where none comes, requests go faster and faster."""
    client = Client(at_once(1500))
    server = Bucket(changing(20.0, 1020.0, to), 5, named="not", headers=False)
    Simulation(server, [client]).run()
    assert pytest.approx(to, rel=0.15) == client.governor.state(0.0, 0).rate


def test_idle_time_is_not_taken_for_slowness() -> None:
    """Two hours with a request now and then, and a refusal: the server is no slower for it."""
    trickle = [600.0 * number for number in range(1, 13)]
    client = Client(at_once(300) + trickle + [7300.0] * 300)
    Simulation(silent(20.0), [client]).run()
    assert client.ended - 7300.0 <= 2 * 300 / 20.0


@pytest.mark.parametrize("every", [2, 3, 5], ids=["half", "a third", "a fifth"])
def test_refusals_that_no_pace_avoids_do_not_stop_it(every: int) -> None:
    """Where they come at random, or by another's traffic: a minute between two, at the most."""
    dialogue, at = Dialogue.begun(), 0.0
    for number in range(2000):
        opens = dialogue.opens(at)
        assert opens - at <= 61.0, f"after {number} requests"
        dialogue.exchanges(opens, said(200 if number % every else 429))
        at = opens + 2 * WAY


def test_without_refusals_its_rate_stays_a_number() -> None:
    """A hundred thousand requests after the only refusal, it shows no infinite rate."""
    dialogue = refused_first()
    belief = goodput_of(dialogue)
    sent = dialogue.sends(2.0)
    for _ in range(100_000):
        belief.let_in(sent, said(), 0.05, dialogue.governor._ledger)
    assert belief.believed().rate is None or belief.rate < math.inf


def test_it_shows_its_rate() -> None:
    """No window and no burst: nobody knows them."""
    state = refused_first().state(2.0)
    assert (FIRST_RATE, None, None) == (state.rate, state.window, state.burst)
