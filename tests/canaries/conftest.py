"""Fixtures of this folder."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from moregood_async import (
    MoreGoodClient,
)
from moregood_async.sandbox import (
    Sandbox,
)
from tests.canaries.aviary import KEY, Aviary


@pytest.fixture
def aviary(caplog: pytest.LogCaptureFixture) -> Aviary:
    """With the log of everything of this package, and of asyncio, at DEBUG."""
    for name in ("moregood_async", "asyncio", "tenacity"):
        caplog.set_level(logging.DEBUG, name)
    return Aviary(caplog)


@pytest.fixture
def canary_sandbox() -> Iterator[Sandbox]:
    """A sandbox whose key is the canary."""
    with Sandbox(keys=KEY) as sandbox:
        yield sandbox


@pytest.fixture(params=["socket", "handler"])
async def canary_client(
    request: pytest.FixtureRequest, canary_sandbox: Sandbox
) -> AsyncIterator[MoreGoodClient]:
    """A client with that key, either way."""
    if request.param == "handler":
        async with MoreGoodClient(KEY, transport=canary_sandbox) as client:
            yield client
    else:
        async with (
            canary_sandbox.serve() as server,
            MoreGoodClient(KEY, base_url=server.base_url, max_attempts=2) as client,
        ):
            yield client
