"""When a run stops by itself: what keeps failing the same way is not tried ten thousand times."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

import attrs

WINDOW_ROWS: Final = 200
MOST_ALIKE: Final = WINDOW_ROWS // 10


@attrs.define
class StopRule:
    """Looks at the last 200 rows that ended, or could not.

    >>> rule = StopRule()
    >>> any(rule.learn("ValidationFailed phone") for _ in range(20))
    False
    >>> rule.learn("ValidationFailed phone")
    True
    """

    _last: deque[str] = attrs.field(factory=lambda: deque[str](maxlen=WINDOW_ROWS))
    _alike: Counter[str] = attrs.field(factory=Counter[str])

    def learn(self, kind: str) -> bool:
        """A row has ended, with an error of this kind or with none (empty).

        Returns:
            Whether more than a tenth of the last two hundred rows failed this way.
        """
        if len(self._last) == WINDOW_ROWS:
            self._alike[self._last[0]] -= 1
        self._last.append(kind)
        self._alike[kind] += 1
        return bool(kind) and self._alike[kind] > MOST_ALIKE
