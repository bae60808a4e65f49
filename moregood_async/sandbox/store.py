"""Where the sandbox keeps its state: SQLite, in memory or in a file that survives a restart.

What was answered is committed: a killed process loses nothing that a client was told. A file
belongs to one sandbox at a time.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from moregood_async.errors import ConfigurationError

Row = dict[str, Any]

_VERSION = 1
_NAMES = "SELECT count(*) FROM sqlite_master"
_OURS = f"{_NAMES} WHERE name = 'events_by_message'"
_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE projects (
    id INTEGER PRIMARY KEY, key_hash TEXT NOT NULL UNIQUE, suspended INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE locations (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, name TEXT, display_name TEXT, slug TEXT,
    code TEXT, address1 TEXT, address2 TEXT, city TEXT, state TEXT, postal_code TEXT
);
CREATE UNIQUE INDEX locations_by_slug ON locations (project_id, slug);
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL,
    first_name TEXT, last_name TEXT, email TEXT, phone TEXT, phone_e164 TEXT, company TEXT,
    notes TEXT, address1 TEXT, address2 TEXT, city TEXT, state TEXT, postal_code TEXT,
    has_subscription INTEGER NOT NULL DEFAULT 0, location_id INTEGER, tags TEXT,
    charges_count INTEGER NOT NULL DEFAULT 0, charges_sum INTEGER NOT NULL DEFAULT 0,
    first_charged_at INTEGER, last_charged_at INTEGER,
    first_asked_at INTEGER, last_asked_at INTEGER, signed_up_at INTEGER,
    created_at INTEGER, updated_at INTEGER,
    email_key TEXT, phone_key TEXT, unsubscribed_at INTEGER
);
CREATE INDEX customers_by_project ON customers (project_id);
CREATE INDEX customers_by_email ON customers (project_id, email_key);
CREATE INDEX customers_by_phone ON customers (project_id, phone_key);
CREATE TABLE charges (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, customer_id INTEGER NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, charged_at INTEGER NOT NULL, sent_date INTEGER
);
CREATE INDEX charges_by_project ON charges (project_id);
CREATE TABLE asks (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, customer_id INTEGER NOT NULL,
    channels TEXT NOT NULL, reminders_count INTEGER NOT NULL, scheduled_at INTEGER NOT NULL,
    sent_date INTEGER
);
CREATE INDEX asks_by_project ON asks (project_id);
CREATE INDEX asks_by_customer ON asks (customer_id);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, customer_id INTEGER NOT NULL,
    ask_id INTEGER NOT NULL, channel TEXT NOT NULL, position INTEGER NOT NULL,
    scheduled_at INTEGER NOT NULL, created_at INTEGER, updated_at INTEGER, processed_at INTEGER,
    sent_at INTEGER, delivered_at INTEGER, opened_at INTEGER, clicked_at INTEGER,
    failed_at INTEGER, failed_reason TEXT, cancelled_at INTEGER
);
CREATE INDEX messages_by_project ON messages (project_id, cancelled_at);
CREATE INDEX messages_by_customer ON messages (customer_id, cancelled_at);
CREATE INDEX messages_by_ask ON messages (ask_id);
CREATE TABLE reviews (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, customer_id INTEGER NOT NULL,
    ask_id INTEGER, score INTEGER NOT NULL, review TEXT, has_reply INTEGER NOT NULL DEFAULT 0,
    is_hidden INTEGER NOT NULL DEFAULT 0, is_duplicate INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
);
CREATE INDEX reviews_by_project ON reviews (project_id, created_at);
CREATE INDEX reviews_by_customer ON reviews (customer_id, created_at);
CREATE INDEX reviews_by_ask ON reviews (ask_id);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, message_id INTEGER NOT NULL
);
CREATE INDEX events_in_order ON events (at, id);
CREATE INDEX events_by_message ON events (message_id);
"""


@lru_cache(maxsize=64)
def _insertion(table: str, names: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608  own names


class Store:
    """The database, a lock that every use of it holds, and what is derived from its seed."""

    def __init__(self, path: str | Path | None, seed: int) -> None:
        self.lock: threading.RLock = threading.RLock()
        self._database = sqlite3.connect(
            str(path) if path is not None else ":memory:",
            isolation_level="IMMEDIATE",
            check_same_thread=False,
            cached_statements=256,
        )
        self.close: Callable[[], object] = weakref.finalize(self, self._database.close)
        self.execute: Callable[..., sqlite3.Cursor] = self._database.execute
        self._columns: dict[str, tuple[str, ...]] = {}
        self._prepare(on_disk=path is not None)
        with self.transaction():
            self.seed: int = int(self.setting("seed", str(seed)))

    def _prepare(self, *, on_disk: bool) -> None:
        version, names = self.count("PRAGMA user_version"), self.count(_NAMES)
        if (version or names) and (version, self.count(_OURS)) != (_VERSION, 1):
            self.close()
            raise ConfigurationError("the file is no sandbox's, or one of another version")
        if on_disk:
            self.execute("PRAGMA journal_mode=WAL")
            self.execute("PRAGMA synchronous=NORMAL")
        if not names:
            self._database.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT"
            )

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All of it or nothing, and nobody in between; all writing is done in one.

        The first statement that writes begins it, so what only reads costs no more than that.
        """
        with self.lock:
            try:
                yield
            except BaseException:
                self._database.rollback()
                raise
            self._database.commit()

    def setting(self, name: str, default: str) -> str:
        """A setting that survives a restart; the default is kept where there was none."""
        self.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, default))
        return str(self.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()[0])

    def set(self, name: str, value: str) -> None:
        """Keeps a setting."""
        self.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows of a query, by the names of their columns."""
        cursor = self.execute(sql, values)
        names = self._names(sql, cursor)
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """The first row of a query."""
        cursor = self.execute(sql, values)
        found = cursor.fetchone()
        return None if found is None else dict(zip(self._names(sql, cursor), found, strict=True))

    def _names(self, sql: str, cursor: sqlite3.Cursor) -> tuple[str, ...]:
        """The columns of a query; SQLite describes them anew each time, at a price."""
        names = self._columns.get(sql)
        if names is None:
            names = self._columns[sql] = tuple(column[0] for column in cursor.description)
        return names

    def count(self, sql: str, values: Sequence[object] = ()) -> int:
        """The number that a query gives."""
        return int(self.execute(sql, values).fetchone()[0])

    def insert(self, table: str, **values: object) -> int:
        """A new row; gives its id."""
        sql = _insertion(table, tuple(values))
        return int(self.execute(sql, tuple(values.values())).lastrowid or 0)

    def update(self, table: str, ident: int, **values: object) -> None:
        """Changes a row."""
        names = ", ".join(f"{name} = ?" for name in values)
        sql = f"UPDATE {table} SET {names} WHERE id = ?"  # noqa: S608  names are the code's own
        self.execute(sql, (*values.values(), ident))

    def uuid(self, kind: str, ident: int) -> str:
        """The uuid of a row: the same for the same seed."""
        digest = blake2b(f"{self.seed}/{kind}/{ident}".encode(), digest_size=16).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"
