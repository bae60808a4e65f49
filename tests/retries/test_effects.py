"""Effects at the server of retries and lost responses."""

from __future__ import annotations

import asyncio

import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    AttemptTimedOut,
    MoreGoodError,
)
from moregood_async.sandbox import (
    CutBody,
    Delay,
    DropAfterEffect,
    Fault,
    Refuse,
)
from tests.aiohttp_doubles import free_port
from tests.middleware.doubles import without_backoff
from tests.retries.scenes import CALLS, KEY, furnished_sandbox, scene


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (DropAfterEffect(times=1), 1),
        (CutBody(times=1), 1),
        (Refuse(500, times=1), 1),
    ],
    ids=["dropped", "truncated", "500"],
)
async def test_a_customer_without_email_and_phone_is_not_upserted_twice(
    fault: Fault, requests: int
) -> None:
    """The API could not match a second upsert to the first, and would create a second customer."""
    async with scene(fault) as env:
        with pytest.raises(MoreGoodError) as caught:
            await env.client.customers.upsert(first_name="Nobody")
        assert requests == env.requests("customers.upsert")
        assert env.effects("customers.upsert") <= 1
    assert caught.value.may_have_applied


async def test_a_customer_without_email_and_phone_is_retried_if_nothing_was_sent() -> None:
    """A refused connection has had no effect."""
    port = free_port()
    with await furnished_sandbox() as sandbox:
        server = sandbox.serve(port=port)

        async def start_server(seconds: float) -> None:
            await server.__aenter__()

        async with MoreGoodClient(KEY, base_url=f"http://127.0.0.1:{port}/beacon") as client:
            await without_backoff(client, sleep=start_server).customers.upsert(first_name="Nobody")
        assert 2 == sandbox.audit().customers
        await server.__aexit__(None, None, None)


async def test_an_ask_that_takes_effect_after_its_timeout_is_not_sent_twice() -> None:
    """The slow server creates the ask after the timeout, and has received no second request."""
    async with scene(Delay(0.2, times=1), attempt_timeout=0.1) as env:
        with pytest.raises(AttemptTimedOut) as caught:
            await CALLS["asks.create"](env.client)
        assert 0 == env.effects("asks.create")
        await asyncio.sleep(0.2)
        assert 1 == env.requests("asks.create")
        assert 1 == env.effects("asks.create")
    assert caught.value.may_have_applied
