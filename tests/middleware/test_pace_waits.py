"""How long requests wait: known rates, waits that the server names, and deadlines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from moregood_async.config import Rate
from moregood_async.errors import DeadlineExceeded
from moregood_async.governor.governor import LONGEST_MARGIN_SECONDS
from moregood_async.wire import Deadline, Response
from tests.middleware.doubles import Stage, answer, request, settled, told
from tests.middleware.pacing import TICK, Server, call, pace
from tests.middleware.virtual_time import now, virtually

# A known rate


def test_a_known_rate_is_obeyed_in_every_window() -> None:
    """At most so many in any ``per`` seconds, wherever the window begins; and not fewer."""

    async def main() -> list[float]:
        server, through = Server(), pace(32, Rate(4, per=10.0))
        await asyncio.gather(*(call(through, server) for _ in range(23)))
        return [arrival - server.arrivals[0] for arrival in server.arrivals]

    assert [pytest.approx(arrival) for arrival in virtually(main)] == [
        10.0 * (number // 4) for number in range(23)
    ]


def test_a_rate_counts_what_went_before_and_not_what_waited() -> None:
    """Requests a second apart need no wait at a rate that they keep by themselves."""

    async def main() -> list[float]:
        server, through = Server(), pace(32, Rate(1, per=1.0))
        for _ in range(4):
            await call(through, server)
            await asyncio.sleep(1.5)
        return [arrival - server.arrivals[0] for arrival in server.arrivals]

    assert virtually(main) == [0.0, 1.5, 3.0, 4.5]


# Waits that the server names


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        (told(0), 1.0),
        (told(7), 8.0),
        (told(2.5), 3.5),
        (told(-5), 1.0),
        (told("soon"), 0.25),
        (answer(429), 0.25),
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
def test_after_a_refusal_everybody_waits_longer_than_told_and_the_first_back_goes_alone(
    refusal: Response, seconds: float
) -> None:
    """The wait is named to one and is everybody's; Laravel rounds it down, so a second more."""

    async def main() -> list[float]:
        server, through = Server([refusal], seconds=2.0), pace()
        await call(through, server)
        shut = now()
        await asyncio.gather(*(call(through, server) for _ in range(3)))
        return [arrival - shut for arrival in server.arrivals[1:]]

    first, *others = virtually(main)
    assert first == pytest.approx(seconds)
    assert len([arrival for arrival in others if arrival >= seconds + 2.0 - TICK]) == 2


def test_those_who_wait_already_wait_longer() -> None:
    """A refusal shuts the door for the queue too, not only for who comes later."""

    async def main() -> list[float]:
        server, through = Server([told(5, 503)], seconds=1.0), pace(1)
        begun = now()
        await asyncio.gather(*(call(through, server) for _ in range(3)))
        return [arrival - begun for arrival in server.arrivals]

    assert virtually(main) == [0.0, pytest.approx(7.0), pytest.approx(8.0)]


def test_a_503_that_names_no_wait_shuts_nothing() -> None:
    """Nor does any other failure: that is what backing off is for."""

    async def main() -> float:
        server, through = Server([answer(503), answer(500), told("soon", 503)]), pace()
        begun = now()
        for _ in range(4):
            await call(through, server)
        return now() - begun

    assert virtually(main) == 0.0


def test_a_key_that_waits_does_not_hold_up_another() -> None:
    """A pace for each key: an agency's other projects go on."""

    async def main() -> float:
        refused, other = pace(), pace()
        await call(refused, Server([told(600)]))
        begun = now()
        await call(other, Server())
        return now() - begun

    assert virtually(main) == 0.0


