"""What a job would do, before anything is sent."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from contextlib import aclosing, closing
from typing import Any, Final

import attrs

from moregood_async.bulk.asking import marks_of_customer
from moregood_async.bulk.clocks import ServerClock
from moregood_async.bulk.deciding import asked_already
from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.intake import pieces_of, texts_of
from moregood_async.bulk.journal import Journal, people
from moregood_async.bulk.journal.entry import Entry
from moregood_async.bulk.orders import Orders
from moregood_async.bulk.outcomes import called, counted, unasked_told
from moregood_async.bulk.preparing import Item, claims, prepare
from moregood_async.bulk.states import State, Step
from moregood_async.client import MoreGoodClient
from moregood_async.errors import ConfigurationError, MoreGoodError

LISTED: Final = 1_000
"""Rows that are named; the rest is counted."""

_PIECE_ROWS: Final = 1_024


@attrs.define(kw_only=True)
class Plan:
    """What a run would do: counts, the rows that need a look, and a digest. It prints."""

    name: str
    mapping: str
    """Which column holds what, and what is ignored."""
    preset: str | None
    """The export that was recognised by its columns."""
    rows: int = 0
    over: int = 0
    """Rows that earlier runs have finished; the rest of the counts is without them."""
    to_save: int = 0
    rejected: int = 0
    problems: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    """Lines that would be rejected, and why; the first 1,000."""
    warned: int = 0
    warnings: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    repeats: int = 0
    """Rows with the same person as an earlier one."""
    repeated: list[tuple[int, int]] = attrs.field(factory=list[tuple[int, int]])
    """Lines, and the row (from 1) that each repeats; the first 1,000."""
    charges: int = 0
    to_settle: int = 0
    """Charges and asks that lost their answer, to be looked up first."""
    people_to_ask: int = 0
    asks: dict[str, int] = attrs.field(factory=dict[str, int])
    """Review requests by channel."""
    unasked: dict[str, int] = attrs.field(factory=dict[str, int])
    """People who would not be asked, by the reason; see `UNASKED`."""
    digest: str = ""
    """Stands for exactly this plan: ``run(confirm=digest)`` does it, or refuses.

    A letter stands before its digits, so that no error that tells it takes them for a phone's.
    """

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        return attrs.asdict(self)

    def __str__(self) -> str:
        done = f", {self.over:,} of them done by earlier runs" if self.over else ""
        lines = [f"{self.name}: {counted(self.rows, 'row')}{done}"]
        lines.append(f"  {counted(self.to_save, 'customer')} to save, {self.rejected:,} rejected")
        if self.charges:
            lines.append(f"  {counted(self.charges, 'charge')} to record")
        if self.to_settle:
            lost = counted(self.to_settle, "lost charge or ask", "lost charges or asks")
            lines.append(f"  {lost} to look up first")
        if self.asks or self.unasked:
            by = ", ".join(f"{n:,} by {called(name)}" for name, n in sorted(self.asks.items()))
            people = counted(self.people_to_ask, "person", "people")
            lines.append(f"  {people} to ask{f': {by}' if by else ''}")
        if self.unasked:
            lines.append(f"  {unasked_told(self.unasked)}")
        if self.repeats and "repeats" not in self.unasked:
            lines.append(f"  {counted(self.repeats, 'row')} with the same person as an earlier one")
        if self.warned:
            lines.append(f"  {counted(self.warned, 'row')} with a warning")
        return "\n".join([*lines, f"Plan {self.digest}"] if self.digest else lines)


class PlanChanged(MoreGoodError):
    """The plan is not the one that was confirmed; nothing was sent.

    Attributes:
        plan: As it is now.
    """

    advice = "Look at the plan as it is now, and confirm that one."

    def __init__(self, problem: str, *, plan: Plan | None = None) -> None:
        super().__init__(problem)
        self.plan = plan


async def plan_of(client: MoreGoodClient, journal: Journal, source: Source, orders: Orders) -> Plan:
    """The plan for what the journal does not know yet, and for what is left of what it does.

    Sends nothing; where ``not_asked_within`` is said, or an earlier run has begun to ask, all
    customers are read once.

    Raises:
        ConfigurationError: The input can be read only once.
    """
    if not source.rereadable:
        raise ConfigurationError(
            "a plan reads the input, and running it reads it again: give a file, or a list"
        )
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:
        scratch.execute("CREATE TABLE people (mark BLOB PRIMARY KEY, place INTEGER) WITHOUT ROWID")
        scratch.execute("CREATE TABLE asked (mark BLOB PRIMARY KEY, why TEXT) WITHOUT ROWID")
        has_begun = journal.about("since") is not None
        if orders.ask is not None and (has_begun or orders.not_asked_within is not None):
            await _scan(client, journal, scratch, orders)
        planner = _Planner(journal, source, orders, scratch)
        async with aclosing(pieces_of(source, lambda: _PIECE_ROWS)) as pieces:
            async for piece in pieces:
                await planner.take(piece)
    return planner.plan(await client.fingerprint())


async def _scan(
    client: MoreGoodClient, journal: Journal, scratch: sqlite3.Connection, orders: Orders
) -> None:
    """Note who was asked not long ago, or since the job began."""
    now, since = await _server_time(client), journal.about("since")
    async with aclosing(client.customers.list(prefetch=2).pages()) as pages:
        async for page in pages:
            asked = [
                (journal.mark_of(mark), why)
                for customer in page.items
                if (why := asked_already(customer.last_asked_at, orders, now=now, since=since))
                for mark in marks_of_customer(customer)
            ]
            scratch.executemany("INSERT OR IGNORE INTO asked VALUES (?, ?)", asked)


async def _server_time(client: MoreGoodClient) -> float:
    clock = ServerClock()
    await clock.learn(client)
    return clock.now()


class _Planner:
    """Goes through the rows, and foresees how each would end."""

    def __init__(
        self, journal: Journal, source: Source, orders: Orders, scratch: sqlite3.Connection
    ) -> None:
        self._journal = journal
        self._source = source
        self._orders = orders
        self._scratch = scratch
        self._place = 0
        self._asked: int | None = None
        self._hash = hashlib.blake2b(digest_size=10)
        preset = source.preset.name if source.preset else None
        self._plan = Plan(name=source.name, mapping=str(source.mapping), preset=preset)

    async def take(self, piece: Sequence[Record]) -> None:
        """Foresee some more rows."""
        if self._asked is None:
            self._asked = await self._asked_before()
        known = await self._known(len(piece))
        items = [
            self._item(place, record, known.get(place))
            for place, record in enumerate(piece, self._place)
        ]
        await self._find_repeats([item for item in items if item.entry.place not in known])
        asked = self._asked_already(items)
        for item, record, why in zip(items, piece, asked, strict=True):
            is_over = item.entry.place in known and item.entry.is_over
            self._count(item, record, is_over=is_over, asked=why)
        self._place += len(piece)

    def plan(self, project: str) -> Plan:
        """The plan, once all rows were taken."""
        same = [self._orders.same(), self._orders.max_asks, self._source.options(), project]
        self._hash.update(json.dumps(same, sort_keys=True, default=str).encode())
        self._plan.digest = f"p{self._hash.hexdigest()}"
        return self._plan

    async def _asked_before(self) -> int:
        """People whom the job has asked, or may have."""
        sql = "SELECT count(*) FROM rows WHERE step = 3 AND state IN (1, 2, 4)"
        [asked] = await self._journal.query(lambda connection: connection.execute(sql).fetchone())
        return int(asked)

    async def _known(self, count: int) -> dict[int, Entry]:
        if self._place >= self._journal.known:
            return {}
        where = "place >= ? AND place < ?"
        entries = await self._journal.select(where, self._place, self._place + count)
        return {entry.place: entry for entry in entries}

    def _item(self, place: int, record: Record, known: Entry | None) -> Item:
        item = prepare(Entry(place, record.line, b""), record, self._source, self._orders)
        if known is not None:
            item.entry = known
        return item

    async def _find_repeats(self, items: Sequence[Item]) -> None:
        marked = [
            (self._journal.mark_of(mark), item.entry)
            for item in items
            for mark in claims(item, self._orders)
        ]
        earlier = await self._journal.firsts([mark for mark, _ in marked])
        claimed = [(mark, entry.place) for mark, entry in marked]
        here = people.claimed(self._scratch, claimed)
        for mark, entry in marked:
            first = min(here[mark], earlier.get(mark, here[mark]))
            if first < entry.place:
                entry.repeats = first if entry.repeats is None else min(first, entry.repeats)
                if entry.asks:
                    entry.unasked = "repeats"

    def _asked_already(self, items: Sequence[Item]) -> list[str]:
        """Why each of them is not asked, where the API says that it was already."""
        if not self._scratch.execute("SELECT 1 FROM asked LIMIT 1").fetchone():
            return [""] * len(items)
        asked: list[str] = []
        for item in items:
            marks = [self._journal.mark_of(mark) for mark in item.marks]
            sql = f"SELECT why FROM asked WHERE mark IN ({people.slots(len(marks))}) LIMIT 1"  # noqa: S608
            found = self._scratch.execute(sql, marks).fetchone()
            asked.append(found[0] if found else "")
        return asked

    def _count(self, item: Item, record: Record, *, is_over: bool, asked: str) -> None:
        plan, entry = self._plan, item.entry
        plan.rows += 1
        if is_over and not self._reopens(entry):
            plan.over += 1
            return
        if entry.state is State.REJECTED:
            plan.rejected += 1
            _list(plan.problems, (entry.line, entry.error))
            return
        is_open = entry.state in (State.INTENDED, State.UNKNOWN)
        settles = is_open and entry.step is not Step.UPSERT
        plan.to_settle += settles
        plan.to_save += entry.step is Step.UPSERT and entry.state is not State.UNKNOWN
        plan.charges += entry.charges and entry.step <= Step.CHARGE and not settles
        if entry.warning:
            plan.warned += 1
            _list(plan.warnings, (entry.line, entry.warning))
        if entry.repeats is not None:
            plan.repeats += 1
            _list(plan.repeated, (entry.line, entry.repeats + 1))
        if not (settles and entry.step is Step.ASK):  # it counts among those asked before
            if entry.asks:
                entry.unasked = asked
            self._count_ask(entry)
        told = [f"{entry.place} {entry.step} {entry.channels} {entry.unasked}", *texts_of(record)]
        self._hash.update("\x1f".join([*told, "\n"]).encode("utf-8", "backslashreplace"))

    def _reopens(self, entry: Entry) -> bool:
        """Whether a higher cap asks somebody whom an earlier one has left out."""
        most = self._orders.max_asks
        if entry.state is not State.DONE or entry.unasked != "cap":
            return False
        if most is not None and (self._asked or 0) >= most:
            return False
        entry.asked_after_all()
        return True

    def _count_ask(self, entry: Entry) -> None:
        plan, most = self._plan, self._orders.max_asks
        if entry.asks and most is not None and (self._asked or 0) >= most:
            entry.unasked = "cap"
        if entry.asks:
            self._asked = (self._asked or 0) + 1
            plan.people_to_ask += 1
            for channel in entry.channels.split(","):
                plan.asks[channel] = plan.asks.get(channel, 0) + 1
        elif entry.unasked:
            plan.unasked[entry.unasked] = plan.unasked.get(entry.unasked, 0) + 1


def _list(listed: list[Any], what: Any) -> None:
    if len(listed) < LISTED:
        listed.append(what)
