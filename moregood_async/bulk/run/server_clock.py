"""`ServerClock`: the server's time, as far as its responses tell.

The journal stores times that are compared with times of the API, and the clock of the machine
that runs the job may be minutes wrong. So all times in a journal are the server's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final

from moregood_async.client import MoreGoodClient

JUMP_SECONDS: Final = 2.0
"""If wall clock and monotonic clock drift apart by more, the machine slept or its clock was set."""

MAX_BEHIND_SECONDS: Final = 2.0
"""By how much the server's clock may be ahead of `ServerClock`: a ``Date`` has whole seconds, and
its response was under way."""

WITHOUT_DATE_SECONDS: Final = 900.0
"""If responses have no ``Date``: by how much this machine's clock may be ahead of the server's."""


class ServerClock:
    """Returns the server's time or an earlier one, never a later one."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = 0.0
        """Server time minus monotonic time."""
        self._drift = 0.0
        """Wall time minus monotonic time, when the server's time was read."""
        self._set(wall() - WITHOUT_DATE_SECONDS)

    def now(self) -> float:
        """Return the server's time in unix seconds."""
        return self._monotonic() + self._offset

    @property
    def is_stale(self) -> bool:
        """Whether the server's time has to be read again."""
        return abs(self._wall() - self._monotonic() - self._drift) > JUMP_SECONDS

    async def read(self, client: MoreGoodClient) -> None:
        """Request one customer, and read the ``Date`` of the response.

        Raises:
            MoreGoodError: The API cannot be used: the key, or the network.
        """
        self._drift = self._wall() - self._monotonic()  # no other task need read it meanwhile
        response = await client.request("GET", "customers", query={"page": 1, "per_page": 1})
        try:
            date = parsedate_to_datetime(response.headers.get("date") or "").timestamp()
        except ValueError:
            date = self._wall() - WITHOUT_DATE_SECONDS
        self._set(date)

    def _set(self, server_time: float) -> None:
        self._drift = self._wall() - self._monotonic()
        self._offset = server_time - self._monotonic()
