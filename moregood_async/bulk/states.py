"""The states of a row, and what moves it from one to the next.

Theory of operation
===================

A row is worked off in steps, in this order, for one customer never side by side::

    upsert ── charge (where wanted) ── ask (where wanted)

A journal keeps, for each row, the step it is at and the state of that step. What is about to be
sent is *intended* in the journal, and on the disk, before the request may leave; what became of
it is written down after. So whatever kills the process, the journal knows every request that
may have left, and more than those::

                    ┌──────────────── NOT_SENT: nothing has left ──────────┐
                    │   ┌──────────── SETTLED_NOT: it has not happened ──┐ │
                    ▼   ▼                                                │ │
     (registered) READY ── INTEND ──▶ INTENDED ── LOST, DIED ──▶ UNKNOWN ┘ │
                    ▲                  │  │  └─────────────────────────────┘
                  RETRY                │  └─ HAPPENED ──▶ READY of the next step, or DONE
                    │               REFUSED               ▲
                  FAILED ◀─────────────┘   UNKNOWN ── HAPPENED (settled: it has)

     (registered) ── REJECT ──▶ REJECTED: it cannot be sent as it is

- ``INTENDED`` is a promise to the person behind the row: from here on, nothing but proof that
  the request has had no effect leads back to ``READY``, and only ``READY`` is ever sent.
- ``UNKNOWN`` may have happened. It is settled by looking at what the API has (`settling`), never
  by sending again.
- An upsert that the API can match by email or phone *converges*: sent twice, it ends in the same
  state. There ``LOST`` and ``DIED`` lead back to ``READY``.
- An ask that an earlier run has left ``READY`` leaves only once its customer was looked at again:
  who was asked since the job began, by whatever, is not asked once more (`deciding`).
- ``FAILED`` has not happened for sure. Only a person (``RETRY``) starts it again.
- ``DONE`` and ``REJECTED`` are final. A row that is done may say why it was not asked; where
  that was ``max_asks``, a higher one reopens it (``REOPEN``).

Any other pair is a defect of this package, and raises `ImpossibleTransition` before anything
is written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class Step(IntEnum):
    """What is done for a row, in this order."""

    UPSERT = 1
    CHARGE = 2
    ASK = 3


class State(IntEnum):
    """How far the step at hand has come. The numbers stand in journals and never change."""

    READY = 0
    INTENDED = 1
    UNKNOWN = 2
    FAILED = 3
    DONE = 4
    REJECTED = 5


class Event(IntEnum):
    """What can happen to a row."""

    INTEND = 0
    HAPPENED = 1
    REFUSED = 2
    LOST = 3
    """Sent, and it may have happened."""
    DIED = 4
    """The process ended while it was intended."""
    NOT_SENT = 5
    """Nothing has left, or nothing has happened: the next try does no harm."""
    SETTLED_NOT = 6
    """The API shows that it has not happened."""
    RETRY = 7
    REOPEN = 8
    """A cap that left it unasked was raised."""
    REJECT = 9
    """It cannot be sent as it is."""


class ImpossibleTransition(AssertionError):
    """A defect of this package: an event that cannot happen in that state."""


_AFTER: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (State.READY, Event.INTEND): State.INTENDED,
        (State.READY, Event.REJECT): State.REJECTED,
        (State.READY, Event.REFUSED): State.FAILED,
        (State.INTENDED, Event.HAPPENED): State.DONE,
        (State.INTENDED, Event.REFUSED): State.FAILED,
        (State.INTENDED, Event.LOST): State.UNKNOWN,
        (State.INTENDED, Event.DIED): State.UNKNOWN,
        (State.INTENDED, Event.NOT_SENT): State.READY,
        (State.UNKNOWN, Event.HAPPENED): State.DONE,
        (State.UNKNOWN, Event.SETTLED_NOT): State.READY,
        (State.FAILED, Event.RETRY): State.READY,
        (State.DONE, Event.REOPEN): State.READY,
    }
)

_HARMLESS = frozenset({Event.LOST, Event.DIED})


def after(state: State, event: Event, *, idempotent: bool = False) -> State:
    """The state that an event leads to; DONE is that of the step, not yet of the row.

    >>> after(State.INTENDED, Event.LOST).name
    'UNKNOWN'
    >>> after(State.INTENDED, Event.LOST, idempotent=True).name
    'READY'

    Raises:
        ImpossibleTransition: It cannot happen in that state.
    """
    if idempotent and event in _HARMLESS:
        event = Event.NOT_SENT
    try:
        return _AFTER[state, event]
    except KeyError:
        raise ImpossibleTransition(f"{event.name} in {state.name}") from None


def next_step(step: Step, *, charges: bool, asks: bool) -> Step | None:
    """The step after one that has happened, or None where the row is done.

    >>> next_step(Step.UPSERT, charges=False, asks=True).name
    'ASK'
    """
    wanted = {Step.CHARGE: charges, Step.ASK: asks}
    return next((later for later, is_wanted in wanted.items() if later > step and is_wanted), None)
