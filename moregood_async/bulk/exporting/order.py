"""Whether a list stands in an order that stays: a row that was before another one always will be.

The API names no order. Where the rows that came so far stand by their id, or by when they were
created, neither of which ever changes, what comes before a known row is known too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

UP, DOWN = 1, -1


@attrs.define
class Order:
    """The directions in which the rows so far stand.

    >>> from moregood_async.models.messages import Message
    >>> order = Order()
    >>> order.note([Message(id=9), Message(id=8)])
    >>> order.stays
    True
    >>> order.note([Message(id=10)])
    >>> order.stays
    False
    """

    by_id: list[int] = attrs.field(factory=lambda: [UP, DOWN])
    by_time: list[int] = attrs.field(factory=lambda: [UP, DOWN])
    last_id: int | None = None
    last_time: float | None = None

    @property
    def stays(self) -> bool:
        """Whether it is one that does not change."""
        return bool(self.by_id or self.by_time)

    def note(self, items: Iterable[Any]) -> None:
        """These came next."""
        for item in items:
            created = getattr(item, "created_at", None)
            time = created.timestamp() if created else None
            self.by_id = _left(self.by_id, self.last_id, item.id)
            self.by_time = _left(self.by_time, self.last_time, time) if created else []
            self.last_id, self.last_time = item.id, time


def _left(directions: list[int], before: float | None, now: float | None) -> list[int]:
    if before is None or now is None:
        return directions
    return [each for each in directions if (now - before) * each >= 0]
