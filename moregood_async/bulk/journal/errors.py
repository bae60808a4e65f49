"""What can be wrong with a journal. Each says what to do; nothing was sent, nothing is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from moregood_async.errors import MoreGoodError


class JournalError(MoreGoodError):
    """A journal cannot be used (any further); what it holds stays as it is."""


class JournalInUse(JournalError):
    """Another process, or another `Job` of this one, is running on it."""


class JournalMismatch(JournalError):
    """It belongs to another input file, mapping, project or order."""


class JournalUnusable(JournalError):
    """It is no journal, is damaged, comes from a newer version, or cannot be written."""


def unusable(path: Path | None, error: sqlite3.Error | OSError) -> JournalUnusable:
    """What SQLite or the operating system says, with what to do about it."""
    where = f"the journal {path.name}" if path else "the journal in memory"
    return JournalUnusable(f"{where} {_told(error)}")


def damaged(path: Path, what: str) -> JournalUnusable:
    """SQLite finds something wrong with it."""
    return JournalUnusable(f"the journal {path.name} {_damaged(what)}")


def _damaged(what: str) -> str:
    return (
        f"is damaged ({what}). Do not start over with a new one: who was asked stands only "
        "there. Take a copy of it from a backup, or save what can be read with sqlite3's "
        "`.recover`."
    )


def _told(error: sqlite3.Error | OSError) -> str:
    said = str(error)
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL or "full" in said:
        return (
            "cannot be written: the disk is full. Make room, and resume: what was under way is "
            "looked up before anything is sent again."
        )
    if primary in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return (
            f"cannot be written ({said}): its folder must exist and be writable, also for the "
            "files that SQLite puts beside it; or name another place for the journal."
        )
    if isinstance(error, OSError):
        return f"cannot be written ({error.strerror or said}); name another place for the journal."
    if primary == sqlite3.SQLITE_NOTADB:
        return (
            f"is damaged, or the file is no journal at all ({said}). A damaged one: take a copy "
            "from a backup, and do not start over with a new one: who was asked stands only there."
        )
    if primary == sqlite3.SQLITE_CORRUPT:
        return _damaged(said)
    return f"cannot be used: {said}."
