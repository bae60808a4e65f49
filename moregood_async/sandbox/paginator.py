"""Laravel's paginator: which rows a request asks for, and what the answer says about the rest.

``laravel.md`` item 13. That ``per_page`` is honoured, up to 100, is inferred [I].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

PER_PAGE = 50
PER_PAGE_MOST = 100
_WHOLE_NUMBER = re.compile(r"\s*([+-]?(?:0|[1-9][0-9]*))\s*")
_BIGGEST = 2**63 - 1


@attrs.frozen
class Asked:
    """The page that a request asks for; a bad number is silently the first."""

    number: int
    size: int

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Asked:
        """What ``?page=`` and ``?per_page=`` ask for.

        >>> Asked.of({"page": "1.5", "per_page": "500"})
        Asked(number=1, size=100)
        """
        number = _count(query.get("page")) or 1
        size = _count(query.get("per_page")) or PER_PAGE
        return cls(number, min(size, PER_PAGE_MOST))

    @property
    def offset(self) -> int:
        """The rows before the page; PHP's integer overflow begins again at the first one."""
        rows = (self.number - 1) * self.size
        return rows if rows <= _BIGGEST else 0

    def pagination(self, url: str, total: int, shown: int) -> dict[str, object]:
        """The answer's ``pagination``; its links carry the page and nothing else."""
        last = max(1, -(-total // self.size))
        first_row: float = (self.number - 1) * self.size + 1
        if first_row > _BIGGEST:
            first_row = float(first_row)
        number = self.number
        return {
            "current_page": number,
            "first_page_url": f"{url}?page=1",
            "from": first_row if shown else None,
            "last_page": last,
            "last_page_url": f"{url}?page={last}",
            "next_page_url": f"{url}?page={number + 1}" if number < last else None,
            "path": url,
            "per_page": self.size,
            "prev_page_url": f"{url}?page={number - 1}" if number > 1 else None,
            "to": first_row + shown - 1 if shown else None,
            "total": total,
        }


def _count(told: object) -> int:
    number = _WHOLE_NUMBER.fullmatch(told) if isinstance(told, str) and len(told) < 40 else None
    count = int(number[1]) if number else 0
    return count if 1 <= count <= _BIGGEST else 0
