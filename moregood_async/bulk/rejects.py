"""Rows that were not done, written down with the input's own columns and the reason."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self

from moregood_async.bulk.exporting.text import row_writer
from moregood_async.bulk.importing.rows import ERROR, Row
from moregood_async.bulk.results import PRIVATE, Layout, Recorded, cells_of, one_line


class Rejects:
    """A CSV of rows to look at. The file is made with the first row, so none is no file.

    Cells stay byte for byte what they were, so that the corrected file can be imported again;
    an ``error`` column that the input has already is used again.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, delimiter: str = ",") -> None:
        self.path = path
        self.written: int = 0
        self._layout = Layout(columns, (ERROR,))
        self._delimiter = delimiter
        self._file: IO[str] | None = None

    def write(self, row: Row | Recorded, error: str) -> None:
        """Add a row and its reason, and hand it to the operating system."""
        values = row.cells if isinstance(row, Row) else row.values
        cells = cells_of(values, self._layout.columns)
        if self._file is None:
            self._file = self._opened()
        self._put(self._file, self._layout.line(cells, {ERROR: one_line(error)}))
        self.written += 1

    def close(self) -> None:
        """Close the file; twice is fine."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> IO[str]:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        file = os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="")
        self._put(file, self._layout.header)
        return file

    def _put(self, file: IO[str], cells: list[str]) -> None:
        row_writer(file, self._delimiter)(cells)
        file.flush()
