"""What a run counts: its own requests, and the seconds of each phase."""

import json
import time

import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk.run.counters import RunCounters
from moregood_async.errors import ConnectionLost
from moregood_async.privacy import Headers
from moregood_async.sandbox import Refuse, Sandbox
from moregood_async.wire import Request, Response
from tests.conftest import KEY


def make_request(attempt: int = 1) -> Request:
    """Return a request to count."""
    return Request(method="GET", url="https://a.example/", headers=Headers({}), attempt=attempt)


class Server:
    """Responds with a status and headers."""

    def __init__(self, status: int = 200, **headers: str) -> None:
        self.response = Response(status=status, headers=Headers(headers), body=b"")

    async def __call__(self, _: Request) -> Response:
        return self.response


async def test_requests_and_retries_are_counted_by_their_attempt() -> None:
    """The response is passed on as it is."""
    counters, server = RunCounters(), Server()
    for attempt in (1, 1, 2, 3):
        assert await counters.count_request(make_request(attempt), server) is server.response
    assert counters == RunCounters(requests=4, throttled=0, retries=2)


@pytest.mark.parametrize(
    ("server", "throttled"),
    [
        (Server(429), 1),
        (Server(503, **{"Retry-After": "1"}), 1),
        (Server(503), 0),
        (Server(200), 0),
    ],
    ids=["429", "503 with a delay", "503", "200"],
)
async def test_only_rate_limited_responses_count_as_throttled(
    server: Server, throttled: int
) -> None:
    counters = RunCounters()
    await counters.count_request(make_request(), server)
    assert counters == RunCounters(requests=1, throttled=throttled)


async def test_a_request_without_a_response_is_counted() -> None:
    counters = RunCounters()

    async def lose(_: Request) -> Response:
        raise ConnectionLost("x", phase="waiting", seconds=0.0, sent=True)

    with pytest.raises(ConnectionLost):
        await counters.count_request(make_request(), lose)
    assert counters == RunCounters(requests=1)


async def test_only_requests_of_the_view_with_the_counters_are_counted() -> None:
    """Other users of the client share its pace, and are no part of the run."""
    counters = RunCounters()
    refuse_once = Refuse(503, on="customers.list", times=1)
    async with MoreGoodClient(KEY, transport=Sandbox(keys=KEY, faults=refuse_once)) as client:
        view = client.with_options(middlewares=(*client.middlewares, counters.count_request))
        await view.customers.list().collect()
        await client.customers.list().collect()
    assert counters == RunCounters(requests=2, throttled=0, retries=1)


def test_times_of_a_phase_are_added_up_and_rounded_for_the_journal() -> None:
    counters = RunCounters()
    began = time.monotonic()
    counters.add_time("ask", began - 1.5)
    counters.add_time("ask", began - 2.0)
    counters.add_time("upsert", began - 0.25)
    stored = json.loads(json.dumps(counters.as_json()))
    timings = stored.pop("timings")
    assert stored == {"requests": 0, "throttled": 0, "retries": 0}
    assert set(timings) == {"ask", "upsert"}
    assert 3.5 <= timings["ask"] < 13.5
    assert 0.25 <= timings["upsert"] < 10.25
    assert timings == {phase: round(seconds, 3) for phase, seconds in timings.items()}
