"""A record of the input becomes what is sent for it, or the reason why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import attrs

from moregood_async.bulk.asking import AskTemplate, marks_of
from moregood_async.bulk.importing.rows import Record, Row, describe_problems
from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.journal.entry import Entry
from moregood_async.bulk.orders import Orders
from moregood_async.bulk.states import Event, State, Step
from moregood_async.errors import InvalidRequest
from moregood_async.models.asks import AskCreate
from moregood_async.models.charges import ChargeCreate
from moregood_async.models.customers import CustomerUpsert
from moregood_async.models.fields import Channel


@attrs.define
class Item:
    """A row on its way: what the journal keeps of it, and what only memory does."""

    entry: Entry
    customer: CustomerUpsert | None = attrs.field(default=None, repr=False)
    charge: ChargeCreate | None = attrs.field(default=None, repr=False)
    ask: AskCreate | None = attrs.field(default=None, repr=False)
    marks: tuple[str, ...] = attrs.field(default=(), repr=False)
    """What tells its person from others."""
    kin: set[str] = attrs.field(factory=set[str], repr=False)
    """What tells its person from others, with what the rows before it add to that."""
    followers: list[Item] = attrs.field(factory=list["Item"], repr=False)
    """Later rows of the same person, which wait until this one is over."""
    ahead: int | None = None
    """How many rows of the same person are before it; None until it came to its turn."""
    looks: int = 0
    blind_looks: int = 0
    """How often the API could not be looked at."""
    not_before: float = 0.0
    """Until when it rests, on the server's clock."""
    is_fresh: bool = False
    """Whether what is known of its customer is of this run, and later than all that may have
    asked it."""
    asked_meanwhile: bool = False
    """Whether the API says that its customer was asked since the job began."""
    counted: bool = False
    """Whether it counts among those who are asked."""


def prepare(entry: Entry, record: Record, source: Source, orders: Orders) -> Item:
    """What is sent for a record; its entry is rejected where it cannot be sent."""
    row = source.row(record)
    try:
        customer = row.customer()
        charge = _charge(customer, record, source.columns, orders)
    except InvalidRequest as error:
        entry.becomes(
            Event.REJECT,
            error=describe_problems(error.fields, source.mapping),
            kind="InvalidRequest",
        )
        return Item(entry)
    entry.idempotent, entry.charges = customer.idempotent, charge is not None
    entry.warning = "; ".join(row.warnings)
    item = Item(entry, customer, charge, marks=tuple(marks_of(customer)))
    if orders.ask is not None:
        _address(item, row, orders.ask)
    return item


def again(entry: Entry, record: Record, source: Source, orders: Orders) -> Item:
    """What is sent for a record whose entry an earlier run wrote."""
    item = prepare(attrs.evolve(entry, state=State.READY), record, source, orders)
    channels = cast("list[Channel]", entry.channels.split(",")) if entry.channels else []
    ask = None
    if orders.ask is not None and item.customer is not None:
        ask = orders.ask.ask(item.customer, channels)
    entry.tries = 0
    maybe_asked = entry.step is Step.ASK and entry.state is State.UNKNOWN
    return attrs.evolve(item, entry=entry, ask=ask, counted=maybe_asked)


def _charge(
    customer: CustomerUpsert, record: Record, columns: Sequence[str], orders: Orders
) -> ChargeCreate | None:
    if orders.charge is None:
        return None
    values = record.values
    cells = values if isinstance(values, Mapping) else dict(zip(columns, values, strict=False))
    return orders.charge.charge(customer, cells)


def _address(item: Item, row: Row, template: AskTemplate) -> None:
    """To whom the ask goes, and through what; or why to nobody."""
    entry, customer = item.entry, item.customer
    reached = template.reaches(customer) if customer else ()
    left: list[Channel] = [channel for channel in reached if channel not in row.opted_out]
    entry.channels = ",".join(left or template.channels)
    if not reached:
        entry.unasked = "unreachable"
    elif not left:
        entry.unasked = "opted out"
    elif row.held:
        entry.unasked = "held"
    elif customer is not None:
        item.ask = template.ask(customer, left)


def claims(item: Item, orders: Orders) -> tuple[str, ...]:
    """What a row claims of its person, so that later rows repeat it.

    Where people are asked, a row that cannot ask its person leaves that to a later one that can;
    who has opted out in one row is not asked by another.
    """
    if item.customer is None or (orders.ask is not None and item.entry.unasked == "unreachable"):
        return ()
    return item.marks
