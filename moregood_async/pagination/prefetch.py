"""Fetching pages in order, and some of them ahead of the reader."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from moregood_async.models.pages import Page, Pagination

T = TypeVar("T")

Fetch = Callable[[int], Awaitable[tuple[Page[T], Pagination]]]
"""Fetches the page with a number."""


class PageFetcher(Generic[T]):
    """Fetches pages in order, and up to ``prefetch`` pages ahead of the one that is read.

    Pages that are requested together can hide a row that moves between them. With two rows a page,
    pages 2 (rows 3, 4) and 3 (rows 5, 6) are requested at once. The server reads page 3; then a
    row is added at the front; then it reads page 2, now rows 2 and 3. Row 4 has moved to page 3,
    which was read before. The totals show it: page 3 says 6 rows, page 2 says 7. So a page whose
    ``total`` is smaller than that of the page before it is fetched again. If the server sends no
    totals, nothing is fetched ahead.
    """

    def __init__(self, fetch: Fetch[T], first_page: int, prefetch: int) -> None:
        self._fetch = fetch
        self._next_number = first_page
        self._prefetch = prefetch
        self._total: int | None = None
        """The ``total`` of the page that was returned last."""
        self._tasks: deque[asyncio.Task[tuple[Page[T], Pagination]]] = deque()

    async def next_page(self, last_page: int) -> tuple[Page[T], Pagination]:
        """Return the next page; ``last_page`` is the last one known to exist."""
        if not self._prefetch:
            self._next_number += 1
            return await self._fetch(self._next_number - 1)
        self._fill(last_page)
        # The task stays in the queue while it runs, so that `aclose` cancels it too.
        page, pagination = await self._tasks[0]
        self._tasks.popleft()
        total, total_before = pagination.total, self._total
        if total is not None and total_before is not None and total < total_before:
            page, pagination = await self._fetch(page.page)
        self._total = pagination.total
        return page, pagination

    def _fill(self, last_page: int) -> None:
        # One task for the page that is read next, and `prefetch` tasks ahead of it. The page that
        # is read next is requested even beyond `last_page`, which is 0 before the first response.
        max_tasks = 1 if self._total is None else 1 + self._prefetch
        while not self._tasks or (len(self._tasks) < max_tasks and self._next_number <= last_page):
            self._tasks.append(asyncio.ensure_future(self._fetch(self._next_number)))
            self._next_number += 1

    async def aclose(self) -> None:
        """Cancel the requests whose pages nobody will read."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
