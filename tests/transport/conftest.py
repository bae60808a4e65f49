"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aioresponses import aioresponses

from moregood_async.transport import AiohttpTransport


@pytest.fixture(params=["lane", "session"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[AiohttpTransport]:
    """Everything holds on both roads."""
    ours = AiohttpTransport()
    if request.param == "session":
        ours._fast_paths = None
    yield ours
    await ours.close()


@pytest.fixture
def mocked() -> Iterator[Any]:
    with aioresponses() as mocked:
        yield mocked
