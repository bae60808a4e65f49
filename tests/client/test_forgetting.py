"""A client in two calls of `asyncio.run`, an unclosed client, and an unused client."""

import asyncio
import gc
import warnings

from moregood_async import MoreGoodClient
from moregood_async.sandbox import Sandbox
from tests.conftest import KEY


def test_a_client_works_in_two_calls_of_asyncio_run(sandbox: Sandbox) -> None:
    """Each loop has its own connections, which are closed with the loop."""
    with sandbox.serve_in_thread() as server:
        client = MoreGoodClient(KEY, base_url=server.base_url)
        for _ in range(2):
            asyncio.run(list_customers(client))
        asyncio.run(client.aclose())
    assert sandbox.audit().requests["customers.list"] == 2


async def list_customers(client: MoreGoodClient) -> None:
    await client.customers.list()


def test_an_unclosed_client_warns_with_the_line_that_made_it(sandbox: Sandbox) -> None:
    """The warning is a `ResourceWarning`."""

    async def use_without_closing() -> None:
        client = MoreGoodClient(KEY, transport=sandbox)
        await client.customers.list()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(use_without_closing())
        gc.collect()
    messages = [str(each.message) for each in caught if each.category is ResourceWarning]
    line = use_without_closing.__code__.co_firstlineno + 1
    assert [":".join(message.split(":")[:2]) for message in messages] == [
        f"a MoreGoodClient made at {__file__}:{line} was never closed"
    ]


def test_an_unused_client_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MoreGoodClient(KEY)
        gc.collect()
