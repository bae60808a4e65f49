"""Files about a job: every row with what became of it, and those that are not done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from moregood_async.bulk.exporting.file_formats import detect_file_format
from moregood_async.bulk.importing.rows import MAY_HAVE_BEEN_ASKED, Record
from moregood_async.bulk.importing.sources import ParquetFile, Source
from moregood_async.bulk.journal import JournalMismatch
from moregood_async.bulk.outcomes import UNASKED, RowEnd
from moregood_async.bulk.reading import JournalReader
from moregood_async.bulk.rejects import Rejects
from moregood_async.bulk.results import results_writer
from moregood_async.errors import ConfigurationError

NOT_DONE: Final = ("rejected", "failed", "unknown")
"""Outcomes of rows that somebody should look at."""


def rows_with_ends(
    journal: JournalReader, source: Source | None, *outcomes: str
) -> Iterator[tuple[Record, RowEnd]]:
    """The rows of a job as they stood in its input, and how each ended.

    Raises:
        ConfigurationError: The input cannot be read again, and the journal does not keep rows.
        JournalMismatch: The input is a file that has changed since, or another one.
    """
    for record, end in zip(_records(journal, source), journal.ends(), strict=False):
        if not outcomes or end.outcome in outcomes:
            yield record, end


def write_results(journal: JournalReader, source: Source | None, path: Path, *outcomes: str) -> int:
    """Write the input's columns and ``moregood_status``, ``_id`` and ``_error``; gives the rows.

    Raises:
        ConfigurationError: See `rows_with_ends`.
        OSError: It cannot be written there.
    """
    written, told = 0, _options(source)
    form = detect_file_format(path, told.get("format", "csv"))
    with results_writer(
        path,
        columns=source.columns if source else journal.columns,
        form=form,
        delimiter=told.get("delimiter") or ",",
        schema=source.schema() if isinstance(source, ParquetFile) else None,
    ) as writer:
        for record, end in rows_with_ends(journal, source, *outcomes):
            writer.write(record, end.outcome, end.customer_id, reason_of(end))
            written += 1
    return written


def write_rejects(journal: JournalReader, source: Source | None, path: Path) -> int:
    """Write the rows that are not done, each with its error; no file where there are none.

    Who imports that file asks nobody twice: rows that may have been asked are marked in it.
    """
    if path.is_file():  # a device or a pipe stays
        path.unlink()
    columns = source.columns if source else journal.columns
    delimiter = _options(source).get("delimiter") or ","
    with Rejects(path, columns, delimiter=delimiter) as rejects:
        for record, end in rows_with_ends(journal, source, *NOT_DONE):
            mark = MAY_HAVE_BEEN_ASKED if end.outcome == "unknown" else ""
            rejects.write(record, f"{mark} {reason_of(end)}".strip())
        return rejects.written


def reason_of(end: RowEnd) -> str:
    """Why a row is not done, or why nobody was asked; empty where there is nothing to tell."""
    unasked = UNASKED.get(end.unasked, "")
    if end.repeats is not None and end.unasked == "repeats":
        unasked = f"not asked again: the same person as in data row {end.repeats + 1:,}"
    return "; ".join(part for part in (end.error, unasked, end.warning) if part)


def _options(source: Source | None) -> dict[str, Any]:
    return source.options() if source else {}


def _refuse_another(journal: JournalReader, source: Source) -> None:
    """A file whose rows are no longer those of the journal would mix up people."""
    belonging, now = journal.belonging, source.fingerprint()
    if belonging and belonging.digest and now and now.digest != belonging.digest:
        raise JournalMismatch(
            f"{source.name} has changed since the job began, or is another file: its rows are "
            "not those that the journal knows"
        )


def _records(journal: JournalReader, source: Source | None) -> Iterator[Record]:
    if source is not None and source.rereadable:
        _refuse_another(journal, source)
        return cast("Iterator[Record]", source.records())
    if journal.keeps_rows:
        return journal.kept()
    raise ConfigurationError(
        "the input can be read only once, and its rows were not kept: import it with --keep-rows, "
        "or from a file"
    )
