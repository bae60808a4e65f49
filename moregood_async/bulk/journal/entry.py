"""`JournalEntry`: what the journal keeps of one row, and the only code that changes it."""

from __future__ import annotations

from typing import Any, Self

import attrs

from moregood_async.bulk.journal.states import Event, SkipReason, State, Step, next_state, next_step

Values = tuple[Any, ...]
"""An entry as a row of the journal's table, in the order of `COLUMNS`."""


@attrs.define
class JournalEntry:
    """One row of a job: where it stands and what became of it. Holds no personal data.

    Attributes are read everywhere and assigned only by the methods of this class, each of which
    is one event of `states`. During a run the row's `RowTask` owns the entry; the journal stores
    copies (`values`). All times are unix seconds of the server's clock.
    """

    row_index: int
    """The position of the row in the input, counted from 0."""
    line: int
    """The line of the file on which the row begins, counted from 1."""
    digest: bytes = attrs.field(repr=False)
    """A keyed hash of the row's cells, by which a resumed job recognises its input."""
    step: Step = Step.UPSERT
    state: State = State.READY
    idempotent: bool = True
    """Whether the upsert may be sent twice: the API can match it by email or phone."""
    has_charge: bool = False
    channels: str = ""
    """The channels of the ask, such as ``email,sms``; empty if the job does not ask."""
    skip_reason: SkipReason | None = None
    """Why the customer is not asked, apart from being a duplicate; see `not_asked_because`."""
    duplicate_of: int | None = None
    """The row index of the earlier row with the same contact."""
    customer_id: int | None = None
    """The customer's id at the API, from the response to the upsert."""
    intended_at: float | None = None
    """When the step was INTENDED: its request was sent at this time or later."""
    lost_at: float | None = None
    """When the step became UNKNOWN: its request was sent before this time, or never."""
    charges_before: int | None = None
    """The customer's number of charges, from the response to the upsert."""
    last_charged_before: float | None = None
    """The time of the customer's last charge, from the response to the upsert."""
    saved_at: float | None = None
    """Server time just before the upsert was sent. The two values above were read later."""
    charged_at: float | None = None
    """When the response to the charge was received."""
    error: str = ""
    """Why the row is failed, rejected or unknown."""
    error_class: str = ""
    """What errors of the same kind share, such as ``ValidationFailed email``."""
    warning: str = ""
    attempts: int = 0
    """How often the current step was attempted without effect."""

    # questions

    @property
    def not_asked_because(self) -> SkipReason | None:
        """Why the customer is not asked; None if the customer is, or if the job does not ask."""
        if not self.channels:
            return None
        if self.skip_reason is None and self.duplicate_of is not None:
            return SkipReason.DUPLICATE
        return self.skip_reason

    @property
    def should_ask(self) -> bool:
        """Whether an ask belongs to the row."""
        return bool(self.channels) and self.skip_reason is None and self.duplicate_of is None

    @property
    def was_asked(self) -> bool:
        """Whether the API has accepted the row's ask."""
        return self.step is Step.ASK and self.state is State.DONE and self.should_ask

    @property
    def was_charged(self) -> bool:
        """Whether the API has accepted the row's charge."""
        is_done = self.step is Step.CHARGE and self.state is State.DONE
        return self.has_charge and (self.step is Step.ASK or is_done)

    @property
    def is_over(self) -> bool:
        """Whether no run does anything more for the row."""
        return self.state in (State.DONE, State.REJECTED, State.FAILED)

    # events

    def reject(self, error: str) -> None:
        """The row cannot be sent as it is."""
        self._apply(Event.REJECT, error, "InvalidRequest")

    def intend(self, at: float | None) -> None:
        """The step is about to be sent; None as time for an upsert that may be sent any time."""
        self._apply(Event.INTEND)
        self.intended_at = at

    def succeed(self, at: float) -> None:
        """The API accepted the request of the step."""
        self._finish_step(Event.SUCCEED, at)

    def fail(self, event: Event, error: str, error_class: str, at: float) -> None:
        """The request of the step raised an error, which `classify_error` takes for ``event``."""
        self._apply(event, error, error_class)
        if self.state is State.UNKNOWN:
            self.lost_at = at

    def recover(self, lost_at: float) -> None:
        """The process that intended the step has ended, at ``lost_at`` at the latest."""
        self._apply(Event.RECOVER, "the process ended before the response was received")
        if self.state is State.UNKNOWN:
            self.lost_at = lost_at

    def reconcile_applied(self, at: float) -> None:
        """The request of the step was applied."""
        self._finish_step(Event.APPLIED, at)

    def reconcile_not_applied(self) -> None:
        """The request of the step was not applied."""
        self._apply(Event.NOT_APPLIED, self.error, self.error_class)

    def resend(self) -> None:
        """The user accepts that the step may take effect twice."""
        self._apply(Event.RESEND)

    def give_up(self, error: str, error_class: str) -> None:
        """The step had no effect, and is not attempted again."""
        self._apply(Event.GIVE_UP, error, error_class)

    def retry(self) -> None:
        """The user wants the failed step to be attempted again."""
        self._apply(Event.RETRY)

    def skip(self, reason: SkipReason) -> None:
        """The customer is not asked. If the ask is the current step, the row is done."""
        if self.step is Step.ASK:
            self._apply(Event.SKIP)
        self.skip_reason = reason

    def reopen(self) -> None:
        """The skipped customer is asked after all."""
        self._apply(Event.REOPEN)
        self.skip_reason = None
        self._enter(Step.ASK)

    # facts that are no events

    def mark_duplicate(self, of: int) -> None:
        """An earlier row has a contact of this one."""
        self.duplicate_of = of if self.duplicate_of is None else min(of, self.duplicate_of)

    def record_customer(
        self,
        customer_id: int | None,
        charges: int | None,
        last_charged_at: float | None,
        saved_at: float,
    ) -> None:
        """Keep what the response to the upsert says of the customer."""
        self.customer_id, self.charges_before = customer_id, charges
        self.last_charged_before, self.saved_at = last_charged_at, saved_at

    def explain(self, error: str) -> None:
        """Say why the row is still unknown."""
        self.error = error

    def begin_run(self) -> None:
        """A new run counts its attempts from zero."""
        self.attempts = 0

    # storage

    def values_if_skipped(self, reason: SkipReason) -> Values:
        """Return the values that the entry would have after `skip`; the entry stays as it is."""
        before = self.state, self.skip_reason, self.error, self.error_class
        self.skip(reason)
        values = self.values()
        self.state, self.skip_reason, self.error, self.error_class = before
        return values

    def values(self) -> Values:
        """Return the entry as a row of the journal's table, in the order of `COLUMNS`."""
        return (
            self.row_index,
            self.line,
            self.digest,
            int(self.step),
            int(self.state),
            self.idempotent,
            self.has_charge,
            self.channels,
            None if self.skip_reason is None else self.skip_reason.value,
            self.duplicate_of,
            self.customer_id,
            self.intended_at,
            self.lost_at,
            self.charges_before,
            self.last_charged_before,
            self.saved_at,
            self.charged_at,
            self.error,
            self.error_class,
            self.warning,
            self.attempts,
        )

    @classmethod
    def from_values(cls, values: Values) -> Self:
        """Return the entry of a row of the journal's table."""
        entry = cls(*values)
        entry.step, entry.state = Step(entry.step), State(entry.state)
        entry.idempotent, entry.has_charge = bool(entry.idempotent), bool(entry.has_charge)
        if entry.skip_reason is not None:
            entry.skip_reason = SkipReason(entry.skip_reason)
        return entry

    # the state machine

    def _finish_step(self, event: Event, at: float) -> None:
        self._apply(event)
        if self.step is Step.CHARGE:
            self.charged_at = at
        later = next_step(self.step, has_charge=self.has_charge, should_ask=self.should_ask)
        if later is not None:  # DONE was the end of the step, and not of the row
            self.state = State.READY
            self._enter(later)

    def _enter(self, step: Step) -> None:
        self.step, self.attempts = step, 0
        self.intended_at = self.lost_at = None

    def _apply(self, event: Event, error: str = "", error_class: str = "") -> None:
        is_upsert = self.step is Step.UPSERT
        self.state = next_state(self.state, event, idempotent=self.idempotent and is_upsert)
        self.error, self.error_class = error, error_class
        if event in _FRUITLESS and self.state is State.READY:
            self.attempts += 1
        elif event is Event.RETRY:
            self.attempts = 0


_FRUITLESS = frozenset({Event.LOSE, Event.NOT_SENT, Event.NOT_APPLIED})

COLUMNS: tuple[str, ...] = tuple(field.name for field in attrs.fields(JournalEntry))
"""The columns of the table of rows, and their order in `JournalEntry.values`."""
