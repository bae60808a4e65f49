"""How many may be in flight, by what the server can bear."""

from __future__ import annotations

import attrs
import pytest

from moregood_async.config import Limits
from moregood_async.governor.concurrency import Concurrency
from moregood_async.governor.governor import Governor
from tests.governor.driver import UNTIL_ONE_ENDS, Driver
from tests.governor.servers import make_response


@attrs.define
class Responses:
    """Numbers requests; each is answered before the next goes, where a test says nothing else."""

    concurrency: Concurrency
    number: int = 0

    def quick(self, times: int = 1, operation: str = "asks.create") -> None:
        self.after(0.05, times, operation)

    def after(self, seconds: float, times: int = 1, operation: str = "asks.create") -> None:
        for _ in range(times):
            self.number += 1
            self.concurrency.observe(operation, seconds, self.number, self.number)

    def overload(self, times: int = 1) -> None:
        for _ in range(times):
            self.number += 1
            self.concurrency.back_off(self.number, self.number)


def concurrency(maximum: int) -> Concurrency:
    return Governor(Limits(maximum, None)).concurrency


def full(maximum: int = 32) -> Responses:
    """A server that has been quick for long."""
    responses = Responses(concurrency(maximum))
    responses.quick(maximum)
    assert responses.concurrency.allowed == float(maximum)
    return responses


@pytest.mark.parametrize(("maximum", "first"), [(1, 1.0), (3, 3.0), (4, 4.0), (100, 4.0)])
def test_it_begins_with_a_few(maximum: int, first: float) -> None:
    """Never more than the most."""
    assert concurrency(maximum).allowed == first


def test_it_doubles_with_each_round_trip() -> None:
    """One more with each answer."""
    responses = Responses(concurrency(100))
    responses.quick(4)
    assert responses.concurrency.allowed == 8.0
    responses.quick(8)
    assert responses.concurrency.allowed == 16.0


def test_it_grows_to_the_most_and_no_further() -> None:
    """``max_concurrency`` is the most."""
    responses = Responses(concurrency(7))
    responses.quick(1000)
    assert responses.concurrency.allowed == 7.0


def test_a_struggle_halves_it() -> None:
    """A gateway's error, or no answer in time."""
    responses = full()
    responses.overload()
    assert responses.concurrency.allowed == 16.0


def test_struggles_of_one_wave_halve_it_once() -> None:
    """Those that were in flight together tell the same."""
    responses = full()
    newest = responses.number + 32
    for number in range(responses.number + 1, newest + 1):
        responses.concurrency.back_off(number, newest)
    assert responses.concurrency.allowed == 16.0


def test_a_struggle_of_the_next_wave_halves_it_again() -> None:
    """It was sent after the last time."""
    responses = full()
    responses.overload(2)
    assert responses.concurrency.allowed == 8.0


def test_one_may_always_be_in_flight() -> None:
    """However much it struggles."""
    responses = full()
    responses.overload(5000)
    assert responses.concurrency.allowed == 1.0


def test_once_it_has_struggled_it_grows_by_one_with_each_round_trip() -> None:
    """Carefully, since the limit is near."""
    responses = full()
    responses.overload()
    responses.quick(16)
    assert 16.9 < responses.concurrency.allowed < 17.0


def test_it_recovers_in_full() -> None:
    """A server that is quick again is used as before."""
    responses = full()
    responses.overload(10)
    responses.quick(32 * 32)
    assert responses.concurrency.allowed == 32.0


def test_a_slow_answer_shrinks_it_less_than_a_struggle() -> None:
    """Several times as long as usual."""
    responses = full()
    responses.after(1.0)
    assert responses.concurrency.allowed == pytest.approx(0.7 * 32)


def test_slow_answers_of_one_wave_shrink_it_once() -> None:
    """Those that were in flight together waited in the same queue."""
    responses = full()
    newest = responses.number + 32
    for number in range(responses.number + 1, newest + 1):
        responses.concurrency.observe("asks.create", 1.0, number, newest)
    assert responses.concurrency.allowed == pytest.approx(0.7 * 32)


