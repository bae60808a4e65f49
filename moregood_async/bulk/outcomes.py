"""How a row ended, and how far a job is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs

from moregood_async.bulk.journal.entry import Entry
from moregood_async.bulk.states import State, Step

Outcome = Literal["done", "failed", "unknown", "rejected", "waiting"]
"""``rejected``: cannot be sent as it is. ``failed``: has not happened, or not all of it.
``unknown``: its charge or its ask may have happened. ``waiting``: the run stopped before it."""

UNASKED: Final[dict[str, str]] = {
    "unreachable": "not asked: no channel reaches this customer",
    "opted out": "not asked: has opted out",
    "held": "not asked again: may have been asked by an earlier import",
    "repeats": "not asked again: the same person as in an earlier row",
    "same customer": "not asked again: for the API the same person as in another row",
    "recent": "not asked: was asked not long ago",
    "meanwhile": "not asked again: was asked by something else since this job began",
    "cap": "not asked: max_asks was reached",
}
"""Why somebody is not asked, by the word in the journal."""

_UNASKED_COUNTED: Final[dict[str, str]] = {
    "unreachable": "reached by no channel",
    "opted out": "opted out",
    "held": "perhaps asked by an earlier import",
    "repeats": "in an earlier row already",
    "same customer": "for the API the same as in another row",
    "recent": "asked not long ago",
    "meanwhile": "asked by something else since this job began",
    "cap": "beyond max_asks",
}


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "row"), counted(10000, "row"), counted(0, "person", "people")
    ('1 row', '10,000 rows', '0 people')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def called(channel: str) -> str:
    """A channel's name in a sentence."""
    return "SMS" if channel == "sms" else channel


def unasked_told(unasked: Mapping[str, int]) -> str:
    """How many people were not asked, by the reason; empty where there are none.

    >>> unasked_told({"opted out": 20, "repeats": 1})
    'not asked: 20 opted out, 1 in an earlier row already'
    """
    told = ", ".join(f"{rows:,} {_UNASKED_COUNTED[why]}" for why, rows in sorted(unasked.items()))
    return f"not asked: {told}" if told else ""


@attrs.define(kw_only=True)
class RowEnd:
    """The end of one row, for now. It shows nobody's data."""

    place: int
    """Its place in the input, from 0."""
    line: int
    """The line of the file on which it begins, from 1."""
    outcome: Outcome
    customer_id: int | None = None
    asked: tuple[str, ...] = ()
    """The channels of the review request that was scheduled."""
    unasked: str = ""
    """Why nobody was asked where that was wanted: a key of `UNASKED`."""
    repeats: int | None = None
    """The place of the earlier row that has the same person."""
    error: str = ""
    warning: str = ""

    @classmethod
    def of(cls, entry: Entry) -> RowEnd:
        """As its entry tells."""
        return cls(
            place=entry.place,
            line=entry.line,
            outcome=outcome_of(entry),
            customer_id=entry.customer,
            asked=tuple(entry.channels.split(",")) if was_asked(entry) else (),
            unasked=entry.unasked,
            repeats=entry.repeats,
            error=error_of(entry),
            warning=entry.warning,
        )


def was_asked(entry: Entry) -> bool:
    """Whether its ask has happened."""
    return entry.state is State.DONE and entry.step is Step.ASK


def outcome_of(entry: Entry) -> Outcome:
    """How it ended."""
    return _OUTCOMES[entry.state]


def error_of(entry: Entry) -> str:
    """Why it is not done, and how far it came."""
    if entry.state is State.DONE or not entry.error:
        return ""
    return f"{_CAME[entry.step]}{entry.error}"


_OUTCOMES: Final[dict[State, Outcome]] = {
    State.READY: "waiting",
    State.INTENDED: "waiting",
    State.UNKNOWN: "unknown",
    State.FAILED: "failed",
    State.DONE: "done",
    State.REJECTED: "rejected",
}

_CAME: Final[dict[Step, str]] = {
    Step.UPSERT: "",
    Step.CHARGE: "saved, but the charge: ",
    Step.ASK: "saved, but the ask: ",
}


@attrs.define(kw_only=True)
class Counts:
    """Rows of a job by how they ended, all its runs together."""

    done: int = 0
    failed: int = 0
    unknown: int = 0
    rejected: int = 0
    asked: int = 0
    """People whose review request was scheduled."""
    maybe_asked: int = 0
    """People whose review request may have been, when the run began."""

    @property
    def ended(self) -> int:
        """Rows that are over."""
        return self.done + self.failed + self.unknown + self.rejected

    def add(self, entry: Entry, sign: int = 1) -> None:
        """One more has ended, or one less."""
        outcome = outcome_of(entry)
        if outcome != "waiting":
            setattr(self, outcome, getattr(self, outcome) + sign)
        self.asked += sign * was_asked(entry)


@attrs.define(kw_only=True)
class Progress:
    """How far a job is, and the row that has just ended."""

    row: RowEnd | None
    """None where nothing ended for a second."""
    done: int
    failed: int
    unknown: int
    rejected: int
    asked: int
    total: int | None
    """Rows of the input, about; None where that is not known."""
    rate: float
    """Rows a second, over the last moments."""
    eta: float | None
    """Seconds that are left, about; None where that cannot be told."""
    waits: float
    """Seconds until the server's limit lets the next request go; 0.0 where it does."""
    settling: int
    """Rows that wait: to be looked up, or to be tried again."""
