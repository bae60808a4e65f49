"""What a retry or a lost response may leave behind at the server."""

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
from tests.retries.scenes import CALLS, KEY, furnished, scene


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (DropAfterEffect(times=1), 1),
        (CutBody(times=1), 1),
        (Refuse(500, times=1), 1),
    ],
    ids=["dropped", "cut short", "500"],
)
async def test_a_customer_without_email_and_phone_is_not_upserted_twice(
    fault: Fault, requests: int
) -> None:
    """Nothing would match the second one to the first, so each would be a new customer."""
    async with scene(fault) as on:
        with pytest.raises(MoreGoodError) as caught:
            await on.client.customers.upsert(first_name="Nobody")
        assert requests == on.requests("customers.upsert")
        assert on.effects("customers.upsert") <= 1
    assert caught.value.may_have_applied


async def test_a_customer_without_email_and_phone_is_sent_again_where_nothing_left() -> None:
    """A refused connection did no harm."""
    port = free_port()
    with await furnished() as sandbox:
        server = sandbox.serve(port=port)

        async def server_comes_up(seconds: float) -> None:
            await server.__aenter__()

        async with MoreGoodClient(KEY, base_url=f"http://127.0.0.1:{port}/beacon") as client:
            await without_backoff(client, sleep=server_comes_up).customers.upsert(
                first_name="Nobody"
            )
        assert 2 == sandbox.audit().customers
        await server.__aexit__(None, None, None)


async def test_an_ask_that_takes_effect_after_its_timeout_is_one_ask() -> None:
    """The slow server does it in the end; nobody has sent a second one meanwhile."""
    async with scene(Delay(0.2, times=1), attempt_timeout=0.1) as on:
        with pytest.raises(AttemptTimedOut) as caught:
            await CALLS["asks.create"](on.client)
        assert 0 == on.effects("asks.create")
        await asyncio.sleep(0.2)
        assert (1, 1) == (on.requests("asks.create"), on.effects("asks.create"))
    assert caught.value.may_have_applied
