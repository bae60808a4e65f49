"""Counts of what was sent, let in and refused."""

from __future__ import annotations

import math

from moregood_async.governor.ledger import Ledger, Ticket


def start(ledger: Ledger, times: int, at: float = 0.0) -> list[Ticket]:
    return [Ticket(ledger.start(at), at) for _ in range(times)]


def test_requests_are_numbered_from_one() -> None:
    """In the order of sending."""
    assert [ticket.number for ticket in start(Ledger(), 3)] == [1, 2, 3]


def test_it_knows_when_the_first_request_was_sent() -> None:
    """Later ones do not change it, not even where the clock stood at 0."""
    ledger = Ledger()
    assert ledger.first_sent_at == math.inf
    start(ledger, 1, at=0.0)
    start(ledger, 1, at=5.0)
    assert ledger.first_sent_at == 0.0


def test_each_that_goes_is_in_flight() -> None:
    """Whoever ends it counts it down."""
    ledger = Ledger()
    start(ledger, 3)
    assert ledger.sent == 3
    assert ledger.in_flight == 3


def test_refusals_of_those_that_were_under_way_together_are_one() -> None:
    """All are counted, the first one teaches."""
    ledger = Ledger()
    ticket = start(ledger, 3)
    assert [ledger.throttle(one) for one in ticket] == [True, False, False]
    assert ledger.throttled == 3
    assert ledger.throttles_in_a_row == 1


def test_a_refusal_after_that_is_another() -> None:
    """It was sent when the last one was known."""
    ledger = Ledger()
    for _ in range(3):
        (ticket,) = start(ledger, 1)
        assert ledger.throttle(ticket)
    assert ledger.throttles_in_a_row == 3


def test_the_first_that_is_let_in_after_a_refusal_ends_the_tries() -> None:
    """It was sent after the refusal was known."""
    ledger = Ledger()
    (throttled,) = start(ledger, 1)
    ledger.throttle(throttled)
    (ticket,) = start(ledger, 1)
    assert ledger.accept(ticket)
    assert ledger.throttles_in_a_row == 0
    assert ledger.accepted == 1


def test_one_that_was_under_way_already_ends_no_tries() -> None:
    """It was let in before the refusal, though its answer came after it."""
    ledger = Ledger()
    older, throttled = start(ledger, 2)
    ledger.throttle(throttled)
    assert not ledger.accept(older)
    assert ledger.throttles_in_a_row == 1
    assert ledger.accepted == 1
