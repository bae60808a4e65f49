"""Whether a list is sorted by something that never changes.

The API documents no sort order. If the rows read so far are sorted by id or by creation time,
neither of which ever changes, their sequence is stable: every row before a known row is known too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

ASCENDING, DESCENDING = 1, -1


@attrs.define
class SortOrder:
    """The directions in which all rows so far could be sorted.

    >>> from moregood_async.models.messages import Message
    >>> order = SortOrder()
    >>> order.observe([Message(id=9), Message(id=8)])
    >>> order.is_stable
    True
    >>> order.observe([Message(id=10)])
    >>> order.is_stable
    False
    """

    by_id: list[int] = attrs.field(factory=lambda: [ASCENDING, DESCENDING])
    """The directions that the ids so far allow; empty once the ids are in no order."""
    by_time: list[int] = attrs.field(factory=lambda: [ASCENDING, DESCENDING])
    """The same for creation times; empty once a row has none."""
    last_id: int | None = None
    last_time: float | None = None

    @property
    def is_stable(self) -> bool:
        """Whether the rows are sorted by id or by creation time."""
        return bool(self.by_id or self.by_time)

    def observe(self, items: Iterable[Any]) -> None:
        """Compare the next rows of the list with the last row seen."""
        for item in items:
            created = getattr(item, "created_at", None)
            time = created.timestamp() if created else None
            self.by_id = _remaining(self.by_id, self.last_id, item.id)
            self.by_time = _remaining(self.by_time, self.last_time, time) if created else []
            self.last_id, self.last_time = item.id, time


def _remaining(directions: list[int], before: float | None, now: float | None) -> list[int]:
    if before is None or now is None:
        return directions
    # From 9 to 8 only DESCENDING remains; equal values (two rows of one second) exclude nothing.
    return [direction for direction in directions if (now - before) * direction >= 0]
