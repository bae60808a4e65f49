"""The counts of sent, accepted and throttled requests."""

from __future__ import annotations

import math

from moregood_async.governor.ledger import Ledger, Ticket


def start(ledger: Ledger, times: int, at: float = 0.0) -> list[Ticket]:
    return [Ticket(ledger.start(at), at) for _ in range(times)]


def test_requests_are_numbered_from_one_in_the_order_of_sending() -> None:
    assert [ticket.number for ticket in start(Ledger(), 3)] == [1, 2, 3]


def test_it_keeps_the_time_of_the_first_request_only() -> None:
    """Even if the clock was at 0."""
    ledger = Ledger()
    assert ledger.first_sent_at == math.inf
    start(ledger, 1, at=0.0)
    start(ledger, 1, at=5.0)
    assert ledger.first_sent_at == 0.0


def test_each_started_request_is_sent_and_in_flight() -> None:
    ledger = Ledger()
    start(ledger, 3)
    assert ledger.sent == 3
    assert ledger.in_flight == 3


def test_throttled_requests_of_one_wave_count_as_one_throttle_in_a_row() -> None:
    ledger = Ledger()
    tickets = start(ledger, 3)
    assert [ledger.throttle(ticket) for ticket in tickets] == [True, False, False]
    assert ledger.throttled == 3
    assert ledger.throttles_in_a_row == 1


def test_a_throttled_request_of_the_next_wave_is_another_throttle_in_a_row() -> None:
    ledger = Ledger()
    for _ in range(3):
        (ticket,) = start(ledger, 1)
        assert ledger.throttle(ticket)
    assert ledger.throttles_in_a_row == 3


def test_an_accepted_request_sent_after_a_throttle_resets_the_throttles_in_a_row() -> None:
    ledger = Ledger()
    (throttled,) = start(ledger, 1)
    ledger.throttle(throttled)
    (ticket,) = start(ledger, 1)
    assert ledger.accept(ticket)
    assert ledger.throttles_in_a_row == 0
    assert ledger.accepted == 1


def test_an_accepted_request_sent_before_a_throttle_resets_nothing() -> None:
    """The server accepted it before the throttle, though its response arrived later."""
    ledger = Ledger()
    older, throttled = start(ledger, 2)
    ledger.throttle(throttled)
    assert not ledger.accept(older)
    assert ledger.throttles_in_a_row == 1
    assert ledger.accepted == 1
