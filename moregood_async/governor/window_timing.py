"""The arithmetic of a fixed window's times: its length, its margins, the delay before a probe.

Servers name delays in whole seconds. Laravel rounds down: a window that ends in 4.7 s is named 4.
Other servers round up and name 5. A delay with a fraction, 4.7, is taken as exact.
"""

from __future__ import annotations

import math

MARGIN_SECONDS = 0.004
"""How much later than predicted the first request of a window is sent: network times vary."""

WIDER_MARGIN_SECONDS = 0.05
"""The least margin after a prediction that was too early."""

MARGIN_GROWTH = 5.0
"""By how much the margin grows with each further prediction that is too early.

Some of Laravel's caches keep a window for up to a second too long.
"""

MARGIN_DECAY = 0.85
"""By how much the margin shrinks with each prediction that holds."""

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 60.0
"""The first and the longest delay before a probe if the server names none."""

ROUNDING_SECONDS = 1.0
"""The most by which a delay in whole seconds differs from the real one."""

AGE_ERROR_SECONDS = 0.05
"""How much older a window can be than it seems to the client."""


def is_exact(delay: float) -> bool:
    """Return whether a named delay has a fraction, so that nothing was rounded."""
    return delay != int(delay)


def infer_length(open_seconds: float, delay: float) -> float:
    """Return the length of a window that names ``delay`` when it has been open so long.

    A window of 6 s that is open for 0.3 s names 5, since 5.7 is rounded down; 0.3 + 5 + 0.05 is
    rounded up to 6. A server that rounds up names 6, which results in 7. `FixedWindow` finds out
    a length that is one second too long by an early probe; a length that is too short would be
    found out only by a throttled request.
    """
    if is_exact(delay):
        return open_seconds + delay
    return float(math.ceil(open_seconds + delay + AGE_ERROR_SECONDS))


def probe_delay(named: float | None, throttles: int) -> float:
    """Return the seconds until a probe, after ``throttles`` throttles in a row.

    For windows whose age is unknown. Without a named delay: 0.5, 1, 2, ..., 32, 60 s. With one,
    the margin beyond it doubles, because a server that names 0 again and again must not be
    flooded: for "2" the delays are 3, 4, 6, 10 s. The exponent is capped because 2.0 ** 1024
    overflows.
    """
    doublings = 2.0 ** min(throttles - 1, 10)
    if named is None:
        return min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * doublings)
    margin = AGE_ERROR_SECONDS if is_exact(named) else ROUNDING_SECONDS
    return named + min(LONGEST_DELAY_SECONDS, margin * doublings)


def wider_margin(margin: float) -> float:
    """Return the margin after a prediction that was too early by more than ``margin``.

    The margins are 0.004, 0.05, 0.25, 1, 2, ..., 60 s: fast growth up to the second that a cache
    can be late, then doubling.
    """
    if margin >= ROUNDING_SECONDS:
        return min(LONGEST_DELAY_SECONDS, 2.0 * margin)
    return min(ROUNDING_SECONDS, max(WIDER_MARGIN_SECONDS, MARGIN_GROWTH * margin))
