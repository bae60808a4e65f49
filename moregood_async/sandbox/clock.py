"""The sandbox's own time: real time, and what it was advanced by."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from moregood_async.sandbox.store import Store


class Clock:
    """Runs with real time, some seconds ahead of it. How many survives in the store."""

    def __init__(self, store: Store, start: datetime | None) -> None:
        self._store = store
        self._ahead = float(store.setting("clock_ahead", "0"))
        if start is not None:
            if start.tzinfo is None:
                raise ValueError("now= needs a time zone: datetime(2026, 1, 1, tzinfo=UTC)")
            self._go(start.timestamp() - time.time())

    def now(self) -> float:
        """Unix seconds."""
        return time.time() + self._ahead

    @property
    def is_ahead(self) -> bool:
        """Whether it shows another time than this machine's clock."""
        return self._ahead != 0.0

    def advance(self, seconds: float) -> None:
        """Lets so much time pass at once.

        Raises:
            ValueError: It would be after the year 9999.
        """
        self._go(self._ahead + seconds)

    def _go(self, ahead: float) -> None:
        datetime.fromtimestamp(time.time() + ahead, UTC)  # raises beyond the year 9999
        self._ahead = ahead
        self._store.set("clock_ahead", repr(ahead))
