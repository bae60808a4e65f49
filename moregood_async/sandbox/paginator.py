"""Laravel's paginator.

- The keys and their meaning are documented [D]; they stand in alphabetical order [L].
- ``page`` counts from 1 [O]. A page that is not a whole number above 0, or has more than 63 bits,
  is page 1 without an error [L]: ``abc``, ``0``, ``-1``, ``1.5``, ``02``, an empty value and an
  array.
- ``per_page`` is 50 by default [D]. One client sends ``per_page`` [O]; the sandbox honours values
  up to 100 and takes 50 for an invalid one [I].
- A page after the last one is a 200 with empty ``data`` and null ``from``, ``to`` and
  ``next_page_url``; ``current_page`` is the page of the query [L].
- ``next_page_url`` is null on the last page and ``prev_page_url`` on the first [O] [L].
- An empty list has ``last_page`` 1 and ``total`` 0 [L].
- Links consist of the URL that was called, its ``Host`` header included, and ``?page=N``. All
  other parameters of the query, ``per_page`` too, are missing from the links [L].
- ``page=9223372036854775807`` overflows PHP's integers: ``from`` and ``to`` are floats [L], and
  the rows are those of the first page [I].
- The whole ``pagination`` key can be missing on a short list of the real API [O]. The sandbox
  always sends the key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

DEFAULT_PER_PAGE = 50
"""The rows of a page if the query does not say [D]."""

MAX_PER_PAGE = 100
"""The most rows of a page [I]; a larger ``per_page`` is reduced to this number."""

_WHOLE_NUMBER = re.compile(r"\s*([+-]?(?:0|[1-9][0-9]*))\s*")
_PHP_INT_MAX = 2**63 - 1
_LONGEST_NUMBER = 40
"""The characters of a number that is worth parsing; Python refuses to parse very long ones."""


@attrs.frozen
class PageQuery:
    """The page that a request asks for."""

    page: int
    per_page: int

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> PageQuery:
        """Return the page in a URL's query, with the defaults for missing and invalid values.

        >>> PageQuery.from_query({"page": "1.5", "per_page": "500"})
        PageQuery(page=1, per_page=100)
        """
        page = _read_positive(query.get("page")) or 1
        per_page = _read_positive(query.get("per_page")) or DEFAULT_PER_PAGE
        return cls(page, min(per_page, MAX_PER_PAGE))

    @property
    def offset(self) -> int:
        """The number of rows before the page; 0 if that number overflows PHP's integers."""
        rows = (self.page - 1) * self.per_page
        return rows if rows <= _PHP_INT_MAX else 0

    def pagination(self, url: str, total: int, row_count: int) -> dict[str, object]:
        """Return the response's ``pagination`` for a page with ``row_count`` rows."""
        last_page = max(1, -(-total // self.per_page))
        first_row: float = (self.page - 1) * self.per_page + 1
        if first_row > _PHP_INT_MAX:
            first_row = float(first_row)
        return {
            "current_page": self.page,
            "first_page_url": f"{url}?page=1",
            "from": first_row if row_count else None,
            "last_page": last_page,
            "last_page_url": f"{url}?page={last_page}",
            "next_page_url": f"{url}?page={self.page + 1}" if self.page < last_page else None,
            "path": url,
            "per_page": self.per_page,
            "prev_page_url": f"{url}?page={self.page - 1}" if self.page > 1 else None,
            "to": first_row + row_count - 1 if row_count else None,
            "total": total,
        }


def _read_positive(value: object) -> int:
    """Return a whole number from 1 to 2^63-1, or 0 if the value is something else."""
    if not isinstance(value, str) or len(value) >= _LONGEST_NUMBER:
        return 0
    match = _WHOLE_NUMBER.fullmatch(value)
    number = int(match[1]) if match else 0
    return number if 1 <= number <= _PHP_INT_MAX else 0
