"""`Journal`: the logic of a job's journal, on top of a `Storage`.

The journal of a run holds the job's lease. It registers rows, makes INTENDED durable before a
request may be sent, recovers after a crash, and stores what each run did. People appear in it
only as keyed hashes: a row is recognised by the hash of its cells, a person by the hash of their
email or phone, both under a random key of this journal. Rows in clear are kept only on request.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Self

import attrs

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.identity import JobIdentity
from moregood_async.bulk.journal.sqlite_storage import SqliteStorage
from moregood_async.bulk.journal.states import SkipReason, State
from moregood_async.bulk.journal.storage import Change, CustomerClaim, EntryQuery, Storage

HEARTBEAT_SECONDS: Final = 5.0
"""A running job stores the server's time at least this often. After a crash, a request that was
in flight was sent within two heartbeats of the last one stored."""


@attrs.frozen
class Recovered:
    """What `Journal.recover` did with the rows that were INTENDED when the last process ended."""

    unknown: int
    """Rows whose request may have been applied; they must be reconciled."""
    ready: int
    """Rows whose request is idempotent; they are sent again."""


class Journal:
    """The open journal of one job. Made by `Journal.open`."""

    def __init__(self, path: Path | None, storage: Storage, row_count: int) -> None:
        self.path = path
        self.storage = storage
        self.row_count: int = row_count
        """Registered rows: their indexes are 0 to ``row_count`` - 1."""
        self.is_closed: bool = False
        self._key = bytes.fromhex(storage.settings()["key"])

    @classmethod
    async def open(cls, path: Path | None) -> Self:
        """Open the journal at a path, or make it; None is a journal in memory.

        Raises:
            JournalInUse: Another process runs the job.
            JournalUnusable: The journal cannot be used.
        """
        storage = await SqliteStorage.open(path)
        try:
            if "key" not in storage.settings():
                await storage.save_settings({"key": secrets.token_hex(32)})
            return cls(path, storage, await storage.count_rows())
        except BaseException:
            await storage.close()
            raise

    async def close(self) -> None:
        """Commit what is recorded, and give up the lease. Calling it twice is fine."""
        self.is_closed = True
        await self.storage.close()

    # settings

    @property
    def identity(self) -> JobIdentity | None:
        """What the journal belongs to; None before its first run or plan."""
        stored = self.storage.settings().get("identity")
        return JobIdentity(**stored) if stored else None

    def setting(self, name: str) -> Any:
        """Return a setting, or None."""
        return self.storage.settings().get(name)

    def save_settings(self, **values: Any) -> Awaitable[None]:
        """Store settings; values are JSON."""
        return self.storage.save_settings(values)

    def save_identity(self, identity: JobIdentity, **values: Any) -> Awaitable[None]:
        """Store what the journal belongs to, with other settings."""
        return self.save_settings(identity=attrs.asdict(identity), **values)

    # hashes

    @property
    def salt(self) -> bytes:
        """The random key of the hashes in this journal."""
        return self._key

    def hash_row(self, cells: Iterable[str]) -> bytes:
        """Return the keyed hash by which a row is recognised."""
        return hash_row(self._key, cells)

    def hash_contact(self, contact: str) -> bytes:
        """Return the keyed hash of a contact key, such as ``email ada@example.com``."""
        return hashlib.blake2b(contact.encode(), key=self._key, digest_size=16).digest()

    # rows

    async def register(
        self,
        entries: Sequence[JournalEntry],
        contact_claims: Sequence[tuple[bytes, int]],
        kept_rows: Sequence[tuple[int, str]] = (),
    ) -> None:
        """Commit new rows with their claims, and mark those that an earlier row duplicates.

        An idempotent upsert is INTENDED in the same commit, since it may be sent at any time.

        Args:
            entries: The rows, in the order of the input.
            contact_claims: Hashes of contacts, each with the index of the row that claims it.
            kept_rows: Row indexes, each with the row in clear; only with ``keep_rows``.
        """
        for entry in entries:
            if entry.state is State.READY and entry.idempotent:
                entry.intend(None)
        rows = [entry.values() for entry in entries]
        change = Change(rows=rows, contact_claims=contact_claims, kept_rows=kept_rows)
        claimed = await self.storage.commit(change)
        for entry in entries:
            original = claimed.duplicate_of.get(entry.row_index)
            if original is not None:
                entry.mark_duplicate(original)
        if entries:
            self.row_count = max(self.row_count, entries[-1].row_index + 1)

    async def intend(self, entry: JournalEntry, at: float) -> None:
        """Make the step INTENDED, durably: from the return on, its request may be sent."""
        entry.intend(at)
        await self.storage.commit(Change(rows=[entry.values()]))

    async def intend_ask(
        self, entry: JournalEntry, at: float, *, asked_meanwhile: bool
    ) -> JournalEntry:
        """Make the ask INTENDED, durably, or skip it; return the entry as it is stored.

        The row claims its customer by the API's id, which also tells apart rows that share no
        contact in the file. If another row of the job owns the customer, that row asks. If
        ``asked_meanwhile``, something else has asked the customer, and nobody asks again.
        """
        otherwise = entry.values_if_skipped(SkipReason.SAME_CUSTOMER)
        if asked_meanwhile:
            entry.skip(SkipReason.ASKED_MEANWHILE)
        else:
            entry.intend(at)
        claim = None
        if entry.customer_id is not None:
            claim = CustomerClaim(entry.customer_id, entry.row_index, otherwise)
        change = Change(rows=[entry.values()], customer_claim=claim)
        claimed = await self.storage.commit(change)
        return entry if claimed.owns_customer else JournalEntry.from_values(otherwise)

    def record(self, entry: JournalEntry) -> None:
        """Store an entry with the next commit. For outcomes: a crash before it is recovered."""
        self.storage.enqueue(Change(rows=[entry.values()]))

    async def recover(self, now: float) -> Recovered:
        """Turn every row that is INTENDED into UNKNOWN, or READY if its request is idempotent.

        The first step of a run: a row that is INTENDED now was in work when a process ended. That
        process cannot have sent anything later than two heartbeats after the last one stored.

        Args:
            now: The server's time.
        """
        last_alive_at = await self.storage.last_alive_at()
        lost_at = now if last_alive_at is None else last_alive_at + 2 * HEARTBEAT_SECONDS
        entries = await self.entries(EntryQuery(states=frozenset({State.INTENDED})))
        for entry in entries:
            entry.recover(lost_at)
        await self._commit(entries)
        unknown = sum(entry.state is State.UNKNOWN for entry in entries)
        return Recovered(unknown=unknown, ready=len(entries) - unknown)

    async def retry_failed(self) -> int:
        """Make every failed row READY; return their number."""
        entries = await self.entries(EntryQuery(states=frozenset({State.FAILED})))
        for entry in entries:
            entry.retry()
        await self._commit(entries)
        return len(entries)

    async def reopen_skipped(self, limit: int | None) -> int:
        """Let rows be asked that an earlier ``max_asks`` skipped; return their number.

        Args:
            limit: How many at the most; None for all.
        """
        query = EntryQuery(
            states=frozenset({State.DONE}), skip_reason=SkipReason.MAX_ASKS, limit=limit
        )
        entries = await self.entries(query)
        for entry in entries:
            entry.reopen()
        await self._commit(entries)
        return len(entries)

    def entries(self, query: EntryQuery) -> Awaitable[list[JournalEntry]]:
        """Return the entries of a query. Who changes one must `record` it."""
        return self.storage.entries(query)

    async def _commit(self, entries: Sequence[JournalEntry]) -> None:
        if entries:
            await self.storage.commit(Change(rows=[entry.values() for entry in entries]))

    # time

    async def job_began_at(self, now: float) -> float:
        """Return when the job began, on the server's clock; a job that has not begins now."""
        stored = self.setting("began_at")
        if stored is None:
            stored = now
            await self.save_settings(began_at=stored)
        return float(stored)

    async def keep_heartbeat(self) -> None:
        """Commit at least every few seconds, so that the heartbeat is stored; until cancelled."""
        while True:
            await self.storage.commit(Change())
            await asyncio.sleep(HEARTBEAT_SECONDS)


def hash_row(key: bytes, cells: Iterable[str]) -> bytes:
    """Return the hash of a row's cells under a journal's key."""
    text = "\x1f".join(cells).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(text, key=key, digest_size=16).digest()
