"""Settles what is unknown from the journal alone, without the input: ``moregood settle``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from moregood_async.batch import WorkerPool
from moregood_async.bulk.asking import marks_of_customer
from moregood_async.bulk.clocks import ServerClock
from moregood_async.bulk.journal import Journal
from moregood_async.bulk.journal.entry import Entry
from moregood_async.bulk.orders import Orders
from moregood_async.bulk.settling import Verdict, ask_verdict, charge_verdict
from moregood_async.bulk.states import Event, State, Step
from moregood_async.client import MoreGoodClient
from moregood_async.models.customers import Customer

LOOKS_AT_ONCE = 16

_EARLY_SECONDS = 0.01
"""By so much, at most, a loop's timers are early (uvloop's by a millisecond)."""


async def look_up(
    client: MoreGoodClient,
    journal: Journal,
    orders: Orders,
    clock: ServerClock,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Settle every unknown ask and charge, waiting until the time for its trace is over.

    Raises:
        MoreGoodError: The API cannot be used; what was settled before stays settled.
    """
    unknown = await journal.unsettled()
    await _once(client, journal, orders, clock, unknown)
    left = [entry for entry in unknown if entry.step is not Step.UPSERT and _is_open(entry)]
    lost = [entry.lost_at for entry in left if entry.lost_at is not None]
    if lost:
        wait = max(lost) + orders.settle_after - clock.now()
        await sleep(max(0.0, wait) + _EARLY_SECONDS)
        await _once(client, journal, orders, clock, left)


def _is_open(entry: Entry) -> bool:
    return entry.state is State.UNKNOWN


async def _once(
    client: MoreGoodClient,
    journal: Journal,
    orders: Orders,
    clock: ServerClock,
    unknown: Sequence[Entry],
) -> None:
    looked_at = clock.now()
    customers = await _scanned(client, journal, unknown)

    async def work(_: int, entry: Entry) -> tuple[Entry, Verdict]:
        if entry.step is Step.CHARGE and await journal.charged_meanwhile(entry):
            return entry, Verdict.UNCLEAR
        return entry, await _verdict(client, orders, entry, customers.get(entry.place))

    work_off = WorkerPool(unknown, work, workers=LOOKS_AT_ONCE, ordered=False)
    async with aclosing(work_off.results()) as results:
        async for entry, verdict in results:
            if verdict is Verdict.HAPPENED:
                if entry.step is Step.CHARGE:
                    entry.charged_at = clock.now()
                entry.becomes(Event.HAPPENED)
            elif verdict is Verdict.NOT and _time_is_over(entry, orders, looked_at):
                entry.becomes(Event.SETTLED_NOT)
            else:
                continue
            journal.note(entry)


def _time_is_over(entry: Entry, orders: Orders, looked_at: float) -> bool:
    return looked_at >= (entry.lost_at or 0.0) + orders.settle_after


async def _verdict(
    client: MoreGoodClient, orders: Orders, entry: Entry, customer: Customer | None
) -> Verdict:
    if entry.step is Step.CHARGE and customer is not None:
        return charge_verdict(entry, customer, dated=orders.dates_charges)
    ident = entry.customer or (customer.id if customer else None)
    if entry.step is Step.ASK and ident is not None:
        return ask_verdict(entry, await client.customers.messages(ident).collect())
    return Verdict.UNCLEAR


async def _scanned(
    client: MoreGoodClient, journal: Journal, unknown: Sequence[Entry]
) -> dict[int, Customer]:
    """The customers of those rows that need them as they are now, through one scan of all."""
    wanted = [
        entry
        for entry in unknown
        if entry.step is Step.CHARGE or (entry.step is Step.ASK and entry.customer is None)
    ]
    if not wanted:
        return {}
    by_id = {entry.customer: entry.place for entry in wanted if entry.customer is not None}
    by_mark = await journal.marks_of([entry.place for entry in wanted if entry.customer is None])
    found: dict[int, Customer] = {}
    async with aclosing(client.customers.list(prefetch=2).pages()) as pages:
        async for page in pages:
            for customer in page.items:
                marks = (journal.mark_of(mark) for mark in marks_of_customer(customer))
                known = (by_mark[mark] for mark in marks if mark in by_mark)
                place = by_id.get(customer.id) if by_id else None
                place = next(known, None) if place is None else place
                if place is not None:
                    found[place] = customer
    return found
