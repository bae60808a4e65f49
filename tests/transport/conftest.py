"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aioresponses import aioresponses

from moregood_async.transport import AiohttpTransport


@pytest.fixture(params=["fast path", "ordinary path"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[AiohttpTransport]:
    """A transport with the fast path, and one that has only the ordinary path."""
    transport = AiohttpTransport()
    if request.param == "ordinary path":
        transport._fast_paths = None
    yield transport
    await transport.close()


@pytest.fixture
def mocked() -> Iterator[Any]:
    with aioresponses() as mocked:
        yield mocked
