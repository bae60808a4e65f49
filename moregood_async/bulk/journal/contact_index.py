"""`ContactIndex`: a temporary index of contacts, for a plan that must not fill the memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from moregood_async.bulk.journal import claims
from moregood_async.bulk.journal.states import SkipReason


class ContactIndex:
    """Contacts of a plan, as hashes, in a SQLite database that is deleted when it is closed."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute(
            "CREATE TABLE contact_claims (hash BLOB PRIMARY KEY, row_index INTEGER) WITHOUT ROWID"
        )
        self._connection.execute(
            "CREATE TABLE asked (hash BLOB PRIMARY KEY, reason TEXT) WITHOUT ROWID"
        )
        self._has_asked = False

    def claim(self, contact_claims: Sequence[tuple[bytes, int]]) -> dict[bytes, int]:
        """Claim contacts for rows, the first come first served; return the owner of each."""
        return claims.claim(self._connection, contact_claims)

    def add_asked(self, contacts: Iterable[tuple[bytes, SkipReason]]) -> None:
        """Note contacts of customers that were asked already."""
        rows = [(key, reason.value) for key, reason in contacts]
        self._connection.executemany("INSERT OR IGNORE INTO asked VALUES (?, ?)", rows)
        self._has_asked = self._has_asked or bool(rows)

    def asked_because(self, contacts: Sequence[bytes]) -> SkipReason | None:
        """Return why the owner of one of these contacts is not asked again, or None."""
        if not self._has_asked:
            return None
        slots = claims.placeholders(len(contacts))
        sql = f"SELECT reason FROM asked WHERE hash IN ({slots}) LIMIT 1"  # noqa: S608
        found = self._connection.execute(sql, contacts).fetchone()
        return None if found is None else SkipReason(found[0])

    def close(self) -> None:
        """Delete the index."""
        self._connection.close()
