"""The windows after the first: when they are expected, and what is believed of others' windows."""

from __future__ import annotations

import math

import pytest

from moregood_async.config import Rate
from moregood_async.governor.window import FixedWindow
from tests.governor.dialogue import WAY, Dialogue
from tests.governor.servers import Window, said

LATE = 0.05
"""A window opens at most so much later than it could: margins."""


def window_of(dialogue: Dialogue) -> FixedWindow:
    assert isinstance(dialogue.governor.belief, FixedWindow)
    return dialogue.governor.belief


def proven(server: Window) -> tuple[Dialogue, float]:
    """A conversation after which the length is known and one request is sent in a new window."""
    dialogue, at = Dialogue.begun(), 0.0
    while not (isinstance(dialogue.governor.belief, FixedWindow) and window_of(dialogue).proven):
        at = dialogue.asks_at_best(at, server, 1)
    return dialogue, at


def expected(server: Window) -> tuple[Dialogue, float]:
    """A conversation that has used a window, and the time at which it expects the next."""
    dialogue, at = proven(server)
    dialogue.asks_at_best(at, server, server.limit - 1)
    return dialogue, dialogue.opens(server.opened + 1.0)


# The next window


def test_the_first_of_the_second_window_goes_alone() -> None:
    """A prediction may be wrong."""
    server = Window(8, 6.0)
    dialogue = Dialogue.begun()
    dialogue.asks_at_best(0.0, server, 8 + 1 + 1)  # the window, who asks, and who tries early
    at = dialogue.opens(5.9)
    assert 6.0 <= at <= 6.0 + LATE
    assert 1 == len(dialogue.sends_all(at))


def test_once_the_prediction_has_held_all_go_at_once() -> None:
    """The whole limit, as soon as the window opens, while the last one's answers are on the way."""
    server = Window(4, 6.0)
    dialogue, at = proven(server)
    dialogue.asks_at_best(at, server, 3)
    for _ in range(3):
        opened = window_of(dialogue).opened
        assert opened is not None
        at = dialogue.opens(opened + 1.0)
        assert opened + 6.0 < at <= opened + 6.0 + LATE
        sent = dialogue.sends_all(at)
        assert 4 == len(sent)
        for one in sent:
            dialogue.hears(at + 2 * WAY, one, server.hit(at + WAY))
    assert 2 >= server.refused


def test_a_proven_window_opens_though_some_are_in_flight() -> None:
    """An answer that never comes keeps nobody out of the next window."""
    server = Window(4, 6.0)
    dialogue, at = proven(server)
    held = dialogue.sends_all(at)
    assert 3 == len(held)
    assert at < dialogue.opens(at) < math.inf
    assert 1 == len(dialogue.sends_all(dialogue.opens(at)))  # the three may count in this one


def test_a_prediction_that_was_too_early_is_tried_again_soon_and_alone() -> None:
    """With a wider margin."""
    server = Window(4, 6.0)
    dialogue, _ = proven(server)
    dialogue.asks_at_best(server.opened, server, 3)
    at = dialogue.opens(server.opened + 1.0)
    server.ends = at + WAY + 0.03  # this once the server's clock is behind
    assert 429 == dialogue.asks(at, server).status
    again = dialogue.opens(at + 2 * WAY)
    assert at + 0.03 < again < at + 0.2
    assert 1 == len(dialogue.sends_all(again))


def test_after_a_prediction_that_was_too_early_the_first_goes_alone_again() -> None:
    """However many had held before."""
    server = Window(2, 6.0)
    dialogue, at = expected(server)
    for _ in range(30):
        sent = dialogue.sends_all(at)
        assert 2 == len(sent)
        for one in sent:
            dialogue.hears(at + 2 * WAY, one, server.hit(at + WAY))
        at = dialogue.opens(at + 1.0)
    server.ends = at + WAY + 0.03
    for one in dialogue.sends_all(at):
        dialogue.hears(at + 2 * WAY, one, server.hit(at + WAY))
    for _ in range(3):
        at = dialogue.opens(at + 2 * WAY)
        sent = dialogue.sends_all(at)
        assert 1 == len(sent)
        dialogue.hears(at + 2 * WAY, sent[0], server.hit(at + WAY))
        at = dialogue.asks_at_best(at + 2 * WAY, server, 1)


def test_the_margin_becomes_small_again() -> None:
    """A little with each prediction that holds."""
    server = Window(2, 6.0)
    dialogue, at = expected(server)
    server.ends = at + WAY + 0.03
    margins = list[float]()
    for _ in range(60):
        at = dialogue.opens(at)
        opened = window_of(dialogue).opened
        if opened is not None and at > opened + 5.0:
            margins.append(at - opened - 6.0)
        dialogue.asks(at, server)
        at += 2 * WAY
    assert max(margins) > 0.04
    assert margins[-1] < 0.005


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "overtaking"])
def test_where_all_were_too_early_it_is_tried_again_soon(order: int) -> None:
    """Whichever refusal is here first; no whole window is lost."""
    server = Window(4, 6.0)
    dialogue, at = expected(server)
    server.ends = at + WAY + 0.03
    sent = dialogue.sends_all(at)
    assert 4 == len(sent)
    for one in sent[::order]:
        dialogue.hears(at + 2 * WAY, one, server.hit(at + WAY))
    again = dialogue.opens(at + 2 * WAY)
    assert again < at + 0.2
    assert 1 == len(dialogue.sends_all(again))


