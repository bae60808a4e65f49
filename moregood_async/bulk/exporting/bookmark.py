"""Where an export that may break off stands: kept beside its part, and locked while it is written.

One SQLite file: what it holds changes as a whole or not at all, whenever the process is killed, and
the system frees the lock of a process that is gone.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from moregood_async.bulk.exporting.order import Order
from moregood_async.errors import MoreGoodError

VERSION: Final = 1
"""Of what a bookmark and its part look like."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS ids (id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), job TEXT, place TEXT);
"""
_CODES = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_READONLY: errno.EROFS,
}


class CannotExport(MoreGoodError):
    """An export cannot be begun or taken up like this; nothing was asked for, nothing is lost."""


@attrs.frozen(kw_only=True)
class Job:
    """What is exported: an export is taken up only as what it was."""

    what: str
    form: str
    base_url: str
    project: str = attrs.field(default="", repr=False)
    """A fingerprint of the key."""
    version: int = VERSION

    def differs(self, kept: Job) -> str:
        """What is another than in the job that broke off; empty where it is the same one."""
        said = {
            "what": f"list ({kept.what}, now {self.what})",
            "form": f"format ({kept.form}, now {self.form})",
            "base_url": f"base URL ({kept.base_url}, now {self.base_url})",
            "project": "API key (of another project, or a new one)",
            "version": "version of this package",
        }
        return ", ".join(
            told for name, told in said.items() if getattr(self, name) != getattr(kept, name)
        )


@attrs.frozen(kw_only=True)
class Place:
    """How far an export has come."""

    page: int = 0
    """The page that was read last."""
    size: int = 0
    """The bytes of the part that count; what stands behind them was not finished."""
    rows: int = 0
    total: int | None = None
    """The server's word on the list's length, at that page."""
    order: Order = attrs.field(factory=Order)

    @classmethod
    def read(cls, text: str) -> Place:
        """What `written` wrote."""
        values: dict[str, Any] = json.loads(text)
        order = Order(**values.pop("order"))
        return cls(order=order, **values)

    def written(self) -> str:
        """As JSON."""
        return json.dumps(attrs.asdict(self))


class Bookmark:
    """An open bookmark: nobody else can open it meanwhile.

    Raises:
        CannotExport: Somebody else has it open, or it is damaged.
        OSError: It cannot be made there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = self._locked()

    def _locked(self) -> sqlite3.Connection:
        file = _made(self._path)
        database = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        try:
            with _told(self._path):
                database.execute("PRAGMA locking_mode = EXCLUSIVE")
                database.execute("BEGIN EXCLUSIVE")
                for statement in _SCHEMA.split(";"):
                    database.execute(statement)
                _commit(database)
            self._check(file)
        except BaseException:
            database.close()
            self._check(file)
            raise
        return database

    def _check(self, file: tuple[int, int]) -> None:
        """Refuse a file that its last owner removed while it was opened: its lock is no lock."""
        if file != _identity(self._path):
            raise _in_use(self._path)

    def read(self) -> tuple[Job, Place] | None:
        """What broke off, and how far it had come; None where nothing did."""
        with _told(self._path):
            row = self._database.execute("SELECT job, place FROM place").fetchone()
        try:
            return (Job(**json.loads(row[0])), Place.read(row[1])) if row else None
        except (TypeError, KeyError, ValueError) as error:
            raise _damaged(self._path) from error

    def forget(self) -> None:
        """Begin anew; it is on the disk when this returns."""
        with _told(self._path):
            self._database.execute("DELETE FROM ids")
            self._database.execute("DELETE FROM place")
            _commit(self._database)

    def unknown(self, items: Iterable[Any]) -> list[Any]:
        """Those of some items whose ids have not come by."""
        sql = "SELECT 1 FROM ids WHERE id = ?"
        look = self._database.execute
        with _told(self._path):
            return [item for item in items if look(sql, (_in_64_bits(item.id),)).fetchone() is None]

    def note(self, items: Sequence[Any]) -> None:
        """These have come by."""
        ids = [(_in_64_bits(item.id),) for item in items]
        with _told(self._path):
            self._database.executemany("INSERT OR IGNORE INTO ids VALUES (?)", ids)

    def keep(self, job: Job, place: Place) -> None:
        """All of it is on the disk when this returns."""
        said = json.dumps(attrs.asdict(job)), place.written()
        with _told(self._path):
            self._database.execute("INSERT OR REPLACE INTO place VALUES (1, ?, ?)", said)
            _commit(self._database)

    def revert(self) -> None:
        """As it was kept last."""
        with _told(self._path):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def discard(self) -> None:
        """Close it, and leave nothing behind."""
        steps = [self._path.unlink, self.close]
        for step in reversed(steps) if os.name == "nt" else steps:
            step()

    def close(self) -> None:
        """Let it go, as it was kept last; twice is fine."""
        self._database.close()


def _commit(database: sqlite3.Connection) -> None:
    """And hold the lock for what comes."""
    database.execute("COMMIT")
    database.execute("BEGIN EXCLUSIVE")


def _made(path: Path) -> tuple[int, int]:
    """The file of this name, made where there was none."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.close(descriptor)
    return _identity(path)


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return found.st_dev, found.st_ino


def _in_64_bits(number: int) -> int:
    """An id as SQLite holds it: those beyond its numbers come round to the others' end."""
    return (number + 2**63) % 2**64 - 2**63


@contextmanager
def _told(path: Path) -> Generator[None]:
    """What SQLite has to say, as an error that people know."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            raise _in_use(path) from error
        if code in _CODES:
            raise OSError(_CODES[code], os.strerror(_CODES[code]), str(path)) from error
        raise _damaged(path) from error


def _in_use(path: Path) -> CannotExport:
    return CannotExport(
        f"another export to the same file is running (it holds {path.name}): wait for it, or "
        "write to another file"
    )


def _damaged(path: Path) -> CannotExport:
    return CannotExport(
        f"{path.name}, which says how far an export has come, is damaged: remove it and start over"
    )