@pytest.mark.parametrize(
    ("baseline", "seconds"),
    [
        pytest.param(0.05, 0.49, id="ten times as long, but short"),
        pytest.param(0.3, 1.19, id="long, but not four times as long"),
    ],
)
def test_an_answer_is_slow_only_by_both_measures(baseline: float, seconds: float) -> None:
    """Milliseconds vary by themselves, and so do long answers."""
    responses = Responses(concurrency(4))
    responses.after(baseline)
    responses.after(seconds)
    assert responses.concurrency.allowed == 4.0


def test_what_is_usual_is_known_by_operation() -> None:
    """A listing takes longer than an upsert, and says nothing about it."""
    responses = full()
    responses.after(3.0, operation="customers.list")
    assert responses.concurrency.allowed == 32.0


def test_slow_answers_leave_an_eighth_of_the_most() -> None:
    """They may have reasons of their own."""
    responses = full(160)
    for _ in range(20):
        responses.after(1e6)
    assert responses.concurrency.allowed == 20.0


def test_slow_answers_do_not_lift_it_to_an_eighth() -> None:
    """Where struggles have left less, they leave that."""
    responses = full()
    responses.overload(10)
    responses.after(1e6)
    assert responses.concurrency.allowed == 1.0


def test_a_server_that_stays_slower_is_used_in_full_again() -> None:
    """What is usual rises, slowly."""
    responses = full()
    responses.after(1.0, times=2000)
    assert responses.concurrency.allowed == 32.0


def test_a_server_that_stays_slower_after_a_breakdown_is_used_in_full_again() -> None:
    """Also from below an eighth of the most, where slow answers shrink nothing."""
    responses = full()
    responses.overload(5)
    responses.after(5.0, times=10_000)
    assert responses.concurrency.allowed == 32.0


def test_an_answer_within_the_clocks_resolution_does_not_make_all_others_slow_for_ever() -> None:
    """One that took 0.0 seconds is four times as quick as anything."""
    responses = full()
    responses.after(0.0)
    responses.after(1.0, times=10_000)
    assert responses.concurrency.allowed == 32.0


def test_names_of_operations_do_not_pile_up() -> None:
    """Paths of a user's own requests have no end."""
    responses = Responses(concurrency(4))
    for number in range(10_000):
        responses.quick(operation=f"GET /customers/{number}")
    assert 64 >= len(responses.concurrency._baseline_seconds)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateways_error_halves_it(status: int) -> None:
    """A server, or what stands before it, that cannot keep up."""
    driver = Driver.create()
    at = driver.grow_to(32)
    driver.exchange(at, make_response(status))
    assert driver.state(at).concurrency == 16


@pytest.mark.parametrize("status", [301, 401, 404, 422, 500, 501])
def test_other_errors_do_not_change_it(status: int) -> None:
    """They say nothing about load; 4xx come quicker than what does its work."""
    driver = Driver.create()
    at = driver.grow_to(10)
    driver.exchange(at, make_response(status))
    assert driver.state(at).concurrency == 10


def test_refusals_do_not_change_it() -> None:
    """The limit is not the server's strength."""
    driver = Driver.create()
    at = driver.grow_to(10)
    driver.exchange(at, make_response(429, retry_after=1))
    assert driver.state(at).concurrency == 10


def test_no_answer_halves_it_once_a_wave() -> None:
    """All that were in flight when the connection broke."""
    driver = Driver.create()
    at = driver.grow_to(32)
    for ticket in driver.send_all(at):
        driver.governor.fail(ticket)
    assert driver.state(at).concurrency == 16


def test_a_cancelled_request_does_not_change_it() -> None:
    """It says nothing about the server."""
    driver = Driver.create()
    at = driver.grow_to(10)
    driver.governor.release(driver.send(at))
    assert driver.state(at).concurrency == 10


def test_no_more_go_than_are_allowed() -> None:
    """The next waits until one has ended."""
    driver = Driver.create()
    assert len(driver.send_all(0.0)) == 4
    assert driver.next_allowed_at(100.0) == UNTIL_ONE_ENDS


def test_half_a_slot_is_none() -> None:
    """22.4 allowed are 22."""
    driver = Driver.create()
    at = driver.grow_to(32)
    driver.receive(at + 1.0, driver.send(at), make_response())
    assert len(driver.send_all(at + 1.0)) == 22
