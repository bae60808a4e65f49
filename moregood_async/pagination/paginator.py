"""`Paginator`: every way to read a list."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing
from typing import Any, Generic, TypeVar

import attrs

from moregood_async.errors import InvalidRequest
from moregood_async.models.pages import Page
from moregood_async.pagination.prefetch import Fetch, PageFetcher
from moregood_async.pagination.walk import Walk

T = TypeVar("T")


class Paginator(Generic[T]):
    """A list of the API, which is read page by page as far as it is needed.

    ==================================  ==============================  ========================
    call                                returns                         requests
    ==================================  ==============================  ========================
    ``async for item in paginator``     every item                      one for each page
    ``paginator.pages()``               every `Page`                    one for each page
    ``await paginator.collect()``       a list of every item            one for each page
    ``paginator.take(n)``               the first ``n`` items           the pages that hold them
    ``await paginator``                 the first `Page`                one
    ==================================  ==============================  ========================

    Making a paginator sends nothing. Every walk starts again at ``start_page``. A page is requested
    when the items before it are used up; with ``prefetch=n``, up to ``n`` further pages are
    requested meanwhile, within the client's concurrency and rate. Failed requests are retried, and
    a rate limit delays the walk and does not end it.

    Items come in the server's order and no item comes twice, although rows that are added during
    the walk move others to later pages. Rows that are deleted during the walk can hide others: as
    many move to a page that was read before, and the API has no cursor that would show it.

    A walk that is left early is closed by ``async with contextlib.aclosing(paginator.pages())``.

    >>> import asyncio
    >>> from moregood_async import MoreGoodClient
    >>> from moregood_async.sandbox import Sandbox
    >>> async def main() -> None:
    ...     async with MoreGoodClient("test-key", transport=Sandbox()) as client:
    ...         for name in ("Ada", "Bob", "Cyd"):
    ...             await client.customers.upsert(first_name=name, email=f"{name}@example.com")
    ...         page = await client.customers.list(per_page=2)
    ...         print(len(page.items), "of", page.total, "on page", page.page, "of", page.last_page)
    ...         print("has next:", page.has_next)
    ...         print(len(await client.customers.list(per_page=2).collect()))
    >>> asyncio.run(main())
    2 of 3 on page 1 of 2
    has next: True
    3
    """

    def __init__(
        self, fetch: Fetch[T], *, start_page: int = 1, prefetch: int = 0, operation: str = ""
    ) -> None:
        require_at_least(1, start_page=start_page)
        require_at_least(0, prefetch=prefetch)
        self._fetch = fetch
        self._start_page = start_page
        self._prefetch = prefetch
        self._operation = operation

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self.first_page().__await__()

    async def first_page(self) -> Page[T]:
        """Return the page ``start_page``, with one request.

        ``page.has_next`` and ``page.last_page`` say whether more pages follow, as far as the
        server does.
        """
        page, _ = await self._fetch(self._start_page)
        return page

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Return the pages in order, each without the items that were on a page before it.

        Raises:
            UnexpectedResponse: The server repeated itself or stopped before the last page that it
                had claimed. The items before are valid; the list is not complete.
            APIError: The API refused a page. The pages before it have been returned.
        """
        walk = Walk(self._operation)
        fetcher = PageFetcher(self._fetch, self._start_page, self._prefetch)
        try:
            while True:
                page, pagination = await fetcher.next_page(walk.last_page)
                items, reads_on = walk.step(page, pagination)
                yield attrs.evolve(page, items=items)
                if not reads_on:
                    return
        finally:
            await fetcher.aclose()

    async def take(self, count: int) -> AsyncIterator[T]:
        """Return the first ``count`` items; pages behind them are not requested."""
        if count < 1:
            return
        async with aclosing(aiter(self)) as items:
            async for item in items:
                yield item
                count -= 1
                if not count:
                    return

    async def collect(self, limit: int | None = None) -> list[T]:
        """Return all items as a list, or the first ``limit`` of them."""
        if limit is None:
            return [item async for item in self]
        return [item async for item in self.take(limit)]


def require_at_least(minimum: int, **numbers: object) -> None:
    """Refuse an argument that is no whole number, or below the minimum.

    Raises:
        InvalidRequest: The arguments that are wrong, by name.
    """
    problem = (f"is a whole number, at least {minimum}",)
    wrong = {
        name: problem
        for name, value in numbers.items()
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum
    }
    if wrong:
        raise InvalidRequest(wrong)
