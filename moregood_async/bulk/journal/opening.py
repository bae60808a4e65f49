"""Opening a journal's file: whole, ours, of a version that is known, and of nobody else."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from moregood_async.bulk.journal import schema
from moregood_async.bulk.journal.errors import (
    JournalInUse,
    JournalUnusable,
    damaged,
    unusable,
)

_BUSY_SECONDS = 5.0
_PAGE_CACHE_KIB = 8_192


class Lock:
    """Held by the one who runs a journal; the operating system frees it when a process ends.

    A second SQLite file beside the journal, in an exclusive transaction that is never ended:
    so the journal itself stays readable while it is run.
    """

    def __init__(self, journal: Path) -> None:
        real = journal.resolve()  # a link to a journal is the same journal
        self._path = real.with_name(f"{real.name}-lock")
        try:
            self._held = sqlite3.connect(
                self._path, timeout=0, isolation_level=None, check_same_thread=False
            )
        except sqlite3.OperationalError as error:
            raise unusable(journal, error) from error
        try:
            self._held.execute("PRAGMA journal_mode = MEMORY")
            self._held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._held.close()
            if "locked" in str(error):
                raise JournalInUse(
                    f"another process is running the journal {journal.name}: wait until it has "
                    "ended, or stop it; two at once would ask people twice"
                ) from error
            raise unusable(journal, error) from error

    def release(self) -> None:
        """Another may run the journal. The file stays: who waits for it may have it open."""
        self._held.close()


def opened(path: Path | None) -> sqlite3.Connection:
    """A connection to a journal, brought up to date; None is one in memory.

    Raises:
        JournalUnusable: It cannot be used; the message says why, and what to do.
    """
    if path is None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        schema.migrate(connection)
        return connection
    try:
        return _checked(path)
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, error) from error


def readable(path: Path) -> sqlite3.Connection:
    """A connection that only reads, also while the journal is run by another.

    Raises:
        JournalUnusable: It cannot be read.
    """
    if not path.exists():
        raise JournalUnusable(f"there is no journal {path}; it is made by an import")
    try:
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA query_only = ON")
            version = schema.version_of(connection)
            _refuse_unknown(path, version)
            if version < len(schema.SCRIPTS):
                raise JournalUnusable(
                    f"the journal {path.name} is of an older version; resume it first"
                )
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, error) from error
    return connection


def _checked(path: Path) -> sqlite3.Connection:
    if not path.exists():
        _make(path)
    elif not path.stat().st_size:
        raise JournalUnusable(
            f"{path.name} is empty: no journal, or one that was cut off. Put back what it was; "
            "only if no import ever ran with it, delete it"
        )
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _refuse_unknown(path, schema.version_of(connection))
        [whole] = connection.execute("PRAGMA quick_check(1)").fetchone()
        if whole != "ok":
            raise damaged(path, " ".join(whole.split()))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_PAGE_CACHE_KIB}")
        schema.migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(path: Path) -> None:
    """A new one has its name only when it is whole: an empty file, or half of one, is none."""
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists():
        raise JournalUnusable(
            f"{path.name} is gone, and {wal.name} is not: put the journal back; or, if that "
            "import is of no interest any more, delete what is left of it"
        )
    path.with_name(f"{path.name}-count").unlink(missing_ok=True)
    new = path.with_name(f"{path.name}-new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        schema.migrate(connection)
    finally:
        connection.close()
    new.replace(path)


def _refuse_unknown(path: Path, version: int) -> None:
    if version < 0:
        raise JournalUnusable(f"{path.name} is no journal of an import; name another file")
    if version > len(schema.SCRIPTS):
        raise JournalUnusable(
            f"the journal {path.name} was written by a newer moregood_async (its version is "
            f"{version}, this one knows {len(schema.SCRIPTS)}): upgrade, and resume"
        )
