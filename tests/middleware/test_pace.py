"""When a request may go: order, bounds, rates and waits, on a loop where waits take no time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moregood_async.config import Rate
from moregood_async.errors import DeadlineExceeded
from moregood_async.middleware.pace import LONGEST_MARGIN_SECONDS, Pace, StatedLimits
from moregood_async.wire import Deadline, Priority, Request, Response
from tests.middleware.doubles import Clock, Stage, answer, request, settled, started, told
from tests.middleware.virtual_time import now, virtually

TICK = 1e-6


def pace(max_concurrency: int = 32, max_rate: Rate | None = None) -> Pace:
    return Pace(StatedLimits(max_concurrency, max_rate), clock=now)


def call(
    through: Pace,
    handler: Callable[[Request], Awaitable[Response]],
    name: str = "asks.create",
    *,
    within: float = math.inf,
    patient: bool = False,
) -> asyncio.Task[Response]:
    deadline = Deadline(now() + within)
    sent = request(operation=name, deadline=deadline, priority="bulk" if patient else "interactive")
    return started(through(sent, handler))


async def at_once(_: Request) -> Response:
    return answer()


@attrs.define
class Server:
    """Answers after a while, from a script by request; knows when each came."""

    answers: list[Response] = attrs.field(factory=list[Response])
    seconds: float = 0.0
    arrivals: list[float] = attrs.field(factory=list[float])

    async def __call__(self, request: Request) -> Response:
        self.arrivals.append(now())
        number = len(self.arrivals) - 1
        await asyncio.sleep(self.seconds)
        return self.answers[number] if number < len(self.answers) else answer()


# Order and bound


def test_requests_go_in_the_order_in_which_they_came() -> None:
    """First come, first served, with a bound on how many are in flight."""

    async def main() -> Stage:
        stage, through = Stage(), pace(2)
        calls = [call(through, stage, str(number)) for number in range(6)]
        await settled()
        for number in (1, 0, 3, 2, 5, 4):
            await stage.end(str(number))
        await asyncio.gather(*calls)
        return stage

    stage = virtually(main)
    assert (["0", "1", "2", "3", "4", "5"], 2) == (stage.order, stage.most)


def test_nobody_overtakes_those_who_wait() -> None:
    """A slot that falls free belongs to the first in the queue, not to who comes just then."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = [call(through, stage, name) for name in ("first", "waiting")]
        await settled()
        stage.in_flight["first"].set_result(answer())
        await asyncio.sleep(0)
        calls.append(call(through, stage, "late"))
        await settled()
        await stage.end("waiting")
        await stage.end("late")
        await asyncio.gather(*calls)
        return stage.order

    assert ["first", "waiting", "late"] == virtually(main)


async def test_who_comes_as_the_door_opens_does_not_overtake_those_before_it() -> None:
    """The wait is over, but the timer of those who waited has not rung yet."""
    clock, stage = Clock(), Stage()
    through = Pace(StatedLimits(1, None), clock=clock)
    await through(request(), Server([told(5)]))
    names = ["first", "second", "third"]
    calls = [call(through, stage, name) for name in names[:2]]
    await settled()
    clock.now += 10.0
    calls.append(call(through, stage, names[2]))
    for name in names:
        await stage.arrival(name)
        await stage.end(name)
    await asyncio.gather(*calls)
    assert names == stage.order


def test_one_timer_serves_all_who_wait() -> None:
    """However many there are."""

    async def main() -> int:
        server, through = Server([told(5)]), pace()
        await call(through, server)
        calls = [call(through, server) for _ in range(50)]
        await settled()
        timers = len(getattr(asyncio.get_running_loop(), "_scheduled"))  # noqa: B009
        await asyncio.gather(*calls)
        return timers

    assert 1 == virtually(main)


@pytest.mark.parametrize("bound", [1, 3, 32])
def test_the_bound_is_kept_and_used_to_the_full(bound: int) -> None:
    """Measured where it counts: at the handler."""

    async def main() -> tuple[int, float]:
        in_flight = most = 0

        async def handler(_: Request) -> Response:
            nonlocal in_flight, most
            in_flight += 1
            most = max(most, in_flight)
            await asyncio.sleep(1.0)
            in_flight -= 1
            return answer()

        through, begun = pace(bound), now()
        await asyncio.gather(*(call(through, handler) for _ in range(bound * 10)))
        return most, now() - begun

    most, took = virtually(main)
    assert bound == most
    assert pytest.approx(10.0) == took


