"""How many may be in flight, by what the server can bear."""

from __future__ import annotations

import attrs
import pytest

from moregood_async.config import Limits
from moregood_async.governor.concurrency import Concurrency
from moregood_async.governor.governor import Governor
from tests.governor.dialogue import ENDS, Dialogue
from tests.governor.servers import said


@attrs.define
class Answers:
    """Numbers requests; each is answered before the next goes, where a test says nothing else."""

    concurrency: Concurrency
    number: int = 0

    def quick(self, times: int = 1, operation: str = "asks.create") -> None:
        self.after(0.05, times, operation)

    def after(self, seconds: float, times: int = 1, operation: str = "asks.create") -> None:
        for _ in range(times):
            self.number += 1
            self.concurrency.answered(operation, seconds, self.number, self.number)

    def struggles(self, times: int = 1) -> None:
        for _ in range(times):
            self.number += 1
            self.concurrency.struggled(self.number, self.number)


def concurrency(most: int) -> Concurrency:
    return Governor(Limits(most, None)).concurrency


def full(most: int = 32) -> Answers:
    """A server that has been quick for long."""
    answers = Answers(concurrency(most))
    answers.quick(most)
    assert float(most) == answers.concurrency.allowed
    return answers


@pytest.mark.parametrize(("most", "first"), [(1, 1.0), (3, 3.0), (4, 4.0), (100, 4.0)])
def test_it_begins_with_a_few(most: int, first: float) -> None:
    """Never more than the most."""
    assert first == concurrency(most).allowed


def test_it_doubles_with_each_round_trip() -> None:
    """One more with each answer."""
    answers = Answers(concurrency(100))
    answers.quick(4)
    assert 8.0 == answers.concurrency.allowed
    answers.quick(8)
    assert 16.0 == answers.concurrency.allowed


def test_it_grows_to_the_most_and_no_further() -> None:
    """``max_concurrency`` is the most."""
    answers = Answers(concurrency(7))
    answers.quick(1000)
    assert 7.0 == answers.concurrency.allowed


def test_a_struggle_halves_it() -> None:
    """A gateway's error, or no answer in time."""
    answers = full()
    answers.struggles()
    assert 16.0 == answers.concurrency.allowed


def test_struggles_of_one_wave_halve_it_once() -> None:
    """Those that were in flight together tell the same."""
    answers = full()
    newest = answers.number + 32
    for number in range(answers.number + 1, newest + 1):
        answers.concurrency.struggled(number, newest)
    assert 16.0 == answers.concurrency.allowed


def test_a_struggle_of_the_next_wave_halves_it_again() -> None:
    """It was sent after the last time."""
    answers = full()
    answers.struggles(2)
    assert 8.0 == answers.concurrency.allowed


def test_one_may_always_be_in_flight() -> None:
    """However much it struggles."""
    answers = full()
    answers.struggles(5000)
    assert 1.0 == answers.concurrency.allowed


def test_once_it_has_struggled_it_grows_by_one_with_each_round_trip() -> None:
    """Carefully, since the limit is near."""
    answers = full()
    answers.struggles()
    answers.quick(16)
    assert 16.9 < answers.concurrency.allowed < 17.0


def test_it_recovers_in_full() -> None:
    """A server that is quick again is used as before."""
    answers = full()
    answers.struggles(10)
    answers.quick(32 * 32)
    assert 32.0 == answers.concurrency.allowed


def test_a_slow_answer_shrinks_it_less_than_a_struggle() -> None:
    """Several times as long as usual."""
    answers = full()
    answers.after(1.0)
    assert pytest.approx(0.7 * 32) == answers.concurrency.allowed


def test_slow_answers_of_one_wave_shrink_it_once() -> None:
    """Those that were in flight together waited in the same queue."""
    answers = full()
    newest = answers.number + 32
    for number in range(answers.number + 1, newest + 1):
        answers.concurrency.answered("asks.create", 1.0, number, newest)
    assert pytest.approx(0.7 * 32) == answers.concurrency.allowed


