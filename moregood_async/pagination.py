"""Pages: one verb to fetch a page by its number, and every way to walk them.

Pages are asked for by number and no link is followed. A row that was given is not given again,
though rows move while they are read. A walk that ends before the server's own claim ends with
an error: a short list is never passed off as a whole one.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable
from contextlib import aclosing
from typing import Any, Generic, TypeVar

import attrs

from moregood_async.errors import InvalidRequest, UnexpectedResponse
from moregood_async.models.pages import Page, Pagination

T = TypeVar("T")

Fetch = Callable[[int], Awaitable[tuple[Page[T], Pagination]]]
"""Fetches the page of a number."""


class SeenIds:
    """Which ids have come by: at a bit each where they lie close together, else at a few bytes.

    As roaring bitmaps do it: of each 65,536 numbers a sorted list, until a bitmap is smaller.
    """

    __slots__ = ("_bits",)

    def __init__(self) -> None:
        self._bits: dict[int, array[int] | bytearray] = {}

    def add(self, number: int) -> bool:
        """Note an id; False where it was there already."""
        low = number & 0xFFFF
        block = self._bits.get(number >> 16)
        if block is None:
            self._bits[number >> 16] = array("H", (low,))
            return True
        if isinstance(block, bytearray):
            return _marked(block, low)
        if len(block) == _LONGEST_LIST:
            self._bits[number >> 16] = bits = _bitmap(block)
            return _marked(bits, low)
        place = bisect_left(block, low)
        if place < len(block) and block[place] == low:
            return False
        block.insert(place, low)
        return True


_LONGEST_LIST = 2**12
"""At two bytes a number; a bitmap takes as much for all of them."""


def _bitmap(numbers: Iterable[int]) -> bytearray:
    bits = bytearray(2**13)
    for number in numbers:
        _marked(bits, number)
    return bits


def _marked(bits: bytearray, number: int) -> bool:
    """Mark a number; False where it was marked already."""
    place, bit = number >> 3, 1 << (number & 7)
    if bits[place] & bit:
        return False
    bits[place] |= bit
    return True


@attrs.define
class Walk:
    """What is known while pages are read in order: what to do after each, without waiting."""

    operation: str = ""
    claimed: int = 0
    """The last page, as far as the server has said."""
    _seen: SeenIds = attrs.field(factory=SeenIds)
    _fresh_rows: int = 0
    _stale_rows: int = 0
    _before: tuple[Any, ...] = ()

    def step(self, page: Page[T], said: Pagination) -> tuple[tuple[T, ...], bool]:
        """The page's items that are new, and whether another page follows.

        Raises:
            UnexpectedResponse: The server repeats itself, or stops before the end it had claimed.
        """
        number, before = page.page, self.claimed
        self.claimed = _last_page(number, said, before)
        if said.current_page not in (None, number):
            if before >= number or said.last_page is None or said.last_page >= number:
                raise self._short(f"answered page {said.current_page} when asked for page {number}")
            return (), False  # the walk was started beyond the end
        items = self._fresh(page)
        if not page.items and self.claimed >= number > 1:
            raise self._short(f"claims {self.claimed} pages, and page {number} is empty")
        self._refuse_repetition(page, said, grown=self.claimed > before)
        self._before = page.items
        return items, self.claimed > number

    def _fresh(self, page: Page[T]) -> tuple[T, ...]:
        items = tuple(item for item in page.items if self._is_fresh(item))
        self._fresh_rows += len(items)
        self._stale_rows = 0 if items else self._stale_rows + len(page.items)
        return items

    def _is_fresh(self, item: Any) -> bool:
        number = getattr(item, "id", None)
        return not isinstance(number, int) or self._seen.add(number)

    def _refuse_repetition(self, page: Page[Any], said: Pagination, *, grown: bool) -> None:
        if not self._stale_rows:
            return
        if said.current_page is None:
            raise self._short(f"gives on page {page.page} only what it gave before")
        if not grown and _ids(page.items) == _ids(self._before):
            raise self._short(f"gives the page before page {page.page} once more")
        if self._stale_rows > self._fresh_rows + len(page.items) and self.claimed > page.page:
            raise self._short("keeps giving the same rows under new page numbers")

    def _short(self, problem: str) -> UnexpectedResponse:
        return UnexpectedResponse(
            f"the list was not read to its end: the server {problem}"
        )._with_operation(self.operation)


def _ids(items: tuple[Any, ...]) -> list[Any]:
    return [getattr(item, "id", None) for item in items]


def _last_page(number: int, said: Pagination, claimed: int) -> int:
    """The last page that the server claims: its number, else its link, else what it said before."""
    if said.last_page is not None:
        return said.last_page
    if said.has_next is not None:
        return max(number + 1, claimed) if said.has_next else number
    return claimed


class Paginator(Generic[T]):
    """A list of the API, page by page, as lazily or as eagerly as you want it.

    ``async for item in paginator`` walks everything; ``await paginator`` gives the first page;
    `pages`, `take` and `collect` are there too. Each walk starts anew. With ``prefetch=n``, up
    to ``n`` pages are fetched ahead of the one that is read, in order, under the client's pace.
    A walk that is left early is closed by ``async with contextlib.aclosing(paginator.pages())``.

    Rows that are added while you read are no danger. Where rows are deleted meanwhile, as many
    others can move to a page that was read already, and the API has no cursor that would tell.
    """

    def __init__(
        self, fetch: Fetch[T], *, start_page: int = 1, prefetch: int = 0, operation: str = ""
    ) -> None:
        refuse_less(1, start_page=start_page)
        refuse_less(0, prefetch=prefetch)
        self._fetch = fetch
        self._start_page = start_page
        self._prefetch = prefetch
        self._operation = operation

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self.first_page().__await__()

    async def first_page(self) -> Page[T]:
        """The page that a walk would start with."""
        page, _ = await self._fetch(self._start_page)
        return page

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """The pages in order, each without the items that a page before it held already.

        Raises:
            UnexpectedResponse: The server stopped, or repeated itself, before the end it claimed.
        """
        walk = Walk(self._operation)
        ahead = _Ahead(self._fetch, self._start_page, self._prefetch)
        try:
            while True:
                page, said = await ahead.next_page(walk.claimed)
                items, more = walk.step(page, said)
                yield attrs.evolve(page, items=items)
                if not more:
                    return
        finally:
            await ahead.close()

    async def take(self, count: int) -> AsyncIterator[T]:
        """The first ``count`` items."""
        if count < 1:
            return
        async with aclosing(aiter(self)) as items:
            async for item in items:
                yield item
                count -= 1
                if not count:
                    return

    async def collect(self, limit: int | None = None) -> list[T]:
        """All items as a list, or the first ``limit`` of them."""
        if limit is None:
            return [item async for item in self]
        return [item async for item in self.take(limit)]


def refuse_less(least: int, **numbers: object) -> None:
    """Refuse what is no whole number, or one that is too small.

    Raises:
        InvalidRequest: One of them is.
    """
    problem = (f"is a whole number, at least {least}",)
    wrong = {
        name: problem
        for name, value in numbers.items()
        if isinstance(value, bool) or not isinstance(value, int) or value < least
    }
    if wrong:
        raise InvalidRequest(wrong)


class _Ahead(Generic[T]):
    """Fetches pages in order, and up to ``window`` of them before they are asked for.

    A page that was answered before the one in front of it can miss rows: those that a new row has
    pushed onto it since. Its ``total`` is the smaller one then, and the page is fetched once more;
    without totals nothing is fetched ahead.
    """

    def __init__(self, fetch: Fetch[T], number: int, window: int) -> None:
        self._fetch = fetch
        self._number = number
        self._window = window
        self._total: int | None = None
        self._tasks: deque[asyncio.Task[tuple[Page[T], Pagination]]] = deque()

    async def next_page(self, claimed: int) -> tuple[Page[T], Pagination]:
        """The next page; ``claimed`` is the last one that the server is known to have."""
        if not self._window:
            self._number += 1
            return await self._fetch(self._number - 1)
        self._fill(claimed)
        page, said = await self._tasks[0]
        self._tasks.popleft()
        if self._total is not None and said.total is not None and said.total < self._total:
            page, said = await self._fetch(page.page)
        self._total = said.total
        return page, said

    def _fill(self, claimed: int) -> None:
        window = 1 if self._total is None else self._window + 1
        while not self._tasks or (len(self._tasks) < window and self._number <= claimed):
            self._tasks.append(asyncio.ensure_future(self._fetch(self._number)))
            self._number += 1

    async def close(self) -> None:
        """Stop what is under way and nobody will read."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
