"""Reconciling: finding out what became of a request whose response was lost.

`verdicts` judges what the API shows. A run reconciles a row with its input at hand; ``moregood
reconcile`` does it from the journal alone. Both use one `Reconciler`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final

from moregood_async.batch import WorkerPool
from moregood_async.bulk.contacts import contact_keys_of_customer
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.states import State, Step
from moregood_async.bulk.journal.storage import EntryQuery
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.run.server_clock import ServerClock
from moregood_async.bulk.run.verdicts import Verdict, judge_ask, judge_charge
from moregood_async.client import MoreGoodClient
from moregood_async.errors import MoreGoodError
from moregood_async.models.customers import Customer

UNCLEAR: Final = "the API does not show whether it was applied; look at the customer there"

CONCURRENT_CHECKS: Final = 16
"""Rows that ``moregood reconcile`` checks at the same time; the client's pace limits requests."""

TIMER_EARLY_SECONDS: Final = 0.01
"""By how much a loop's timer may ring early (uvloop's by a millisecond)."""

FindCustomer = Callable[[JournalEntry], Awaitable[Customer | None]]
"""Reads the customer of a row as it is at the API now; None if it cannot be found."""


class Reconciler:
    """Reads the API for a row that is UNKNOWN, and moves its entry on if the API can tell."""

    def __init__(
        self, client: MoreGoodClient, journal: Journal, options: JobOptions, clock: ServerClock
    ) -> None:
        self.client = client
        self.journal = journal
        self.options = options
        self.clock = clock

    async def reconcile(self, entry: JournalEntry, find_customer: FindCustomer) -> Verdict:
        """Return what became of a row's request; its entry is moved on and recorded.

        On TOO_EARLY the entry stays as it is.

        Raises:
            MoreGoodError: The API could not be read; the entry stays as it is.
        """
        checked_at = self.clock.now()
        verdict = await self._verdict(entry, find_customer)
        if verdict is Verdict.NOT_APPLIED and checked_at < self.time_is_over_at(entry, checked_at):
            return Verdict.TOO_EARLY
        if verdict is Verdict.APPLIED:
            entry.reconcile_applied(self.clock.now())
        elif verdict is Verdict.NOT_APPLIED:
            entry.reconcile_not_applied()
        else:
            entry.explain(UNCLEAR)
        self.journal.record(entry)
        return verdict

    def time_is_over_at(self, entry: JournalEntry, now: float) -> float:
        """Return when a request that still does not show was not applied."""
        return (now if entry.lost_at is None else entry.lost_at) + self.options.reconcile_after

    async def _verdict(self, entry: JournalEntry, find_customer: FindCustomer) -> Verdict:
        if entry.step is Step.CHARGE:
            if await self.journal.storage.has_other_charge(entry):
                return Verdict.UNCLEAR  # the count could be that of another row's charge
            customer = await find_customer(entry)
            if customer is None:
                return Verdict.UNCLEAR
            return judge_charge(entry, customer, has_dates=self.options.has_charge_dates)
        customer_id = entry.customer_id
        if customer_id is None:
            customer = await find_customer(entry)
            customer_id = None if customer is None else customer.id
        if customer_id is None:
            return Verdict.UNCLEAR
        return judge_ask(entry, await self.client.customers.messages(customer_id).collect())


async def reconcile_journal(
    reconciler: Reconciler, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Reconcile every charge and ask that is UNKNOWN, from the journal alone.

    Rows that do not show yet are read again once their time is over, up to ``reconcile_after``
    seconds later.

    Raises:
        MoreGoodError: The API cannot be used; what was reconciled before stays so.
    """
    journal, clock = reconciler.journal, reconciler.clock
    unknown = await journal.entries(EntryQuery(states=frozenset({State.UNKNOWN})))
    early = await _reconcile_all(reconciler, unknown)
    if early:
        now = clock.now()
        due = max(reconciler.time_is_over_at(entry, now) for entry in early)
        await sleep(max(0.0, due - now) + TIMER_EARLY_SECONDS)
        await _reconcile_all(reconciler, early)


async def _reconcile_all(
    reconciler: Reconciler, entries: Sequence[JournalEntry]
) -> list[JournalEntry]:
    """Reconcile entries concurrently; return those for which it was too early."""
    customers = await _scan_customers(reconciler, entries)

    async def find_customer(entry: JournalEntry) -> Customer | None:
        return customers.get(entry.row_index)

    async def work(_: int, entry: JournalEntry) -> tuple[JournalEntry, Verdict | MoreGoodError]:
        try:
            return entry, await reconciler.reconcile(entry, find_customer)
        except MoreGoodError as error:
            return entry, error

    early: list[JournalEntry] = []
    pool = WorkerPool(entries, work, workers=CONCURRENT_CHECKS, ordered=False)
    async with aclosing(pool.results()) as results:
        async for entry, verdict in results:
            if isinstance(verdict, MoreGoodError):
                raise verdict
            if verdict is Verdict.TOO_EARLY:
                early.append(entry)
    return early


async def _scan_customers(
    reconciler: Reconciler, entries: Sequence[JournalEntry]
) -> dict[int, Customer]:
    """Return the current customers of rows by row index, from one scan of all customers.

    Only charges, and asks without a customer id, need their customer. The API has no request for
    one customer, so all are listed, once.
    """
    wanted = [
        entry
        for entry in entries
        if entry.step is Step.CHARGE or (entry.step is Step.ASK and entry.customer_id is None)
    ]
    if not wanted:
        return {}
    journal = reconciler.journal
    by_id = {entry.customer_id: entry.row_index for entry in wanted if entry.customer_id}
    without_id = [entry.row_index for entry in wanted if not entry.customer_id]
    by_contact = await journal.storage.contacts_of(without_id)
    found: dict[int, Customer] = {}
    async with aclosing(reconciler.client.customers.list(prefetch=2).pages()) as pages:
        async for page in pages:
            for customer in page.items:
                row_index = by_id.get(customer.id)
                if row_index is None and by_contact:
                    keys = map(journal.hash_contact, contact_keys_of_customer(customer))
                    row_index = next((by_contact[key] for key in keys if key in by_contact), None)
                if row_index is not None:
                    found[row_index] = customer
    return found
