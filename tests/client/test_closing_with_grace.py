"""`aclose(grace)`: requests in flight finish, queued calls are drained, new calls are refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import attrs
import pytest

from moregood_async import Ask, Drain, MoreGoodClient
from moregood_async.errors import (
    AttemptTimedOut,
    ClientClosed,
    ConnectionLost,
    Drained,
    MoreGoodError,
)
from moregood_async.sandbox import Sandbox
from moregood_async.wire import Handler, Request, Response
from tests.conftest import KEY, tasks_left
from tests.middleware.doubles import LoopThread, run_ready_tasks, until

LONG_SECONDS = 60.0
"""A grace longer than any test: no test passes because the grace ended."""


@attrs.define
class Gate:
    """A fault that holds each request after its arrival, until `opened` is set."""

    arrived: int = 0
    opened: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        self.arrived += 1
        await self.opened.wait()
        return await call_next(request)


@attrs.frozen
class Scene:
    client: MoreGoodClient
    sandbox: Sandbox
    gate: Gate

    def ask(self, number: int, client: MoreGoodClient | None = None) -> asyncio.Task[Ask]:
        call = (client or self.client).asks.create(
            email=f"customer-{number}@example.com", channels=["email"]
        )
        return asyncio.ensure_future(call)

    async def asks_in_flight_and_queued(
        self, client: MoreGoodClient | None = None
    ) -> list[asyncio.Task[Ask]]:
        """Start five asks: two are received by the server, and three are in the queue."""
        asks = [self.ask(number, client) for number in range(5)]
        await until(lambda: self.gate.arrived == 2)
        return asks


@pytest.fixture
async def scene(sandbox: Sandbox) -> AsyncIterator[Scene]:
    """A client with at most two requests in flight, and a server on a socket."""
    async with sandbox.serve() as server:
        client = MoreGoodClient(KEY, base_url=server.base_url, max_concurrency=2)
        for number in range(5):
            await client.customers.upsert(first_name="A", email=f"customer-{number}@example.com")
        gate = Gate()
        sandbox.faults = [gate]
        yield Scene(client, sandbox, gate)
        gate.opened.set()
        await client.aclose()


async def outcomes(calls: list[asyncio.Task[Any]]) -> list[str]:
    results = await asyncio.gather(*calls, return_exceptions=True)
    return [type(result).__name__ for result in results]


async def error_of(call: Awaitable[object]) -> MoreGoodError:
    with pytest.raises(MoreGoodError) as caught:
        await call
    return caught.value


async def test_requests_in_flight_finish_and_are_recorded_once(scene: Scene) -> None:
    asks = await scene.asks_in_flight_and_queued()
    closing = asyncio.ensure_future(scene.client.aclose(LONG_SECONDS))
    await run_ready_tasks()
    assert not closing.done()
    scene.gate.opened.set()
    await closing
    assert (await outcomes(asks))[:2] == ["Ask", "Ask"]
    audit = scene.sandbox.audit()
    assert audit.asks == 2
    assert audit.duplicate_asks == ()


async def test_queued_calls_are_drained_at_once_and_never_sent(scene: Scene) -> None:
    asks = await scene.asks_in_flight_and_queued()
    closing = asyncio.ensure_future(scene.client.aclose(LONG_SECONDS))
    for ask in asks[2:]:
        error = await error_of(ask)
        assert type(error) is Drained
        assert error.operation == "asks.create"
        assert error.attempts == ()
        assert not error.may_have_applied
    assert not closing.done()
    scene.gate.opened.set()
    await closing
    assert scene.sandbox.audit().requests["asks.create"] == 2


async def test_new_calls_are_refused_while_the_grace_lasts(scene: Scene) -> None:
    """The client, its earlier views and its new views all refuse calls."""
    view = scene.client.with_options(deadline=5.0)
    await scene.asks_in_flight_and_queued()
    closing = asyncio.ensure_future(scene.client.aclose(LONG_SECONDS))
    await run_ready_tasks()
    for client in (scene.client, view, scene.client.with_options(drain=Drain())):
        assert type(await error_of(scene.ask(9, client))) is ClientClosed
    scene.gate.opened.set()
    await closing
    assert scene.sandbox.audit().requests["asks.create"] == 2


async def test_a_failed_request_is_not_retried_in_the_grace(scene: Scene) -> None:
    """The error has the attempt, and states that the request may have applied."""

    async def fail(request: Request, call_next: Handler) -> Response:
        await scene.gate(request, call_next)
        return Response(status=500, headers={}, body=b"{}")

    scene.sandbox.faults = [fail]
    call = asyncio.ensure_future(scene.client.locations.update(1, name="A"))
    await until(lambda: scene.gate.arrived == 1)
    closing = asyncio.ensure_future(scene.client.aclose(LONG_SECONDS))
    await run_ready_tasks()
    scene.gate.opened.set()
    error = await error_of(call)
    await closing
    assert [attempt.outcome for attempt in error.attempts] == ["500"]
    assert error.may_have_applied
    assert scene.gate.arrived == 1


async def test_requests_still_in_flight_are_cut_off_when_the_grace_ends(scene: Scene) -> None:
    asks = await scene.asks_in_flight_and_queued()
    await scene.client.aclose(0.02)
    for ask in asks[:2]:
        error = await error_of(ask)
        assert type(error) is ConnectionLost
        assert error.may_have_applied
    assert await outcomes(asks[2:]) == ["Drained"] * 3
    assert scene.sandbox.audit().requests["asks.create"] == 2


async def test_an_idle_client_closes_at_once(scene: Scene) -> None:
    async with asyncio.timeout(5.0):
        await scene.client.aclose(LONG_SECONDS)
        await scene.client.aclose(LONG_SECONDS)
        await MoreGoodClient(KEY).aclose(LONG_SECONDS)


async def test_the_grace_ends_with_the_last_request_in_flight(scene: Scene) -> None:
    """In this test the last requests fail, with an attempt timeout."""
    view = scene.client.with_options(attempt_timeout=0.05)
    asks = [scene.ask(number, view) for number in range(2)]
    await until(lambda: scene.gate.arrived == 2)
    async with asyncio.timeout(5.0):
        await scene.client.aclose(LONG_SECONDS)
    assert await outcomes(asks) == [AttemptTimedOut.__name__] * 2


async def test_without_a_grace_queued_calls_are_refused_and_the_others_cut_off(
    scene: Scene,
) -> None:
    asks = await scene.asks_in_flight_and_queued()
    await scene.client.aclose()
    assert await outcomes(asks) == ["ConnectionLost"] * 2 + ["ClientClosed"] * 3
    assert scene.sandbox.audit().requests["asks.create"] == 2


async def test_two_concurrent_calls_of_aclose_share_the_grace(scene: Scene) -> None:
    asks = await scene.asks_in_flight_and_queued()
    closings = [asyncio.ensure_future(scene.client.aclose(LONG_SECONDS)) for _ in range(2)]
    await run_ready_tasks()
    assert [closing.done() for closing in closings] == [False, False]
    scene.gate.opened.set()
    await asyncio.gather(*closings)
    assert (await outcomes(asks))[:2] == ["Ask", "Ask"]


async def test_a_second_aclose_without_a_grace_ends_the_grace_of_the_first(scene: Scene) -> None:
    """A second Ctrl-C closes a client in this way."""
    asks = await scene.asks_in_flight_and_queued()
    closing = asyncio.ensure_future(scene.client.aclose(LONG_SECONDS))
    await run_ready_tasks()
    async with asyncio.timeout(5.0):
        await scene.client.aclose()
        await closing
    assert (await outcomes(asks))[:2] == ["ConnectionLost", "ConnectionLost"]


async def test_a_cancelled_aclose_ends_the_grace_and_closes_the_client(scene: Scene) -> None:
    asks = await scene.asks_in_flight_and_queued()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await scene.client.aclose(LONG_SECONDS)
    assert await outcomes(asks) == ["ConnectionLost"] * 2 + ["Drained"] * 3
    connections = list(scene.client._session.connections._loops.values())
    assert all(each.is_closed for each in connections)


async def test_closing_a_view_closes_and_drains_nothing(scene: Scene) -> None:
    view = scene.client.with_options(deadline=30.0)
    asks = await scene.asks_in_flight_and_queued()
    await view.aclose(LONG_SECONDS)
    scene.gate.opened.set()
    assert await outcomes(asks) == ["Ask"] * 5


async def test_a_views_calls_are_drained_with_the_client(scene: Scene) -> None:
    """The views make bulk calls; one view has a drain of its own."""
    drain = Drain()
    views = [
        scene.client.with_options(priority="bulk", drain=drain),
        scene.client.with_options(priority="bulk"),
    ]
    asks = await scene.asks_in_flight_and_queued(scene.client)
    asks += [scene.ask(number, view) for number, view in enumerate(views)]
    await run_ready_tasks()
    closing = asyncio.ensure_future(scene.client.aclose(LONG_SECONDS))
    assert await outcomes(asks[2:]) == ["Drained"] * 5
    assert not drain.is_started, "the drain may serve other clients, which stay open"
    scene.gate.opened.set()
    await closing


async def test_a_drain_works_without_aclose(scene: Scene) -> None:
    drain = Drain()
    view = scene.client.with_options(drain=drain)
    asks = await scene.asks_in_flight_and_queued(view)
    others = [scene.ask(number) for number in range(2)]
    await run_ready_tasks()
    drain.start()
    assert await outcomes(asks[2:]) == ["Drained"] * 3
    assert type(await error_of(scene.ask(9, view))) is Drained
    assert type(await error_of(scene.ask(9, scene.client.with_options(drain=drain)))) is Drained
    scene.gate.opened.set()
    assert await outcomes(asks[:2] + others) == ["Ask"] * 4


async def test_the_client_does_not_accumulate_the_drains_of_its_views(scene: Scene) -> None:
    """A service may make a drain for each job, on a client that is open as long as the process."""
    scene.gate.opened.set()
    for number in range(20):
        view = scene.client.with_options(drain=Drain())
        await scene.ask(number % 5, view)
        del view
    connections = await scene.client._session.connections.for_running_loop()
    assert len(connections._joined_drains) <= 1


async def test_the_loops_of_all_threads_have_the_same_grace(scene: Scene) -> None:
    """Each loop has a queue of its own."""
    with LoopThread() as elsewhere:
        local_calls = [scene.ask(number) for number in range(3)]

        async def ask_there(number: int) -> Ask:
            return await scene.ask(number)

        remote_calls = [
            asyncio.ensure_future(elsewhere.run(ask_there(number))) for number in range(3)
        ]
        await until(lambda: scene.gate.arrived == 4)
        closing = asyncio.ensure_future(scene.client.aclose(LONG_SECONDS))
        # The order in which the calls of the two loops reach the server is not certain.
        await until(lambda: sum(call.done() for call in local_calls + remote_calls) == 2)
        assert not closing.done()
        scene.gate.opened.set()
        await closing
        results = await outcomes(local_calls + remote_calls)
    assert sorted(results) == ["Ask"] * 4 + ["Drained"] * 2
    assert scene.sandbox.audit().requests["asks.create"] == 4


async def test_a_cancelled_aclose_ends_the_grace_in_other_threads(scene: Scene) -> None:
    with LoopThread() as elsewhere:

        async def ask_there(number: int) -> Ask:
            return await scene.ask(number)

        remote_calls = [
            asyncio.ensure_future(elsewhere.run(ask_there(number))) for number in range(3)
        ]
        await until(lambda: scene.gate.arrived == 2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await scene.client.aclose(LONG_SECONDS)
        async with asyncio.timeout(5.0):
            results = await outcomes(remote_calls)
    assert sorted(results) == ["ConnectionLost", "ConnectionLost", "Drained"]


async def test_closing_leaves_no_task(scene: Scene) -> None:
    """The tasks of the server end when the gate opens."""
    before = tasks_left()
    asks = await scene.asks_in_flight_and_queued()
    await scene.client.aclose(0.02)
    assert await outcomes(asks) == ["ConnectionLost"] * 2 + ["Drained"] * 3
    scene.gate.opened.set()
    await until(lambda: tasks_left() <= before)
