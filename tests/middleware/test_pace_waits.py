"""How long requests wait: known rates, retry delays of the server, and deadlines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from moregood_async.config import Rate
from moregood_async.errors import DeadlineExceeded
from moregood_async.governor.governor import LONGEST_MARGIN_SECONDS
from moregood_async.wire import Deadline, Response
from tests.middleware.doubles import (
    Stage,
    build_response,
    request,
    retry_after_response,
    run_ready_tasks,
)
from tests.middleware.pacing import TICK, Server, call, make_pace
from tests.middleware.virtual_time import now, run_virtually

# A known rate


def test_a_known_rate_holds_in_every_window_and_is_used_in_full() -> None:
    """A window is any interval of ``per`` seconds, whenever it starts."""

    async def main() -> list[float]:
        server, pace = Server(), make_pace(32, Rate(4, per=10.0))
        await asyncio.gather(*(call(pace, server) for _ in range(23)))
        return [arrival - server.arrivals[0] for arrival in server.arrivals]

    assert [pytest.approx(arrival) for arrival in run_virtually(main)] == [
        10.0 * (number // 4) for number in range(23)
    ]


def test_requests_slower_than_the_rate_do_not_wait() -> None:
    async def main() -> list[float]:
        server, pace = Server(), make_pace(32, Rate(1, per=1.0))
        for _ in range(4):
            await call(pace, server)
            await asyncio.sleep(1.5)
        return [arrival - server.arrivals[0] for arrival in server.arrivals]

    assert run_virtually(main) == [0.0, 1.5, 3.0, 4.5]


# Retry delays of the server


@pytest.mark.parametrize(
    ("throttled", "seconds"),
    [
        (retry_after_response(0), 1.0),
        (retry_after_response(7), 8.0),
        (retry_after_response(2.5), 3.5),
        (retry_after_response(-5), 1.0),
        (retry_after_response("soon"), 0.25),
        (build_response(429), 0.25),
        (retry_after_response(3, 503), 4.0),
        (retry_after_response(3600), 3601.0),
        (
            build_response(
                429,
                {
                    "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
                    "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
                },
            ),
            31.0,
        ),
        (
            build_response(
                429,
                {"Date": "Thu, 01 Jan 1970 00:01:40 GMT", "X-RateLimit-Reset": "120"},
            ),
            21.0,
        ),
    ],
    ids=lambda value: str(dict(value.headers)) if isinstance(value, Response) else str(value),
)
def test_after_a_throttled_response_one_probe_is_sent_after_the_retry_delay_and_a_margin(
    throttled: Response, seconds: float
) -> None:
    """The other calls wait for the probe. Laravel rounds the delay down: the margin is a second."""

    async def main() -> list[float]:
        server, pace = Server([throttled], seconds=2.0), make_pace()
        await call(pace, server)
        throttled_at = now()
        await asyncio.gather(*(call(pace, server) for _ in range(3)))
        return [arrival - throttled_at for arrival in server.arrivals[1:]]

    first, *others = run_virtually(main)
    assert first == pytest.approx(seconds)
    assert len([arrival for arrival in others if arrival >= seconds + 2.0 - TICK]) == 2


def test_a_retry_delay_applies_to_the_calls_in_the_queue() -> None:
    async def main() -> list[float]:
        server, pace = Server([retry_after_response(5, 503)], seconds=1.0), make_pace(1)
        started_at = now()
        await asyncio.gather(*(call(pace, server) for _ in range(3)))
        return [arrival - started_at for arrival in server.arrivals]

    assert run_virtually(main) == [0.0, pytest.approx(7.0), pytest.approx(8.0)]


def test_a_503_without_a_valid_retry_after_delays_no_call() -> None:
    """A 500 delays no call either: the retry middleware backs off."""

    async def main() -> float:
        server, pace = (
            Server([build_response(503), build_response(500), retry_after_response("soon", 503)]),
            make_pace(),
        )
        started_at = now()
        for _ in range(4):
            await call(pace, server)
        return now() - started_at

    assert run_virtually(main) == 0.0


def test_a_throttled_key_does_not_delay_another_key() -> None:
    async def main() -> float:
        throttled, other = make_pace(), make_pace()
        await call(throttled, Server([retry_after_response(600)]))
        started_at = now()
        await call(other, Server())
        return now() - started_at

    assert run_virtually(main) == 0.0


def test_the_margin_doubles_with_each_throttled_response_and_a_success_resets_it() -> None:
    """The limit is a minute, for a server that always sends ``Retry-After: 0``."""

    async def main() -> list[float]:
        throttled = [retry_after_response(0, 503)] * 9
        server, pace = (
            Server([*throttled, build_response(), retry_after_response(0, 503)]),
            make_pace(),
        )
        for _ in range(len(throttled) + 3):
            await call(pace, server)
        arrivals = server.arrivals
        return [after - before for before, after in pairwise(arrivals)]

    assert run_virtually(main) == [
        *(pytest.approx(wait) for wait in (1, 2, 4, 8, 16, 32)),
        *([pytest.approx(LONGEST_MARGIN_SECONDS)] * 3),
        0.0,
        pytest.approx(1.0),
    ]


def test_concurrent_throttled_responses_count_as_one() -> None:
    """Four concurrent 429s do not double the margin."""

    async def main() -> float:
        server, pace = Server([retry_after_response(0)] * 4, seconds=0.5), make_pace()
        await asyncio.gather(*(call(pace, server) for _ in range(4)))
        throttled_at = now()
        await call(pace, server)
        return server.arrivals[-1] - throttled_at

    assert run_virtually(main) == pytest.approx(1.0)


def test_a_shorter_delay_does_not_shorten_a_longer_one() -> None:
    """Responses may arrive out of order."""

    async def main() -> float:
        server, pace = (
            Server([retry_after_response(60), retry_after_response(1)], seconds=0.5),
            make_pace(),
        )
        await asyncio.gather(call(pace, server), call(pace, server))
        throttled_at = now()
        await call(pace, server)
        return server.arrivals[-1] - throttled_at

    assert run_virtually(main) == pytest.approx(61.0)


# Deadlines


def test_a_call_with_a_deadline_before_the_end_of_the_retry_delay_fails_at_once() -> None:
    """The error has the time at which the next request may be sent."""

    async def main() -> tuple[float, int, datetime | None]:
        server, pace = Server([retry_after_response(300)]), make_pace()
        await call(pace, server)
        started_at = now()
        with pytest.raises(DeadlineExceeded, match="nothing was sent") as caught:
            await call(pace, server, within=120.0)
        return now() - started_at, len(server.arrivals), caught.value.retry_at

    waited, arrived, retry_at = run_virtually(main)
    assert waited == 0.0
    assert arrived == 1
    assert retry_at is not None
    assert abs(retry_at - (datetime.now(UTC) + timedelta(seconds=301))) < timedelta(seconds=5)


def test_a_retry_delay_fails_the_queued_calls_with_an_earlier_deadline() -> None:
    """The other calls stay in the queue, in their order."""

    async def main() -> tuple[float, list[str]]:
        stage, pace = Stage(), make_pace(1)
        calls = {
            "first": call(pace, stage, "first"),
            "short deadline": call(pace, stage, "short deadline", within=60.0),
            "long deadline": call(pace, stage, "long deadline", within=600.0),
            "bulk": call(pace, stage, "bulk", within=60.0, is_bulk=True),
        }
        await run_ready_tasks()
        await stage.end("first", retry_after_response(300, 503))
        assert calls["short deadline"].done()
        assert isinstance(calls["short deadline"].exception(), DeadlineExceeded)
        started_at = now()
        await stage.arrival("long deadline")
        waited = now() - started_at
        await stage.end("long deadline")
        await stage.end("bulk")
        await asyncio.wait(calls.values())
        return waited, stage.order

    waited, order = run_virtually(main)
    assert order == ["first", "long deadline", "bulk"]
    assert waited == pytest.approx(301.0)


def test_a_queued_call_behind_a_request_in_flight_waits_until_its_deadline() -> None:
    """The duration of the request in flight is unknown, so the queued call cannot fail earlier."""

    async def main() -> list[str]:
        stage, pace = Stage(), make_pace(1)
        calls = {
            "first": call(pace, stage, "first"),
            "short deadline": call(pace, stage, "short deadline", within=0.5),
            "long deadline": call(pace, stage, "long deadline", within=5.0),
        }
        await run_ready_tasks()
        with pytest.raises(DeadlineExceeded, match="before the call's turn"):
            await calls["short deadline"]
        await stage.end("first")
        await stage.end("long deadline")
        await calls["long deadline"]
        return stage.order

    assert run_virtually(main) == ["first", "long deadline"]


def test_each_call_in_the_queue_has_its_own_deadline() -> None:
    """One timer serves all deadlines, in any order."""

    async def main() -> list[float]:
        stage, pace = Stage(), make_pace(1)
        first, started_at = call(pace, stage, "first"), now()

        async def expire(within: float) -> float:
            with pytest.raises(DeadlineExceeded):
                await call(pace, stage, "short deadline", within=within)
            return now() - started_at

        await run_ready_tasks()
        ended = await asyncio.gather(*map(expire, (2.0, 1.0, 3.0, 1.0)))
        await stage.end("first")
        await first
        return ended

    assert run_virtually(main) == [pytest.approx(seconds) for seconds in (2.0, 1.0, 3.0, 1.0)]


def test_a_deadline_that_passes_in_the_queue_ends_the_call_and_nothing_is_sent() -> None:
    """There is no ``retry_at``, because the server sent no retry delay."""

    async def main() -> tuple[float, datetime | None, list[str]]:
        stage, pace = Stage(), make_pace(1)
        first = call(pace, stage, "first")
        await run_ready_tasks()
        started_at = now()
        with pytest.raises(DeadlineExceeded, match="nothing was sent") as caught:
            await call(pace, stage, "second", within=5.0)
        waited = now() - started_at
        await stage.end("first")
        await first
        return waited, caught.value.retry_at, stage.order

    waited, retry_at, order = run_virtually(main)
    assert waited == pytest.approx(5.0)
    assert retry_at is None
    assert order == ["first"]


def test_the_deadline_of_a_bulk_call_is_extended_by_the_time_in_the_queue() -> None:
    async def main() -> float:
        server, pace = Server([retry_after_response(300)]), make_pace()
        await call(pace, server)
        deadline = Deadline(now() + 10.0)
        await pace(request(deadline=deadline, priority="bulk"), server)
        return deadline.at - now()

    assert run_virtually(main) == pytest.approx(10.0)


def test_the_deadline_of_an_interactive_call_is_not_extended() -> None:
    async def main() -> float:
        server, pace = Server([retry_after_response(3)]), make_pace()
        await call(pace, server)
        deadline = Deadline(now() + 10.0)
        await pace(request(deadline=deadline), server)
        return deadline.at - now()

    assert run_virtually(main) == pytest.approx(6.0)
