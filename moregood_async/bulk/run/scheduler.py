"""`Scheduler`: which rows wait, for a time or for an earlier row of the same person."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from typing import Final

import attrs

from moregood_async.bulk.run.row import RowTask

MAX_WAITING_ROWS: Final = 1_000
"""While more rows wait, no new row is read. Bounds the memory of a run at about 2 MB."""


@attrs.define
class Scheduler:
    """Delays rows, and keeps the rows of one person in the order of the input.

    Two rows are of one person if they share a contact key, or if a row between them shares one
    with each: of (a@x, 1), (a@x, 2) and (b@x, 2), the third waits for the second and, through
    the keys that the second inherits, comes after the first.
    """

    _delayed: list[tuple[float, int, RowTask]] = attrs.field(
        factory=list[tuple[float, int, RowTask]]
    )
    """A heap by server time; the number keeps rows of one time in order."""
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)
    _latest: dict[str, RowTask] = attrs.field(factory=dict[str, RowTask])
    """For each contact key, the latest row with it that is not over."""
    _blocked: int = 0

    @property
    def is_full(self) -> bool:
        """Whether no new row should be read."""
        return len(self._delayed) + self._blocked >= MAX_WAITING_ROWS

    @property
    def delayed(self) -> int:
        """Rows that wait for a time."""
        return len(self._delayed)

    @property
    def next_due(self) -> float | None:
        """The earliest time that a row waits for; None if none does."""
        return self._delayed[0][0] if self._delayed else None

    def delay(self, task: RowTask, until: float) -> None:
        """Let a row wait until a time."""
        heapq.heappush(self._delayed, (until, next(self._numbers), task))

    def pop_due(self, now: float) -> RowTask | None:
        """Return a row whose time has come, or None."""
        if self._delayed and self._delayed[0][0] <= now:
            return heapq.heappop(self._delayed)[2]
        return None

    def admit(self, task: RowTask) -> bool:
        """Add a row that was just read; return whether it can be worked on now.

        If not, the row becomes due when the earlier rows of its person are over.
        """
        entry = task.entry
        first = entry.row_index if entry.duplicate_of is None else entry.duplicate_of
        keys = {f"row {first}", *task.contact_keys}
        earlier = {id(row): row for row in map(self._latest.get, keys) if row is not None}
        task.person_keys = frozenset(keys.union(*(row.person_keys for row in earlier.values())))
        self._latest |= dict.fromkeys(task.person_keys, task)
        task.blocked_by = len(earlier)
        for row in earlier.values():
            row.dependents.append(task)
        self._blocked += bool(earlier)
        return not earlier

    def release(self, task: RowTask) -> None:
        """A row is over for this run; its dependents become due if nothing else blocks them."""
        for key in task.person_keys:
            if self._latest.get(key) is task:
                del self._latest[key]
        for dependent in task.dependents:
            dependent.blocked_by -= 1
            if not dependent.blocked_by:
                self._blocked -= 1
                self.delay(dependent, 0.0)
        task.dependents = []