def test_the_margin_doubles_while_refusals_go_on_and_shrinks_after_a_success() -> None:
    """A server that says 0 for ever is asked ever more rarely, up to a minute apart."""

    async def main() -> list[float]:
        refusals = [told(0, 503)] * 9
        server, through = Server([*refusals, answer(), told(0, 503)]), pace()
        for _ in range(len(refusals) + 3):
            await call(through, server)
        arrivals = server.arrivals
        return [after - before for before, after in pairwise(arrivals)]

    assert virtually(main) == [
        *(pytest.approx(wait) for wait in (1, 2, 4, 8, 16, 32)),
        *([pytest.approx(LONGEST_MARGIN_SECONDS)] * 3),
        0.0,
        pytest.approx(1.0),
    ]


def test_refusals_of_what_was_in_flight_together_count_as_one() -> None:
    """Four answers of 429 at once are one refusal, not a reason to double twice."""

    async def main() -> float:
        server, through = Server([told(0)] * 4, seconds=0.5), pace()
        await asyncio.gather(*(call(through, server) for _ in range(4)))
        shut = now()
        await call(through, server)
        return server.arrivals[-1] - shut

    assert virtually(main) == pytest.approx(1.0)


def test_a_shorter_wait_does_not_shorten_a_longer_one() -> None:
    """Answers come out of order; the longest wait named holds."""

    async def main() -> float:
        server, through = Server([told(60), told(1)], seconds=0.5), pace()
        await asyncio.gather(call(through, server), call(through, server))
        shut = now()
        await call(through, server)
        return server.arrivals[-1] - shut

    assert virtually(main) == pytest.approx(61.0)


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
    assert waited == 0.0
    assert arrived == 1
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
        await stage.end("first", told(300, 503))
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
    assert order == ["first", "calm", "patient"]
    assert waited == {"waited": pytest.approx(301.0)}


def test_where_only_an_answer_can_tell_when_the_next_may_go_the_deadline_itself_decides() -> None:
    """Until it comes, nobody is dismissed for a wait that nobody knows."""

    async def main() -> list[str]:
        stage, through = Stage(), pace(1)
        calls = {
            "first": call(through, stage, "first"),
            "hasty": call(through, stage, "hasty", within=0.5),
            "calm": call(through, stage, "calm", within=5.0),
        }
        await settled()
        with pytest.raises(DeadlineExceeded, match="before its turn came"):
            await calls["hasty"]
        await stage.end("first")
        await stage.end("calm")
        await calls["calm"]
        return stage.order

    assert virtually(main) == ["first", "calm"]


def test_each_call_in_the_queue_has_its_own_deadline() -> None:
    """One timer for all of them, in whatever order they came."""

    async def main() -> list[float]:
        stage, through = Stage(), pace(1)
        first, begun = call(through, stage, "first"), now()

        async def hasty(within: float) -> float:
            with pytest.raises(DeadlineExceeded):
                await call(through, stage, "hasty", within=within)
            return now() - begun

        await settled()
        ended = await asyncio.gather(*map(hasty, (2.0, 1.0, 3.0, 1.0)))
        await stage.end("first")
        await first
        return ended

    assert virtually(main) == [pytest.approx(seconds) for seconds in (2.0, 1.0, 3.0, 1.0)]


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
    assert waited == pytest.approx(5.0)
    assert retry_at is None
    assert order == ["first"]


def test_a_patient_deadline_stands_still_in_the_queue() -> None:
    """It moves by what the call has waited, so the request has as much time as it began with."""

    async def main() -> float:
        server, through = Server([told(300)]), pace()
        await call(through, server)
        deadline = Deadline(now() + 10.0)
        await through(request(deadline=deadline, priority="bulk"), server)
        return deadline.at - now()

    assert virtually(main) == pytest.approx(10.0)


def test_an_impatient_deadline_does_not_move() -> None:
    """One deadline over everything, waits included."""

    async def main() -> float:
        server, through = Server([told(3)]), pace()
        await call(through, server)
        deadline = Deadline(now() + 10.0)
        await through(request(deadline=deadline), server)
        return deadline.at - now()

    assert virtually(main) == pytest.approx(6.0)
