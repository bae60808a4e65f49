"""The tables of a journal, and how an older one becomes one of today.

A version is the number of scripts that made it: a new journal runs all of them, an older one
those that it has not had, in one transaction. Scripts are only ever added.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

APPLICATION: Final = 0x4D47524A
"""What tells a journal from other SQLite files: MGRJ."""

SCRIPTS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE rows (
        place INTEGER PRIMARY KEY,
        line INTEGER NOT NULL,
        digest BLOB NOT NULL,
        step INTEGER NOT NULL,
        state INTEGER NOT NULL,
        idempotent INTEGER NOT NULL,
        charges INTEGER NOT NULL,
        channels TEXT NOT NULL,
        unasked TEXT NOT NULL,
        repeats INTEGER,
        customer INTEGER,
        intended_at REAL,
        lost_at REAL,
        charges_before INTEGER,
        charged_before REAL,
        saved_at REAL,
        charged_at REAL,
        error TEXT NOT NULL,
        kind TEXT NOT NULL,
        warning TEXT NOT NULL,
        tries INTEGER NOT NULL
    );
    CREATE INDEX unsettled ON rows (state) WHERE state IN (1, 2);
    CREATE INDEX charged ON rows (customer) WHERE charges = 1;
    CREATE TABLE people (mark BLOB PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE customers (mark INTEGER PRIMARY KEY, place INTEGER NOT NULL);
    CREATE TABLE kept (place INTEGER PRIMARY KEY, cells TEXT NOT NULL);
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY, began REAL NOT NULL, ended REAL, how TEXT, figures TEXT
    );
    """,
)


def version_of(connection: sqlite3.Connection) -> int:
    """How many scripts have made it; 0 for an empty file, -1 for what is no journal."""
    [tables] = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION:
        return int(version)
    return -1 if tables else 0


def migrate(connection: sqlite3.Connection, scripts: Sequence[str] = SCRIPTS) -> None:
    """Bring it up to date, all or nothing."""
    version = version_of(connection)
    if version >= len(scripts):
        return
    statements = [part for script in scripts[version:] for part in script.split(";")]
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {len(scripts)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
