"""Fixtures for tests of code that talks to the API; pytest loads them by itself.

::

    async def test_new_customers_are_asked(moregood_client, moregood_sandbox):
        await sign_up(moregood_client, "ada@example.com")
        assert moregood_sandbox.audit().asks == 1

They are plain fixtures, so they go with any plugin for async tests, and with none. What they give
is imported only where a test asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def moregood_sandbox() -> Iterator[Any]:
    """A fresh `moregood_async.sandbox.Sandbox` with one project, whose key is ``test-key``."""
    from moregood_async.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def moregood_server(moregood_sandbox: Any) -> Iterator[Any]:
    """The same sandbox on a socket, in a thread; where it listens is its ``base_url``."""
    with moregood_sandbox.serve_in_thread() as server:
        yield server


@pytest.fixture
def moregood_client(moregood_sandbox: Any) -> Iterator[Any]:
    """A `moregood_async.MoreGoodClient` of the same sandbox, without a socket."""
    from moregood_async import MoreGoodClient

    client = MoreGoodClient("test-key", transport=moregood_sandbox)
    yield client
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:  # the current loop stays
        runner.run(client.aclose())
