"""One row as a journal keeps it: where it stands and what became of it, and nobody's data."""

from __future__ import annotations

from typing import Any, Self

import attrs

from moregood_async.bulk.states import Event, State, Step, after, next_step


@attrs.define
class Entry:
    """A row of a job. All times are unix seconds of the server's clock."""

    place: int
    """Its place in the input, from 0."""
    line: int
    """The line of the file on which it begins, from 1."""
    digest: bytes = attrs.field(repr=False)
    """A keyed hash of the row as it stood."""
    step: Step = Step.UPSERT
    state: State = State.READY
    idempotent: bool = True
    """Whether its upsert can be repeated: the API can match it by email or phone."""
    charges: bool = False
    """Whether a charge is to be recorded."""
    channels: str = ""
    """The channels that its ask is for, such as ``email,sms``; empty where none is wanted."""
    unasked: str = ""
    """Why it is not asked, where an ask was wanted."""
    repeats: int | None = None
    """The place of the earlier row that has the same person."""
    customer: int | None = None
    """The customer's id at the API, from the upsert's answer."""
    intended_at: float | None = None
    """Before the request of this step could leave."""
    lost_at: float | None = None
    """After which the request of this step cannot leave any more."""
    charges_before: int | None = None
    charged_before: float | None = None
    saved_at: float | None = None
    """Before its upsert was sent; these two were so, or younger, then."""
    charged_at: float | None = None
    """When its charge was answered."""
    error: str = ""
    """Why it failed, was rejected, or is unknown."""
    kind: str = ""
    """What kind of error that was, to tell errors of the same kind."""
    warning: str = ""
    tries: int = 0
    """How often this step was tried in vain."""

    @property
    def asks(self) -> bool:
        """Whether it is to be asked."""
        return bool(self.channels) and not self.unasked

    @property
    def is_over(self) -> bool:
        """Whether nothing more is done for it by itself."""
        return self.state in (State.DONE, State.REJECTED, State.FAILED)

    def becomes(self, event: Event, *, error: str = "", kind: str = "") -> Self:
        """It moves on, to its next step where this one has happened; see `states`."""
        harmless = self.idempotent and self.step is Step.UPSERT
        state = after(self.state, event, idempotent=harmless)
        self.error, self.kind = error, kind
        if event in (Event.HAPPENED, Event.RETRY):
            self.tries = 0
        elif event in _IN_VAIN and state is State.READY:
            self.tries += 1
        later = None
        if state is State.DONE:
            later = next_step(self.step, charges=self.charges, asks=self.asks)
        if later is not None:
            self.step, state = later, State.READY
            self.intended_at = self.lost_at = None
        self.state = state
        return self

    def goes_unasked(self, why: str) -> Self:
        """It is done without its ask."""
        self.unasked = why
        if self.step is Step.ASK and self.state is State.READY:
            self.state, self.step = State.DONE, Step.CHARGE if self.charges else Step.UPSERT
        return self

    def asked_after_all(self) -> Self:
        """It was done without its ask, and is to be asked now."""
        self.state = after(self.state, Event.REOPEN)
        self.step, self.unasked = Step.ASK, ""
        self.intended_at = self.lost_at = None
        return self

    def values(self) -> tuple[Any, ...]:
        """As it stands in the table, in the order of `COLUMNS`."""
        return (
            self.place,
            self.line,
            self.digest,
            int(self.step),
            int(self.state),
            self.idempotent,
            self.charges,
            self.channels,
            self.unasked,
            self.repeats,
            self.customer,
            self.intended_at,
            self.lost_at,
            self.charges_before,
            self.charged_before,
            self.saved_at,
            self.charged_at,
            self.error,
            self.kind,
            self.warning,
            self.tries,
        )

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> Self:
        """From a row of the table."""
        entry = cls(*values)
        entry.step, entry.state = Step(entry.step), State(entry.state)
        entry.idempotent, entry.charges = bool(entry.idempotent), bool(entry.charges)
        return entry


_IN_VAIN = frozenset({Event.LOST, Event.NOT_SENT, Event.SETTLED_NOT})

COLUMNS: tuple[str, ...] = tuple(field.name for field in attrs.fields(Entry))
"""The columns of the table of rows."""