def test_a_request_just_before_the_expected_end_does_not_shorten_it_by_a_second() -> None:
    """It met the next window since ways are uneven: a hundredth of a second proves nothing."""
    server = Window(4, 6.0)
    dialogue, at = expected(server)
    server.hit(at + WAY)
    dialogue.hears(at + 2 * WAY, dialogue.sends(at), said(limit=4, remaining=3))
    dialogue.exchanges(at + 5.99, said(limit=4, remaining=3))
    length = window_of(dialogue).length
    assert length is None or length > 5.9


def test_a_window_that_becomes_longer_is_followed() -> None:
    """The refusal at the predicted end names what is missing."""
    server = Window(4, 6.0)
    dialogue, at = proven(server)
    server.period = 20.0
    dialogue.asks_at_best(at, server, 30)
    assert 20.0 == window_of(dialogue).length


def test_a_prediction_is_never_later_by_more_than_a_minute() -> None:
    """However often it was too early: a day of refusals does not cost another one."""
    server = Window(2, 6.0)
    dialogue, at = proven(server)
    for _ in range(40):
        at = dialogue.opens(at)
        dialogue.exchanges(at, said(429, limit=2, remaining=0, retry_after=0))
        at += 0.05
        assert dialogue.opens(at) <= at + 61.0


def test_refusals_without_a_wait_do_not_shut_a_known_window_for_ever() -> None:
    """Each try comes within a minute of the last."""
    server = Window(2, 6.0)
    dialogue, at = proven(server)
    for _ in range(40):
        at = dialogue.opens(at)
        dialogue.exchanges(at, said(429))
        at += 0.05
        assert dialogue.opens(at) <= at + 61.0


def test_an_opening_by_others_is_not_taken_for_ours() -> None:
    """Our first in the new window finds that more than one is gone."""
    server = Window(4, 6.0)
    dialogue, _ = proven(server)
    dialogue.asks_at_best(server.opened, server, 3)
    at, ended = dialogue.opens(server.opened + 1.0), server.ends
    server.hit(ended)
    server.hit(at + WAY)
    assert 200 == dialogue.asks(at, server).status
    assert (None, 1, False) == (
        window_of(dialogue).opened,
        window_of(dialogue).left,
        window_of(dialogue).proven,
    )


def test_a_window_that_others_have_used_up_is_no_longer_window() -> None:
    """Our first in it is refused, and told to wait for nearly one length: so long it stays."""
    server = Window(4, 6.0)
    dialogue, _ = proven(server)
    dialogue.asks_at_best(server.opened, server, 3)
    at = dialogue.opens(server.opened + 1.0)
    ended = server.ends
    for _ in range(4):
        server.hit(ended)
    assert 429 == dialogue.asks(at, server).status
    length = window_of(dialogue).length
    assert length is None or length <= 7.0


def test_a_request_that_was_counted_stays_counted_though_it_was_cancelled() -> None:
    """It was on its way, so the server has counted it; no more than the limit are sent."""
    server = Window(8, 6.0)
    dialogue, at = proven(server)
    for one in dialogue.sends_all(at):
        server.hit(at + WAY)
        dialogue.governor.gone(one)
    again = dialogue.sends_all(at + 0.01)
    assert 1 >= len(again)


def test_an_answer_settles_what_became_of_the_cancelled() -> None:
    """What is left by it is left: they are in it, or were never counted."""
    server = Window(8, 6.0)
    dialogue, at = proven(server)
    for one in dialogue.sends_all(at, 3):
        dialogue.governor.gone(one)
    dialogue.exchanges(at + 0.01, said(limit=8, remaining=6))
    assert 6 == len(dialogue.sends_all(at + 1.0))


def test_a_request_that_was_counted_stays_counted_though_no_answer_came() -> None:
    """It took too long, so the server has counted it; no more than the limit are sent."""
    server = Window(8, 6.0)
    dialogue, at = proven(server)
    for one in dialogue.sends_all(at):
        server.hit(at + WAY)
        dialogue.governor.unanswered(one)
    again = dialogue.sends_all(at + 0.01)
    assert 1 >= len(again)


# What it shows


def test_before_the_length_is_known_it_shows_no_rate() -> None:
    """A limit alone is none."""
    dialogue = Dialogue.begun()
    dialogue.exchanges(0.0, said(limit=9, remaining=8))
    state = dialogue.state(1.0)
    assert (None, None, None) == (state.rate, state.window, state.burst)


def test_it_shows_its_window_as_a_rate() -> None:
    """In the terms of ``max_rate``."""
    server = Window(3, 6.0)
    dialogue, at = proven(server)
    state = dialogue.state(at)
    assert (0.5, Rate(3, per=6.0), None) == (state.rate, state.window, state.burst)
