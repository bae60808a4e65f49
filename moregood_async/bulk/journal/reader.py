"""`JournalReader`: a journal that is only read, also while its job runs, and without a client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from moregood_async.bulk.journal import queries
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.files import open_read_only
from moregood_async.bulk.journal.identity import JobIdentity
from moregood_async.bulk.journal.storage import EntryQuery, JournalSummary


class JournalReader:
    """What is stored in a journal; use it with ``with``.

    Raises:
        JournalUnusable: The file is no journal, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_read_only(path)
        self.settings: dict[str, Any] = queries.settings(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    @property
    def identity(self) -> JobIdentity | None:
        """What the journal belongs to; None if its job never began."""
        stored = self.settings.get("identity")
        return JobIdentity(**stored) if stored else None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the input's columns; empty if it has none."""
        return tuple(self.settings.get("columns") or ())

    @property
    def salt(self) -> bytes:
        """The random key of the hashes in this journal."""
        return bytes.fromhex(self.settings["key"])

    def summary(self) -> JournalSummary:
        """Return what a report needs."""
        return queries.summary(self._connection)

    def entries(self) -> Iterator[JournalEntry]:
        """Yield all entries, in the order of the input."""
        return queries.entries(self._connection, EntryQuery())

    def count_rows(self) -> int:
        """Return the number of registered rows."""
        return queries.count_rows(self._connection)

    def count_kept_rows(self) -> int:
        """Return the number of rows that the journal keeps in clear."""
        return queries.count_kept_rows(self._connection)

    def kept_rows(self) -> Iterator[tuple[int, int, Any]]:
        """Yield row index, line and cells of each kept row, in the order of the input."""
        return queries.kept_rows(self._connection)
