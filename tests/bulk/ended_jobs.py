"""Journals whose rows have ended in every way, and what is read of the files about them."""

import csv
from pathlib import Path
from typing import Any

from moregood_async.bulk import Outcome, Source
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.states import State, Step
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.run.job_run import Work
from moregood_async.bulk.run.reader import RowReader
from tests.bulk.journal.storages import change_of

PEOPLE = [
    {"first_name": "Ada", "email": "ada@example.com"},
    {"first_name": "Bob", "email": "bob@example.com"},
    {"first_name": "Cy", "email": "cy@example.com"},
    {"first_name": "", "email": "dee@example.com"},
    {"first_name": "Eve", "email": "eve@example.com"},
]
"""A done row, a failed, an unknown, a rejected and one that waits."""

FIELDS: list[dict[str, Any]] = [
    {"state": State.DONE, "step": Step.ASK, "customer_id": 11},
    {"state": State.FAILED, "step": Step.UPSERT, "error": "email: is taken"},
    {"state": State.UNKNOWN, "step": Step.ASK, "customer_id": 13, "error": "reset"},
    {"state": State.REJECTED, "step": Step.UPSERT, "error": "first_name: is missing"},
    {"state": State.READY, "step": Step.UPSERT},
]
OUTCOMES: list[Outcome] = ["done", "failed", "unknown", "rejected", "waiting"]


async def make_journal(path: Path, source: Source, *, keep_rows: bool = False) -> Path:
    """Return the journal of a job whose rows ended as `FIELDS` says."""
    journal = await Journal.open(path)
    identity = Work(source, JobOptions(), keep_rows).identity("project")
    await journal.save_identity(identity, columns=list(source.columns))
    reader = RowReader(source, journal, JobOptions(), keep_rows=keep_rows)
    entries = [task.entry async for task in reader.tasks() if task is not None]
    ended = [
        JournalEntry(entry.row_index, entry.line, entry.digest, channels="email", **fields)
        for entry, fields in zip(entries, FIELDS, strict=False)
    ]
    await journal.storage.commit(change_of(*ended))
    await journal.close()
    return path


def list_names(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


def read_cells(path: Path) -> list[list[str]]:
    """Return the cells of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
