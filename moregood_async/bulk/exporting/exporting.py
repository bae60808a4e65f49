"""Exporting: a whole list, page by page, to a file, a pipe or a device.

What broke off is taken up where it was, if the list has not moved since in a way that could hide
rows on pages that were read. The last page is asked for once more: where it begins with a row that
came before, and the list stands in an order that stays (see `order`), all before that row came
before too. Else, and where the server counts more rows in the end than came, the list is read from
its first page, and only what did not come before is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import IO, Any, Literal

import attrs

from moregood_async.bulk.exporting.bookmark import Job
from moregood_async.bulk.exporting.forms import Form, pages_of
from moregood_async.bulk.exporting.part import Part, Stream, out_to
from moregood_async.client import MoreGoodClient
from moregood_async.models.customers import Customer
from moregood_async.models.messages import Message
from moregood_async.models.pages import Page
from moregood_async.models.reviews import Review
from moregood_async.pagination import Paginator

PAGES_AHEAD = 4

What = Literal["customers", "reviews", "messages"]
"""A list that can be exported."""

KINDS: dict[str, type[Any]] = {"customers": Customer, "reviews": Review, "messages": Message}
"""What the lists hold."""


@attrs.frozen
class Came:
    """What a page brought."""

    page: int
    """Its number; 0 tells where an export begins, before anything came."""
    rows: int
    """Those of its rows that did not come before."""
    total: int | None
    """Of the rows that this run has to bring, as far as the server says."""


class Export:
    """One export of a list.

    ::

        export = Export(client, "reviews", Path("reviews.parquet"), form="parquet", resume=True)
        await export.run()

    A file appears under its name only when it is complete. What breaks off stays beside it, and
    the same export with ``resume=True`` goes on there.

    Args:
        client: Whose list.
        what: Which list.
        target: A path, or a file that is open for bytes.
        form: ``csv``, ``jsonl`` or ``parquet``; see `form_of`.
        resume: Whether to go on with what broke off, if there is anything.
    """

    def __init__(
        self,
        client: MoreGoodClient,
        what: What,
        target: Path | IO[bytes],
        *,
        form: Form = "csv",
        resume: bool = False,
    ) -> None:
        self._client = client
        self._what: What = what
        self._target = target
        self._form: Form = form
        self._resume = resume
        self._earlier = 0
        self.rows: int = 0
        """So many are written, those of earlier runs included."""
        self.new: int = 0
        """Of them, those of this run."""
        self.resumed: bool = False
        """Whether an earlier run is taken up."""
        self.skipped: int = 0
        """Rows that came once more, and were not written again."""
        self.kept: int = 0
        """After a run that broke off: the rows that the next one finds."""

    async def run(self, tell: Callable[[Came], None] = lambda _: None) -> None:
        """Write the whole list, and tell of each page.

        Raises:
            CannotExport: Another export writes to that file, or what broke off was another one.
            NoParquet: It is to be Parquet, and pyarrow is not installed.
            OSError: Nothing (more) can be written there.
            MoreGoodError: The list could not be read to its end.
        """
        pages = pages_of(self._form, KINDS[self._what])
        job = Job(
            what=self._what,
            form=self._form,
            base_url=self._client.base_url,
            project=await self._client.fingerprint(b"moregood export"),
        )
        out = out_to(self._target, pages, job, resume=self._resume)
        try:
            await self._whole(out, tell)
        finally:
            self._count(out)
            self.kept = out.close()

    async def _whole(self, out: Stream | Part, tell: Callable[[Came], None]) -> None:
        self._earlier, self.resumed = out.place.rows, out.resumed
        self._count(out)
        tell(Came(0, 0, self._remaining(out.place.total)))
        start = max(1, out.place.page) if out.place.order.stays else 1
        if not await self._walk(start, out, tell):
            await self._walk(1, out, tell)
        for _ in out.finish():
            await asyncio.sleep(0)

    async def _walk(self, start: int, out: Stream | Part, tell: Callable[[Came], None]) -> bool:
        """Read from a page on; False where rows may have been left out."""
        async with aclosing(self._list(start).pages()) as pages:
            async for page in pages:
                if page.page == start > 1 and isinstance(out, Part) and _moved(page, out):
                    return False
                rows = out.add(page)
                self._count(out)
                tell(Came(page.page, rows, self._remaining(page.total)))
        total = out.place.total
        return start == 1 or total is None or out.place.rows >= total

    def _count(self, out: Stream | Part) -> None:
        self.rows, self.skipped = out.place.rows, out.skipped
        self.new = self.rows - self._earlier

    def _remaining(self, total: int | None) -> int | None:
        return None if total is None else max(0, total - self._earlier)

    def _list(self, start: int) -> Paginator[Any]:
        lists: dict[str, Any] = {
            "customers": self._client.customers,
            "reviews": self._client.reviews,
            "messages": self._client.messages,
        }
        found: Paginator[Any] = lists[self._what].list(start_page=start, prefetch=PAGES_AHEAD)
        return found


def _moved(page: Page[Any], out: Part) -> bool:
    """Whether rows may have moved from this page or a later one to an earlier one."""
    before, now = out.place.total, page.total
    shrunk = before is not None and now is not None and now < before
    return shrunk or not out.knows(page)
