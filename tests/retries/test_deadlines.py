"""Deadlines over all attempts, and the retry budget."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    DeadlineExceeded,
    ServerError,
)
from moregood_async.sandbox import (
    Delay,
    Refuse,
)
from tests.aiohttp_doubles import RawServer, http
from tests.retries.scenes import CALLS, KEY, each_operation, furnished_sandbox, scene


@pytest.mark.parametrize("status", [429, 503])
@each_operation
async def test_a_retry_delay_longer_than_the_deadline_is_reported_at_once(
    name: str, status: int
) -> None:
    """The error has the time at which the server accepts requests again."""
    async with scene(Refuse(status, {"Retry-After": "300"})) as env:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            await CALLS[name](env.client)
        assert time.monotonic() - started < 2.0
        assert 1 == env.requests(name)
    error = caught.value
    assert error.retry_at is not None
    expected = datetime.now(UTC) + timedelta(seconds=301)
    assert abs(error.retry_at - expected) < timedelta(seconds=5)
    assert [str(status)] == [attempt.outcome for attempt in error.attempts]
    assert not error.may_have_applied
    assert "The server takes requests again at " in error.explain()


async def test_the_deadline_limits_all_attempts_together() -> None:
    """Each attempt has its own timeout, and all of them share the deadline of the call."""
    async with scene(Delay(5.0), attempt_timeout=0.5, deadline=1.3, max_attempts=10) as env:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            await CALLS["customers.upsert"](env.client)
        took = time.monotonic() - started
        assert 3 == env.requests("customers.upsert")
    assert 1.25 <= took < 4.0
    assert [1, 2, 3] == [attempt.number for attempt in caught.value.attempts]
    assert caught.value.may_have_applied


async def test_the_deadline_includes_fetching_the_key() -> None:
    """Nothing is sent if the deadline passes before the key is there."""

    async def slow_key() -> str:
        await asyncio.sleep(0.05)
        return KEY

    with await furnished_sandbox() as sandbox:
        before = sandbox.audit()
        async with (
            sandbox.serve() as server,
            MoreGoodClient(slow_key, base_url=server.base_url, deadline=0.02) as client,
        ):
            with pytest.raises(DeadlineExceeded) as caught:
                await CALLS["asks.create"](client)
        assert before == sandbox.audit()
    assert not caught.value.may_have_applied


async def test_the_attempt_timeout_excludes_waiting_for_a_concurrency_slot() -> None:
    """2,000 concurrent requests queue longer than the attempt timeout, and none times out."""

    async def slow(_: object, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(http())

    async with (
        RawServer(slow) as server,
        MoreGoodClient(
            KEY, base_url=server.url, attempt_timeout=2.5, max_attempts=1, deadline=None
        ) as client,
    ):
        started = time.monotonic()
        responses = await asyncio.gather(*(client.request("GET", "reviews") for _ in range(2_000)))
        assert time.monotonic() - started > 2.6
    assert {200} == {response.status for response in responses}
    assert 2_000 == len(server.received)
    assert 32 == server.connections


async def test_the_retry_budget_limits_retries_against_a_failing_server() -> None:
    """Of 300 calls with up to four attempts each, the server gets 300 requests and 100 retries."""
    async with scene(Refuse(500)) as env:
        results = await asyncio.gather(
            *(env.client.request("GET", "reviews") for _ in range(300)), return_exceptions=True
        )
        assert 400 == env.requests("reviews.list")
    assert {ServerError} == {type(result) for result in results}
