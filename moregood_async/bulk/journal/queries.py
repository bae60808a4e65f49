"""SQL that reads and writes a journal's tables, apart from claims (`claims`) and rows (`writer`).

Functions of a connection: `SqliteStorage` calls them in the journal's thread, `JournalReader`
directly.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from moregood_async.bulk.journal.entry import COLUMNS, JournalEntry
from moregood_async.bulk.journal.states import SkipReason, State, Step
from moregood_async.bulk.journal.storage import EntryQuery, JournalSummary, RowGroup, RunRecord

_SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM rows"  # noqa: S608 - names of this package

_UNCERTAIN: Final = frozenset({State.INTENDED, State.UNKNOWN})
_UNCERTAIN_ROWS: Final = "state IN (1, 2)"
"""The condition of the partial index, word for word: SQLite uses the index only then."""

_GROUPS: Final = """
    SELECT step, state, has_charge, channels, skip_reason, duplicate_of IS NOT NULL,
        count(*), count(duplicate_of), count(nullif(warning, ''))
    FROM rows GROUP BY 1, 2, 3, 4, 5, 6
"""
_ERRORS: Final = f"""
    SELECT error_class, min(error), count(*) FROM rows
    WHERE error_class != '' AND state IN ({State.UNKNOWN:d}, {State.FAILED:d}, {State.REJECTED:d})
    GROUP BY error_class ORDER BY count(*) DESC LIMIT 10
"""  # noqa: S608 - numbers of states
_OTHER_CHARGES: Final = f"""
    SELECT count(*) FROM rows
    WHERE has_charge = 1 AND customer_id = :customer_id AND row_index != :row_index
        AND (step = {Step.ASK:d} OR state = {State.DONE:d}
            OR (step = {Step.CHARGE:d} AND state IN ({State.INTENDED:d}, {State.UNKNOWN:d})))
        AND (charged_at IS NULL OR :saved_at IS NULL OR charged_at >= :saved_at)
"""  # noqa: S608 - numbers of states
"""Rows of the same customer that charged, or may have, and not provably before the upsert."""

_ASKS: Final = f"""
    SELECT count(*) FROM rows
    WHERE step = {Step.ASK:d} AND skip_reason IS NULL
        AND state IN ({State.INTENDED:d}, {State.UNKNOWN:d}, {State.DONE:d})
"""  # noqa: S608 - numbers of states


def settings(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return all settings."""
    rows = connection.execute("SELECT name, value FROM settings")
    return {name: json.loads(value) for name, value in rows}


def save_settings(connection: sqlite3.Connection, values: Mapping[str, Any]) -> None:
    """Store some settings, all or none of them."""
    if not values:
        return
    rows = ",".join(["(?, ?)"] * len(values))
    flat = [cell for name, value in values.items() for cell in (name, json.dumps(value))]
    connection.execute(f"REPLACE INTO settings VALUES {rows}", flat)  # noqa: S608 - placeholders


def entries(connection: sqlite3.Connection, query: EntryQuery) -> Iterator[JournalEntry]:
    """Yield the entries of a query, in the order of the input."""
    conditions = ["row_index >= ?"]
    values: list[Any] = [query.start]
    if query.stop is not None:
        conditions.append("row_index < ?")
        values.append(query.stop)
    if query.states is not None:
        if query.states <= _UNCERTAIN:
            conditions.append(_UNCERTAIN_ROWS)
        conditions.append(f"state IN ({', '.join(str(int(state)) for state in query.states)})")
    if query.skip_reason is not None:
        conditions.append("skip_reason = ?")
        values.append(query.skip_reason.value)
    limit = -1 if query.limit is None else query.limit
    where = " AND ".join(conditions)
    sql = f"{_SELECT} WHERE {where} ORDER BY row_index LIMIT {int(limit)}"
    return map(JournalEntry.from_values, connection.execute(sql, values))


def count_rows(connection: sqlite3.Connection) -> int:
    """Return the number of registered rows; their indexes have no gaps."""
    [highest] = connection.execute("SELECT max(row_index) FROM rows").fetchone()
    return 0 if highest is None else highest + 1


