"""Exports of a whole list, page by page, to a file, a pipe or a device.

An interrupted export resumes at its last page, unless rows may have moved to pages before it:

1. The last page is requested again. If its first row was written before, and the sort order is
   stable (see `sort_order`), all rows before it were written before too.
2. Otherwise, or if the server reports more rows in the end than were written, the list is read
   from its first page, and only new rows are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import IO, Any, Final, Literal

import attrs

from moregood_async.bulk.exporting.checkpoint import ExportIdentity
from moregood_async.bulk.exporting.file_formats import FileFormat, page_encoder_for
from moregood_async.bulk.exporting.partial_file import Output, PartialFile, open_output
from moregood_async.client import MoreGoodClient
from moregood_async.models.customers import Customer
from moregood_async.models.messages import Message
from moregood_async.models.pages import Page
from moregood_async.models.reviews import Review
from moregood_async.pagination import Paginator

PREFETCHED_PAGES: Final = 4
"""Limits the pages in memory that were requested ahead of the page that is written."""

ListName = Literal["customers", "reviews", "messages"]
"""A list that can be exported."""

MODELS: Final[dict[str, type[Any]]] = {
    "customers": Customer,
    "reviews": Review,
    "messages": Message,
}
"""The model of each list's rows."""


@attrs.frozen
class PageWritten:
    """One page of an export was written."""

    page: int
    """The page's number; 0 is reported once, before the first page."""
    rows: int
    """The rows of the page that were new."""
    total: int | None
    """The rows that this run has to write, as far as the server reports it."""


class Export:
    """One export of a list.

    ::

        export = Export(
            client, "reviews", Path("reviews.parquet"), file_format="parquet", resume=True
        )
        await export.run()

    A file appears under its name only when it is complete. The rows of an interrupted export stay
    beside it, and the same export with ``resume=True`` continues after them.

    Args:
        client: The client of the project whose list is exported.
        list_name: ``customers``, ``reviews`` or ``messages``.
        target: A path, or a file that is open for writing bytes.
        file_format: ``csv``, ``jsonl`` or ``parquet``; see `detect_file_format`.
        resume: Whether to continue an interrupted export to this target, if there is one.
    """

    def __init__(
        self,
        client: MoreGoodClient,
        list_name: ListName,
        target: Path | IO[bytes],
        *,
        file_format: FileFormat = "csv",
        resume: bool = False,
    ) -> None:
        self._client = client
        self._list_name: ListName = list_name
        self._target = target
        self._file_format: FileFormat = file_format
        self._resume = resume
        self._earlier_rows = 0
        self.rows: int = 0
        """The rows written, those of earlier runs included."""
        self.new_rows: int = 0
        """The rows written by this run."""
        self.resumed: bool = False
        """Whether this run continued an interrupted export."""
        self.skipped_rows: int = 0
        """Rows that arrived a second time and were not written again."""
        self.kept_rows: int = 0
        """After an interrupted run: the rows that the next run can resume after."""

    def __repr__(self) -> str:
        return (
            f"Export(list_name={self._list_name!r}, file_format={self._file_format!r}, "
            f"rows={self.rows})"
        )

    async def run(self, on_page: Callable[[PageWritten], None] = lambda _: None) -> None:
        """Write the whole list; call ``on_page`` before the first page and after each page.

        Raises:
            CannotExport: Another export writes to the target, or the interrupted export differs.
            NoParquet: The file format is Parquet and pyarrow is not installed.
            OSError: The target cannot be written, or the disk is full.
            MoreGoodError: The list could not be read to its end.
        """
        encoder = page_encoder_for(self._file_format, MODELS[self._list_name])
        identity = ExportIdentity(
            list_name=self._list_name,
            file_format=self._file_format,
            base_url=self._client.base_url,
            project=await self._client.fingerprint(b"moregood export"),
        )
        output = open_output(self._target, encoder, identity, resume=self._resume)
        try:
            await self._write_list(output, on_page)
        finally:
            self._update_counts(output)
            self.kept_rows = output.close()

    async def _write_list(self, output: Output, on_page: Callable[[PageWritten], None]) -> None:
        self._earlier_rows, self.resumed = output.position.rows, output.resumed
        self._update_counts(output)
        on_page(PageWritten(0, 0, self._rows_to_write(output.position.total)))
        # Without a stable sort order, a changed row may have moved to any page.
        start = max(1, output.position.page) if output.position.sort_order.is_stable else 1
        if not await self._write_from(start, output, on_page):
            await self._write_from(1, output, on_page)
        for _ in output.finish():
            await asyncio.sleep(0)  # Parquet is written in row groups; other tasks run in between

    async def _write_from(
        self, start: int, output: Output, on_page: Callable[[PageWritten], None]
    ) -> bool:
        """Write the list from a page on; return False if rows may be missing."""
        async with aclosing(self._list(start).pages()) as pages:
            async for page in pages:
                if page.page == start > 1 and _may_have_shifted(page, output):
                    return False
                rows = output.add(page)
                self._update_counts(output)
                on_page(PageWritten(page.page, rows, self._rows_to_write(page.total)))
        # A row that was added on top moved all others down by one: nothing is missing below, but
        # the server counts one row more than were written.
        total = output.position.total
        return start == 1 or total is None or output.position.rows >= total

    def _update_counts(self, output: Output) -> None:
        self.rows, self.skipped_rows = output.position.rows, output.skipped_rows
        self.new_rows = self.rows - self._earlier_rows

    def _rows_to_write(self, total: int | None) -> int | None:
        return None if total is None else max(0, total - self._earlier_rows)

    def _list(self, start: int) -> Paginator[Any]:
        resource: Any = getattr(self._client, self._list_name)
        paginator: Paginator[Any] = resource.list(start_page=start, prefetch=PREFETCHED_PAGES)
        return paginator


def _may_have_shifted(page: Page[Any], output: Output) -> bool:
    """Whether rows may have moved from this page or a later one to an earlier page.

    Three rows deleted on page 1 pull the first three rows of page 2 to page 1, which was read. The
    list is then shorter, or the first row of the resumed page is one that was never written.
    """
    if not isinstance(output, PartialFile):
        return False  # a stream is never resumed
    before, now = output.position.total, page.total
    has_shrunk = before is not None and now is not None and now < before
    return has_shrunk or not output.has_first_row_of(page)
