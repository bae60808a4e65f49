"""The pace of a client: priorities, keys, its state, and few throttled requests."""

from __future__ import annotations

import asyncio
import json

from moregood_async import MoreGoodClient, PaceState, Rate, Request, Response
from moregood_async.privacy import Headers
from moregood_async.sandbox import Sandbox, Throttle
from tests.conftest import KEY, MakeClient

ROWS = [{"first_name": "Ada", "email": f"ada{number}@example.com"} for number in range(40)]


class RecordingTransport:
    """A transport that accepts everything and records each request's name and priority.

    The name is the first name in the body, or else the operation.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []

    async def __call__(self, request: Request) -> Response:
        row = json.loads(request.body or b"{}")
        self.requests.append((row.get("first_name", request.operation), request.priority))
        page = {"current_page": 1, "last_page": 1, "total": 0}
        data: object = [] if request.method == "GET" else {"id": 1}
        body = {"success": True, "data": data, "pagination": page}
        return Response(status=200, headers=Headers({}), body=json.dumps(body).encode())


async def test_a_single_call_is_sent_before_the_rows_of_a_batch(make_client: MakeClient) -> None:
    transport = RecordingTransport()
    client = make_client(transport, max_rate=Rate(10, per=0.2))

    async def batch() -> None:
        async for result in client.customers.upsert_many(ROWS):
            assert result.error is None

    running = asyncio.create_task(batch())
    while not client.pace.waiting:  # noqa: ASYNC110 - until the batch has used up the limit
        await asyncio.sleep(0)
    sent = len(transport.requests)
    await client.customers.upsert(first_name="Grace")
    assert transport.requests[sent] == ("Grace", "interactive")
    assert sent < len(ROWS) / 2
    await running
    assert transport.requests.count(("Ada", "bulk")) == len(ROWS)


async def test_reading_for_many_customers_is_bulk_and_a_list_is_interactive(
    make_client: MakeClient,
) -> None:
    transport = RecordingTransport()
    client = make_client(transport)
    assert [pair async for pair in client.reviews.for_customers([1])] == []
    assert [pair async for pair in client.messages.for_customers([1])] == []
    assert await client.reviews.list().collect() == []
    assert transport.requests == [
        ("customers.reviews", "bulk"),
        ("customers.messages", "bulk"),
        ("reviews.list", "interactive"),
    ]


async def test_a_learned_window_is_shown(sandbox: Sandbox) -> None:
    """With the throttled requests that it took to learn it."""
    sandbox.faults = Throttle(20, 1.0)
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        before = client.pace
        results = [result async for result in client.customers.upsert_many(ROWS)]
        after = client.pace
    assert [result.error for result in results] == [None] * len(ROWS)
    assert before.rate is None
    assert before.window is None
    assert before.throttled == 0
    assert before.next_allowed_in == 0.0
    assert after.rate == 20.0
    assert after.window == Rate(20, per=1.0)
    assert after.in_flight == 0
    assert after.waiting == 0
    assert 1 <= after.throttled <= 6
    assert sandbox.audit().customers == len(ROWS)


def test_without_an_event_loop_the_initial_state_is_shown() -> None:
    """Reading it makes no connection and leaves nothing to close."""
    client = MoreGoodClient(KEY, max_concurrency=2)
    initial = PaceState(
        concurrency=2, sent=0, in_flight=0, waiting=0, throttled=0, next_allowed_in=0.0
    )
    assert client.pace == initial


async def test_each_key_has_its_own_pace(make_client: MakeClient) -> None:
    """A view with another key has its own pace; one with the same key shares the pace."""
    client = make_client(RecordingTransport(), max_rate=Rate(1, per=60.0))
    await client.customers.upsert(first_name="Ada")
    other = client.with_options(api_key="another-key")
    await other.customers.upsert(first_name="Grace")
    same = client.with_options(max_attempts=1)
    assert client.pace.next_allowed_in > 50
    assert same.pace.next_allowed_in > 50
    assert other.pace.next_allowed_in == 0.0
