"""The decision after each page of a walk: which items are new, and whether to read on.

Theory of operation. The API has no cursor, only page numbers, so a walk has to recognize

- rows that move: a row added at the front pushes the last row of page 1 to page 2, where it would
  be returned twice. `Walk` remembers the ids that it has returned;
- servers that clamp: asked for page 9 of 3, some send page 3 again. The response's own
  ``current_page`` shows it, or else a page without any new row;
- lists that end too soon: an empty page, although the server claims that more pages follow.

The last two end the walk with `UnexpectedResponse`, because nobody can say what is missing.
Nothing in this module waits or sends.
"""

from __future__ import annotations

from typing import Any, TypeVar

import attrs

from moregood_async.errors import UnexpectedResponse
from moregood_async.models.pages import Page, Pagination
from moregood_async.pagination.seen_ids import SeenIds

T = TypeVar("T")


@attrs.define
class Walk:
    """The state of one walk over a list. Its pages are passed to `step` in order."""

    operation: str = ""
    last_page: int = 0
    """The number of the last page, by the server's latest claim; 0 before the first response."""
    _seen: SeenIds = attrs.field(factory=SeenIds)
    _new_rows: int = 0
    """Rows of the whole walk that were new."""
    _repeated_rows: int = 0
    """Rows received since the last new one."""
    _previous_items: tuple[Any, ...] = ()

    def step(self, page: Page[T], pagination: Pagination) -> tuple[tuple[T, ...], bool]:
        """Return the page's new items, and whether to request the page after it.

        Raises:
            UnexpectedResponse: The server repeats itself, or stops before the end it had claimed.
        """
        number, last_page_before = page.page, self.last_page
        self.last_page = self._claimed_last_page(number, pagination)
        if pagination.current_page not in (None, number):
            # The server sent another page than the requested one. That is harmless only if no
            # response ever claimed that the requested page exists: a walk that starts at page 7
            # of 2 gets page 2 from a server that clamps, and has nothing to read.
            claims_number = pagination.last_page is None or pagination.last_page >= number
            if last_page_before >= number or claims_number:
                raise self._incomplete(
                    f"sent page {pagination.current_page} when asked for page {number}"
                )
            return (), False
        items = self._new_items(page)
        if not page.items and self.last_page >= number > 1:  # an empty page 1 is an empty list
            raise self._incomplete(f"claims {self.last_page} pages, and page {number} is empty")
        self._refuse_repetition(page, pagination, has_grown=self.last_page > last_page_before)
        self._previous_items = page.items
        return items, self.last_page > number

    def _claimed_last_page(self, number: int, pagination: Pagination) -> int:
        """Return the last page after a response to a request for page ``number``."""
        if pagination.last_page is not None:
            return pagination.last_page
        has_next = pagination.has_page_after(number)
        if has_next is None:
            return self.last_page  # the response claims nothing, so the earlier claim holds
        # A next link proves one more page, and no more than an earlier response has claimed.
        return max(number + 1, self.last_page) if has_next else number

    def _new_items(self, page: Page[T]) -> tuple[T, ...]:
        items = tuple(item for item in page.items if self._is_new(item))
        self._new_rows += len(items)
        self._repeated_rows = 0 if items else self._repeated_rows + len(page.items)
        return items

    def _is_new(self, item: Any) -> bool:
        number = getattr(item, "id", None)
        return not isinstance(number, int) or self._seen.add(number)

    def _refuse_repetition(
        self, page: Page[Any], pagination: Pagination, *, has_grown: bool
    ) -> None:
        """Raise if a page without any new row shows that the server repeats itself.

        Such a page can be honest: 50 rows added at the front move all of page 1 to page 2.
        """
        if not self._repeated_rows:
            return
        if pagination.current_page is None:
            # Without a page number in the response, it looks like a server that ignores ?page=.
            raise self._incomplete(f"sent only known rows on page {page.page}")
        if not has_grown and _ids(page.items) == _ids(self._previous_items):
            # The same rows in the same order: only a list that grew by a whole page does that.
            raise self._incomplete(f"sent the page before page {page.page} again")
        if self._repeated_rows > self._new_rows + len(page.items) and self.last_page > page.page:
            # Added rows cannot move more rows than were read before. After 100 new rows in pages
            # of 50, a walk ends at the fourth page of known rows.
            raise self._incomplete("keeps sending the same rows under new page numbers")

    def _incomplete(self, problem: str) -> UnexpectedResponse:
        return UnexpectedResponse(
            f"the list was not read to its end: the server {problem}; the items before are valid"
        )._with_operation(self.operation)


def _ids(items: tuple[Any, ...]) -> list[Any]:
    return [getattr(item, "id", None) for item in items]
