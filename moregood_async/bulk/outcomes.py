"""`RowResult`, what became of one row, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.states import SkipReason, State, Step

Outcome = Literal["done", "failed", "unknown", "rejected", "waiting"]
"""``done``: all steps of the row are done. ``failed``: a step was refused, or attempted too often,
and had no effect. ``unknown``: its charge or ask may have been applied. ``rejected``: the row
cannot be sent as it is. ``waiting``: a run has not come to it, or stopped before its end."""

OUTCOMES: Final[Mapping[State, Outcome]] = {
    State.READY: "waiting",
    State.INTENDED: "waiting",
    State.UNKNOWN: "unknown",
    State.FAILED: "failed",
    State.DONE: "done",
    State.REJECTED: "rejected",
}

NOT_ASKED: Final[Mapping[SkipReason, str]] = {
    SkipReason.UNREACHABLE: "not asked: the row has no contact for any channel",
    SkipReason.OPTED_OUT: "not asked: has opted out",
    SkipReason.HELD: "not asked again: may have been asked by an earlier import",
    SkipReason.DUPLICATE: "not asked again: the same person as in an earlier row",
    SkipReason.SAME_CUSTOMER: "not asked again: for the API the same customer as another row",
    SkipReason.ASKED_RECENTLY: "not asked: was asked not long ago",
    SkipReason.ASKED_MEANWHILE: "not asked again: was asked by something else since this job began",
    SkipReason.MAX_ASKS: "not asked: max_asks was reached",
}
"""Why a customer was not asked, as a clause about one row."""

_NOT_ASKED_COUNTED: Final[Mapping[SkipReason, str]] = {
    SkipReason.UNREACHABLE: "without a contact for any channel",
    SkipReason.OPTED_OUT: "opted out",
    SkipReason.HELD: "perhaps asked by an earlier import",
    SkipReason.DUPLICATE: "in an earlier row already",
    SkipReason.SAME_CUSTOMER: "for the API the same customer as another row",
    SkipReason.ASKED_RECENTLY: "asked not long ago",
    SkipReason.ASKED_MEANWHILE: "asked by something else since this job began",
    SkipReason.MAX_ASKS: "beyond max_asks",
}

_STEPS_BEFORE_ERROR: Final[Mapping[Step, str]] = {
    Step.UPSERT: "",
    Step.CHARGE: "saved, but the charge: ",
    Step.ASK: "saved, but the ask: ",
}


@attrs.define(kw_only=True)
class RowResult:
    """What became of one row so far. Holds no personal data."""

    row_index: int
    """The position of the row in the input, counted from 0."""
    line: int
    """The line of the file on which the row begins, counted from 1."""
    outcome: Outcome
    customer_id: int | None = None
    asked: tuple[str, ...] = ()
    """The channels of the ask that the API accepted."""
    skip_reason: SkipReason | None = None
    """Why the customer was not asked, if the job asks."""
    duplicate_of: int | None = None
    """The row index of the earlier row with the same contact."""
    error: str = ""
    """Why the row is not done, and which steps are; empty if it is done."""
    warning: str = ""

    @property
    def reason(self) -> str:
        """Why the row is not done, or why nobody was asked; empty if there is nothing to say."""
        not_asked = "" if self.skip_reason is None else NOT_ASKED[self.skip_reason]
        if self.skip_reason is SkipReason.DUPLICATE and self.duplicate_of is not None:
            not_asked = f"not asked again: the same person as in data row {self.duplicate_of + 1:,}"
        return "; ".join(part for part in (self.error, not_asked, self.warning) if part)


def make_row_result(entry: JournalEntry) -> RowResult:
    """Return the result of a row from its journal entry."""
    return RowResult(
        row_index=entry.row_index,
        line=entry.line,
        outcome=OUTCOMES[entry.state],
        customer_id=entry.customer_id,
        asked=tuple(entry.channels.split(",")) if entry.was_asked else (),
        skip_reason=entry.not_asked_because,
        duplicate_of=entry.duplicate_of,
        error=_error_of(entry),
        warning=entry.warning,
    )


def _error_of(entry: JournalEntry) -> str:
    if entry.state is State.DONE or not entry.error:
        return ""
    return f"{_STEPS_BEFORE_ERROR[entry.step]}{entry.error}"


def count_of(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    >>> count_of(1, "row"), count_of(10000, "row"), count_of(0, "person", "people")
    ('1 row', '10,000 rows', '0 people')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def channel_name(channel: str) -> str:
    """Return the name of a channel in a sentence.

    >>> channel_name("sms"), channel_name("email")
    ('SMS', 'email')
    """
    return "SMS" if channel == "sms" else channel


def skipped_summary(skipped: Mapping[SkipReason, int]) -> str:
    """Return how many customers were not asked, by the reason; empty if there are none.

    >>> skipped_summary({SkipReason.OPTED_OUT: 20, SkipReason.DUPLICATE: 1})
    'not asked: 1 in an earlier row already, 20 opted out'
    """
    counts = [f"{skipped[why]:,} {_NOT_ASKED_COUNTED[why]}" for why in sorted(skipped)]
    return f"not asked: {', '.join(counts)}" if counts else ""
