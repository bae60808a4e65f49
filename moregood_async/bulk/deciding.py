"""What is done next for a row, and what an error means to it. Decisions only; nothing waits."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple

import attrs

from moregood_async.bulk.journal.entry import Entry
from moregood_async.bulk.orders import Orders
from moregood_async.bulk.states import Event, State, Step
from moregood_async.errors import (
    AttemptTimedOut,
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    Drained,
    Forbidden,
    MoreGoodError,
    RateLimited,
    ServerError,
    Unauthorized,
    ValidationFailed,
)

MOST_TRIES: Final = 4
"""So often a step is tried that a server or a network in trouble keeps from happening. Each try
is a whole call, which repeats by itself what may be repeated."""

PAUSES_SECONDS: Final = (2.0, 10.0, 30.0)
"""Before the second, third and fourth try."""

FIRST_LOOK_SECONDS: Final = 1.0
"""After a request could leave, until the API is looked at first: most lost ones have happened."""

_PASSING = (ConnectionFailed, ConnectionLost, AttemptTimedOut, DeadlineExceeded, Drained)
_PASSING_ANSWERS = (RateLimited, ServerError)
_NO_USE = (Unauthorized, Forbidden, ConfigurationError)


class Move(Enum):
    """What is done next for a row."""

    SEND = "send"
    CHECK = "check"
    """See whether its customer was asked since it was saved."""
    LOOK = "look"
    RESEND = "resend"
    """The user takes the risk that it happens twice."""
    GIVE_UP = "give up"
    """Nothing has happened, and it was tried often enough."""
    LEAVE = "leave"
    """Nothing more is done by itself."""


class NextMove(NamedTuple):
    """A move, and when it is due on the server's clock."""

    move: Move
    due: float


def next_move(
    entry: Entry,
    orders: Orders,
    *,
    now: float,
    looks: int,
    not_before: float,
    is_fresh: bool = True,
) -> NextMove:
    """What is done next for a row.

    Args:
        entry: The row.
        orders: What the job is told.
        now: The server's time.
        looks: How often the API was looked at since the answer was lost.
        not_before: Until when it rests after a try in vain.
        is_fresh: Whether what is known of its customer is of this run, and later than all that
            may have asked it.
    """
    if entry.state in (State.READY, State.INTENDED):
        if entry.tries >= MOST_TRIES:
            return NextMove(Move.GIVE_UP, now)
        checks = entry.step is Step.ASK and not is_fresh
        return NextMove(Move.CHECK if checks else Move.SEND, not_before)
    if entry.state is State.UNKNOWN and orders.on_unknown == "resend":
        return NextMove(Move.RESEND, now)
    if entry.state is not State.UNKNOWN or not can_be_settled(entry, orders):
        return NextMove(Move.LEAVE, now)
    lost_at = now if entry.lost_at is None else entry.lost_at
    sent_at = lost_at if entry.intended_at is None else entry.intended_at
    first = sent_at + min(FIRST_LOOK_SECONDS, orders.settle_after)
    due = lost_at + orders.settle_after if looks else first
    return NextMove(Move.LOOK, max(due, not_before))


def asked_already(
    asked_at: datetime | None, orders: Orders, *, now: float, since: float | None
) -> str:
    """Why somebody whom the API says to have been asked is not asked: a key of `UNASKED`, or "".

    Args:
        asked_at: When that was, on the server's clock; None: never.
        orders: What the job is told.
        now: The server's time.
        since: When the job was begun, before which nobody was asked by it.
    """
    if asked_at is None:
        return ""
    asked = asked_at.timestamp()
    if since is not None and asked >= since:
        return "meanwhile"
    within = orders.not_asked_within
    return "recent" if within is not None and now - asked < within.total_seconds() else ""


def rest_after(tries: int) -> float:
    """Seconds to wait after so many tries in vain.

    >>> [rest_after(tries) for tries in (1, 2, 3, 4)]
    [2.0, 10.0, 30.0, 30.0]
    """
    return PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS)) - 1]


def can_be_settled(entry: Entry, orders: Orders) -> bool:
    """Whether looking at the API can tell what became of an unknown row.

    A customer with neither email nor phone cannot be found there.
    """
    if orders.on_unknown != "settle":
        return False
    if entry.step is Step.CHARGE:
        return entry.charges_before is not None
    return entry.step is Step.ASK


@attrs.frozen
class Ending:
    """What an error means to the row."""

    event: Event
    kind: str
    """To tell errors of the same kind: its class, status and fields."""
    is_final: bool = False
    """Whether it says that the API cannot be used at all."""


def ending_of(error: Exception) -> Ending:
    """What an error of the step at hand means to a row that was intended."""
    kind = kind_of(error)
    if isinstance(error, _NO_USE) and not _may_have_applied(error):
        return Ending(Event.NOT_SENT, kind, is_final=True)
    if _may_have_applied(error):
        return Ending(Event.LOST, kind)
    if isinstance(error, _PASSING + _PASSING_ANSWERS):
        return Ending(Event.NOT_SENT, kind)
    return Ending(Event.REFUSED, kind)


def _may_have_applied(error: Exception) -> bool:
    return not isinstance(error, MoreGoodError) or error.may_have_applied


def kind_of(error: Exception) -> str:
    """What errors of the same kind have in common.

    >>> kind_of(ValidationFailed("no", status=422, fields={"email": ("no",)}))
    'ValidationFailed email'
    """
    fields = getattr(error, "fields", None) if isinstance(error, ValidationFailed) else None
    return " ".join([type(error).__name__, *sorted(fields or {})])