@pytest.mark.parametrize(
    "failure", [ValueError("broke"), asyncio.CancelledError()], ids=["error", "cancelled"]
)
def test_a_request_that_fails_gives_its_slot_back(failure: BaseException) -> None:
    """Whatever it fails with."""

    async def main() -> int:
        through = pace(1)

        async def broken(_: Request) -> Response:
            raise failure

        with pytest.raises(type(failure)):
            await through(request(), broken)
        return (await through(request(), at_once)).status

    assert 200 == virtually(main)


# Cancellation


def test_a_cancelled_waiter_leaves_no_hole_in_the_queue() -> None:
    """Those behind it move up."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = {name: call(through, stage, name) for name in ("a", "b", "c", "d")}
        await settled()
        calls["b"].cancel()
        calls["c"].cancel()
        await stage.end("a")
        await stage.end("d")
        await asyncio.wait(calls.values())
        return stage.order

    assert ["a", "d"] == virtually(main)


def test_a_waiter_that_is_cancelled_just_as_its_turn_comes_passes_it_on() -> None:
    """The slot that it was granted in the same moment is not lost."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = {name: call(through, stage, name) for name in ("a", "b", "c")}
        await settled()
        stage.in_flight["a"].set_result(answer())
        while not calls["a"].done():  # noqa: ASYNC110 - to the very tick
            await asyncio.sleep(0)
        calls["b"].cancel()
        await settled()
        await stage.end("c")
        await asyncio.wait(calls.values())
        return stage.order

    assert ["a", "c"] == virtually(main)


def test_where_all_who_waited_are_gone_the_next_comer_goes_at_once() -> None:
    """The dead in the queue hold up nobody."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        first, waiting = call(through, stage, "a"), call(through, stage, "b")
        await settled()
        waiting.cancel()
        await settled()
        await stage.end("a")
        late = call(through, stage, "c")
        await settled()
        await stage.end("c")
        await asyncio.wait([first, waiting, late])
        return stage.order

    assert ["a", "c"] == virtually(main)


# A known rate


def test_a_known_rate_is_obeyed_in_every_window() -> None:
    """At most so many in any ``per`` seconds, wherever the window begins; and not fewer."""

    async def main() -> list[float]:
        server, through = Server(), pace(32, Rate(5, per=10.0))
        await asyncio.gather(*(call(through, server) for _ in range(23)))
        return [arrival - server.arrivals[0] for arrival in server.arrivals]

    assert [10.0 * (number // 5) for number in range(23)] == [
        pytest.approx(arrival) for arrival in virtually(main)
    ]


def test_a_rate_counts_what_went_before_and_not_what_waited() -> None:
    """Requests a second apart need no wait at a rate that they keep by themselves."""

    async def main() -> list[float]:
        server, through = Server(), pace(32, Rate(1, per=1.0))
        for _ in range(4):
            await call(through, server)
            await asyncio.sleep(1.5)
        return [arrival - server.arrivals[0] for arrival in server.arrivals]

    assert [0.0, 1.5, 3.0, 4.5] == virtually(main)


# Waits that the server names


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        (told(0), 1.0),
        (told(7), 8.0),
        (told(2.5), 3.5),
        (told(-5), 1.0),
        (told("soon"), 1.0),
        (answer(429), 1.0),
        (told(3, 503), 4.0),
        (told(3600), 3601.0),
        (
            answer(
                429,
                {
                    "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
                    "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
                },
            ),
            31.0,
        ),
        (
            answer(
                429,
                {"Date": "Thu, 01 Jan 1970 00:01:40 GMT", "X-RateLimit-Reset": "120"},
            ),
            21.0,
        ),
    ],
    ids=lambda value: str(dict(value.headers)) if isinstance(value, Response) else str(value),
)
def test_after_a_refusal_everybody_waits_a_second_longer_than_told(
    refusal: Response, seconds: float
) -> None:
    """The wait is named to one and is everybody's; Laravel rounds it down, so a second more."""

    async def main() -> list[float]:
        server, through = Server([refusal]), pace()
        await call(through, server)
        shut = now()
        await asyncio.gather(*(call(through, server) for _ in range(3)))
        return [arrival - shut for arrival in server.arrivals[1:]]

    assert [pytest.approx(seconds)] * 3 == virtually(main)


