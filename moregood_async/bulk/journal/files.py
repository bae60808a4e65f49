"""Opening a journal's file in SQLite: whole, ours, of a known version, and used by nobody else.

A journal is up to five files::

    spring.journal          the SQLite database
    spring.journal-wal      SQLite's write-ahead log, and
    spring.journal-shm      its index; both exist while the journal is open or after a crash
    spring.journal-lock     held by the process that runs the job
    spring.journal-count    the number of commits (see `commit_counter`)
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from moregood_async.bulk.journal import schema
from moregood_async.bulk.journal.errors import (
    JournalInUse,
    JournalUnusable,
    damaged_journal,
    journal_error,
)

BUSY_SECONDS: Final = 5.0
"""How long a statement waits for another connection, such as a report's. Reads take less."""

PAGE_CACHE_KIB: Final = 8_192
"""Memory for SQLite's pages: a million rows need about this much for their index pages."""


class JournalLock:
    """The lease of a local journal. The operating system frees it when the process ends.

    It is a second SQLite file in an exclusive transaction that is never ended, so that the
    journal itself can be read while its job runs.
    """

    def __init__(self, journal: Path) -> None:
        real = journal.resolve()  # a link to a journal is the same journal
        self._path = real.with_name(f"{real.name}-lock")
        try:
            self._connection = sqlite3.connect(
                self._path, timeout=0, isolation_level=None, check_same_thread=False
            )
        except sqlite3.OperationalError as error:
            raise journal_error(journal, error) from error
        try:
            self._connection.execute("PRAGMA journal_mode = MEMORY")
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._connection.close()
            if "locked" in str(error):
                raise JournalInUse(
                    f"another process is running the journal {journal.name}. Wait until it has "
                    "ended, or stop it: two at once would ask people twice"
                ) from error
            raise journal_error(journal, error) from error

    def release(self) -> None:
        """Give up the lease. The file stays, since a waiting process may have it open."""
        self._connection.close()


def open_database(path: Path | None) -> sqlite3.Connection:
    """Return a connection to a journal, made or brought up to date; None is one in memory.

    Raises:
        JournalUnusable: The journal cannot be used.
    """
    if path is None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        schema.migrate(connection)
        return connection
    try:
        return _open_checked(path)
    except (sqlite3.Error, OSError) as error:
        raise journal_error(path, error) from error


def open_read_only(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads, also while another process runs the job.

    Raises:
        JournalUnusable: The journal cannot be read.
    """
    if not path.exists():
        raise JournalUnusable(f"there is no journal {path}; `moregood import` makes one")
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA query_only = ON")
            version = schema.version_of(connection)
            _refuse_unknown(path, version)
            if version < len(schema.SCRIPTS):
                raise JournalUnusable(
                    f"the journal {path.name} has an older version; resume its job first"
                )
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise journal_error(path, error) from error
    return connection


def _open_checked(path: Path) -> sqlite3.Connection:
    if not path.exists():
        _make(path)
    elif not path.stat().st_size:
        raise JournalUnusable(
            f"{path.name} is empty: no journal, or one that was cut off. Put back what it was. "
            "Delete it only if no import ever ran with it"
        )
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _refuse_unknown(path, schema.version_of(connection))
        [verdict] = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise damaged_journal(path, " ".join(verdict.split()))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit survives a power failure
        connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KIB}")
        schema.migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(path: Path) -> None:
    """Make a journal under another name, and give it its own once it is complete.

    So a journal that is empty or half made was never ours.
    """
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists():
        raise JournalUnusable(
            f"{path.name} is gone, and {wal.name} is not. Put the journal back; or, if that "
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
            f"{version}, this one knows {len(schema.SCRIPTS)}). Upgrade, and resume"
        )
