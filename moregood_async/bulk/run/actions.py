"""Decisions about one row: what is done next, and what an error means. Nothing here waits."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple

import attrs

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.states import Event, SkipReason, State, Step
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.run.row import RowTask
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

MAX_ATTEMPTS: Final = 4
"""How often a run attempts a step that a server or a network in trouble prevents. Each attempt is
a whole call, which retries by itself what may be retried."""

DELAYS_SECONDS: Final = (2.0, 10.0, 30.0)
"""The delays before the second, third and fourth attempt: a restart of a server takes 2 to 30 s."""

FIRST_CHECK_SECONDS: Final = 1.0
"""How soon after the request the API is read for the first time. Most requests whose response was
lost were applied, and show within a second."""

_TRANSIENT: Final = (
    AttemptTimedOut,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    Drained,
    RateLimited,
    ServerError,
)
_API_UNUSABLE: Final = (Unauthorized, Forbidden, ConfigurationError)


class Action(Enum):
    """What is done next for a row."""

    SEND = "send"
    CHECK_ASKED = "check asked"
    """Read the customer, to see whether something else has asked it; then decide again."""
    RECONCILE = "reconcile"
    RESEND = "resend"
    """The user takes the risk that the request takes effect twice."""
    GIVE_UP = "give up"
    LEAVE = "leave"
    """Nothing more is done in this run."""


class NextAction(NamedTuple):
    """An action, and the server time at which it is due."""

    action: Action
    due: float


def next_action(task: RowTask, options: JobOptions, now: float) -> NextAction:
    """Return what is done next for a row, and when.

    Args:
        task: The row.
        options: The job's options.
        now: The server's time.
    """
    entry = task.entry
    if entry.state in (State.READY, State.INTENDED):
        if entry.attempts >= MAX_ATTEMPTS:
            return NextAction(Action.GIVE_UP, now)
        # An ask that an earlier run has left, or that was reconciled as not applied, is sent
        # only once the customer was read again: something else may have asked it meanwhile.
        must_check = entry.step is Step.ASK and not task.is_fresh
        return NextAction(Action.CHECK_ASKED if must_check else Action.SEND, task.not_before)
    if entry.state is State.UNKNOWN and options.on_unknown == "resend":
        return NextAction(Action.RESEND, now)
    if entry.state is not State.UNKNOWN or not can_reconcile(entry, options):
        return NextAction(Action.LEAVE, now)
    return NextAction(Action.RECONCILE, max(_check_due(task, options, now), task.not_before))


def _check_due(task: RowTask, options: JobOptions, now: float) -> float:
    """Return when the API is read: soon after the request, then when its time is over.

    With ``reconcile_after`` 120 and a response that was lost at 30 s, an ask of second 0 is
    looked for at second 1 (so at once) and, if it does not show, at second 150.
    """
    entry = task.entry
    lost_at = now if entry.lost_at is None else entry.lost_at
    if task.checks:
        return lost_at + options.reconcile_after
    intended_at = lost_at if entry.intended_at is None else entry.intended_at
    return intended_at + min(FIRST_CHECK_SECONDS, options.reconcile_after)


def can_reconcile(entry: JournalEntry, options: JobOptions) -> bool:
    """Return whether the API can tell what became of a row that is unknown.

    It cannot for a customer with neither email nor phone, or for a charge without a count of the
    charges before it.
    """
    if options.on_unknown != "reconcile":
        return False
    if entry.step is Step.CHARGE:
        return entry.charges_before is not None
    return entry.step is Step.ASK


def already_asked(
    asked_at: datetime | None, options: JobOptions, *, now: float, began_at: float | None
) -> SkipReason | None:
    """Return why a customer is not asked because it was asked already, or None.

    Args:
        asked_at: When the customer was asked last, by the API; None if never.
        options: The job's options.
        now: The server's time.
        began_at: When the job began, on the server's clock; None if it has not.
    """
    if asked_at is None:
        return None
    asked = asked_at.timestamp()
    if began_at is not None and asked >= began_at:
        return SkipReason.ASKED_MEANWHILE
    within = options.not_asked_within
    if within is not None and now - asked < within.total_seconds():
        return SkipReason.ASKED_RECENTLY
    return None


def delay_after(attempts: int) -> float:
    """Return the seconds to wait after a number of attempts without effect.

    >>> [delay_after(attempts) for attempts in (1, 2, 3, 4)]
    [2.0, 10.0, 30.0, 30.0]
    """
    return DELAYS_SECONDS[min(attempts, len(DELAYS_SECONDS)) - 1]


@attrs.frozen
class ErrorClass:
    """What an error means to the row."""

    event: Event
    """What happened to a step that was INTENDED: FAIL, LOSE or NOT_SENT."""
    name: str
    """What errors of the same kind share; see `error_name`."""
    is_fatal: bool = False
    """Whether the API cannot be used at all, so that the run must stop."""


def classify_error(error: Exception) -> ErrorClass:
    """Return what an error of a row's request means."""
    name = error_name(error)
    if not isinstance(error, MoreGoodError) or error.may_have_applied:
        return ErrorClass(Event.LOSE, name)
    if isinstance(error, _API_UNUSABLE):
        return ErrorClass(Event.NOT_SENT, name, is_fatal=True)
    return ErrorClass(Event.NOT_SENT if isinstance(error, _TRANSIENT) else Event.FAIL, name)


def error_name(error: Exception) -> str:
    """Return what errors of the same kind share: the class, and the fields that were refused.

    >>> error_name(ValidationFailed("no", status=422, fields={"email": ("no",)}))
    'ValidationFailed email'
    """
    if isinstance(error, ValidationFailed):
        return " ".join([type(error).__name__, *sorted(error.fields)])
    return type(error).__name__
