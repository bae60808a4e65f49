"""Journal entries in any state, made without the events that lead to it."""

from typing import Any

from moregood_async.bulk.journal.entry import JournalEntry


def make_entry(row_index: int = 0, **fields: Any) -> JournalEntry:
    """Return the entry of a row, with fields such as ``state=State.UNKNOWN``."""
    return JournalEntry(row_index, row_index + 2, b"digest", **fields)


def make_entries(count: int, start: int = 0, **fields: Any) -> list[JournalEntry]:
    """Return the entries of consecutive rows whose customers are asked by email."""
    return [
        make_entry(row_index, **{"channels": "email"} | fields)
        for row_index in range(start, start + count)
    ]
