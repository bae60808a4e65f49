"""`Plan`: what a job would do, before anything is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import aclosing, closing
from typing import Any, Final

import attrs

from moregood_async.bulk.contacts import contact_keys_of_customer
from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.journal.contact_index import ContactIndex
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.states import SkipReason, State, Step
from moregood_async.bulk.journal.storage import EntryQuery
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.outcomes import channel_name, count_of, skipped_summary
from moregood_async.bulk.run.actions import already_asked
from moregood_async.bulk.run.reader import cells_of, read_chunks
from moregood_async.bulk.run.row import new_task
from moregood_async.bulk.run.server_clock import ServerClock
from moregood_async.client import MoreGoodClient
from moregood_async.errors import ConfigurationError, MoreGoodError

MAX_LISTED_ROWS: Final = 1_000
"""Rows of each kind that a plan names; the rest is counted. A screen shows ten."""

CHUNK_ROWS: Final = 1_024
"""Rows that are planned at once: nothing is committed, so chunks are larger than in a run."""


@attrs.define(kw_only=True)
class Plan:
    """What a run would do: counts, rows that need a look, and a digest. Printing it shows it."""

    name: str
    """The input's name."""
    mapping: str
    """Which column holds what, and which are ignored."""
    preset: str | None
    """The export that was recognised by its columns."""
    rows: int = 0
    over: int = 0
    """Rows that earlier runs have ended. The counts below are without them."""
    to_save: int = 0
    rejected: int = 0
    problems: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    """Lines that would be rejected, and why; the first 1,000."""
    warned: int = 0
    warnings: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    """Lines with a warning, and the warning; the first 1,000."""
    duplicates: int = 0
    """Rows with the same person as an earlier row."""
    duplicate_lines: list[tuple[int, int]] = attrs.field(factory=list[tuple[int, int]])
    """Lines, each with the data row (counted from 1) that it duplicates; the first 1,000."""
    charges: int = 0
    to_reconcile: int = 0
    """Charges and asks that are unknown, and are reconciled first."""
    people_to_ask: int = 0
    asks: dict[str, int] = attrs.field(factory=dict[str, int])
    """Review requests by channel."""
    skipped: dict[SkipReason, int] = attrs.field(factory=dict[SkipReason, int])
    """People who would not be asked, by the reason."""
    digest: str = ""
    """Identifies exactly this plan: ``run(confirm=digest)`` runs it, or raises `PlanChanged`.

    It begins with a letter, so that masking does not take it for a phone number.
    """

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        skipped = {reason.value: rows for reason, rows in self.skipped.items()}
        return attrs.asdict(self) | {"skipped": skipped}

    def __str__(self) -> str:
        done = f", {self.over:,} of them done by earlier runs" if self.over else ""
        lines = [f"{self.name}: {count_of(self.rows, 'row')}{done}"]
        lines.append(f"  {count_of(self.to_save, 'customer')} to save, {self.rejected:,} rejected")
        if self.charges:
            lines.append(f"  {count_of(self.charges, 'charge')} to record")
        if self.to_reconcile:
            unknown = count_of(
                self.to_reconcile, "unknown charge or ask", "unknown charges or asks"
            )
            lines.append(f"  {unknown} to reconcile first")
        if self.asks or self.skipped:
            by = ", ".join(
                f"{n:,} by {channel_name(name)}" for name, n in sorted(self.asks.items())
            )
            people = count_of(self.people_to_ask, "person", "people")
            lines.append(f"  {people} to ask{f': {by}' if by else ''}")
        if self.skipped:
            lines.append(f"  {skipped_summary(self.skipped)}")
        if self.duplicates and SkipReason.DUPLICATE not in self.skipped:
            rows = count_of(self.duplicates, "row")
            lines.append(f"  {rows} with the same person as an earlier one")
        if self.warned:
            lines.append(f"  {count_of(self.warned, 'row')} with a warning")
        return "\n".join([*lines, f"Plan {self.digest}"] if self.digest else lines)


class PlanChanged(MoreGoodError):
    """The plan is not the one that was confirmed. Nothing was sent.

    Attributes:
        plan: The plan as it is now.
    """

    advice = "Look at the plan as it is now, and confirm that one."

    def __init__(self, problem: str, *, plan: Plan | None = None) -> None:
        super().__init__(problem)
        self.plan = plan


async def make_plan(
    client: MoreGoodClient, journal: Journal, source: Source, options: JobOptions
) -> Plan:
    """Return the plan for all rows that are not over.

    Nothing is sent. If the job has ``not_asked_within``, or an earlier run has begun, all
    customers are listed once.

    Raises:
        ConfigurationError: The input can be read only once.
    """
    if not source.rereadable:
        raise ConfigurationError(
            "a plan reads the input, and running it reads it again: give a file, or a list"
        )
    with closing(ContactIndex()) as index:
        has_begun = journal.setting("began_at") is not None
        if options.ask is not None and (has_begun or options.not_asked_within is not None):
            await _index_asked_customers(client, journal, index, options)
        asks = await journal.storage.count_asks()
        planner = _Planner(journal, source, options, index, asks)
        async with aclosing(read_chunks(source, lambda: CHUNK_ROWS)) as chunks:
            async for chunk in chunks:
                await planner.add(chunk)
    return planner.finish(await client.fingerprint())


