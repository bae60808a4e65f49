"""SQL of claims: which row was the first to claim a contact or a customer.

A claim makes "one person, one ask" durable: the first row that claims the hash of an email or
phone (`CONTACTS`), or the API's id of a customer (`CUSTOMERS`), owns it for the life of the job.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")
K = TypeVar("K", bytes, int)

MAX_ROWS_PER_STATEMENT: Final = 256
"""Rows in one statement. 256 rows of 21 columns stay below SQLite's limit of 32,766 values."""


class ClaimTable(NamedTuple):
    """A table of claims: its name, and the column of what is claimed."""

    name: str
    key: str


CONTACTS: Final = ClaimTable("contact_claims", "hash")
CUSTOMERS: Final = ClaimTable("customer_claims", "customer_id")


def owners(
    connection: sqlite3.Connection, keys: Sequence[K], table: ClaimTable = CONTACTS
) -> dict[K, int]:
    """Return the row index that owns each of the keys; keys that nobody has claimed are left out.

    The keys are looked up in `split` parts, so that SQLite caches a handful of statements.
    """
    found: dict[K, int] = {}
    for part in split(keys):
        sql = (
            f"SELECT {table.key}, row_index FROM {table.name}"  # noqa: S608 - names of this module
            f" WHERE {table.key} IN ({placeholders(len(part))})"
        )
        found |= dict(connection.execute(sql, part))
    return found


def claim(
    connection: sqlite3.Connection,
    claims: Sequence[tuple[K, int]],
    table: ClaimTable = CONTACTS,
) -> dict[K, int]:
    """Claim keys for rows, the first come first served; return the owner of each key."""
    owned = owners(connection, [key for key, _ in claims], table)
    new: dict[K, int] = {}
    for key, row_index in claims:
        if key not in owned:
            owned[key] = new[key] = row_index
    for part in split(sorted(new.items())):
        rows = ",".join(["(?,?)"] * len(part))
        sql = f"INSERT INTO {table.name} VALUES {rows}"  # noqa: S608 - names of this module
        connection.execute(sql, list(itertools.chain.from_iterable(part)))
    return owned


def placeholders(count: int) -> str:
    """Return ``count`` question marks with commas between them.

    >>> placeholders(3)
    '?,?,?'
    """
    return ",".join("?" * count)


def split(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the items in parts whose sizes are powers of two, at most `MAX_ROWS_PER_STATEMENT`.

    Each size is one SQL text, and SQLite caches prepared statements by their text: 9 texts serve
    all lengths.

    >>> [len(part) for part in split(range(600))]
    [256, 256, 64, 16, 8]
    """
    start = 0
    while start < len(items):
        largest_power = 1 << ((len(items) - start).bit_length() - 1)
        size = min(MAX_ROWS_PER_STATEMENT, largest_power)
        yield items[start : start + size]
        start += size
