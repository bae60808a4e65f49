"""A fixed window: how its length and its phase are learned, and what is sent in it."""

from __future__ import annotations

import pytest

from moregood_async.config import Rate
from moregood_async.governor.window import FixedWindow
from tests.governor.dialogue import ENDS, WAY, Dialogue
from tests.governor.servers import Window, date, said, unix

LATE = 0.05
"""A window opens at most so much later than it could: margins."""


def window_of(dialogue: Dialogue) -> FixedWindow:
    assert isinstance(dialogue.governor.belief, FixedWindow)
    return dialogue.governor.belief


def used_up(server: Window) -> Dialogue:
    """A conversation that has used the first window, from 0.0 on, in tenths of a second."""
    dialogue = Dialogue.begun()
    for number in range(server.limit):
        dialogue.asks(number / 10, server)
    return dialogue


# What is left


def test_the_first_of_a_window_has_opened_it() -> None:
    """One less than the limit is left."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(5.0, said(limit=3, remaining=2))
    assert (5.0, 2, 3) == (
        window_of(dialogue).opened,
        window_of(dialogue).left,
        window_of(dialogue).limit,
    )


def test_nobody_knows_when_a_window_opened_that_others_had_used() -> None:
    """The first answer says that more than one is gone."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(5.0, said(limit=9, remaining=3))
    assert (None, 3) == (window_of(dialogue).opened, window_of(dialogue).left)


def test_credit_is_what_is_left_less_what_is_in_flight() -> None:
    """With 3 left, 3 go."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(limit=9, remaining=3))
    assert 3 == len(dialogue.sends_all(0.1))
    assert ENDS == dialogue.opens(100.0)


def test_the_least_that_was_said_counts() -> None:
    """Answers overtake each other: an old one says too much."""
    dialogue = Dialogue.begun()
    older, newer = dialogue.sends(0.0), dialogue.sends(0.0)
    dialogue.hears(0.1, newer, said(limit=9, remaining=5))
    dialogue.hears(0.2, older, said(limit=9, remaining=6))
    assert 5 == window_of(dialogue).left


def test_the_opener_is_known_though_its_answer_was_overtaken() -> None:
    """The second's answer is here before it."""
    dialogue = Dialogue.begun()
    first, second = dialogue.sends(0.0), dialogue.sends(0.0)
    dialogue.hears(0.1, second, said(limit=9, remaining=7))
    dialogue.hears(0.2, first, said(limit=9, remaining=8))
    assert (0.0, 7) == (window_of(dialogue).opened, window_of(dialogue).left)


@pytest.mark.parametrize("remaining", [0, -1, -3, -(10**9)])
def test_nothing_left_lets_one_ask(remaining: int) -> None:
    """Nobody knows yet for how long; below 0 is nothing too."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(limit=9, remaining=remaining))
    assert 1 == len(dialogue.sends_all(0.1))


def test_who_asks_waits_for_those_in_flight() -> None:
    """Their answers may say more."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(limit=9, remaining=1))
    sent = dialogue.sends(0.1)
    assert ENDS == dialogue.opens(0.1)
    dialogue.hears(0.2, sent, said(limit=9, remaining=0))
    assert 0.2 == dialogue.opens(0.2)


def test_while_one_asks_the_others_wait() -> None:
    """However long its answer takes."""
    dialogue = used_up(Window(2, 6.0))
    dialogue.sends(0.3)
    assert ENDS == dialogue.opens(30.0)


def test_who_asks_and_is_cancelled_makes_room_for_another() -> None:
    """A lost question blocks nobody."""
    dialogue = used_up(Window(2, 6.0))
    dialogue.governor.gone(dialogue.sends(0.3))
    assert 0.4 == dialogue.opens(0.4)


def test_an_answer_that_says_nothing_changes_nothing() -> None:
    """A gateway's own error has no such headers."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(limit=9, remaining=5))
    dialogue.exchanges(0.1, said(502))
    assert 5 == window_of(dialogue).left


def test_while_some_are_in_flight_nobody_asks_at_a_first_predicted_end() -> None:
    """The prediction has not proved itself, and who asks goes alone."""
    server = Window(3, 6.0, resets=True)
    dialogue = Dialogue.begun()
    for sent in dialogue.sends_all(0.0, 3)[:2]:
        dialogue.hears(2 * WAY, sent, server.hit(WAY))
    assert window_of(dialogue).length is not None
    assert ENDS == dialogue.opens(3.0)


@pytest.mark.parametrize(("told", "margin"), [("2.5", 0.1), ("2", 1.1)], ids=["exact", "whole"])
def test_a_wait_in_a_window_of_others_has_a_margin_by_its_precision(
    told: str, margin: float
) -> None:
    """Whole seconds may have been rounded down; fractions were not."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(429, limit=9, remaining=0, retry_after=told))
    assert 0.05 + float(told) <= dialogue.opens(0.05) <= 0.05 + float(told) + margin


def test_where_no_wait_is_named_it_asks_less_and_less_often() -> None:
    """Half a second at first, a minute at last."""
    dialogue, at = Dialogue.begun(), 0.0
    waits = list[float]()
    for _ in range(12):
        dialogue.exchanges(at, said(429, limit=9, remaining=0))
        at, answered = dialogue.opens(at + 2 * WAY), at + 2 * WAY
        waits.append(at - answered)
    expected = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0, 60.0]
    assert pytest.approx(expected) == waits


def test_errors_that_count_are_counted() -> None:
    """422, 404 of a model and 500 carry the headers."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(422, limit=9, remaining=5))
    assert 5 == window_of(dialogue).left


@pytest.mark.parametrize(("limit", "left"), [(20, 11), (5, 2)], ids=["up", "down"])
def test_a_limit_that_changes_is_followed(limit: int, left: int) -> None:
    """What is left by the new one is left."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(limit=9, remaining=8))
    dialogue.exchanges(0.1, said(limit=limit, remaining=left))
    assert (limit, left) == (window_of(dialogue).limit, window_of(dialogue).left)


