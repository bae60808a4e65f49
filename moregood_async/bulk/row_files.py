"""Files about a job: the results file has all rows, the rejects file those that are not done.

A file joins two things: the rows as they were in the input, and what the journal has of each.
They are joined by row index and never by position, and the input is compared with the journal:
a row is written beside its own outcome, or the file is refused.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from moregood_async.bulk.exporting.file_formats import (
    FILE_FORMATS,
    FileFormat,
    detect_file_format,
)
from moregood_async.bulk.importing.rows import MAY_HAVE_BEEN_ASKED, Record
from moregood_async.bulk.importing.sources import ParquetFile, Source
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.errors import JournalMismatch
from moregood_async.bulk.journal.journal import hash_row
from moregood_async.bulk.journal.reader import JournalReader
from moregood_async.bulk.outcomes import Outcome, RowResult, make_row_result
from moregood_async.bulk.row_writers import rejects_writer, results_writer
from moregood_async.bulk.run.reader import cells_of
from moregood_async.errors import ConfigurationError

NOT_DONE: Final[tuple[Outcome, ...]] = ("rejected", "failed", "unknown")
"""Outcomes of rows that somebody should look at."""


def read_results(journal: str | os.PathLike[str], *outcomes: Outcome) -> Iterator[RowResult]:
    """Yield what became of each row, in the order of the input; only of some outcomes if given.

    Raises:
        JournalUnusable: The journal cannot be read.
    """
    with JournalReader(Path(journal)) as reader:
        for result in map(make_row_result, reader.entries()):
            if not outcomes or result.outcome in outcomes:
                yield result


def write_results(
    journal: str | os.PathLike[str],
    source: Source | None,
    path: str | os.PathLike[str],
    *outcomes: Outcome,
) -> int:
    """Write rows with ``moregood_status``, ``moregood_id`` and ``moregood_error``; return how many.

    Args:
        journal: The journal of the job.
        source: The input of the job; None if the journal keeps the rows.
        path: The file to write. Its suffix says the format. The default is the input's format,
            and CSV for rows that come from Python.
        outcomes: Only rows of these outcomes; by default all that were read so far.

    Raises:
        ConfigurationError: The rows are not to be had: the input can be read only once, and the
            journal does not keep rows.
        JournalMismatch: The input is another one, or has changed since; nothing is written.
        OSError: The file cannot be written.
    """
    written, target = 0, Path(path)
    options = source.options() if source else {}
    with JournalReader(Path(journal)) as reader:
        rows = _rows_with_results(reader, source, outcomes)
        with results_writer(
            target,
            columns=source.columns if source else reader.columns,
            file_format=detect_file_format(target, _default_format(options)),
            delimiter=options.get("delimiter") or ",",
            schema=source.schema() if isinstance(source, ParquetFile) else None,
        ) as writer:
            for record, result in rows:
                writer.write(record, result.outcome, result.customer_id, result.reason)
                written += 1
    return written


def _default_format(options: Mapping[str, Any]) -> FileFormat:
    chosen: FileFormat = "csv"
    for name in FILE_FORMATS:
        if name == options.get("format"):
            chosen = name
    return chosen


def write_rejects(
    journal: str | os.PathLike[str], source: Source | None, path: str | os.PathLike[str]
) -> int:
    """Write the rows that are not done, each with its error; return how many.

    Importing the file asks nobody twice: rows that may have been asked are marked in it. If all
    rows are done, there is no file, and an older one of that name is deleted.

    Raises:
        ConfigurationError, JournalMismatch, OSError: As for `write_results`.
    """
    written, target = 0, Path(path)
    delimiter = (source.options() if source else {}).get("delimiter") or ","
    with JournalReader(Path(journal)) as reader:
        rows = _rows_with_results(reader, source, NOT_DONE)
        first = next(rows, None)
        if first is None:
            if target.is_file():  # a device or a pipe stays
                target.unlink()
            return 0
        columns = source.columns if source else reader.columns
        with rejects_writer(target, columns, delimiter=delimiter) as writer:
            for record, result in itertools.chain([first], rows):
                prefix = f"{MAY_HAVE_BEEN_ASKED} " if result.outcome == "unknown" else ""
                writer.write(record, f"{prefix}{result.reason}".strip())
                written += 1
    return written


def _rows_with_results(
    journal: JournalReader, source: Source | None, outcomes: tuple[Outcome, ...]
) -> Iterator[tuple[Record, RowResult]]:
    """Yield the rows of some outcomes as they were in the input, each with its own result."""
    records = _records(journal, source)
    for entry in journal.entries():
        row_index, record = next(records, (None, None))
        if row_index != entry.row_index or record is None:
            raise JournalMismatch(
                f"the input ends before row {entry.row_index + 1:,}, which the journal knows: it "
                "has changed since the job began, or is another one; nothing was written"
            )
        result = make_row_result(entry)
        if not outcomes or result.outcome in outcomes:
            yield record, result


def _records(journal: JournalReader, source: Source | None) -> Iterator[tuple[int, Record]]:
    """Yield the rows of the input that the journal knows, by row index."""
    if source is not None and source.rereadable:
        records = source.records()
        if isinstance(records, Iterator):
            return _input_records(journal, source, records)
    identity = journal.identity
    if identity is None or not identity.keep_rows:
        raise ConfigurationError(
            "the input cannot be read again here, and the journal does not keep its rows: import "
            "it with --keep-rows, or from a file"
        )
    return _kept_records(journal)


def _kept_records(journal: JournalReader) -> Iterator[tuple[int, Record]]:
    rows, kept = journal.count_rows(), journal.count_kept_rows()
    if kept != rows:
        raise JournalMismatch(
            f"the journal {journal.path.name} lacks {rows - kept:,} of {rows:,} rows that it "
            "should keep; nothing was written. Read the outcomes without the rows: "
            "moregood report JOURNAL --rows OUTCOME"
        )
    for row_index, line, cells in journal.kept_rows():
        yield row_index, Record(line, cells if isinstance(cells, dict) else tuple(cells))


def _input_records(
    journal: JournalReader, source: Source, records: Iterator[Record]
) -> Iterator[tuple[int, Record]]:
    identity, fingerprint = journal.identity, source.fingerprint()
    if identity is not None and identity.digest is not None and fingerprint is not None:
        if fingerprint.digest != identity.digest:
            raise JournalMismatch(
                f"{source.name} has changed since the job began, or is another file: its rows are "
                "not those of the journal; nothing was written"
            )
        yield from enumerate(records)
        return
    entries = journal.entries()
    for row_index, record in enumerate(records):
        entry: JournalEntry | None = next(entries, None)
        if entry is None:
            return
        if hash_row(journal.salt, cells_of(record)) != entry.digest:
            raise JournalMismatch(
                f"row {row_index + 1:,} of the input is not the row that the journal knows; "
                "nothing was written"
            )
        yield row_index, record
