"""A limit that the user knows."""

from __future__ import annotations

import math

import pytest

from moregood_async.config import Rate
from moregood_async.governor.stated import StatedRate
from moregood_async.wire import Response
from tests.governor.dialogue import ENDS, Dialogue
from tests.governor.servers import said


def test_it_is_open_until_the_limit_is_used() -> None:
    """The first go as they come."""
    stated = StatedRate(Rate(2, per=10.0))
    stated.sent(0.0)
    assert -math.inf == stated.opens_at()


def test_it_opens_when_the_oldest_is_out_of_the_window() -> None:
    """Any window of this length holds at most so many."""
    stated = StatedRate(Rate(2, per=10.0))
    stated.sent(0.0)
    stated.sent(3.0)
    assert 10.0 == stated.opens_at()
    stated.sent(10.0)
    assert 13.0 == stated.opens_at()


def test_a_limit_of_one_is_a_distance() -> None:
    """Each waits for as long as the window is."""
    stated = StatedRate(Rate(1, per=0.5))
    stated.sent(7.0)
    assert 7.5 == stated.opens_at()


def test_it_holds_beside_what_the_server_says() -> None:
    """A server that would let in more is not asked for more."""
    dialogue = Dialogue.begun(max_rate=Rate(2, per=10.0))
    dialogue.exchanges(0.0, said(limit=60, remaining=59))
    dialogue.exchanges(1.0, said(limit=60, remaining=58))
    assert 10.0 == dialogue.opens(2.0)


def test_what_the_server_names_holds_beside_it() -> None:
    """A longer wait than the rate demands is waited for."""
    dialogue = Dialogue.begun(max_rate=Rate(1, per=2.0))
    dialogue.exchanges(0.0, said(503, retry_after=30))
    assert dialogue.opens(1.0) > 30.0


@pytest.mark.parametrize("response", [said(401), said(429), said(500)], ids=["401", "429", "500"])
def test_whatever_was_sent_counts(response: Response) -> None:
    """The limit is of what goes out, and not of what is let in."""
    dialogue = Dialogue.begun(max_rate=Rate(1, per=1000.0))
    dialogue.exchanges(0.0, response)
    assert 1000.0 == dialogue.opens(1.0)


def test_a_cancelled_request_counts() -> None:
    """It may have reached the server."""
    dialogue = Dialogue.begun(max_rate=Rate(1, per=10.0))
    dialogue.governor.gone(dialogue.sends(0.0))
    assert 10.0 == dialogue.opens(1.0)


def test_it_does_not_open_while_all_are_in_flight() -> None:
    """Concurrency holds beside it, too."""
    dialogue = Dialogue.begun(max_concurrency=1, max_rate=Rate(2, per=1.0))
    dialogue.sends(0.0)
    assert ENDS == dialogue.opens(5.0)
