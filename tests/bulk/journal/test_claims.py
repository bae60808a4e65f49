"""SQL of claims: the first to claim a key owns it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.journal import schema
from moregood_async.bulk.journal.claims import (
    CONTACTS,
    CUSTOMERS,
    MAX_ROWS_PER_STATEMENT,
    ClaimTable,
    claim,
    owners,
    split,
)
from moregood_async.bulk.journal.entry import COLUMNS


def open_tables() -> sqlite3.Connection:
    """Return a connection to the empty tables of a journal."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    return connection


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """A connection to the empty tables of a journal."""
    with closing(open_tables()) as connection:
        yield connection


def test_a_contact_belongs_to_the_first_row_that_claims_it(connection: sqlite3.Connection) -> None:
    assert claim(connection, [(b"a", 0), (b"b", 1), (b"a", 2)]) == {b"a": 0, b"b": 1}
    assert claim(connection, [(b"b", 9), (b"c", 9)]) == {b"b": 1, b"c": 9}
    assert owners(connection, [b"a", b"b", b"c", b"z"]) == {b"a": 0, b"b": 1, b"c": 9}


def test_a_customer_belongs_to_the_first_row_that_claims_it(connection: sqlite3.Connection) -> None:
    """Contacts and customers are tables of their own."""
    assert claim(connection, [(5, 0), (6, 1), (5, 2)], CUSTOMERS) == {5: 0, 6: 1}
    assert owners(connection, [5, 6, 7], CUSTOMERS) == {5: 0, 6: 1}
    assert owners(connection, [b"5"], CONTACTS) == {}


def test_no_claims_and_no_keys_are_fine(connection: sqlite3.Connection) -> None:
    assert claim(connection, []) == {}
    assert owners(connection, []) == {}


@pytest.mark.parametrize("table", [CONTACTS, CUSTOMERS], ids=lambda table: table.name)
def test_claims_and_owners_are_found_by_the_primary_key(
    table: ClaimTable, connection: sqlite3.Connection
) -> None:
    sql = f"EXPLAIN QUERY PLAN SELECT * FROM {table.name} WHERE {table.key} IN (?)"
    [plan] = connection.execute(sql, (b"a",)).fetchall()
    assert "SEARCH" in plan[3]
    assert "PRIMARY KEY" in plan[3]


@given(st.lists(st.tuples(st.binary(max_size=1), st.integers(0, 9)), max_size=40))
def test_claims_agree_with_a_dictionary(claims: list[tuple[bytes, int]]) -> None:
    expected: dict[bytes, int] = {}
    for key, row_index in claims:
        expected.setdefault(key, row_index)
    with closing(open_tables()) as connection:
        assert claim(connection, claims) == expected
        assert owners(connection, list(expected)) == expected


@given(st.integers(0, 3_000))
def test_the_parts_of_a_split_are_all_items_in_few_sizes(count: int) -> None:
    parts = list(split(range(count)))
    assert [item for part in parts for item in part] == list(range(count))
    assert {len(part) for part in parts} <= {1 << power for power in range(9)}
    assert len(parts) <= count // MAX_ROWS_PER_STATEMENT + 8


def test_the_largest_statement_stays_below_the_limit_of_sqlite() -> None:
    assert MAX_ROWS_PER_STATEMENT * len(COLUMNS) <= 32_766
