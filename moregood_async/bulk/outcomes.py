"""How a row ended, and what that means to the person who sent it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import attrs

from moregood_async.batch import Result
from moregood_async.bulk.columns import ColumnMapping
from moregood_async.bulk.rows import MAY_HAVE_BEEN_ASKED, Row, told
from moregood_async.errors import InvalidRequest
from moregood_async.models.customers import Customer
from moregood_async.models.fields import Channel

Outcome = Literal["done", "rejected", "failed", "unknown", "not_sent"]
"""``rejected``: cannot be sent. ``failed``: did not happen, or may be sent again without harm.
``unknown``: it may have happened, and twice is harm. ``not_sent``: the API could not be used."""

_LOOK_FIRST = (
    f"{MAY_HAVE_BEEN_ASKED} the customer may have been asked already; look at their messages, "
    "and empty this cell to ask again"
)

_MAY_BE_TWO = (
    f"{MAY_HAVE_BEEN_ASKED} the customer may have been created already, and with neither email "
    "nor phone a second time creates one more"
)


@attrs.frozen
class RowResult:
    """The end of one row. Its ``repr`` shows nobody's data."""

    row: Row
    outcome: Outcome
    saved: Customer | None = None
    """The customer as the API has it now, where the upsert succeeded."""
    asked: tuple[Channel, ...] = ()
    """The channels of the review request that was scheduled."""
    askable: bool = True
    """False where a request was wanted and no channel reaches the customer."""
    repeats: int | None = None
    """The earlier line that asks the same person already."""
    held: bool = False
    """True where an earlier import's ask may have reached the customer, so none was sent."""
    error: Exception | None = None
    note: str = ""
    """What `error` alone does not say."""

    @classmethod
    def of_upsert(cls, row: Row, ended: Result[Any, Any], *, unsent: bool) -> RowResult:
        """The customer was not saved, or nobody knows and a second time would do harm."""
        if unsent:
            return cls(row, "not_sent", error=ended.error)
        if ended.outcome == "unknown" and not ended.item.converges:
            return cls(row, "unknown", error=ended.error, note=_MAY_BE_TWO)
        return cls(row, "failed", error=ended.error)

    @classmethod
    def not_askable(cls, row: Row, saved: Customer | None) -> RowResult:
        """Saved, and no channel reaches the customer."""
        return cls(row, "done", saved=saved, askable=False)

    @classmethod
    def repeating(cls, row: Row, saved: Customer | None, line: int) -> RowResult:
        """Saved, and another line asks the same person."""
        return cls(row, "done", saved=saved, repeats=line)

    @classmethod
    def holding(cls, row: Row, saved: Customer | None) -> RowResult:
        """Saved, and not asked, since an earlier import may have done so."""
        return cls(row, "done", saved=saved, held=True)

    @classmethod
    def of_ask(
        cls, row: Row, saved: Customer | None, channels: Sequence[Channel], ended: Result[Any, Any]
    ) -> RowResult:
        """Saved, and asked, or not, or nobody knows."""
        if ended.outcome == "done":
            return cls(row, "done", saved=saved, asked=tuple(channels))
        if ended.outcome == "unknown":
            return cls(row, "unknown", saved=saved, error=ended.error, note=_LOOK_FIRST)
        return cls(row, "failed", saved=saved, error=ended.error, note="saved, but not asked")

    @classmethod
    def not_asked(cls, row: Row, saved: Customer | None) -> RowResult:
        """Saved; the run stopped before the ask left."""
        return cls(row, "failed", saved=saved, note="saved, but not asked: the import was stopped")

    @classmethod
    def stopped_asking(cls, row: Row, saved: Customer | None) -> RowResult:
        """Saved; the run stopped while the ask was under way."""
        return cls(row, "unknown", saved=saved, note=f"{_LOOK_FIRST}; the import was stopped")

    @classmethod
    def stopped_upserting(cls, row: Row) -> RowResult:
        """The run stopped while the upsert was under way."""
        return cls(row, "failed", note="stopped before the API had answered; send it again")

    def reason(self, mapping: ColumnMapping) -> str:
        """Why the row was not done, in the words of the file; empty where it was."""
        if isinstance(self.error, InvalidRequest):
            return told(self.error.fields, mapping)
        return "; ".join(part for part in (self.note, str(self.error or "")) if part)


@attrs.define
class Tally:
    """The ends of all rows so far, counted."""

    rows: int = 0
    done: int = 0
    rejected: int = 0
    failed: int = 0
    unknown: int = 0
    not_sent: int = 0
    asked: dict[str, int] = attrs.field(factory=dict[str, int])
    """Requests scheduled, by channel."""
    not_askable: int = 0
    repeated: int = 0
    held: int = 0
    last_line: int = 0
    """The last line of the file that was read."""

    def add(self, result: RowResult) -> None:
        """Count one more."""
        self.rows += 1
        setattr(self, result.outcome, getattr(self, result.outcome) + 1)
        for channel in result.asked:
            self.asked[channel] = self.asked.get(channel, 0) + 1
        self.not_askable += not result.askable
        self.repeated += result.repeats is not None
        self.held += result.held
        self.last_line = max(self.last_line, result.row.line)
