"""The state machine of a row: steps, states, events, and the one table of transitions.

The protocol around it (what is durable when, and why nobody is asked twice) is the theory of
operation in the docstring of `moregood_async.bulk`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final


class Step(IntEnum):
    """The requests of a row, in the order in which they are sent. Journals store the numbers."""

    UPSERT = 1
    CHARGE = 2
    ASK = 3


class State(IntEnum):
    """How far the current step of a row has come. Journals store the numbers."""

    READY = 0
    INTENDED = 1
    UNKNOWN = 2
    FAILED = 3
    DONE = 4
    REJECTED = 5


class Event(StrEnum):
    """What can happen to a row."""

    INTEND = "intend"
    """The step is about to be sent. Durable before the request may leave."""
    SUCCEED = "succeed"
    """The API accepted the request."""
    FAIL = "fail"
    """The API refused the request for good; the request had no effect."""
    NOT_SENT = "not sent"
    """The request provably had no effect; a later attempt is harmless."""
    LOSE = "lose"
    """The request was sent, and its response was lost: it may have been applied."""
    RECOVER = "recover"
    """The journal was opened, and the step was INTENDED when the last process ended."""
    APPLIED = "applied"
    """Reconciling found that the request was applied."""
    NOT_APPLIED = "not applied"
    """Reconciling found that the request was not applied."""
    RESEND = "resend"
    """The user accepts that the request may take effect twice (``on_unknown="resend"``)."""
    GIVE_UP = "give up"
    """The step was attempted too often, always without effect."""
    SKIP = "skip"
    """The customer is not asked; the row is done without its ask."""
    REJECT = "reject"
    """The row cannot be sent as it is."""
    RETRY = "retry"
    """The user wants a failed row to be attempted again."""
    REOPEN = "reopen"
    """A higher ``max_asks`` lets a skipped customer be asked after all."""


class SkipReason(StrEnum):
    """Why a row's customer is not asked although the job asks. Journals store the values."""

    UNREACHABLE = "unreachable"
    """The row has no contact for any of the channels."""
    OPTED_OUT = "opted out"
    """The row says that the person wants no messages."""
    HELD = "held"
    """An earlier import may have asked the customer (its rejects file says so)."""
    DUPLICATE = "duplicate"
    """An earlier row of this job has the same contact."""
    SAME_CUSTOMER = "same customer"
    """Another row of this job has the same customer id at the API."""
    ASKED_RECENTLY = "asked recently"
    """The API says that the customer was asked within ``not_asked_within``."""
    ASKED_MEANWHILE = "asked meanwhile"
    """The API says that something else asked the customer since this job began."""
    MAX_ASKS = "max asks"
    """``max_asks`` was reached."""


class ImpossibleTransition(AssertionError):
    """A defect of this package: an event that the table does not allow in that state."""


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (State.READY, Event.INTEND): State.INTENDED,
        (State.READY, Event.SKIP): State.DONE,
        (State.READY, Event.GIVE_UP): State.FAILED,
        (State.READY, Event.REJECT): State.REJECTED,
        (State.INTENDED, Event.SUCCEED): State.DONE,
        (State.INTENDED, Event.FAIL): State.FAILED,
        (State.INTENDED, Event.NOT_SENT): State.READY,
        (State.INTENDED, Event.LOSE): State.UNKNOWN,
        (State.INTENDED, Event.RECOVER): State.UNKNOWN,
        (State.UNKNOWN, Event.APPLIED): State.DONE,
        (State.UNKNOWN, Event.NOT_APPLIED): State.READY,
        (State.UNKNOWN, Event.RESEND): State.READY,
        (State.FAILED, Event.RETRY): State.READY,
        (State.DONE, Event.REOPEN): State.READY,
    }
)
"""Every transition. DONE is the end of the step here; see `JournalEntry` for the row."""

_HARMLESS_IF_IDEMPOTENT: Final = frozenset({Event.LOSE, Event.RECOVER})
"""An idempotent upsert may be sent again without reconciling: it becomes READY, not UNKNOWN."""


def next_state(state: State, event: Event, *, idempotent: bool = False) -> State:
    """Return the state of the step after an event.

    >>> next_state(State.INTENDED, Event.LOSE).name
    'UNKNOWN'
    >>> next_state(State.INTENDED, Event.LOSE, idempotent=True).name
    'READY'

    Raises:
        ImpossibleTransition: The table has no such transition.
    """
    if idempotent and event in _HARMLESS_IF_IDEMPOTENT:
        event = Event.NOT_SENT
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ImpossibleTransition(f"{event.name} in {state.name}") from None


def next_step(step: Step, *, has_charge: bool, should_ask: bool) -> Step | None:
    """Return the step after one that is done, or None if it was the row's last.

    >>> next_step(Step.UPSERT, has_charge=False, should_ask=True).name
    'ASK'
    """
    if step < Step.CHARGE and has_charge:
        return Step.CHARGE
    return Step.ASK if step < Step.ASK and should_ask else None
