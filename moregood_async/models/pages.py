"""Pages: a part of a list, and what the server said about the rest."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast

import attrs

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list.

    ``last_page``, ``total``, ``per_page`` and ``has_next`` are what the server claimed in this
    response, or None if it claimed nothing.
    """

    items: tuple[T, ...]
    page: int
    """The page's number as requested, counted from 1."""
    last_page: int | None = None
    total: int | None = None
    per_page: int | None = None
    has_next: bool | None = None
    """Whether the server claimed that another page follows."""


@attrs.frozen(kw_only=True)
class Pagination:
    """The ``pagination`` part of an answer, where present and sensible."""

    current_page: int | None = None
    last_page: int | None = None
    total: int | None = None
    per_page: int | None = None
    has_next: bool | None = None
    """Whether a next page is linked; None where the answer does not say."""

    @classmethod
    def of(cls, told: object) -> Pagination:
        """What an answer's ``pagination`` tells; its links are never followed."""
        if not isinstance(told, dict):
            return cls()
        said = cast("dict[str, Any]", told)
        return cls(
            current_page=_count(said.get("current_page")),
            last_page=_count(said.get("last_page")),
            total=_count(said.get("total")),
            per_page=_count(said.get("per_page")),
            has_next=bool(said["next_page_url"]) if "next_page_url" in said else None,
        )


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None
