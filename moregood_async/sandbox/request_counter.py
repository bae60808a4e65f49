"""Counts of the requests that reached a sandbox."""

from __future__ import annotations

import threading
from collections import Counter

import attrs


@attrs.frozen(kw_only=True)
class RequestCounts:
    """A copy of the counts at one moment."""

    by_operation: Counter[str]
    throttled: int
    """Requests whose response was a 429."""


@attrs.define
class RequestCounter:
    """Count requests by project. Project 0 stands for requests without a known key."""

    _arrivals: Counter[tuple[int, str]] = attrs.field(factory=Counter["tuple[int, str]"])
    _throttled: Counter[int] = attrs.field(factory=Counter[int])
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def count_arrival(self, project: int, operation: str) -> None:
        """Count a request on its arrival, before faults and checks."""
        with self._lock:
            self._arrivals[project, operation] += 1

    def count_throttled(self, project: int) -> None:
        """Count a 429."""
        with self._lock:
            self._throttled[project] += 1

    def counts(self, project: int | None) -> RequestCounts:
        """Return the counts of one project, or of all projects if ``project`` is None."""
        with self._lock:
            arrivals, throttled = self._arrivals.copy(), self._throttled.copy()
        by_operation = Counter[str]()
        for (owner, operation), count in arrivals.items():
            if project in (None, owner):
                by_operation[operation] += count
        total = throttled.total() if project is None else throttled[project]
        return RequestCounts(by_operation=by_operation, throttled=total)
