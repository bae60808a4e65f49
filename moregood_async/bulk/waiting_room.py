"""Rows that wait: for a time to come, or for an earlier row of the same person."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from typing import Final

import attrs

from moregood_async.bulk.preparing import Item

MOST_HELD: Final = 1_000
"""So many rows may wait; while there are more, no new row is read."""


@attrs.define
class WaitingRoom:
    """Who waits until when, and who comes before whom."""

    _due: list[tuple[float, int, Item]] = attrs.field(factory=list[tuple[float, int, Item]])
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)
    _last: dict[str, Item] = attrs.field(factory=dict[str, Item])
    """The latest row of each person that is not over, by all that tells the person."""
    _following: int = 0

    @property
    def is_full(self) -> bool:
        """Whether no new row should be read."""
        return len(self._due) + self._following >= MOST_HELD

    def __len__(self) -> int:
        return len(self._due)

    @property
    def next_due(self) -> float | None:
        """When the next is due, or None."""
        return self._due[0][0] if self._due else None

    def hold(self, item: Item, due: float) -> None:
        """It waits until then."""
        heapq.heappush(self._due, (due, next(self._numbers), item))

    def due(self, now: float) -> Item | None:
        """One that waits no longer, or None."""
        if self._due and self._due[0][0] <= now:
            return heapq.heappop(self._due)[2]
        return None

    def enters(self, item: Item) -> bool:
        """Whether a row can be worked on now; else it follows those of its person before it.

        Also where two rows are of one person only by a third, before or between them.
        """
        if item.ahead is not None:
            return True  # it is in, and was held
        entry = item.entry
        first = entry.place if entry.repeats is None else entry.repeats
        item.kin = {f"row {first}", *item.marks}
        before = {id(last): last for last in map(self._last.get, item.kin) if last}
        item.kin = item.kin.union(*(each.kin for each in before.values()))
        self._last |= dict.fromkeys(item.kin, item)
        item.ahead = len(before)
        for each in before.values():
            each.followers.append(item)
        self._following += bool(before)
        return not before

    def leaves(self, item: Item) -> None:
        """It is over: those that follow it are due."""
        for mark in item.kin:
            if self._last.get(mark) is item:
                del self._last[mark]
        for follower in item.followers:
            follower.ahead = (follower.ahead or 0) - 1
            if not follower.ahead:
                self._following -= 1
                self.hold(follower, 0.0)
        item.followers = []
