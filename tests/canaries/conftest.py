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
from tests.canaries.leak_detector import KEY, LeakDetector


@pytest.fixture
def leaks(caplog: pytest.LogCaptureFixture) -> LeakDetector:
    """A leak detector that also searches the DEBUG logs of this package, asyncio and tenacity."""
    for name in ("moregood_async", "asyncio", "tenacity"):
        caplog.set_level(logging.DEBUG, name)
    return LeakDetector(caplog)


@pytest.fixture
def canary_sandbox() -> Iterator[Sandbox]:
    """A sandbox whose key is the canary."""
    with Sandbox(keys=KEY) as sandbox:
        yield sandbox


@pytest.fixture(params=["socket", "handler"])
async def canary_client(
    request: pytest.FixtureRequest, canary_sandbox: Sandbox
) -> AsyncIterator[MoreGoodClient]:
    """A client whose key is the canary: over a socket, or with the sandbox as its transport."""
    if request.param == "handler":
        async with MoreGoodClient(KEY, transport=canary_sandbox) as client:
            yield client
    else:
        async with (
            canary_sandbox.serve() as server,
            MoreGoodClient(KEY, base_url=server.base_url, max_attempts=2) as client,
        ):
            yield client
