"""How each step of a row is sent, and how its error is told."""

from __future__ import annotations

from typing import Final

from moregood_async.bulk.preparing import Item
from moregood_async.bulk.states import Step
from moregood_async.client import MoreGoodClient
from moregood_async.errors import MoreGoodError
from moregood_async.models.asks import Ask
from moregood_async.models.charges import Charge
from moregood_async.models.customers import Customer
from moregood_async.privacy import masked

LONGEST_ERROR: Final = 500


async def send(client: MoreGoodClient, item: Item) -> Customer | Charge | Ask:
    """The step at hand; gives what the API answers."""
    if item.entry.step is Step.UPSERT:
        return await save(client, item)
    if item.entry.step is Step.CHARGE:
        assert item.charge is not None  # noqa: S101 - what cannot be sent is rejected before
        return await client.charges.create(item.charge)
    assert item.ask is not None  # noqa: S101
    return await client.asks.create(item.ask)


async def save(client: MoreGoodClient, item: Item) -> Customer:
    """The row's customer; where it idempotent, it can be done at any time."""
    assert item.customer is not None  # noqa: S101
    return await client.customers.upsert(item.customer)


def told_of(error: Exception) -> str:
    """An error for the journal: what happened, in one line that is not too long."""
    told = error.problem if isinstance(error, MoreGoodError) else masked(str(error))
    return " ".join((told or type(error).__name__).split())[:LONGEST_ERROR]
