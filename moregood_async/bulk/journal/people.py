"""Who was first: the tables of what tells people apart, and the places that have claimed it.

``people`` has the hashes of emails and phones, ``customers`` the API's own ids.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeVar

T = TypeVar("T")
M = TypeVar("M", bytes, int)
Table = Literal["people", "customers"]

_MOST_AT_ONCE: Final = 256
"""Rows in one statement: below SQLite's limit of 32,766 values."""


def firsts(
    connection: sqlite3.Connection, marks: Sequence[M], table: Table = "people"
) -> dict[M, int]:
    """The places that have claimed some of these marks."""
    known: dict[M, int] = {}
    for part in parts(marks):
        sql = f"SELECT mark, place FROM {table} WHERE mark IN ({slots(len(part))})"  # noqa: S608
        known |= dict(connection.execute(sql, part))
    return known


def claimed(
    connection: sqlite3.Connection, claims: Sequence[tuple[M, int]], table: Table = "people"
) -> dict[M, int]:
    """The place that has each mark: that of the first who claimed it."""
    known = firsts(connection, [mark for mark, _ in claims], table)
    new: dict[M, int] = {}
    for mark, place in claims:
        if mark not in known:
            known[mark] = new[mark] = place
    for part in parts(sorted(new.items())):
        sql = f"INSERT INTO {table} VALUES {','.join(['(?,?)'] * len(part))}"  # noqa: S608
        connection.execute(sql, list(itertools.chain.from_iterable(part)))
    return known


def slots(count: int) -> str:
    """So many question marks."""
    return ",".join("?" * count)


def parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """In pieces whose sizes are powers of two, so that few statements are prepared anew."""
    start = 0
    while start < len(items):
        size = min(_MOST_AT_ONCE, 1 << ((len(items) - start).bit_length() - 1))
        yield items[start : start + size]
        start += size
