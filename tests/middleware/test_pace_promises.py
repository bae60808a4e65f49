"""What holds for a pace whatever its calls do: come, go, fail, are cancelled, refused, too late."""

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
from tests.middleware.doubles import answer, request, told
from tests.middleware.pacing import TICK, at_once, pace
from tests.middleware.virtual_time import now, virtually

MOMENTS = st.floats(0.0, 5.0).map(lambda seconds: round(seconds, 1))
ANSWERS = st.sampled_from(
    [*([answer()] * 4), answer(500), told(0), told(2), told(40), told(1, 503)]
)


@attrs.frozen
class Caller:
    """One call of a simulation, and what will become of it."""

    comes_at: float
    takes: float
    says: Response | None
    """None where the handler fails."""
    within: float
    patient: bool
    cancelled_after: float | None


CALLERS = st.builds(
    Caller,
    comes_at=MOMENTS,
    takes=MOMENTS,
    says=st.one_of(ANSWERS, st.none()),
    within=st.sampled_from([0.0, 0.5, 3.0, 30.0, math.inf]),
    patient=st.booleans(),
    cancelled_after=st.one_of(st.none(), st.none(), MOMENTS),
)
RATES = st.one_of(
    st.none(), st.builds(Rate, st.integers(1, 4), per=st.sampled_from([0.5, 2.0, 7.0]))
)


@attrs.define
class Simulation:
    """Callers come, go, are cancelled, refused and too late; and what the server saw of it."""

    callers: list[Caller]
    pace: Pace
    came: dict[int, float] = attrs.field(factory=dict[int, float])
    went: list[tuple[int, float]] = attrs.field(factory=list[tuple[int, float]])
    shut_at: float = -math.inf
    shut_until: float = -math.inf
    in_flight: int = 0
    most: int = 0
    too_late: set[int] = attrs.field(factory=set[int])

    async def run(self) -> None:
        await asyncio.gather(*(self.life(number) for number in range(len(self.callers))))

    async def life(self, number: int) -> None:
        caller = self.callers[number]
        await asyncio.sleep(caller.comes_at)
        self.came[number] = now()
        deadline = Deadline(now() + caller.within)
        priority: Priority = "bulk" if caller.patient else "interactive"
        sent = request(operation=str(number), deadline=deadline, priority=priority)
        try:
            async with asyncio.timeout(caller.cancelled_after):
                await self.pace(sent, self.handle)
        except DeadlineExceeded:
            self.too_late.add(number)
        except (TimeoutError, ConnectionError):
            pass

    def overtook(self, bulk: int, interactive: int) -> bool:
        """Whether a bulk call went while an interactive one waited."""
        went_at = dict(self.went)
        waited = self.came[interactive] < went_at[bulk] < went_at[interactive]
        return waited and self.callers[bulk].patient and not self.callers[interactive].patient

    async def handle(self, request: Request) -> Response:
        number = int(request.operation)
        caller = self.callers[number]
        at_the_same_moment = now() == self.shut_at  # its turn had come already
        assert at_the_same_moment or now() >= self.shut_until - TICK
        self.went.append((number, now()))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(caller.takes)
        finally:
            self.in_flight -= 1
        if caller.says is None:
            raise ConnectionError
        if caller.says.headers.get("retry-after"):
            self.shut_at, waits = now(), float(caller.says.headers["retry-after"])
            self.shut_until = max(self.shut_until, now() + waits)
        return caller.says


@settings(max_examples=scaled(120), deadline=None)
@given(callers=st.lists(CALLERS, max_size=25), bound=st.integers(1, 4), rate=RATES)
def test_whatever_happens_to_its_calls_pace_keeps_its_promises(
    callers: list[Caller], bound: int, rate: Rate | None
) -> None:
    """No slot is lost, no bound, rate or wait is broken, nobody overtakes, nobody is stuck."""

    async def main() -> Simulation:
        simulation = Simulation(callers, pace(bound, rate))
        await simulation.run()
        assert (0, 0) == (simulation.pace.state.in_flight, simulation.pace.state.waiting)
        await asyncio.gather(*(simulation.pace(request(), at_once) for _ in range(bound + 1)))
        return simulation

    ended = virtually(main)
    went_at = dict(ended.went)
    turns = [number for number in ended.came if number in went_at]
    for patient in (True, False):
        own = [went_at[each] for each in turns if callers[each].patient is patient]
        assert sorted(own) == own
    assert not [(late, early) for late in turns for early in turns if ended.overtook(late, early)]
    times = sorted(went_at.values())
    assert ended.most <= bound
    assert not ended.too_late & set(went_at)
    if rate is not None:
        windows = zip(times, times[rate.limit :], strict=False)
        assert all(later - first >= rate.per - TICK for first, later in windows)


@given(
    callers=st.lists(CALLERS.map(lambda caller: attrs.evolve(caller, patient=True)), max_size=12),
    bound=st.integers(1, 3),
)
@settings(max_examples=scaled(50), deadline=None)
def test_a_patient_call_that_nobody_cancels_always_goes(callers: list[Caller], bound: int) -> None:
    """However long others make it wait."""
    callers = [attrs.evolve(caller, cancelled_after=None) for caller in callers]

    async def main() -> Simulation:
        simulation = Simulation(callers, pace(bound))
        await simulation.run()
        return simulation

    ended = virtually(main)
    assert len(callers) == len(ended.went)
