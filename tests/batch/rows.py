"""Rows, sources and calls for tests of batches."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest

from moregood_async import Result

IN_ANY_ORDER = pytest.mark.parametrize(
    "ordered", [False, True], ids=["as they complete", "in order"]
)


async def same(item: int) -> int:
    """Return the item after one turn of the event loop."""
    await asyncio.sleep(0)
    return item


async def later_first(item: int) -> int:
    """Return the item; the first items take longest."""
    await asyncio.sleep(max(0, 20 - item) / 1000)
    return item


def people(count: int) -> Iterator[dict[str, str]]:
    """Return the rows of `count` customers."""
    for number in range(count):
        yield {"first_name": "Ada", "email": f"ada{number}@example.com"}


async def stream(items: Iterable[Any]) -> AsyncIterator[Any]:
    """Return the items as an async source."""
    for item in items:
        await asyncio.sleep(0)
        yield item


def plain(items: Iterable[Any]) -> Iterable[Any]:
    """Return the items as they are."""
    return items


SOURCES = pytest.mark.parametrize("source", [plain, stream])


def index_of(result: Result[Any, Any]) -> int:
    """Return the index of a result, to sort by."""
    return result.index
