"""Properties of the governor that hold for any requests, responses, losses and times."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from moregood_async.config import Limits, Rate
from moregood_async.governor.governor import Governor
from moregood_async.governor.ledger import Ticket
from moregood_async.governor.limit_model import LimitModel
from moregood_async.governor.rate_headers import retry_delay
from moregood_async.governor.window import FixedWindow
from moregood_async.wire import Response, rate_reset
from tests.depth import scaled
from tests.governor.servers import WindowServer, date, make_response, unix
from tests.governor.simulation import Client, Network, Simulation

LONGEST_MARGIN = 61.0
"""Seconds: a minute, the longest delay that no server names, and a second of rounding."""

numbers = st.sampled_from(["0", "1", "2", "5", "60", "-1", "-3", "-1000000000", "1000000000"])
nonsense = st.sampled_from(["", " ", ",", "soon", "nan", "inf", "-inf", "1e400", "1.5", "9" * 400])
dates = st.sampled_from([0.0, 5.0, 1e5]).map(date)
statuses = st.sampled_from([200, 200, 200, 404, 422, 429, 429, 500, 502, 503, 504])
header_values = st.none() | st.just("5") | numbers | nonsense
responses = st.builds(
    make_response,
    statuses,
    limit=header_values,
    remaining=header_values,
    retry_after=st.none() | numbers | st.just("3") | nonsense | dates,
    reset=st.none() | st.integers(-10, 200).map(lambda at: str(unix(at))) | numbers | nonsense,
    date=dates,
)
"""Any status with any headers."""

plausible = st.builds(
    make_response,
    st.sampled_from([200, 429]),
    limit=st.just(5),
    remaining=st.integers(-2, 5),
    retry_after=st.none() | st.integers(0, 10),
)
"""Responses that a server with a limit of 5 could send, in any order."""

steps = st.sampled_from([0.0, 0.001, 0.05, 0.5, 1.0, 5.9, 6.1, 60.0, 3600.0])
rates = st.builds(Rate, st.integers(1, 3), per=st.sampled_from([0.1, 1.0, 7.3]))


class Requests(RuleBasedStateMachine):
    """Sends requests when they are allowed; they end in any order and in any way."""

    @initialize(most=st.integers(1, 8), rate=st.none() | rates)
    def begin(self, most: int, rate: Rate | None) -> None:
        self.most, self.rate = most, rate
        self.governor = Governor(Limits(most, rate))
        self.now = 1000.0
        self.in_flight: list[Ticket] = []
        self.sent_at: list[float] = []
        self.longest_delay = 0.0

    # rules

    @rule(seconds=steps)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(most=st.integers(1, 8))
    def send_some(self, most: int) -> None:
        for _ in range(most):
            if self.governor.next_allowed_at(self.now) > self.now:
                break
            self._send()

    @precondition(lambda self: self.governor.next_allowed_at(self.now) < math.inf)
    @rule()
    def wait_and_send_one(self) -> None:
        """Wait as a timer does: the first wait may be a bit too short, a fifth may not."""
        for _ in range(5):
            allowed_at = self.governor.next_allowed_at(self.now)
            assert allowed_at < math.inf
            if allowed_at <= self.now:
                self._send()
                return
            self.now = allowed_at
        raise AssertionError(f"at {self.now} nothing is allowed yet: {self.governor.model}")

    def _send(self) -> None:
        self.in_flight.append(self.governor.start(self.now))
        self.sent_at.append(self.now)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), response=responses | plausible)
    def receive_one(self, data: st.DataObject, response: Response) -> None:
        self._receive(self._take_one(data), response)

    @precondition(lambda self: self.in_flight)
    @rule(response=plausible)
    def receive_all(self, response: Response) -> None:
        while self.in_flight:
            self._receive(self.in_flight.pop(), response)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def fail_one(self, data: st.DataObject) -> None:
        self.governor.fail(self._take_one(data))

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def release_one(self, data: st.DataObject) -> None:
        self.governor.release(self._take_one(data))

    def _take_one(self, data: st.DataObject) -> Ticket:
        return self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))

    def _receive(self, ticket: Ticket, response: Response) -> None:
        waits = retry_delay(response) or 0.0, rate_reset(response) or 0.0
        self.longest_delay = max(self.longest_delay, *waits)
        self.governor.receive(self.now, ticket, "asks.create", response)

    # invariants

    @invariant()
    def no_slot_is_lost(self) -> None:
        assert self.governor.state(self.now, 0).in_flight == len(self.in_flight)

    @invariant()
    def no_more_than_allowed_are_in_flight(self) -> None:
        assert len(self.in_flight) <= self.most
        allowed = self.governor.concurrency.allowed
        assert 1.0 <= allowed <= self.most
        if len(self.in_flight) + 1 > allowed:
            assert self.governor.next_allowed_at(self.now) == math.inf

    @invariant()
    def the_state_makes_sense(self) -> None:
        state = self.governor.state(self.now, 0)
        assert 0.0 <= state.next_allowed_in < math.inf
        assert state.rate is None or 0.0 < state.rate < math.inf
        assert 1 <= state.concurrency <= self.most

    @invariant()
    def no_request_waits_for_ever(self) -> None:
        """Without requests in flight the next request is allowed at a known time, and soon.

        At most a minute after the longest delay that was named plus one length of the window.
        """
        allowed_at = self.governor.next_allowed_at(self.now)
        assert not math.isnan(allowed_at)
        if self.in_flight:
            return
        window = self.governor.state(self.now, 0).window
        length = 0.0 if window is None else window.per
        max_rate = 0.0 if self.rate is None else self.rate.per
        assert length <= self.longest_delay + (self.now - 1000.0) + 1.0
        assert allowed_at - self.now <= max(self.longest_delay, max_rate) + length + LONGEST_MARGIN

    @invariant()
    def max_rate_holds_in_any_window(self) -> None:
        if self.rate is None:
            return
        limit, per = self.rate.limit, self.rate.per
        for first, next_one in zip(self.sent_at, self.sent_at[limit:], strict=False):
            assert next_one - first >= per - 1e-9


Requests.TestCase.settings = settings(
    max_examples=scaled(150),
    stateful_step_count=40,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestRequests = Requests.TestCase


def is_proven(model: LimitModel) -> bool:
    return isinstance(model, FixedWindow) and model.is_proven


class WatchedGovernor(Governor):
    """Counts throttled requests that a proven window allowed and that were no probes."""

    __slots__ = ("expected_accepted", "wrong")

    def __init__(self) -> None:
        super().__init__(Limits(32, None))
        self.expected_accepted: set[int] = set()
        self.wrong = 0

    def start(self, now: float) -> Ticket:
        ticket = super().start(now)
        if is_proven(self.model) and self._probing != ticket.number:
            self.expected_accepted.add(ticket.number)
        return ticket

    def receive(self, now: float, ticket: Ticket, operation: str, response: Response) -> None:
        self.wrong += response.status == 429 and ticket.number in self.expected_accepted
        super().receive(now, ticket, operation, response)


@settings(max_examples=scaled(100), deadline=None)
@given(
    limit=st.integers(1, 40),
    period=st.integers(1, 8),
    jitter=st.sampled_from([0.0, 0.001]),
    latency=st.sampled_from([0.0, 0.01, 0.05, 0.4]),
    bursts=st.lists(
        st.tuples(st.integers(1, 60), st.floats(0.0, 20.0) | st.sampled_from([1.0, 2.0, 3.0])),
        min_size=1,
        max_size=8,
    ),
    seed=st.integers(0, 9),
)
# Requests that are sent just before the window's end and arrive just after it:
@example(5, 2, 0.001, 0.01, [(1, 3.0), (1, 2.0), (6, 0.0)], 0)
@example(8, 2, 0.001, 0.01, [(2, 3.0), (2, 2.0), (9, 0.0)], 1)
@example(18, 1, 0.001, 0.01, [(6, 1.0), (9, 1.0), (7, 1.0), (4, 2.0), (2, 1.0), (29, 1.0)], 5)
def test_a_proven_window_is_never_sent_more_than_it_accepts(
    limit: int,
    period: int,
    jitter: float,
    latency: float,
    bursts: list[tuple[int, float]],
    seed: int,
) -> None:
    """A window like Laravel's without other clients, in a network less uneven than the margin."""
    wanted_at, at = [0.0] * (3 * limit), 3.0 * period
    for number, pause in bursts:
        wanted_at += [at] * number
        at += pause
    governor = WatchedGovernor()
    client = Client(wanted_at, governor, Network(latency, jitter))
    Simulation(WindowServer(limit, float(period)), [client], seed=seed).run()
    assert client.accepted == len(wanted_at)
    assert governor.wrong == 0


@settings(max_examples=scaled(100), deadline=None)
@given(
    limit=st.integers(1, 30),
    period=st.integers(1, 8),
    overshoot=st.integers(0, 3),
    jitter=st.sampled_from([0.0, 0.01, 0.3]),
    loses_response=st.sets(st.integers(1, 60)),
    others=st.lists(st.floats(0.0, 40.0), max_size=40),
    seed=st.integers(0, 9),
)
def test_every_request_is_accepted_in_the_end(
    limit: int,
    period: int,
    overshoot: int,
    jitter: float,
    loses_response: set[int],
    others: list[float],
    seed: int,
) -> None:
    """With lost responses, other clients, and responses that overtake each other."""
    requests = 4 * limit
    client = Client(
        [0.0] * requests,
        network=Network(0.05, jitter),
        loses_response=lambda number: number in loses_response,
    )
    server = WindowServer(limit, float(period), overshoot=overshoot)
    Simulation(server, [client], seed=seed, others=others, max_seconds=3600.0).run()
    assert client.accepted == requests
    assert server.accepted >= requests
    windows = math.ceil((requests + len(others) + len(loses_response)) / limit)
    assert client.finished_at <= 4 * period * windows + LONGEST_MARGIN