async def _index_asked_customers(
    client: MoreGoodClient, journal: Journal, index: ContactIndex, options: JobOptions
) -> None:
    """Note who was asked not long ago, or since the job began."""
    clock = ServerClock()
    await clock.read(client)
    now, began_at = clock.now(), journal.setting("began_at")
    async with aclosing(client.customers.list(prefetch=2).pages()) as pages:
        async for page in pages:
            index.add_asked(
                (journal.hash_contact(key), reason)
                for customer in page.items
                if (
                    reason := already_asked(
                        customer.last_asked_at, options, now=now, began_at=began_at
                    )
                )
                for key in contact_keys_of_customer(customer)
            )


class _Planner:
    """Goes through the rows, and counts how each would end."""

    def __init__(
        self,
        journal: Journal,
        source: Source,
        options: JobOptions,
        index: ContactIndex,
        asks: int,
    ) -> None:
        self._journal = journal
        self._source = source
        self._options = options
        self._index = index
        self._asks = asks
        """People that the job has asked, may have asked, or would ask."""
        self._read = 0
        self._hash = hashlib.blake2b(digest_size=10)
        preset = source.preset.name if source.preset else None
        self._plan = Plan(name=source.name, mapping=str(source.mapping), preset=preset)

    async def add(self, chunk: Sequence[Record]) -> None:
        """Plan some more rows."""
        known = await self._known_entries(len(chunk))
        rows: list[tuple[Record, JournalEntry, tuple[bytes, ...]]] = []
        claims: list[tuple[bytes, JournalEntry]] = []
        for row_index, record in enumerate(chunk, self._read):
            task = new_task(row_index, record, b"", self._source, self._options)
            entry = known.get(row_index, task.entry)
            contacts = tuple(map(self._journal.hash_contact, task.contact_keys))
            rows.append((record, entry, contacts))
            if row_index not in known:
                claimed = map(self._journal.hash_contact, task.claimed_keys)
                claims += [(contact, entry) for contact in claimed]
        await self._mark_duplicates(claims)
        for record, entry, contacts in rows:
            self._count(entry, record, contacts, is_known=entry.row_index in known)
        self._read += len(chunk)

    def finish(self, project: str) -> Plan:
        """Return the plan, once all rows were added."""
        options, reading = self._options, self._source.options()
        same = [options.fixed(), options.max_asks, reading, project]
        self._hash.update(json.dumps(same, sort_keys=True, default=str).encode())
        self._plan.digest = f"p{self._hash.hexdigest()}"
        return self._plan

    async def _known_entries(self, count: int) -> dict[int, JournalEntry]:
        if self._read >= self._journal.row_count:
            return {}
        query = EntryQuery(start=self._read, stop=self._read + count)
        return {entry.row_index: entry for entry in await self._journal.entries(query)}

    async def _mark_duplicates(self, claims: Sequence[tuple[bytes, JournalEntry]]) -> None:
        stored = await self._journal.storage.contact_owners([contact for contact, _ in claims])
        planned = self._index.claim([(contact, entry.row_index) for contact, entry in claims])
        for contact, entry in claims:
            owner = min(planned[contact], stored.get(contact, planned[contact]))
            if owner < entry.row_index:
                entry.mark_duplicate(owner)

    def _count(
        self, entry: JournalEntry, record: Record, contacts: Sequence[bytes], *, is_known: bool
    ) -> None:
        plan = self._plan
        plan.rows += 1
        if is_known and entry.is_over and not self._reopens(entry):
            plan.over += 1
            return
        if entry.state is State.REJECTED:
            plan.rejected += 1
            _list(plan.problems, (entry.line, entry.error))
            return
        is_uncertain = entry.state in (State.INTENDED, State.UNKNOWN)
        must_reconcile = is_uncertain and entry.step is not Step.UPSERT
        plan.to_reconcile += must_reconcile
        plan.to_save += entry.step is Step.UPSERT and entry.state is not State.UNKNOWN
        plan.charges += entry.has_charge and entry.step <= Step.CHARGE and not must_reconcile
        if entry.warning:
            plan.warned += 1
            _list(plan.warnings, (entry.line, entry.warning))
        if entry.duplicate_of is not None:
            plan.duplicates += 1
            _list(plan.duplicate_lines, (entry.line, entry.duplicate_of + 1))
        if not (must_reconcile and entry.step is Step.ASK):  # `asks` counts those already
            self._count_ask(entry, contacts)
        skip_reason = entry.not_asked_because
        cells = (entry.row_index, entry.step, entry.channels, skip_reason, *cells_of(record), "\n")
        self._hash.update("\x1f".join(map(str, cells)).encode("utf-8", "backslashreplace"))

    def _reopens(self, entry: JournalEntry) -> bool:
        """Let a customer be asked after all if a higher ``max_asks`` allows it; return whether."""
        if entry.state is not State.DONE or entry.skip_reason is not SkipReason.MAX_ASKS:
            return False
        if self._is_at_max_asks():
            return False
        entry.reopen()
        return True

    def _count_ask(self, entry: JournalEntry, contacts: Sequence[bytes]) -> None:
        plan = self._plan
        if entry.should_ask and (reason := self._index.asked_because(contacts)) is not None:
            entry.skip(reason)
        if entry.should_ask and self._is_at_max_asks():
            entry.skip(SkipReason.MAX_ASKS)
        if entry.should_ask:
            self._asks += 1
            plan.people_to_ask += 1
            for channel in entry.channels.split(","):
                plan.asks[channel] = plan.asks.get(channel, 0) + 1
        elif (reason := entry.not_asked_because) is not None:
            plan.skipped[reason] = plan.skipped.get(reason, 0) + 1

    def _is_at_max_asks(self) -> bool:
        max_asks = self._options.max_asks
        return max_asks is not None and self._asks >= max_asks


def _list(listed: list[Any], row: Any) -> None:
    if len(listed) < MAX_LISTED_ROWS:
        listed.append(row)
