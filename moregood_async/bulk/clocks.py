"""The server's clock, as far as its answers tell it.

What a job writes down is compared with times that the API names, and the clock of the machine
that it runs on may be minutes wrong. So times in a journal are the server's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final

from moregood_async.client import MoreGoodClient

JUMP_SECONDS: Final = 2.0
"""Where wall clock and monotonic clock part by more, the machine slept, or its clock was set."""

CLOCK_BEHIND_SECONDS: Final = 2.0
"""By how much the server's clock may be ahead of what is shown here: a ``Date`` has no fractions,
and its answer was under way."""

UNTOLD_SECONDS: Final = 900.0
"""Where answers carry no ``Date``: by how much this machine's clock may be ahead."""


class ServerClock:
    """Shows the server's time, or a moment before it, never one after it."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._ahead = 0.0
        self._between = 0.0
        self._learn(wall() - UNTOLD_SECONDS)

    def now(self) -> float:
        """Unix seconds."""
        return self._monotonic() + self._ahead

    @property
    def is_stale(self) -> bool:
        """Whether it has to be learned anew."""
        return abs(self._wall() - self._monotonic() - self._between) > JUMP_SECONDS

    async def learn(self, client: MoreGoodClient) -> None:
        """Ask the API for one customer, and read the answer's ``Date``.

        Raises:
            MoreGoodError: The API cannot be used: the key, or the network.
        """
        self._between = self._wall() - self._monotonic()  # nobody else has to learn it meanwhile
        answer = await client.request("GET", "customers", query={"page": 1, "per_page": 1})
        try:
            told = parsedate_to_datetime(answer.headers.get("date") or "").timestamp()
        except ValueError:
            told = self._wall() - UNTOLD_SECONDS
        self._learn(told)

    def _learn(self, server: float) -> None:
        self._between = self._wall() - self._monotonic()
        self._ahead = server - self._monotonic()
