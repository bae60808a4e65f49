"""A journal that is only read: also while a job runs on it, and without a client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from moregood_async.bulk.belonging import Belonging
from moregood_async.bulk.importing.rows import Record
from moregood_async.bulk.journal.entry import COLUMNS, Entry
from moregood_async.bulk.journal.opening import readable
from moregood_async.bulk.outcomes import RowEnd
from moregood_async.bulk.report import Report, read_report


class JournalReader:
    """What stands in a journal, to be used with ``with``.

    Raises:
        JournalUnusable: It is none, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = readable(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def report(self) -> Report:
        """What became of the rows so far."""
        return read_report(self._connection, self._path)

    @property
    def belonging(self) -> Belonging | None:
        """What it belongs to; None where its job never began."""
        known = self._about("belonging")
        return Belonging(**known) if known else None

    def ends(self, *outcomes: str) -> Iterator[RowEnd]:
        """How each row ended, in the order of the input; only those of some outcomes."""
        sql = f"SELECT {', '.join(COLUMNS)} FROM rows ORDER BY place"  # noqa: S608
        for values in self._connection.execute(sql):
            end = RowEnd.of(Entry.of(values))
            if not outcomes or end.outcome in outcomes:
                yield end

    def kept(self) -> Iterator[Record]:
        """The rows themselves, where the journal keeps them."""
        sql = "SELECT rows.line, kept.cells FROM kept JOIN rows USING (place) ORDER BY place"
        for line, text in self._connection.execute(sql):
            values = json.loads(text)
            yield Record(line, values if isinstance(values, dict) else tuple(values))

    @property
    def keeps_rows(self) -> bool:
        """Whether the rows themselves are in it."""
        return self._connection.execute("SELECT 1 FROM kept LIMIT 1").fetchone() is not None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the input's columns; empty where it has none."""
        return tuple(self._about("columns") or ())

    def _about(self, name: str) -> Any:
        sql = "SELECT value FROM about WHERE name = ?"
        found = self._connection.execute(sql, (name,)).fetchone()
        return json.loads(found[0]) if found else None
