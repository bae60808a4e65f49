"""Pages: a part of a list, and what the server claims about the other parts."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast

import attrs

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list.

    ``last_page``, ``total``, ``per_page`` and ``has_next`` are what the server claimed in this
    response, or None if it claimed nothing. The server may leave all of them out of a short
    list [O].
    """

    items: tuple[T, ...]
    page: int
    """The page's number as requested, counted from 1."""
    last_page: int | None = None
    """The number of the last page."""
    total: int | None = None
    """The number of items on all pages."""
    per_page: int | None = None
    """The number of items on a full page; 50 by default [D]."""
    has_next: bool | None = None
    """Whether another page follows: by ``last_page``, or else by the server's next link."""


@attrs.frozen(kw_only=True)
class Pagination:
    """The ``pagination`` object of a response. What is missing or makes no sense is None."""

    current_page: int | None = None
    last_page: int | None = None
    total: int | None = None
    per_page: int | None = None
    has_next_link: bool | None = None
    """Whether ``next_page_url`` is set; it is null on the last page [O]. None if it is missing."""

    @classmethod
    def of(cls, data: object) -> Pagination:
        """Read the ``pagination`` of a response. Its links are never followed.

        A link can name another host, which the API key must not reach [I].
        """
        if not isinstance(data, dict):
            return cls()  # PHP writes an empty map as a list
        fields = cast("dict[str, Any]", data)
        return cls(
            current_page=_count(fields.get("current_page")),
            last_page=_count(fields.get("last_page")),
            total=_count(fields.get("total")),
            per_page=_count(fields.get("per_page")),
            has_next_link=bool(fields["next_page_url"]) if "next_page_url" in fields else None,
        )

    def has_page_after(self, page: int) -> bool | None:
        """Return whether the server claims a page after ``page``; None if it claims nothing.

        ``last_page`` decides if it is there. The next link is the fallback: it depends on the page
        that the server sent, which may not be the one requested.
        """
        if self.last_page is not None:
            return self.last_page > page
        return self.has_next_link


def _count(value: object) -> int | None:
    # PHP may write a number as text. A text of 16 digits or more counts nothing real.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None
