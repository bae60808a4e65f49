"""Properties of a pace that hold for calls that fail, expire, wait or are cancelled."""

from __future__ import annotations

import asyncio
import math

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from moregood_async.config import Rate
from moregood_async.errors import DeadlineExceeded
from moregood_async.middleware.pace import Pace
from moregood_async.wire import Deadline, Priority, Request, Response
from tests.depth import scaled
from tests.middleware.doubles import build_response, request, retry_after_response
from tests.middleware.pacing import TICK, make_pace, respond_at_once
from tests.middleware.virtual_time import now, run_virtually

MOMENTS = st.floats(0.0, 5.0).map(lambda seconds: round(seconds, 1))
RESPONSES = st.sampled_from(
    [
        *([build_response()] * 4),
        build_response(500),
        retry_after_response(0),
        retry_after_response(2),
        retry_after_response(40),
        retry_after_response(1, 503),
    ]
)


@attrs.frozen
class Caller:
    """One call of a simulation, and the end of the call."""

    arrives_at: float
    seconds: float
    response: Response | None
    """None if the handler fails."""
    within: float
    is_bulk: bool
    cancelled_after: float | None


CALLERS = st.builds(
    Caller,
    arrives_at=MOMENTS,
    seconds=MOMENTS,
    response=st.one_of(RESPONSES, st.none()),
    within=st.sampled_from([0.0, 0.5, 3.0, 30.0, math.inf]),
    is_bulk=st.booleans(),
    cancelled_after=st.one_of(st.none(), st.none(), MOMENTS),
)
RATES = st.one_of(
    st.none(), st.builds(Rate, st.integers(1, 4), per=st.sampled_from([0.5, 2.0, 7.0]))
)


@attrs.define
class Simulation:
    """Runs the callers against one pace, and records what the server received."""

    callers: list[Caller]
    pace: Pace
    arrived_at: dict[int, float] = attrs.field(factory=dict[int, float])
    sent: list[tuple[int, float]] = attrs.field(factory=list[tuple[int, float]])
    blocked_at: float = -math.inf
    blocked_until: float = -math.inf
    in_flight: int = 0
    max_in_flight: int = 0
    expired: set[int] = attrs.field(factory=set[int])

    async def run(self) -> None:
        await asyncio.gather(*(self.run_caller(number) for number in range(len(self.callers))))

    async def run_caller(self, number: int) -> None:
        caller = self.callers[number]
        await asyncio.sleep(caller.arrives_at)
        self.arrived_at[number] = now()
        deadline = Deadline(now() + caller.within)
        priority: Priority = "bulk" if caller.is_bulk else "interactive"
        sent = request(operation=str(number), deadline=deadline, priority=priority)
        try:
            async with asyncio.timeout(caller.cancelled_after):
                await self.pace(sent, self.handle)
        except DeadlineExceeded:
            self.expired.add(number)
        except (TimeoutError, ConnectionError):
            pass

    def overtook(self, bulk: int, interactive: int) -> bool:
        """Return whether a bulk call was sent while an interactive one waited."""
        sent_at = dict(self.sent)
        waited = self.arrived_at[interactive] < sent_at[bulk] < sent_at[interactive]
        return waited and self.callers[bulk].is_bulk and not self.callers[interactive].is_bulk

    async def handle(self, request: Request) -> Response:
        number = int(request.operation)
        caller = self.callers[number]
        # A request of the same moment got its slot before the throttled response was received.
        is_same_moment = now() == self.blocked_at
        assert is_same_moment or now() >= self.blocked_until - TICK
        self.sent.append((number, now()))
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            await asyncio.sleep(caller.seconds)
        finally:
            self.in_flight -= 1
        if caller.response is None:
            raise ConnectionError
        if caller.response.headers.get("retry-after"):
            self.blocked_at, delay = now(), float(caller.response.headers["retry-after"])
            self.blocked_until = max(self.blocked_until, now() + delay)
        return caller.response


@settings(max_examples=scaled(120), deadline=None)
@given(callers=st.lists(CALLERS, max_size=25), max_concurrency=st.integers(1, 4), rate=RATES)
def test_a_pace_keeps_its_limits_and_its_order_whatever_happens_to_its_calls(
    callers: list[Caller], max_concurrency: int, rate: Rate | None
) -> None:
    """No slot is lost, no limit or delay is violated, and no call overtakes or waits for ever."""

    async def main() -> Simulation:
        simulation = Simulation(callers, make_pace(max_concurrency, rate))
        await simulation.run()
        assert simulation.pace.state.in_flight == 0
        assert simulation.pace.state.waiting == 0
        await asyncio.gather(
            *(simulation.pace(request(), respond_at_once) for _ in range(max_concurrency + 1))
        )
        return simulation

    simulation = run_virtually(main)
    sent_at = dict(simulation.sent)
    sent_in_order_of_arrival = [number for number in simulation.arrived_at if number in sent_at]
    for is_bulk in (True, False):
        times_of_priority = [
            sent_at[each] for each in sent_in_order_of_arrival if callers[each].is_bulk is is_bulk
        ]
        assert times_of_priority == sorted(times_of_priority)
    assert not [
        (bulk, interactive)
        for bulk in sent_in_order_of_arrival
        for interactive in sent_in_order_of_arrival
        if simulation.overtook(bulk, interactive)
    ]
    times = sorted(sent_at.values())
    assert simulation.max_in_flight <= max_concurrency
    assert not simulation.expired & set(sent_at)
    if rate is not None:
        windows = zip(times, times[rate.limit :], strict=False)
        assert all(later - first >= rate.per - TICK for first, later in windows)


@given(
    callers=st.lists(CALLERS.map(lambda caller: attrs.evolve(caller, is_bulk=True)), max_size=12),
    max_concurrency=st.integers(1, 3),
)
@settings(max_examples=scaled(50), deadline=None)
def test_a_bulk_call_that_is_not_cancelled_is_always_sent(
    callers: list[Caller], max_concurrency: int
) -> None:
    """A bulk call has no limit to its time in the queue."""
    callers = [attrs.evolve(caller, cancelled_after=None) for caller in callers]

    async def main() -> Simulation:
        simulation = Simulation(callers, make_pace(max_concurrency))
        await simulation.run()
        return simulation

    simulation = run_virtually(main)
    assert len(simulation.sent) == len(callers)
