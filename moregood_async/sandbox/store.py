"""The sandbox's database: SQLite, in memory or in a file that survives a restart.

Each response is sent after its transaction is committed, so a killed process loses no effect that
a client knows of. One sandbox at a time uses a file.
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
"""The schema's number, in SQLite's ``user_version``."""

_COUNT_OBJECTS = "SELECT count(*) FROM sqlite_master"
_COUNT_LAST_INDEX = f"{_COUNT_OBJECTS} WHERE name = 'events_by_message'"
"""Finds the last object of the schema: 1 if the file is a sandbox's and complete."""

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
def _insert_sql(table: str, names: tuple[str, ...]) -> str:
    placeholders = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({placeholders})"  # noqa: S608  own names


class Store:
    """The database, the lock that every use of it holds, and the seed of its uuids."""

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
            self.seed: int = int(self.load_setting("seed", str(seed)))

    def _prepare(self, *, on_disk: bool) -> None:
        version = self.fetch_count("PRAGMA user_version")
        is_new = not version and not self.fetch_count(_COUNT_OBJECTS)
        if not is_new and (version, self.fetch_count(_COUNT_LAST_INDEX)) != (_VERSION, 1):
            self.close()
            raise ConfigurationError(
                "the file is not a sandbox's, or is from another version; it was not changed;"
                " use another file"
            )
        if on_disk:
            self.execute("PRAGMA journal_mode=WAL")
            self.execute("PRAGMA synchronous=NORMAL")
        if is_new:
            self._database.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT"
            )

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit all statements of the block, or none if the block raises.

        All writing is done in such a block. The first statement that writes begins SQLite's
        transaction, so a block that only reads is cheap. No other thread runs statements meanwhile.
        """
        with self.lock:
            try:
                yield
            except BaseException:
                self._database.rollback()
                raise
            self._database.commit()

    def load_setting(self, name: str, default: str) -> str:
        """Return a setting; an unknown setting is stored with the default."""
        self.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, default))
        return str(self.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()[0])

    def save_setting(self, name: str, value: str) -> None:
        """Store a setting."""
        self.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def fetch_rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a query, by column name."""
        cursor = self.execute(sql, values)
        names = self._column_names(sql, cursor)
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def fetch_row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """Return the first row of a query, by column name."""
        cursor = self.execute(sql, values)
        row = cursor.fetchone()
        return None if row is None else dict(zip(self._column_names(sql, cursor), row, strict=True))

    def _column_names(self, sql: str, cursor: sqlite3.Cursor) -> tuple[str, ...]:
        """Return the columns of a query, cached because SQLite builds the description each time."""
        names = self._columns.get(sql)
        if names is None:
            names = self._columns[sql] = tuple(column[0] for column in cursor.description)
        return names

    def fetch_count(self, sql: str, values: Sequence[object] = ()) -> int:
        """Return the one number that a query selects."""
        return int(self.execute(sql, values).fetchone()[0])

    def insert(self, table: str, **values: object) -> int:
        """Insert a row and return its id."""
        sql = _insert_sql(table, tuple(values))
        return int(self.execute(sql, tuple(values.values())).lastrowid or 0)

    def update(self, table: str, row_id: int, **values: object) -> None:
        """Change columns of a row."""
        assignments = ", ".join(f"{name} = ?" for name in values)
        sql = f"UPDATE {table} SET {assignments} WHERE id = ?"  # noqa: S608  own names
        self.execute(sql, (*values.values(), row_id))

    def uuid(self, kind: str, row_id: int) -> str:
        """Return the uuid of a row, which depends on the seed only."""
        digest = blake2b(f"{self.seed}/{kind}/{row_id}".encode(), digest_size=16).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"
