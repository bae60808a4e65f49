"""How many requests may be in flight, by what the server can bear."""

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
    """Reports responses one after the other, each before the next request is sent."""

    concurrency: Concurrency
    number: int = 0

    def report_quick(self, times: int = 1, operation: str = "asks.create") -> None:
        self.report(0.05, times, operation)

    def report(self, seconds: float, times: int = 1, operation: str = "asks.create") -> None:
        for _ in range(times):
            self.number += 1
            self.concurrency.observe(operation, seconds, self.number, self.number)

    def report_overload(self, times: int = 1) -> None:
        for _ in range(times):
            self.number += 1
            self.concurrency.back_off(self.number, self.number)


def concurrency(maximum: int) -> Concurrency:
    return Governor(Limits(maximum, None)).concurrency


def grown_to(maximum: int = 32) -> Responses:
    """Return the responses of a server that was quick until the maximum was reached."""
    responses = Responses(concurrency(maximum))
    responses.report_quick(maximum)
    assert responses.concurrency.allowed == float(maximum)
    return responses


@pytest.mark.parametrize(("maximum", "first"), [(1, 1.0), (3, 3.0), (4, 4.0), (100, 4.0)])
def test_it_starts_at_four_or_the_maximum(maximum: int, first: float) -> None:
    assert concurrency(maximum).allowed == first


def test_it_doubles_with_each_round_of_responses() -> None:
    responses = Responses(concurrency(100))
    responses.report_quick(4)
    assert responses.concurrency.allowed == 8.0
    responses.report_quick(8)
    assert responses.concurrency.allowed == 16.0


def test_it_grows_to_the_maximum_and_no_further() -> None:
    responses = Responses(concurrency(7))
    responses.report_quick(1000)
    assert responses.concurrency.allowed == 7.0


def test_an_overload_halves_it() -> None:
    responses = grown_to()
    responses.report_overload()
    assert responses.concurrency.allowed == 16.0


def test_overloads_of_one_wave_halve_it_once() -> None:
    responses = grown_to()
    newest = responses.number + 32
    for number in range(responses.number + 1, newest + 1):
        responses.concurrency.back_off(number, newest)
    assert responses.concurrency.allowed == 16.0


def test_an_overload_of_the_next_wave_halves_it_again() -> None:
    responses = grown_to()
    responses.report_overload(2)
    assert responses.concurrency.allowed == 8.0


def test_one_request_may_always_be_in_flight() -> None:
    responses = grown_to()
    responses.report_overload(5000)
    assert responses.concurrency.allowed == 1.0


def test_after_an_overload_it_grows_by_one_with_each_round_of_responses() -> None:
    responses = grown_to()
    responses.report_overload()
    responses.report_quick(16)
    assert 16.9 < responses.concurrency.allowed < 17.0


def test_it_recovers_to_the_maximum() -> None:
    responses = grown_to()
    responses.report_overload(10)
    responses.report_quick(32 * 32)
    assert responses.concurrency.allowed == 32.0


def test_a_slow_response_shrinks_it_less_than_an_overload() -> None:
    responses = grown_to()
    responses.report(1.0)
    assert responses.concurrency.allowed == pytest.approx(0.7 * 32)


def test_slow_responses_of_one_wave_shrink_it_once() -> None:
    responses = grown_to()
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
def test_a_response_is_slow_only_in_seconds_and_by_the_baseline(
    baseline: float, seconds: float
) -> None:
    responses = Responses(concurrency(4))
    responses.report(baseline)
    responses.report(seconds)
    assert responses.concurrency.allowed == 4.0


def test_each_operation_has_its_own_baseline() -> None:
    """A listing takes longer than an upsert."""
    responses = grown_to()
    responses.report(3.0, operation="customers.list")
    assert responses.concurrency.allowed == 32.0


def test_latency_alone_leaves_an_eighth_of_the_maximum() -> None:
    responses = grown_to(160)
    for _ in range(20):
        responses.report(1e6)
    assert responses.concurrency.allowed == 20.0


def test_slow_responses_do_not_raise_it_to_an_eighth_of_the_maximum() -> None:
    """Overloads have left less."""
    responses = grown_to()
    responses.report_overload(10)
    responses.report(1e6)
    assert responses.concurrency.allowed == 1.0


def test_a_server_that_stays_slower_is_used_in_full_again() -> None:
    """Each slow response raises the baseline."""
    responses = grown_to()
    responses.report(1.0, times=2000)
    assert responses.concurrency.allowed == 32.0


def test_a_server_that_stays_slower_after_overloads_is_used_in_full_again() -> None:
    """Also from below an eighth of the maximum, where latency shrinks nothing."""
    responses = grown_to()
    responses.report_overload(5)
    responses.report(5.0, times=10_000)
    assert responses.concurrency.allowed == 32.0


def test_a_response_of_zero_seconds_does_not_make_all_others_slow_for_ever() -> None:
    """A response within the clock's resolution takes 0.0 seconds."""
    responses = grown_to()
    responses.report(0.0)
    responses.report(1.0, times=10_000)
    assert responses.concurrency.allowed == 32.0


def test_the_number_of_baselines_is_bounded() -> None:
    """Paths of `MoreGoodClient.request` are unlimited in number."""
    responses = Responses(concurrency(4))
    for number in range(10_000):
        responses.report_quick(operation=f"GET /customers/{number}")
    assert len(responses.concurrency._baseline_seconds) <= 64


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_502_503_or_504_halves_it(status: int) -> None:
    driver = Driver.create()
    at = driver.grow_to(32)
    driver.exchange(at, make_response(status))
    assert driver.state(at).concurrency == 16


@pytest.mark.parametrize("status", [301, 401, 404, 422, 500, 501])
def test_other_errors_do_not_change_it(status: int) -> None:
    driver = Driver.create()
    at = driver.grow_to(10)
    driver.exchange(at, make_response(status))
    assert driver.state(at).concurrency == 10


def test_throttled_requests_do_not_change_it() -> None:
    """A rate limit is not a lack of capacity."""
    driver = Driver.create()
    at = driver.grow_to(10)
    driver.exchange(at, make_response(429, retry_after=1))
    assert driver.state(at).concurrency == 10


def test_unanswered_requests_halve_it_once_a_wave() -> None:
    driver = Driver.create()
    at = driver.grow_to(32)
    for ticket in driver.send_all(at):
        driver.governor.fail(ticket)
    assert driver.state(at).concurrency == 16


def test_a_cancelled_request_does_not_change_it() -> None:
    driver = Driver.create()
    at = driver.grow_to(10)
    driver.governor.release(driver.send(at))
    assert driver.state(at).concurrency == 10


def test_no_more_requests_are_sent_than_are_allowed() -> None:
    driver = Driver.create()
    assert len(driver.send_all(0.0)) == 4
    assert driver.next_allowed_at(100.0) == UNTIL_ONE_ENDS


def test_a_fraction_of_a_request_allows_none() -> None:
    """22.4 allow 22."""
    driver = Driver.create()
    at = driver.grow_to(32)
    driver.receive(at + 1.0, driver.send(at), make_response())
    assert len(driver.send_all(at + 1.0)) == 22
