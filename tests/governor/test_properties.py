"""Whatever is sent, answered, lost or cancelled, and whenever: what always holds."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from moregood_async.config import Limits, Rate
from moregood_async.governor.answers import told_seconds
from moregood_async.governor.governor import Governor
from moregood_async.governor.ledger import Sent
from moregood_async.wire import Response, rate_reset
from tests.depth import scaled
from tests.governor.servers import Window, date, said, unix
from tests.governor.simulation import Client, Simulation, Way

LONGEST_MARGIN = 61.0
"""Seconds: a minute, the longest wait that nobody names, and the second of whole seconds."""

numbers = st.sampled_from(["0", "1", "2", "5", "60", "-1", "-3", "-1000000000", "1000000000"])
nonsense = st.sampled_from(["", " ", ",", "soon", "nan", "inf", "-inf", "1e400", "1.5", "9" * 400])
dates = st.sampled_from([0.0, 5.0, 1e5]).map(date)
statuses = st.sampled_from([200, 200, 200, 404, 422, 429, 429, 500, 502, 503, 504])
said_limits = st.none() | st.just("5") | numbers | nonsense
answers = st.builds(
    said,
    statuses,
    limit=said_limits,
    remaining=said_limits,
    retry_after=st.none() | numbers | st.just("3") | nonsense | dates,
    reset=st.none() | st.integers(-10, 200).map(lambda at: str(unix(at))) | numbers | nonsense,
    date=dates,
)
"""Any status with any headers."""

plausible = st.builds(
    said,
    st.sampled_from([200, 429]),
    limit=st.just(5),
    remaining=st.integers(-2, 5),
    retry_after=st.none() | st.integers(0, 10),
)
"""As a server with a limit of 5 could say them, in any order."""

steps = st.sampled_from([0.0, 0.001, 0.05, 0.5, 1.0, 5.9, 6.1, 60.0, 3600.0])
rates = st.builds(Rate, st.integers(1, 3), per=st.sampled_from([0.1, 1.0, 7.3]))


class Requests(RuleBasedStateMachine):
    """Requests that go when they may, and end in any order and in any way."""

    @initialize(most=st.integers(1, 8), rate=st.none() | rates)
    def begin(self, most: int, rate: Rate | None) -> None:
        self.most, self.rate = most, rate
        self.governor = Governor(Limits(most, rate))
        self.now = 1000.0
        self.in_flight: list[Sent] = []
        self.went: list[float] = []
        self.named = 0.0  # the longest wait so far

    # what happens

    @rule(seconds=steps)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(most=st.integers(1, 8))
    def some_go(self, most: int) -> None:
        for _ in range(most):
            if self.governor.opens_at(self.now) > self.now:
                break
            self._goes()

    @precondition(lambda self: self.governor.opens_at(self.now) < math.inf)
    @rule()
    def one_waits_and_goes(self) -> None:
        """A timer that rings when it said, and a few times more where that was a bit too early."""
        for _ in range(5):
            opens = self.governor.opens_at(self.now)
            assert opens < math.inf
            if opens <= self.now:
                self._goes()
                return
            self.now = opens
        raise AssertionError(f"at {self.now} it still opens later: {self.governor.belief}")

    def _goes(self) -> None:
        self.in_flight.append(self.governor.started(self.now))
        self.went.append(self.now)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), response=answers | plausible)
    def one_is_answered(self, data: st.DataObject, response: Response) -> None:
        self._hears(self._one(data), response)

    @precondition(lambda self: self.in_flight)
    @rule(response=plausible)
    def all_are_answered(self, response: Response) -> None:
        while self.in_flight:
            self._hears(self.in_flight.pop(), response)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def one_gets_no_answer(self, data: st.DataObject) -> None:
        self.governor.unanswered(self._one(data))

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def one_is_cancelled(self, data: st.DataObject) -> None:
        self.governor.gone(self._one(data))

    def _one(self, data: st.DataObject) -> Sent:
        return self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))

    def _hears(self, sent: Sent, response: Response) -> None:
        waits = told_seconds(response) or 0.0, rate_reset(response) or 0.0
        self.named = max(self.named, *waits)
        self.governor.answered(self.now, sent, "asks.create", response)

    # what holds

    @invariant()
    def no_slot_is_lost(self) -> None:
        assert len(self.in_flight) == self.governor.state(self.now, 0).in_flight

    @invariant()
    def no_more_are_in_flight_than_may_be(self) -> None:
        assert len(self.in_flight) <= self.most
        allowed = self.governor.concurrency.allowed
        assert 1.0 <= allowed <= self.most
        if len(self.in_flight) + 1 > allowed:
            assert math.inf == self.governor.opens_at(self.now)

    @invariant()
    def what_is_shown_makes_sense(self) -> None:
        state = self.governor.state(self.now, 0)
        assert 0.0 <= state.next_allowed_in < math.inf
        assert state.rate is None or 0.0 < state.rate < math.inf
        assert 1 <= state.concurrency <= self.most

    @invariant()
    def it_never_waits_for_what_does_not_come(self) -> None:
        """Where nobody is in flight, it opens by itself, and soon.

        After the longest wait that was named, or one length of the window that it believes in,
        and a minute at the most.
        """
        opens = self.governor.opens_at(self.now)
        assert not math.isnan(opens)
        if self.in_flight:
            return
        window = self.governor.state(self.now, 0).window
        length = 0.0 if window is None else window.per
        stated = 0.0 if self.rate is None else self.rate.per
        assert length <= self.named + (self.now - 1000.0) + 1.0
        assert opens - self.now <= max(self.named, stated) + length + LONGEST_MARGIN

    @invariant()
    def the_stated_rate_holds_in_any_window(self) -> None:
        if self.rate is None:
            return
        limit, per = self.rate.limit, self.rate.per
        for first, next_one in zip(self.went, self.went[limit:], strict=False):
            assert next_one - first >= per - 1e-9


Requests.TestCase.settings = settings(
    max_examples=scaled(150),
    stateful_step_count=40,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestRequests = Requests.TestCase


class Watched(Governor):
    """Counts refusals of requests that went with a proven window, and did not ask."""

    __slots__ = ("sure", "wrong")

    def __init__(self) -> None:
        super().__init__(Limits(32, None))
        self.sure: set[int] = set()
        self.wrong = 0

    def started(self, now: float) -> Sent:
        sent = super().started(now)
        if getattr(self.belief, "proven", False) and self._asking != sent.number:
            self.sure.add(sent.number)
        return sent

    def answered(self, now: float, sent: Sent, operation: str, response: Response) -> None:
        self.wrong += response.status == 429 and sent.number in self.sure
        super().answered(now, sent, operation, response)


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
def test_a_proven_window_is_never_sent_more_than_it_lets_in(
    limit: int,
    period: int,
    jitter: float,
    latency: float,
    bursts: list[tuple[int, float]],
    seed: int,
) -> None:
    """Laravel's, which nobody else uses, by ways that are less uneven than the margin."""
    wanted, at = [0.0] * (3 * limit), 3.0 * period
    for number, pause in bursts:
        wanted += [at] * number
        at += pause
    governor = Watched()
    client = Client(wanted, governor, Way(latency, jitter))
    Simulation(Window(limit, float(period)), [client], seed=seed).run()
    assert len(wanted) == client.done
    assert 0 == governor.wrong


@settings(max_examples=scaled(100), deadline=None)
@given(
    limit=st.integers(1, 30),
    period=st.integers(1, 8),
    over=st.integers(0, 3),
    jitter=st.sampled_from([0.0, 0.01, 0.3]),
    lost=st.sets(st.integers(1, 60)),
    others=st.lists(st.floats(0.0, 40.0), max_size=40),
    seed=st.integers(0, 9),
)
def test_everything_gets_through(
    limit: int,
    period: int,
    over: int,
    jitter: float,
    lost: set[int],
    others: list[float],
    seed: int,
) -> None:
    """With lost answers, other clients, and answers that overtake each other: nobody is stuck."""
    requests = 4 * limit
    client = Client([0.0] * requests, way=Way(0.05, jitter), lost=lambda number: number in lost)
    server = Window(limit, float(period), over=over)
    Simulation(server, [client], seed=seed, others=others, at_most=3600.0).run()
    assert requests == client.done
    assert server.let_in >= requests
    windows = math.ceil((requests + len(others) + len(lost)) / limit)
    assert client.ended <= 4 * period * windows + LONGEST_MARGIN
