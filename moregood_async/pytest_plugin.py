"""Fixtures for tests of code that calls the API. pytest loads them through the entry point.

::

    async def test_new_customers_are_asked(moregood_client, moregood_sandbox):
        await sign_up(moregood_client, "ada@example.com")
        assert moregood_sandbox.audit().asks == 1

They are plain fixtures, so they work with any plugin for async tests, and without one. The sandbox
and the client are imported when a test uses them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def moregood_sandbox() -> Iterator[Any]:
    """A new `moregood_async.sandbox.Sandbox` with one project, whose key is ``test-key``."""
    from moregood_async.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def moregood_server(moregood_sandbox: Any) -> Iterator[Any]:
    """The same sandbox on a socket, served by a thread; ``base_url`` is its address."""
    with moregood_sandbox.serve_in_thread() as server:
        yield server


@pytest.fixture
def moregood_client(moregood_sandbox: Any) -> Iterator[Any]:
    """A `moregood_async.MoreGoodClient` of the same sandbox, without a socket."""
    from moregood_async import MoreGoodClient

    client = MoreGoodClient("test-key", transport=moregood_sandbox)
    yield client
    # With a loop factory, Runner leaves the test's own event loop in place.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(client.aclose())