@pytest.mark.parametrize(
    ("usual", "seconds"),
    [
        pytest.param(0.05, 0.49, id="ten times as long, but short"),
        pytest.param(0.3, 1.19, id="long, but not four times as long"),
    ],
)
def test_an_answer_is_slow_only_by_both_measures(usual: float, seconds: float) -> None:
    """Milliseconds vary by themselves, and so do long answers."""
    answers = Answers(concurrency(4))
    answers.after(usual)
    answers.after(seconds)
    assert 4.0 == answers.concurrency.allowed


def test_what_is_usual_is_known_by_operation() -> None:
    """A listing takes longer than an upsert, and says nothing about it."""
    answers = full()
    answers.after(3.0, operation="customers.list")
    assert 32.0 == answers.concurrency.allowed


def test_slow_answers_leave_an_eighth_of_the_most() -> None:
    """They may have reasons of their own."""
    answers = full(160)
    for _ in range(20):
        answers.after(1e6)
    assert 20.0 == answers.concurrency.allowed


def test_slow_answers_do_not_lift_it_to_an_eighth() -> None:
    """Where struggles have left less, they leave that."""
    answers = full()
    answers.struggles(10)
    answers.after(1e6)
    assert 1.0 == answers.concurrency.allowed


def test_a_server_that_stays_slower_is_used_in_full_again() -> None:
    """What is usual rises, slowly."""
    answers = full()
    answers.after(1.0, times=2000)
    assert 32.0 == answers.concurrency.allowed


def test_a_server_that_stays_slower_after_a_breakdown_is_used_in_full_again() -> None:
    """Also from below an eighth of the most, where slow answers shrink nothing."""
    answers = full()
    answers.struggles(5)
    answers.after(5.0, times=10_000)
    assert 32.0 == answers.concurrency.allowed


def test_an_answer_within_the_clocks_resolution_does_not_make_all_others_slow_for_ever() -> None:
    """One that took 0.0 seconds is four times as quick as anything."""
    answers = full()
    answers.after(0.0)
    answers.after(1.0, times=10_000)
    assert 32.0 == answers.concurrency.allowed


def test_names_of_operations_do_not_pile_up() -> None:
    """Paths of a user's own requests have no end."""
    answers = Answers(concurrency(4))
    for number in range(10_000):
        answers.quick(operation=f"GET /customers/{number}")
    assert 64 >= len(answers.concurrency._usual)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateways_error_halves_it(status: int) -> None:
    """A server, or what stands before it, that cannot keep up."""
    dialogue = Dialogue.begun()
    at = dialogue.grows_to(32)
    dialogue.exchanges(at, said(status))
    assert 16 == dialogue.state(at).concurrency


@pytest.mark.parametrize("status", [301, 401, 404, 422, 500, 501])
def test_other_errors_do_not_change_it(status: int) -> None:
    """They say nothing about load; 4xx come quicker than what does its work."""
    dialogue = Dialogue.begun()
    at = dialogue.grows_to(10)
    dialogue.exchanges(at, said(status))
    assert 10 == dialogue.state(at).concurrency


def test_refusals_do_not_change_it() -> None:
    """The limit is not the server's strength."""
    dialogue = Dialogue.begun()
    at = dialogue.grows_to(10)
    dialogue.exchanges(at, said(429, retry_after=1))
    assert 10 == dialogue.state(at).concurrency


def test_no_answer_halves_it_once_a_wave() -> None:
    """All that were in flight when the connection broke."""
    dialogue = Dialogue.begun()
    at = dialogue.grows_to(32)
    for sent in dialogue.sends_all(at):
        dialogue.governor.unanswered(sent)
    assert 16 == dialogue.state(at).concurrency


def test_a_cancelled_request_does_not_change_it() -> None:
    """It says nothing about the server."""
    dialogue = Dialogue.begun()
    at = dialogue.grows_to(10)
    dialogue.governor.gone(dialogue.sends(at))
    assert 10 == dialogue.state(at).concurrency


def test_no_more_go_than_are_allowed() -> None:
    """The next waits until one has ended."""
    dialogue = Dialogue.begun()
    assert 4 == len(dialogue.sends_all(0.0))
    assert ENDS == dialogue.opens(100.0)


def test_half_a_slot_is_none() -> None:
    """22.4 allowed are 22."""
    dialogue = Dialogue.begun()
    at = dialogue.grows_to(32)
    dialogue.hears(at + 1.0, dialogue.sends(at), said())
    assert 22 == len(dialogue.sends_all(at + 1.0))
