"""What can be wrong with a journal. Nothing is lost by any of these errors; each says what to do.

::

    MoreGoodError
    └── JournalError
        ├── JournalInUse       another process or `Job` runs the job
        ├── JournalMismatch    the journal belongs to another input, options or project
        └── JournalUnusable    no journal, damaged, from a newer version, or not writable
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from moregood_async.errors import MoreGoodError


class JournalError(MoreGoodError):
    """A journal cannot be used; what it holds stays as it is."""


class JournalInUse(JournalError):
    """Another process, or another `Job` of this one, runs the job."""


class JournalMismatch(JournalError):
    """The journal belongs to another input, mapping, project, or to other options."""


class JournalUnusable(JournalError):
    """The file is no journal, is damaged, comes from a newer version, or cannot be written."""


def journal_error(path: Path | None, error: Exception) -> Exception:
    """Return the `JournalUnusable` that an error of SQLite or the system stands for.

    Any other error is returned as it is.
    """
    if not isinstance(error, sqlite3.Error | OSError):
        return error
    journal = f"the journal {path.name}" if path else "the journal in memory"
    return JournalUnusable(f"{journal} {_problem(error)}")


def damaged_journal(path: Path, detail: str) -> JournalUnusable:
    """Return the error of a journal in which SQLite finds something wrong."""
    return JournalUnusable(f"the journal {path.name} {_damage(detail)}")


def _damage(detail: str) -> str:
    return (
        f"is damaged ({detail}). Do not start over with a new one: only this file knows who was "
        "asked. Restore a backup, or save what can be read with sqlite3's `.recover`."
    )


def _problem(error: sqlite3.Error | OSError) -> str:
    text = str(error)
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL or "full" in text:
        return (
            "cannot be written: the disk is full. Make room, and resume: requests in flight are "
            "reconciled before anything is sent again."
        )
    if primary in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return (
            f"cannot be written ({text}). Its folder must exist and be writable, also for the "
            "files that SQLite puts beside it; or name another place for the journal."
        )
    if isinstance(error, OSError):
        return f"cannot be written ({error.strerror or text}). Name another place for the journal."
    if primary == sqlite3.SQLITE_NOTADB:
        return (
            f"is damaged, or the file is no journal ({text}). If it is damaged, restore a backup, "
            "and do not start over with a new one: only this file knows who was asked."
        )
    if primary == sqlite3.SQLITE_CORRUPT:
        return _damage(text)
    return f"cannot be used: {text}."
