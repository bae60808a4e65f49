"""The checkpoint of an export: how far it came, and which ids are in the partial file.

A checkpoint is one SQLite file beside the partial file. A transaction changes all of it or nothing,
whenever the process is killed. The export holds the database lock while it runs, and the operating
system frees the lock of a process that was killed.
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

from moregood_async.bulk.exporting.sort_order import SortOrder
from moregood_async.errors import MoreGoodError

VERSION: Final = 1
"""The version of the checkpoint and of the partial file; an export of another one is refused."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS ids (id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS progress (
    one INTEGER PRIMARY KEY CHECK (one = 1), identity TEXT, position TEXT
);
"""
_ERRNO_OF: Final = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_READONLY: errno.EROFS,
}
"""SQLite's errors about the disk, which become the `OSError` that a plain file would raise."""


class CannotExport(MoreGoodError):
    """An export cannot be started or resumed with these options; nothing was sent or lost."""


@attrs.frozen(kw_only=True)
class ExportIdentity:
    """What is exported, and from where: only an export of the same identity may be resumed."""

    list_name: str
    file_format: str
    base_url: str
    project: str = attrs.field(default="", repr=False)
    """A fingerprint of the API key."""
    version: int = VERSION

    def describe_differences(self, saved: ExportIdentity) -> str:
        """Return what differs from the interrupted export; empty if nothing does."""
        descriptions = {
            "list_name": f"list ({saved.list_name}, now {self.list_name})",
            "file_format": f"format ({saved.file_format}, now {self.file_format})",
            "base_url": f"base URL ({saved.base_url}, now {self.base_url})",
            "project": "API key (of another project, or a new one)",
            "version": "version of this package",
        }
        return ", ".join(
            description
            for name, description in descriptions.items()
            if getattr(self, name) != getattr(saved, name)
        )


@attrs.frozen(kw_only=True)
class Position:
    """How far an export came."""

    page: int = 0
    """The page that was read last."""
    size: int = 0
    """The bytes of the partial file that are complete pages; later bytes are an unfinished page."""
    rows: int = 0
    total: int | None = None
    """The length of the list, as the server reported it on that page."""
    sort_order: SortOrder = attrs.field(factory=SortOrder)

    @classmethod
    def from_json(cls, text: str) -> Position:
        """Return the position that `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        sort_order = SortOrder(**values.pop("sort_order"))
        return cls(sort_order=sort_order, **values)

    def to_json(self) -> str:
        """Return the position as JSON."""
        return json.dumps(attrs.asdict(self))


class Checkpoint:
    """An open checkpoint, locked against other exports to the same target.

    Changes are in one transaction, which `save` commits and `rollback` undoes.

    Raises:
        CannotExport: Another export has the checkpoint open, or the checkpoint is damaged.
        OSError: The checkpoint cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = self._connect()

    def __repr__(self) -> str:
        return f"Checkpoint({self._path.name!r})"

    def _connect(self) -> sqlite3.Connection:
        file = _create(self._path)
        database = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        try:
            with _translate_errors(self._path):
                # An EXCLUSIVE lock is held from here to `close`, also between transactions.
                database.execute("PRAGMA locking_mode = EXCLUSIVE")
                database.execute("BEGIN EXCLUSIVE")
                for statement in _SCHEMA.split(";"):
                    database.execute(statement)
                _commit(database)
            self._check_same_file(file)
        except BaseException:
            database.close()
            self._check_same_file(file)
            raise
        return database

    def _check_same_file(self, file: tuple[int, int]) -> None:
        """Raise `CannotExport` if the export that held the file removed it during `_connect`.

        A lock on a file without a name keeps nobody out: the next export would create another one.
        """
        if file != _device_and_inode(self._path):
            raise _in_use(self._path)

    def read(self) -> tuple[ExportIdentity, Position] | None:
        """Return the interrupted export and its position; None if there is none."""
        with _translate_errors(self._path):
            row = self._database.execute("SELECT identity, position FROM progress").fetchone()
        try:
            if not row:
                return None
            return ExportIdentity(**json.loads(row[0])), Position.from_json(row[1])
        except (TypeError, KeyError, ValueError) as error:
            raise _damaged(self._path) from error

    def reset(self) -> None:
        """Forget the interrupted export; return when that is on the disk."""
        with _translate_errors(self._path):
            self._database.execute("DELETE FROM ids")
            self._database.execute("DELETE FROM progress")
            _commit(self._database)

    def select_new(self, items: Iterable[Any]) -> list[Any]:
        """Return the items whose ids were not added yet."""
        sql = "SELECT 1 FROM ids WHERE id = ?"
        find = self._database.execute
        with _translate_errors(self._path):
            return [item for item in items if find(sql, (_to_int64(item.id),)).fetchone() is None]

    def add(self, items: Sequence[Any]) -> None:
        """Add the ids of the items."""
        ids = [(_to_int64(item.id),) for item in items]
        with _translate_errors(self._path):
            self._database.executemany("INSERT OR IGNORE INTO ids VALUES (?)", ids)

    def save(self, identity: ExportIdentity, position: Position) -> None:
        """Commit the position and all added ids; return when they are on the disk."""
        values = json.dumps(attrs.asdict(identity)), position.to_json()
        with _translate_errors(self._path):
            self._database.execute("INSERT OR REPLACE INTO progress VALUES (1, ?, ?)", values)
            _commit(self._database)

    def rollback(self) -> None:
        """Undo everything since the last `save`."""
        with _translate_errors(self._path):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def remove(self) -> None:
        """Close the checkpoint and remove its file.

        The file goes first, while the lock still keeps others out; Windows removes no open file.
        """
        steps = [self._path.unlink, self.close]
        for step in reversed(steps) if os.name == "nt" else steps:
            step()

    def close(self) -> None:
        """Close the checkpoint as it was last saved; a second call does nothing."""
        self._database.close()


def _commit(database: sqlite3.Connection) -> None:
    """Commit, and open the next transaction."""
    database.execute("COMMIT")
    database.execute("BEGIN EXCLUSIVE")


def _create(path: Path) -> tuple[int, int]:
    """Create the file unless it exists, readable by its owner only; return its identity."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.close(descriptor)
    return _device_and_inode(path)


def _device_and_inode(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return status.st_dev, status.st_ino


def _to_int64(number: int) -> int:
    """Return an id within SQLite's 64 bits; larger ids wrap around: 2**63 becomes -2**63."""
    return (number + 2**63) % 2**64 - 2**63


@contextmanager
def _translate_errors(path: Path) -> Generator[None]:
    """Raise SQLite's errors as `CannotExport` or `OSError`."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
        if code == sqlite3.SQLITE_BUSY:
            raise _in_use(path) from error
        if code in _ERRNO_OF:
            raise OSError(_ERRNO_OF[code], os.strerror(_ERRNO_OF[code]), str(path)) from error
        raise _damaged(path) from error


def _in_use(path: Path) -> CannotExport:
    return CannotExport(
        f"another export to the same file is running (it holds {path.name}). Wait for it, or "
        "write to another file"
    )


def _damaged(path: Path) -> CannotExport:
    return CannotExport(
        f"{path.name}, the checkpoint of an interrupted export, is damaged. Remove it and start "
        "the export over"
    )