def test_those_who_wait_already_wait_longer() -> None:
    """A refusal shuts the door for the queue too, not only for who comes later."""

    async def main() -> list[float]:
        server, through = Server([told(5)], seconds=1.0), pace(1)
        begun = now()
        await asyncio.gather(*(call(through, server) for _ in range(3)))
        return [arrival - begun for arrival in server.arrivals]

    assert [0.0, pytest.approx(7.0), pytest.approx(8.0)] == virtually(main)


def test_a_503_that_names_no_wait_shuts_nothing() -> None:
    """Nor does any other failure: that is what backing off is for."""

    async def main() -> float:
        server, through = Server([answer(503), answer(500), told("soon", 503)]), pace()
        begun = now()
        for _ in range(4):
            await call(through, server)
        return now() - begun

    assert 0.0 == virtually(main)


def test_a_key_that_waits_does_not_hold_up_another() -> None:
    """A pace for each key: an agency's other projects go on."""

    async def main() -> float:
        refused, other = pace(), pace()
        await call(refused, Server([told(600)]))
        begun = now()
        await call(other, Server())
        return now() - begun

    assert 0.0 == virtually(main)


def test_the_margin_doubles_while_refusals_go_on_and_shrinks_after_a_success() -> None:
    """A server that says 0 for ever is asked ever more rarely, up to a minute apart."""

    async def main() -> list[float]:
        refusals = [told(0)] * 9
        server, through = Server([*refusals, answer(), told(0)]), pace()
        for _ in range(len(refusals) + 3):
            await call(through, server)
        arrivals = server.arrivals
        return [after - before for before, after in pairwise(arrivals)]

    assert [
        *(pytest.approx(wait) for wait in (1, 2, 4, 8, 16, 32)),
        *([pytest.approx(LONGEST_MARGIN_SECONDS)] * 3),
        0.0,
        pytest.approx(1.0),
    ] == virtually(main)


def test_refusals_of_what_was_in_flight_together_count_as_one() -> None:
    """Thirty-two answers of 429 at once are one refusal, not a reason to double five times."""

    async def main() -> float:
        server, through = Server([told(0)] * 32, seconds=0.5), pace()
        await asyncio.gather(*(call(through, server) for _ in range(32)))
        shut = now()
        await call(through, server)
        return server.arrivals[-1] - shut

    assert pytest.approx(1.0) == virtually(main)


def test_a_shorter_wait_does_not_shorten_a_longer_one() -> None:
    """Answers come out of order; the longest wait named holds."""

    async def main() -> float:
        server, through = Server([told(60), told(1)], seconds=0.5), pace()
        await asyncio.gather(call(through, server), call(through, server))
        shut = now()
        await call(through, server)
        return server.arrivals[-1] - shut

    assert pytest.approx(61.0) == virtually(main)


# Deadlines


def test_a_call_whose_turn_comes_too_late_is_told_so_at_once() -> None:
    """With the time at which the server takes requests again; nothing is sent."""

    async def main() -> tuple[float, int, datetime | None]:
        server, through = Server([told(300)]), pace()
        await call(through, server)
        begun = now()
        with pytest.raises(DeadlineExceeded, match="nothing was sent") as caught:
            await call(through, server, within=120.0)
        return now() - begun, len(server.arrivals), caught.value.retry_at

    waited, arrived, retry_at = virtually(main)
    assert (0.0, 1) == (waited, arrived)
    assert retry_at is not None
    assert abs(retry_at - (datetime.now(UTC) + timedelta(seconds=301))) < timedelta(seconds=5)


def test_impatient_calls_in_the_queue_are_dismissed_when_the_wait_is_named() -> None:
    """Those with time enough stay, in their order."""

    async def main() -> tuple[dict[str, float | None], list[str]]:
        stage, through = Stage(), pace(1)
        calls = {
            "first": call(through, stage, "first"),
            "hasty": call(through, stage, "hasty", within=60.0),
            "calm": call(through, stage, "calm", within=600.0),
            "patient": call(through, stage, "patient", within=60.0, patient=True),
        }
        await settled()
        await stage.end("first", told(300))
        assert calls["hasty"].done()
        assert isinstance(calls["hasty"].exception(), DeadlineExceeded)
        begun = now()
        await stage.arrival("calm")
        waited = now() - begun
        await stage.end("calm")
        await stage.end("patient")
        await asyncio.wait(calls.values())
        return {"waited": waited}, stage.order

    waited, order = virtually(main)
    assert ["first", "calm", "patient"] == order
    assert {"waited": pytest.approx(301.0)} == waited


