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
from tests.retries.scenes import CALLS, KEY, each_operation, furnished, scene


@pytest.mark.parametrize("status", [429, 503])
@each_operation
async def test_a_wait_longer_than_the_deadline_is_told_at_once(name: str, status: int) -> None:
    """With the time when the server takes requests again; nobody sleeps towards a certain end."""
    async with scene(Refuse(status, {"Retry-After": "300"})) as on:
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            await CALLS[name](on.client)
        assert time.monotonic() - begun < 2.0
        assert 1 == on.requests(name)
    error = caught.value
    assert error.retry_at is not None
    expected = datetime.now(UTC) + timedelta(seconds=301)
    assert abs(error.retry_at - expected) < timedelta(seconds=5)
    assert ([str(status)], False) == (
        [attempt.outcome for attempt in error.attempts],
        error.may_have_applied,
    )
    assert "The server takes requests again at " in error.explain()


async def test_one_deadline_is_over_all_attempts() -> None:
    """Each has its own time, and together they have the call's."""
    async with scene(Delay(5.0), attempt_timeout=0.1, deadline=0.25, max_attempts=10) as on:
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            await CALLS["customers.upsert"](on.client)
        took = time.monotonic() - begun
        assert 3 == on.requests("customers.upsert")
    assert 0.24 <= took < 1.0
    assert ([1, 2, 3], True) == (
        [attempt.number for attempt in caught.value.attempts],
        caught.value.may_have_applied,
    )


async def test_a_deadline_counts_the_time_in_which_the_key_was_fetched() -> None:
    """Nothing is sent for a call that is over before it began."""

    async def slow_key() -> str:
        await asyncio.sleep(0.05)
        return KEY

    with await furnished() as sandbox:
        before = sandbox.audit()
        async with (
            sandbox.serve() as server,
            MoreGoodClient(slow_key, base_url=server.base_url, deadline=0.02) as client,
        ):
            with pytest.raises(DeadlineExceeded) as caught:
                await CALLS["asks.create"](client)
        assert before == sandbox.audit()
    assert not caught.value.may_have_applied


async def test_an_attempts_clock_starts_with_its_slot() -> None:
    """Two thousand at once queue longer than an attempt may take, and not one times out."""

    async def slow(_: object, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(http())

    async with (
        RawServer(slow) as server,
        MoreGoodClient(
            KEY, base_url=server.url, attempt_timeout=2.5, max_attempts=1, deadline=None
        ) as client,
    ):
        begun = time.monotonic()
        answers = await asyncio.gather(*(client.request("GET", "reviews") for _ in range(2_000)))
        assert time.monotonic() - begun > 2.6
    assert {200} == {answer.status for answer in answers}
    assert (2_000, 32) == (len(server.received), server.connections)


async def test_a_broken_server_is_not_stormed() -> None:
    """Three hundred calls that could be tried four times each: 300 requests, and 100 repeats."""
    async with scene(Refuse(500)) as on:
        results = await asyncio.gather(
            *(on.client.request("GET", "reviews") for _ in range(300)), return_exceptions=True
        )
        assert 400 == on.requests("reviews.list")
    assert {ServerError} == {type(result) for result in results}
