"""The one interface between the journal's logic and where a journal is stored.

`SqliteStorage` implements it on a local file. It is written so that a database server can
implement it for several machines, by these rules:

- A storage object is opened under a lease of the job. One row is changed only by the holder of
  the lease. In SQLite the lease is the lock file; on a server it is a number.
- Every commit is refused with `JournalInUse` if the lease is no longer held (on a server: if a
  newer lease number exists). INTENDED is committed before a request may be sent, so a run that
  has lost its lease cannot send.
- `commit` and `enqueue` take effect in the order of the calls, and a later `commit` covers all
  that was enqueued before it. Reads see everything that was committed or enqueued before them.
- Claims and rows of one `Change` are committed together or not at all.

Values go in and values come out: a storage never changes a `JournalEntry`. All methods may raise
`JournalUnusable`; after that, every later call raises it too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from moregood_async.bulk.journal.entry import JournalEntry, Values
from moregood_async.bulk.journal.states import SkipReason, State


@attrs.frozen
class CustomerClaim:
    """A row claims the API's id of its customer; another row may own it already."""

    customer_id: int
    row_index: int
    otherwise: Values
    """What is stored of the row instead, if another row owns the customer."""


@attrs.frozen(kw_only=True)
class Change:
    """What is committed together."""

    rows: Sequence[Values] = ()
    contact_claims: Sequence[tuple[bytes, int]] = ()
    """Keyed hashes of contacts, each with the row that claims it. A row of this change that
    loses a claim to an earlier row is stored with ``duplicate_of`` set."""
    customer_claim: CustomerClaim | None = None
    kept_rows: Sequence[tuple[int, str]] = ()
    """Row indexes, each with the input row in clear; only with ``keep_rows``."""


@attrs.frozen(kw_only=True)
class Claimed:
    """What became of the claims of a change."""

    duplicate_of: Mapping[int, int] = attrs.field(factory=dict[int, int])
    """For each row that lost a claim: the earliest row that owns one of its contacts."""
    owns_customer: bool = True


@attrs.frozen(kw_only=True)
class EntryQuery:
    """Which entries are wanted, in the order of the input. A field left out excludes nothing."""

    start: int = 0
    stop: int | None = None
    states: frozenset[State] | None = None
    skip_reason: SkipReason | None = None
    limit: int | None = None


@attrs.frozen(kw_only=True)
class RowGroup:
    """Rows that a report counts alike."""

    entry: JournalEntry
    """An entry in the state of each of the rows; its indexes mean nothing."""
    rows: int
    duplicates: int
    warnings: int


@attrs.frozen(kw_only=True)
class RunRecord:
    """One run of a job. Times are unix seconds of this machine."""

    began_at: float
    ended_at: float | None
    """None if the run is still going on, or was killed."""
    ending: str
    """``complete``, ``stopped``, ``interrupted``, ``killed``, or the error that ended the run."""
    counters: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class JournalSummary:
    """All that a report needs."""

    groups: Sequence[RowGroup]
    errors: Sequence[tuple[str, str, int]]
    """The ten most frequent error classes: class, an example, and the number of rows."""
    runs: Sequence[RunRecord]


class Storage(Protocol):
    """Durable storage of one journal, held under a lease; see the module's docstring."""

    def commit(self, change: Change) -> Awaitable[Claimed]:
        """Commit a change; durable once the awaitable is done."""
        ...

    def enqueue(self, change: Change) -> None:
        """Commit a change with the next commit, at the latest when the storage is closed."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """Return the settings, as they were when the storage was opened or saved last."""
        ...

    def save_settings(self, values: Mapping[str, Any]) -> Awaitable[None]:
        """Store settings; values are JSON."""
        ...

    def entries(self, query: EntryQuery) -> Awaitable[list[JournalEntry]]:
        """Return the entries of a query."""
        ...

    def count_rows(self) -> Awaitable[int]:
        """Return the number of registered rows."""
        ...

    def count_asks(self) -> Awaitable[int]:
        """Return the number of rows whose ask was accepted, or may have been."""
        ...

    def row_digests(self, start: int, stop: int) -> Awaitable[list[bytes]]:
        """Return the digests of a range of rows."""
        ...

    def contact_owners(self, hashes: Sequence[bytes]) -> Awaitable[dict[bytes, int]]:
        """Return the row that owns each contact; contacts without an owner are left out."""
        ...

    def contacts_of(self, row_indexes: Sequence[int]) -> Awaitable[dict[bytes, int]]:
        """Return the contacts that some rows own, each with its row."""
        ...

    def has_other_charge(self, entry: JournalEntry) -> Awaitable[bool]:
        """Return whether another row may have charged the customer since the entry's upsert."""
        ...

    def last_alive_at(self) -> Awaitable[float | None]:
        """Return the time of the latest heartbeat on the server's clock; None if there is none."""
        ...

    def start_heartbeat(self, clock: Callable[[], float]) -> None:
        """Store the time of this clock with every commit from now on."""
        ...

    def begin_run(self, began_at: float) -> Awaitable[int]:
        """Store that a run begins; return its id."""
        ...

    def end_run(self, run_id: int, record: RunRecord) -> Awaitable[None]:
        """Store how a run ended."""
        ...

    def summary(self) -> Awaitable[JournalSummary]:
        """Return what a report needs."""
        ...

    async def close(self) -> None:
        """Commit what is enqueued, and give up the lease. Calling it twice is fine."""
        ...
