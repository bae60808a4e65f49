"""The contract of `Storage`: what its queries return."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from moregood_async.bulk import RunRecord
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.states import SkipReason, State, Step
from moregood_async.bulk.journal.storage import Change, EntryQuery, Storage
from tests.bulk.journal.storages import IMPLEMENTATIONS, change_of
from tests.bulk.journal_entries import make_entries, make_entry


@pytest.fixture(params=IMPLEMENTATIONS, ids=str)
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """An open storage without rows."""
    opened = await request.param.open(tmp_path)
    yield opened
    await opened.close()


async def test_an_empty_storage_has_nothing(storage: Storage) -> None:
    summary = await storage.summary()
    assert await storage.entries(EntryQuery()) == []
    assert await storage.count_rows() == 0
    assert await storage.count_asks() == 0
    assert await storage.row_digests(0, 9) == []
    assert await storage.contact_owners([b"a"]) == {}
    assert await storage.contacts_of([0]) == {}
    assert list(summary.groups) == []
    assert list(summary.errors) == []
    assert list(summary.runs) == []


async def test_saving_no_settings_changes_nothing(storage: Storage) -> None:
    before = dict(storage.settings())
    await storage.save_settings({})
    assert storage.settings() == before
    await storage.commit(Change())  # the journal is still usable


MAX_ASKS = SkipReason.MAX_ASKS


@pytest.mark.parametrize(
    ("query", "row_indexes"),
    [
        (EntryQuery(), [0, 1, 2, 3, 4, 5]),
        (EntryQuery(start=2), [2, 3, 4, 5]),
        (EntryQuery(start=2, stop=4), [2, 3]),
        (EntryQuery(stop=0), []),
        (EntryQuery(limit=2), [0, 1]),
        (EntryQuery(limit=0), []),
        (EntryQuery(start=4, limit=9), [4, 5]),
        (EntryQuery(states=frozenset({State.UNKNOWN})), [2, 3]),
        (EntryQuery(states=frozenset({State.INTENDED, State.UNKNOWN})), [1, 2, 3]),
        (EntryQuery(states=frozenset({State.READY, State.UNKNOWN})), [0, 2, 3]),
        (EntryQuery(states=frozenset(State), stop=3), [0, 1, 2]),
        (EntryQuery(states=frozenset()), []),
        (EntryQuery(skip_reason=MAX_ASKS), [4]),
        (EntryQuery(skip_reason=MAX_ASKS, states=frozenset({State.DONE})), [4]),
        (EntryQuery(skip_reason=MAX_ASKS, states=frozenset({State.FAILED})), []),
    ],
    ids=str,
)
async def test_a_query_returns_its_entries_in_the_order_of_the_input(
    query: EntryQuery, row_indexes: list[int], storage: Storage
) -> None:
    """A field of the query that is left out excludes nothing."""
    entries = [
        make_entry(0),
        make_entry(1, state=State.INTENDED),
        make_entry(2, state=State.UNKNOWN),
        make_entry(3, state=State.UNKNOWN),
        make_entry(4, state=State.DONE, skip_reason=MAX_ASKS),
        make_entry(5, state=State.DONE, skip_reason=SkipReason.HELD),
    ]
    await storage.commit(change_of(*reversed(entries)))
    expected = [entries[row_index] for row_index in row_indexes]
    assert await storage.entries(query) == expected


async def test_asks_that_were_applied_or_may_have_been_are_counted(storage: Storage) -> None:
    asked: list[dict[str, Any]] = [{"state": State.INTENDED}, {"state": State.UNKNOWN}]
    asked += [{"state": State.DONE}]
    not_asked: list[dict[str, Any]] = [
        {"state": State.READY},
        {"state": State.FAILED},
        {"state": State.DONE, "skip_reason": MAX_ASKS},
        {"state": State.DONE, "step": Step.CHARGE},
        {"state": State.UNKNOWN, "step": Step.CHARGE},
    ]
    for row_index, fields in enumerate([*asked, *not_asked]):
        entry = make_entry(row_index, **{"step": Step.ASK, "channels": "email"} | fields)
        storage.enqueue(change_of(entry))
    assert await storage.count_asks() == len(asked)


async def test_digests_are_those_of_the_rows_of_a_range(storage: Storage) -> None:
    rows = [JournalEntry(row_index, 1, b"%d" % row_index) for row_index in range(6)]
    await storage.commit(change_of(*rows))
    assert await storage.row_digests(2, 5) == [b"2", b"3", b"4"]
    assert await storage.row_digests(4, 99) == [b"4", b"5"]
    assert await storage.count_rows() == 6


async def test_contacts_are_found_by_their_hash_and_by_their_row(storage: Storage) -> None:
    claims = [(b"a", 0), (b"b", 0), (b"c", 1), (b"a", 2)]
    await storage.commit(Change(contact_claims=claims))
    assert await storage.contact_owners([b"a", b"c", b"z"]) == {b"a": 0, b"c": 1}
    assert await storage.contacts_of([0, 2]) == {b"a": 0, b"b": 0}
    assert await storage.contacts_of([]) == {}


CHARGED: dict[str, Any] = {"has_charge": True, "customer_id": 5}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"step": Step.CHARGE, "state": State.INTENDED}, True),
        ({"step": Step.CHARGE, "state": State.UNKNOWN}, True),
        ({"step": Step.CHARGE, "state": State.DONE}, True),
        ({"step": Step.CHARGE, "state": State.DONE, "charged_at": 100.0}, True),
        ({"step": Step.CHARGE, "state": State.DONE, "charged_at": 99.5}, False),
        ({"step": Step.ASK, "state": State.READY, "charged_at": 101.0}, True),
        ({"step": Step.ASK, "state": State.FAILED, "charged_at": 99.5}, False),
        ({"step": Step.CHARGE, "state": State.READY}, False),
        ({"step": Step.CHARGE, "state": State.FAILED}, False),
        ({"step": Step.UPSERT, "state": State.UNKNOWN}, False),
        ({"step": Step.CHARGE, "state": State.UNKNOWN, "customer_id": 6}, False),
        ({"step": Step.CHARGE, "state": State.UNKNOWN, "has_charge": False}, False),
    ],
)
async def test_another_charge_counts_unless_it_was_provably_before_the_upsert(
    other: dict[str, Any], expected: bool, storage: Storage
) -> None:
    """The row that asks was read from the API at 100."""
    row = make_entry(0, step=Step.CHARGE, state=State.UNKNOWN, saved_at=100.0, **CHARGED)
    await storage.commit(change_of(row, make_entry(1, **CHARGED | other)))
    assert await storage.has_other_charge(row) is expected


async def test_a_row_is_not_its_own_other_charge(storage: Storage) -> None:
    row = make_entry(0, step=Step.CHARGE, state=State.UNKNOWN, saved_at=100.0, **CHARGED)
    await storage.commit(change_of(row))
    assert await storage.has_other_charge(row) is False


async def test_runs_are_stored_with_how_they_ended(storage: Storage) -> None:
    """A run that has not ended was killed, or is still going on."""
    first = await storage.begin_run(5.0)
    second = await storage.begin_run(7.5)
    record = RunRecord(
        began_at=7.5, ended_at=9.0, ending="complete", counters={"requests": 3, "timings": {"a": 1}}
    )
    await storage.end_run(second, record)
    killed = RunRecord(began_at=5.0, ended_at=None, ending="killed", counters={})
    assert first != second
    assert list((await storage.summary()).runs) == [killed, record]


async def test_a_summary_groups_the_rows_that_count_alike(storage: Storage) -> None:
    asked: dict[str, Any] = {"step": Step.ASK, "state": State.DONE}
    await storage.commit(
        change_of(
            *make_entries(3, **asked),
            *make_entries(1, start=3, warning="odd phone", **asked),
            *make_entries(2, start=4, duplicate_of=0, state=State.DONE),
            make_entry(6, state=State.REJECTED),
        )
    )
    summary = await storage.summary()
    groups = {
        (group.entry.state, group.entry.not_asked_because, group.entry.was_asked): (
            group.rows,
            group.duplicates,
            group.warnings,
        )
        for group in summary.groups
    }
    assert groups == {
        (State.DONE, None, True): (4, 0, 1),
        (State.DONE, SkipReason.DUPLICATE, False): (2, 2, 0),
        (State.REJECTED, None, False): (1, 0, 0),
    }


async def test_a_summary_has_the_ten_most_frequent_errors_of_rows_that_are_not_done(
    storage: Storage,
) -> None:
    """Each with an example. A row that waits after an error is not listed."""
    row_index = 0
    for number in range(12):
        for _ in range(number + 1):
            state = (State.UNKNOWN, State.FAILED, State.REJECTED)[number % 3]
            error_class = f"E{number:02}"
            entry = make_entry(
                row_index, state=state, error_class=error_class, error=f"text of {error_class}"
            )
            storage.enqueue(change_of(entry))
            row_index += 1
    storage.enqueue(change_of(make_entry(row_index, state=State.READY, error_class="waits")))
    errors = list((await storage.summary()).errors)
    assert errors == [
        (f"E{number:02}", f"text of E{number:02}", number + 1) for number in range(11, 1, -1)
    ]
