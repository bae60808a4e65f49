"""Walks over lists, and reviews to walk over."""

import pytest

from moregood_async import MoreGoodClient, Paginator, Review
from moregood_async.sandbox import Sandbox

PREFETCHES = pytest.mark.parametrize("prefetch", [0, 3], ids=["one by one", "ahead"])


async def ids_of(paginator: Paginator[Review]) -> list[int]:
    """Return the ids of a whole walk."""
    return [review.id async for review in paginator]


async def add_reviews(sandbox: Sandbox, client: MoreGoodClient, count: int) -> list[int]:
    """Add reviews to a sandbox; return their ids, newest first."""
    ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    return [sandbox.click(ada.id) for _ in range(count)][::-1]
