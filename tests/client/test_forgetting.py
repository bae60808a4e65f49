"""A client after a run, forgotten, or never used."""

import asyncio
import gc
import warnings

from moregood_async import (
    MoreGoodClient,
)
from moregood_async.sandbox import Sandbox
from tests.conftest import KEY


def test_one_client_serves_two_runs_one_after_the_other(sandbox: Sandbox) -> None:
    """Each loop has connections of its own, closed with it."""
    with sandbox.serve_in_thread() as server:
        client = MoreGoodClient(KEY, base_url=server.base_url)
        for _ in range(2):
            asyncio.run(_one(client))
        asyncio.run(client.aclose())
    assert 2 == sandbox.audit().requests["customers.list"]


async def _one(client: MoreGoodClient) -> None:
    await client.customers.list()


def test_a_forgotten_client_warns_with_the_line_where_it_was_made(sandbox: Sandbox) -> None:
    """A `ResourceWarning`, once it is gone."""

    async def forget() -> None:
        client = MoreGoodClient(KEY, transport=sandbox)
        await client.customers.list()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(forget())
        gc.collect()
    told = [str(each.message) for each in caught if each.category is ResourceWarning]
    line = forget.__code__.co_firstlineno + 1
    assert [f"a MoreGoodClient made at {__file__}:{line} was never closed"] == [
        message.partition(":")[0] + ":" + message.split(":")[1] for message in told
    ]


def test_a_client_that_was_never_used_needs_no_closing() -> None:
    """It has nothing open."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MoreGoodClient(KEY)
        gc.collect()