def count_asks(connection: sqlite3.Connection) -> int:
    """Return the number of rows whose ask was accepted, or may have been."""
    [asks] = connection.execute(_ASKS).fetchone()
    return int(asks)


def row_digests(connection: sqlite3.Connection, start: int, stop: int) -> list[bytes]:
    """Return the digests of a range of rows."""
    sql = "SELECT digest FROM rows WHERE row_index >= ? AND row_index < ? ORDER BY row_index"
    return [digest for (digest,) in connection.execute(sql, (start, stop))]


def contacts_of(connection: sqlite3.Connection, row_indexes: Sequence[int]) -> dict[bytes, int]:
    """Return the contacts that some rows own, each with its row. Scans all claims."""
    wanted = set(row_indexes)
    claims = connection.execute("SELECT hash, row_index FROM contact_claims")
    return {key: row_index for key, row_index in claims if row_index in wanted}


def has_other_charge(connection: sqlite3.Connection, values: Mapping[str, Any]) -> bool:
    """Return whether another row may have charged a customer since a row's upsert.

    Args:
        connection: The journal.
        values: ``customer_id``, ``row_index`` and ``saved_at`` of the row.
    """
    [others] = connection.execute(_OTHER_CHARGES, values).fetchone()
    return bool(others)


def last_alive_at(connection: sqlite3.Connection) -> float | None:
    """Return the time of the latest heartbeat, or None."""
    value = settings(connection).get("alive_at")
    return None if value is None else float(value)


def begin_run(connection: sqlite3.Connection, began_at: float) -> int:
    """Store that a run begins; return its id."""
    cursor = connection.execute("INSERT INTO runs (began_at) VALUES (?)", (began_at,))
    return int(cursor.lastrowid or 0)


def end_run(connection: sqlite3.Connection, run_id: int, record: RunRecord) -> None:
    """Store how a run ended."""
    values = (record.ended_at, record.ending, json.dumps(record.counters), run_id)
    sql = "UPDATE runs SET ended_at = ?, ending = ?, counters = ? WHERE id = ?"
    connection.execute(sql, values)


def kept_rows(connection: sqlite3.Connection) -> Iterator[tuple[int, int, Any]]:
    """Yield row index, line and cells of each row that was kept, in the order of the input."""
    sql = """
        SELECT row_index, rows.line, kept_rows.cells
        FROM kept_rows JOIN rows USING (row_index) ORDER BY row_index
    """
    for row_index, line, cells in connection.execute(sql):
        yield row_index, line, json.loads(cells)


def count_kept_rows(connection: sqlite3.Connection) -> int:
    """Return the number of rows that were kept."""
    [kept] = connection.execute("SELECT count(*) FROM kept_rows").fetchone()
    return int(kept)


def summary(connection: sqlite3.Connection) -> JournalSummary:
    """Return what a report needs."""
    runs = connection.execute("SELECT began_at, ended_at, ending, counters FROM runs ORDER BY id")
    return JournalSummary(
        groups=[_group(*columns) for columns in connection.execute(_GROUPS)],
        errors=[tuple(row) for row in connection.execute(_ERRORS)],
        runs=[
            RunRecord(
                began_at=began_at,
                ended_at=ended_at,
                ending=ending or "killed",
                counters=json.loads(counters or "{}"),
            )
            for began_at, ended_at, ending, counters in runs
        ],
    )


def _group(*columns: Any) -> RowGroup:
    step, state, has_charge, channels, reason, is_duplicate, rows, duplicates, warnings = columns
    entry = JournalEntry(
        row_index=0,
        line=0,
        digest=b"",
        step=Step(step),
        state=State(state),
        has_charge=bool(has_charge),
        channels=channels,
        skip_reason=None if reason is None else SkipReason(reason),
        duplicate_of=0 if is_duplicate else None,
    )
    return RowGroup(entry=entry, rows=rows, duplicates=duplicates, warnings=warnings)
