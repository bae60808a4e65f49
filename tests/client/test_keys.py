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


async def test_an_async_key_is_called_before_each_call(sandbox: Sandbox) -> None:
    """The key may rotate between two calls."""
    calls = 0

    async def key() -> str:
        nonlocal calls
        calls += 1
        return KEY

    async with MoreGoodClient(key, transport=sandbox) as client:
        assert calls == 0
        await client.customers.list()
        await client.customers.list()
    assert calls == 2


async def test_an_async_key_is_called_again_after_a_401(sandbox: Sandbox) -> None:
    """The call is retried once with the new key."""
    keys = iter([KEY, "new-key", "new-key"])

    async def key() -> str:
        return next(keys)

    async with MoreGoodClient(key, transport=sandbox) as client:
        sandbox.rotate_key(KEY, "new-key")
        ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    assert ada.id == 1
    assert sandbox.audit("new-key").customers == 1


async def test_an_unchanged_key_is_not_retried_after_a_401(sandbox: Sandbox) -> None:

    async def key() -> str:
        return "wrong"

    async with MoreGoodClient(key, transport=sandbox) as client:
        with pytest.raises(Unauthorized):
            await client.customers.list()
    assert sandbox.audit().requests["customers.list"] == 1


async def test_an_empty_async_key_is_refused_before_a_request_is_sent(
    sandbox: Sandbox,
) -> None:

    async def key() -> str:
        return ""

    async with MoreGoodClient(key, transport=sandbox) as client:
        with pytest.raises(ConfigurationError, match="no API key"):
            await client.customers.list()
    assert dict(sandbox.audit().requests) == {}


async def test_twenty_projects_share_one_connection_pool() -> None:
    """Each key has its own view, and each project gets only its own customers."""
    keys = [f"key-{number}" for number in range(20)]
    authorizations = set[object]()

    async def record_key(request: Request, call_next: Handler) -> Response:
        authorizations.add(request.headers["authorization"])
        return await call_next(request)

    with Sandbox(keys=keys) as sandbox:
        sandbox.faults = [record_key]
        async with (
            sandbox.serve() as server,
            MoreGoodClient(keys[0], base_url=server.base_url) as agency,
        ):
            views = [agency.with_options(api_key=key) for key in keys]
            await asyncio.gather(
                *(
                    view.customers.upsert(first_name="Ada", email=f"ada{number}@example.com")
                    for number in range(5)
                    for view in views
                )
            )
            assert len({id(view._session.connections) for view in [agency, *views]}) == 1
        assert [sandbox.audit(key).customers for key in keys] == [5] * 20
    assert len(authorizations) == 20
