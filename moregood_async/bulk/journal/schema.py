"""The tables of a journal in SQLite, and how an older journal is brought up to date.

The version of a journal is the number of scripts that made it: a new journal runs all of them, an
older one those that it has not had, in one transaction. Scripts are only ever added.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

APPLICATION_ID: Final = 0x4D47524A
"""SQLite's ``application_id`` of a journal ("MGRJ"), which other SQLite files do not have."""

SCRIPTS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE rows (
        row_index INTEGER PRIMARY KEY,
        line INTEGER NOT NULL,
        digest BLOB NOT NULL,
        step INTEGER NOT NULL,
        state INTEGER NOT NULL,
        idempotent INTEGER NOT NULL,
        has_charge INTEGER NOT NULL,
        channels TEXT NOT NULL,
        skip_reason TEXT,
        duplicate_of INTEGER,
        customer_id INTEGER,
        intended_at REAL,
        lost_at REAL,
        charges_before INTEGER,
        last_charged_before REAL,
        saved_at REAL,
        charged_at REAL,
        error TEXT NOT NULL,
        error_class TEXT NOT NULL,
        warning TEXT NOT NULL,
        attempts INTEGER NOT NULL
    );
    CREATE INDEX uncertain_rows ON rows (state) WHERE state IN (1, 2);
    CREATE INDEX charged_customers ON rows (customer_id) WHERE has_charge = 1;
    CREATE TABLE contact_claims (hash BLOB PRIMARY KEY, row_index INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE customer_claims (customer_id INTEGER PRIMARY KEY, row_index INTEGER NOT NULL);
    CREATE TABLE kept_rows (row_index INTEGER PRIMARY KEY, cells TEXT NOT NULL);
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, began_at REAL NOT NULL, ended_at REAL, ending TEXT, counters TEXT
    );
    """,
)
"""`contact_claims` has keyed hashes of emails and phones, `customer_claims` the API's ids, each
with the first row that claimed it. `kept_rows` has the input in clear, only with ``keep_rows``."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the number of scripts that made a file: 0 if it is empty, -1 if it is no journal."""
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION_ID:
        return int(version)
    return -1 if tables else 0


def migrate(connection: sqlite3.Connection, scripts: Sequence[str] = SCRIPTS) -> None:
    """Run the scripts that a journal has not had, all or none of them."""
    version = version_of(connection)
    if version >= len(scripts):
        return
    statements = [part for script in scripts[version:] for part in script.split(";")]
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(scripts)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
