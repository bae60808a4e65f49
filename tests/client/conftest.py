"""Fixture: a raw server of bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.aiohttp_doubles import RawServer


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with RawServer() as server:
        yield server
