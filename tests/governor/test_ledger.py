"""Counts of what was sent, let in and refused."""

from __future__ import annotations

import math

from moregood_async.governor.ledger import Ledger, Sent


def gone(ledger: Ledger, times: int, at: float = 0.0) -> list[Sent]:
    return [Sent(ledger.starts(at), at) for _ in range(times)]


def test_requests_are_numbered_from_one() -> None:
    """In the order of sending."""
    assert [1, 2, 3] == [sent.number for sent in gone(Ledger(), 3)]


def test_it_knows_when_the_first_request_was_sent() -> None:
    """Later ones do not change it, not even where the clock stood at 0."""
    ledger = Ledger()
    assert math.inf == ledger.began
    gone(ledger, 1, at=0.0)
    gone(ledger, 1, at=5.0)
    assert 0.0 == ledger.began


def test_each_that_goes_is_in_flight() -> None:
    """Whoever ends it counts it down."""
    ledger = Ledger()
    gone(ledger, 3)
    assert (3, 3) == (ledger.sent, ledger.in_flight)


def test_refusals_of_those_that_were_under_way_together_are_one() -> None:
    """All are counted, the first one teaches."""
    ledger = Ledger()
    sent = gone(ledger, 3)
    assert [True, False, False] == [ledger.refuses(one) for one in sent]
    assert (3, 1) == (ledger.refused, ledger.tries)


def test_a_refusal_after_that_is_another() -> None:
    """It was sent when the last one was known."""
    ledger = Ledger()
    for _ in range(3):
        (sent,) = gone(ledger, 1)
        assert ledger.refuses(sent)
    assert 3 == ledger.tries


def test_the_first_that_is_let_in_after_a_refusal_ends_the_tries() -> None:
    """It was sent after the refusal was known."""
    ledger = Ledger()
    (refused,) = gone(ledger, 1)
    ledger.refuses(refused)
    (sent,) = gone(ledger, 1)
    assert ledger.lets_in(sent)
    assert (0, 1) == (ledger.tries, ledger.let_in)


def test_one_that_was_under_way_already_ends_no_tries() -> None:
    """It was let in before the refusal, though its answer came after it."""
    ledger = Ledger()
    older, refused = gone(ledger, 2)
    ledger.refuses(refused)
    assert not ledger.lets_in(older)
    assert (1, 1) == (ledger.tries, ledger.let_in)