def test_where_nobody_knows_when_the_next_may_go_the_deadline_itself_decides() -> None:
    """A governor may refuse everybody until one has ended, also after a 429."""

    @attrs.define
    class OneByOne(StatedLimits):
        def opens_at(self, now: float) -> float:
            return math.inf if self.in_flight else super().opens_at(now)

    async def main() -> list[str]:
        stage, through = Stage(), Pace(OneByOne(2), clock=now)
        through.governor.started(now())
        through.governor.started(now())
        hasty = call(through, stage, "hasty", within=0.5)
        calm = call(through, stage, "calm", within=5.0)
        await settled()
        through._ended(now(), told(1))
        await settled()
        assert not hasty.done()
        with pytest.raises(DeadlineExceeded):
            await hasty
        through._ended(now(), None)
        await stage.arrival("calm")
        await stage.end("calm")
        await calm
        return stage.order

    assert ["calm"] == virtually(main)


def test_a_deadline_that_passes_in_the_queue_ends_the_call_and_nothing_is_sent() -> None:
    """On time, and with no ``retry_at``: no server has named one."""

    async def main() -> tuple[float, datetime | None, list[str]]:
        stage, through = Stage(), pace(1)
        first = call(through, stage, "first")
        await settled()
        begun = now()
        with pytest.raises(DeadlineExceeded, match="nothing was sent") as caught:
            await call(through, stage, "second", within=5.0)
        waited = now() - begun
        await stage.end("first")
        await first
        return waited, caught.value.retry_at, stage.order

    waited, retry_at, order = virtually(main)
    assert pytest.approx(5.0) == waited
    assert (None, ["first"]) == (retry_at, order)


def test_a_patient_deadline_stands_still_in_the_queue() -> None:
    """It moves by what the call has waited, so the request has as much time as it began with."""

    async def main() -> float:
        server, through = Server([told(300)]), pace()
        await call(through, server)
        deadline = Deadline(now() + 10.0)
        await through(request(deadline=deadline, priority="bulk"), server)
        return deadline.at - now()

    assert pytest.approx(10.0) == virtually(main)


def test_an_impatient_deadline_does_not_move() -> None:
    """One deadline over everything, waits included."""

    async def main() -> float:
        server, through = Server([told(3)]), pace()
        await call(through, server)
        deadline = Deadline(now() + 10.0)
        await through(request(deadline=deadline), server)
        return deadline.at - now()

    assert pytest.approx(6.0) == virtually(main)


# Everything at once

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
    came: list[int] = attrs.field(factory=list[int])
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
        self.came.append(number)
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
            self.shut_until = max(self.shut_until, now() + waits + 1.0)
        return caller.says


@settings(max_examples=120, deadline=None)
@given(callers=st.lists(CALLERS, max_size=25), bound=st.integers(1, 4), rate=RATES)
def test_whatever_happens_to_its_calls_pace_keeps_its_promises(
    callers: list[Caller], bound: int, rate: Rate | None
) -> None:
    """No slot is lost, no bound, rate or wait is broken, nobody overtakes, nobody is stuck."""

    async def main() -> Simulation:
        simulation = Simulation(callers, pace(bound, rate))
        await simulation.run()
        assert 0 == getattr(simulation.pace.governor, "in_flight")  # noqa: B009
        await asyncio.gather(*(simulation.pace(request(), at_once) for _ in range(bound + 1)))
        return simulation

    ended = virtually(main)
    went_at = dict(ended.went)
    times = [went_at[number] for number in ended.came if number in went_at]
    assert ended.most <= bound
    assert sorted(times) == times
    assert not ended.too_late & set(went_at)
    if rate is not None:
        windows = zip(times, times[rate.limit :], strict=False)
        assert all(later - first >= rate.per - TICK for first, later in windows)


@given(
    callers=st.lists(CALLERS.map(lambda caller: attrs.evolve(caller, patient=True)), max_size=12),
    bound=st.integers(1, 3),
)
@settings(max_examples=50, deadline=None)
def test_a_patient_call_that_nobody_cancels_always_goes(callers: list[Caller], bound: int) -> None:
    """However long others make it wait."""
    callers = [attrs.evolve(caller, cancelled_after=None) for caller in callers]

    async def main() -> Simulation:
        simulation = Simulation(callers, pace(bound))
        await simulation.run()
        return simulation

    ended = virtually(main)
    assert len(callers) == len(ended.went)
