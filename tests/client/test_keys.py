"""API keys from a coroutine function, and many projects on one client."""

import asyncio

import pytest

from moregood_async import (
    ConfigurationError,
    Handler,
    MoreGoodClient,
    Request,
    Response,
    Unauthorized,
)
from moregood_async.sandbox import Sandbox
from tests.conftest import KEY


async def test_an_async_key_is_asked_before_each_call(sandbox: Sandbox) -> None:
    """So it may rotate between any two."""
    asked = 0

    async def key() -> str:
        nonlocal asked
        asked += 1
        return KEY

    async with MoreGoodClient(key, transport=sandbox) as client:
        assert 0 == asked
        await client.customers.list()
        await client.customers.list()
    assert 2 == asked


async def test_a_key_that_was_rotated_is_asked_for_again_after_a_401(sandbox: Sandbox) -> None:
    """Once; the call goes on with the new one."""
    keys = iter([KEY, "new-key", "new-key"])

    async def key() -> str:
        return next(keys)

    async with MoreGoodClient(key, transport=sandbox) as client:
        sandbox.rotate_key(KEY, "new-key")
        ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    assert (1, 1) == (ada.id, sandbox.audit("new-key").customers)


async def test_a_key_that_stays_wrong_is_not_tried_twice(sandbox: Sandbox) -> None:
    """The answer is the 401."""

    async def key() -> str:
        return "wrong"

    async with MoreGoodClient(key, transport=sandbox) as client:
        with pytest.raises(Unauthorized):
            await client.customers.list()
    assert 1 == sandbox.audit().requests["customers.list"]


async def test_an_async_key_that_is_none_is_refused_before_anything_is_sent(
    sandbox: Sandbox,
) -> None:
    """As a key in the settings would be."""

    async def key() -> str:
        return ""

    async with MoreGoodClient(key, transport=sandbox) as client:
        with pytest.raises(ConfigurationError, match="no API key"):
            await client.customers.list()
    assert {} == dict(sandbox.audit().requests)


async def test_twenty_projects_are_served_through_one_pool() -> None:
    """An agency: a view for each key, each with its own customers, over shared connections."""
    keys = [f"key-{number}" for number in range(20)]
    peers = set[object]()

    async def watched(request: Request, call_next: Handler) -> Response:
        peers.add(request.headers["authorization"])
        return await call_next(request)

    with Sandbox(keys=keys) as sandbox:
        sandbox.faults = [watched]
        async with (
            sandbox.serve() as server,
            MoreGoodClient(keys[0], base_url=server.base_url) as agency,
        ):
            views = [agency.with_options(api_key=key) for key in keys]
            await asyncio.gather(
                *(
                    view.customers.upsert(first_name="Ada", email=f"ada{turn}@example.com")
                    for turn in range(5)
                    for view in views
                )
            )
            assert 1 == len({id(view._session.connections) for view in [agency, *views]})
        assert [5] * 20 == [sandbox.audit(key).customers for key in keys]
    assert 20 == len(peers)
