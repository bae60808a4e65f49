"""The implementations of `Storage`, all of which must keep the same contract."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs

from moregood_async.bulk.journal.entry import COLUMNS, JournalEntry, Values
from moregood_async.bulk.journal.sqlite_storage import SqliteStorage
from moregood_async.bulk.journal.storage import Change, Storage

Open = Callable[[Path], Awaitable[Storage]]


@attrs.frozen
class Implementation:
    """An implementation of `Storage`, and how a test opens one that lives in a folder."""

    name: str
    open: Open
    is_durable: bool = True
    """Whether what was committed is there when the same folder is opened again."""

    def __str__(self) -> str:
        return self.name


def _open_sqlite_file(folder: Path) -> Awaitable[Storage]:
    return SqliteStorage.open(folder / "j")


def _open_sqlite_memory(_: Path) -> Awaitable[Storage]:
    return SqliteStorage.open(None)


IMPLEMENTATIONS = [
    Implementation("sqlite-file", _open_sqlite_file),
    Implementation("sqlite-memory", _open_sqlite_memory, is_durable=False),
]
DURABLE = [implementation for implementation in IMPLEMENTATIONS if implementation.is_durable]


def change_of(*entries: JournalEntry) -> Change:
    """Return a change that stores entries."""
    return Change(rows=[entry.values() for entry in entries])


def invalid_values(row_index: int = 0) -> Values:
    """Return values that no storage can store: columns that must have a value have none."""
    return (row_index, *[None] * (len(COLUMNS) - 1))
