"""The sandbox's clock: real time plus an offset that the store keeps."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from moregood_async.sandbox.store import Store


class Clock:
    """A clock that runs with real time, at an offset. The offset survives a restart."""

    def __init__(self, store: Store, start: datetime | None) -> None:
        self._store = store
        self._offset_seconds = float(store.load_setting("clock_ahead", "0"))
        if start is not None:
            if start.tzinfo is None:
                raise ValueError("now= needs a time zone: datetime(2026, 1, 1, tzinfo=UTC)")
            self._set_offset(start.timestamp() - time.time())

    def now(self) -> float:
        """Return the sandbox's time, in unix seconds."""
        return time.time() + self._offset_seconds

    @property
    def is_shifted(self) -> bool:
        """Whether the sandbox's time differs from the machine's time."""
        return self._offset_seconds != 0.0

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Raises:
            ValueError: The new time is after the year 9999.
        """
        self._set_offset(self._offset_seconds + seconds)

    def _set_offset(self, seconds: float) -> None:
        datetime.fromtimestamp(time.time() + seconds, UTC)  # raises after the year 9999
        self._offset_seconds = seconds
        self._store.save_setting("clock_ahead", repr(seconds))
