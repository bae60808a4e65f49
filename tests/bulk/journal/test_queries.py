"""SQL of a journal: of a million rows, only those that are wanted are read."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from moregood_async.bulk.journal import claims, queries, schema
from moregood_async.bulk.journal.states import State
from moregood_async.bulk.journal.storage import EntryQuery


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """A connection to the empty tables of a journal."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        schema.migrate(connection)
        yield connection


UNCERTAIN = frozenset({State.INTENDED, State.UNKNOWN})
QUERIES: list[tuple[str, Callable[[sqlite3.Connection], Any], str]] = [
    (
        "intended rows",
        lambda connection: list(
            queries.entries(connection, EntryQuery(states=frozenset({State.INTENDED})))
        ),
        "INDEX uncertain_rows",
    ),
    (
        "unknown rows",
        lambda connection: list(
            queries.entries(connection, EntryQuery(states=frozenset({State.UNKNOWN})))
        ),
        "INDEX uncertain_rows",
    ),
    (
        "uncertain rows",
        lambda connection: list(queries.entries(connection, EntryQuery(states=UNCERTAIN))),
        "INDEX uncertain_rows",
    ),
    (
        "a range of rows",
        lambda connection: list(queries.entries(connection, EntryQuery(start=5, stop=9))),
        "PRIMARY KEY",
    ),
    (
        "open rows of a range",
        lambda connection: list(
            queries.entries(
                connection, EntryQuery(start=5, stop=9, states=UNCERTAIN | {State.READY})
            )
        ),
        "PRIMARY KEY",
    ),
    (
        "another charge",
        lambda connection: queries.has_other_charge(
            connection, {"customer_id": 5, "row_index": 0, "saved_at": None}
        ),
        "INDEX charged_customers",
    ),
    ("owners", lambda connection: claims.owners(connection, [b"a"]), "PRIMARY KEY"),
    ("digests", lambda connection: queries.row_digests(connection, 0, 5), "PRIMARY KEY"),
]


@pytest.mark.parametrize(
    ("query", "index"), [pytest.param(query, index, id=name) for name, query, index in QUERIES]
)
def test_a_query_uses_its_index(
    query: Callable[[sqlite3.Connection], Any], index: str, connection: sqlite3.Connection
) -> None:
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    query(connection)
    connection.set_trace_callback(None)
    [statement] = statements
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    assert index in str(plan), statement


def test_kept_rows_have_their_index_line_and_cells(connection: sqlite3.Connection) -> None:
    connection.execute('INSERT INTO kept_rows VALUES (1, \'{"a": 1}\'), (0, \'["x", "y"]\')')
    for row_index, line in ((0, 2), (1, 5)):
        values = (row_index, line, b"", 1, 0, 1, 0, "", *[None] * 9, "", "", "", 0)
        slots = claims.placeholders(len(values))
        connection.execute(f"INSERT INTO rows VALUES ({slots})", values)
    kept = list(queries.kept_rows(connection))
    assert kept == [(0, 2, ["x", "y"]), (1, 5, {"a": 1})]
    assert queries.count_kept_rows(connection) == 2