# Its length


@pytest.mark.parametrize("period", [1.0, 2.0, 6.0, 60.0])
def test_the_length_is_learned_from_one_refusal(period: float) -> None:
    """The whole seconds it names, and the time since the window opened."""
    server = Window(2, period)
    dialogue = used_up(server)
    dialogue.asks(0.3, server)
    assert (1, period) == (server.refused, window_of(dialogue).length)


def test_a_length_that_is_named_exactly_is_taken_exactly() -> None:
    """A server that names fractions means them."""
    server = Window(2, 2.5, named="exactly")
    dialogue = used_up(server)
    dialogue.asks(0.3, server)
    assert pytest.approx(2.5, abs=0.01) == window_of(dialogue).length


def test_a_reset_in_whole_unix_seconds_tells_the_length() -> None:
    """Where a refusal has no ``Retry-After``."""
    dialogue = used_up(Window(2, 6.0))
    refusal = said(429, limit=2, remaining=0, reset=unix(6.0), date=date(0.325))
    dialogue.exchanges(0.3, refusal)
    assert dialogue.opens(0.35) >= 6.0


def test_a_reset_on_every_answer_tells_the_length_before_anything_is_refused() -> None:
    """Nobody needs to ask."""
    server = Window(2, 6.0, resets=True)
    dialogue = used_up(server)
    assert 6.0 <= dialogue.opens(0.2) <= 7.0 + LATE
    assert 0 == server.refused


def test_a_request_from_before_the_window_tells_no_length() -> None:
    """Its answer took long, and its reset is long over."""
    dialogue = Dialogue.begun()
    slow, (opener, *_) = dialogue.sends(0.0), dialogue.sends_all(9.0, 3)
    dialogue.hears(9.1, opener, said(limit=3, remaining=2, reset=unix(14.0), date=date(9.0)))
    dialogue.hears(9.2, slow, said(limit=3, remaining=2, reset=unix(5.0), date=date(9.1)))
    length = window_of(dialogue).length
    assert length is None or length > 0


def test_a_window_that_others_opened_has_no_length_yet() -> None:
    """The wait is waited for, with a second's margin, and says nothing about the length."""
    server = Window(3, 6.0)
    server.hit(-2.0)
    dialogue = Dialogue.begun()
    dialogue.asks(0.0, server)
    dialogue.asks(0.1, server)
    dialogue.asks(0.2, server)
    assert (1, None) == (server.refused, window_of(dialogue).length)
    assert 4.0 <= dialogue.opens(0.3) <= 3 + 1 + 0.3


def test_a_length_is_not_learned_from_a_window_of_long_ago() -> None:
    """Others opened the present one, so nobody knows how long it has been open."""
    server = Window(9, 60.0)
    dialogue = Dialogue.begun()
    dialogue.asks(0.0, server)
    for number in range(3):
        server.hit(3600.0 + number)
    for number in range(7):
        dialogue.asks(3610.0 + number / 10, server)
    assert 1 == server.refused
    length = window_of(dialogue).length
    assert length is None or length <= 61.0


def test_a_window_seems_older_than_it_is_where_its_opener_was_long_under_way() -> None:
    """Its first request had to connect: the end is later by as much."""
    server = Window(2, 6.0)
    dialogue = Dialogue.begun()
    sent = dialogue.sends(0.0)
    dialogue.hears(0.33, sent, server.hit(0.3))
    dialogue.asks(0.4, server)
    dialogue.asks(0.5, server)
    assert 6.0 == window_of(dialogue).length
    assert window_of(dialogue).ends_at + WAY >= server.ends


# A server that rounds up


def test_one_request_tries_whether_the_server_rounds_up() -> None:
    """A second before the end, alone."""
    server = Window(2, 7.0)
    dialogue = used_up(server)
    dialogue.asks(0.3, server)
    at = dialogue.opens(0.4)
    assert 6.0 <= at < 7.0
    dialogue.sends(at)
    assert ENDS == dialogue.opens(at)


def test_the_early_one_goes_but_once() -> None:
    """After its refusal everybody waits for the end."""
    server = Window(2, 7.0)
    dialogue = used_up(server)
    dialogue.asks(0.3, server)
    at = dialogue.opens(0.4)
    assert 429 == dialogue.asks(at, server).status
    assert 7.0 <= dialogue.opens(at + 0.1) <= 7.0 + LATE


def test_a_server_that_rounds_up_is_found_out() -> None:
    """The early one is let in: the length is one second less, and never tried early again."""
    server = Window(2, 6.0, named="rounded up")
    dialogue = used_up(server)
    dialogue.asks(0.3, server)
    assert 7.0 == window_of(dialogue).length
    at = dialogue.asks_at_best(0.4, server, 7)
    belief = window_of(dialogue)
    assert (6.0, True, 1) == (belief.length, belief.proven, server.refused)
    assert Rate(2, per=6.0) == dialogue.state(at).window


@pytest.mark.parametrize("named", ["floored", "rounded up"])
@pytest.mark.parametrize("period", [1.0, 2.0, 3.0, 60.0])
def test_however_it_rounds_the_length_is_found_with_two_refusals(period: float, named: str) -> None:
    """One for the length, and perhaps one for the early try."""
    server = Window(2, period, named="floored" if named == "floored" else "rounded up")
    dialogue = Dialogue.begun()
    dialogue.asks_at_best(0.0, server, 30)
    assert 2 >= server.refused
    assert (period, True) == (window_of(dialogue).length, window_of(dialogue).proven)
