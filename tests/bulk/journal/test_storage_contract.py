"""The contract of `Storage`: order, atomicity, claims, settings and failures.

`storages.IMPLEMENTATIONS` has what is tested; another implementation is one line there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moregood_async.bulk import JournalInUse, JournalUnusable, RunRecord
from moregood_async.bulk.journal.states import SkipReason, State, Step
from moregood_async.bulk.journal.storage import (
    Change,
    Claimed,
    CustomerClaim,
    EntryQuery,
    Storage,
)
from tests.bulk.journal.storages import (
    DURABLE,
    IMPLEMENTATIONS,
    Implementation,
    change_of,
    invalid_values,
)
from tests.bulk.journal_entries import make_entries, make_entry
from tests.depth import scaled

ALL = EntryQuery()
RUN = RunRecord(began_at=1.0, ended_at=2.0, ending="complete", counters={})


@pytest.fixture(params=IMPLEMENTATIONS, ids=str)
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """An open storage without rows."""
    opened = await request.param.open(tmp_path)
    yield opened
    await opened.close()


# order and durability


async def test_a_committed_row_is_read(storage: Storage) -> None:
    entry = make_entry(3, channels="email", state=State.UNKNOWN, lost_at=4.5, error="é ✓")
    assert await storage.commit(change_of(entry)) == Claimed()
    assert await storage.entries(ALL) == [entry]


async def test_a_read_sees_what_was_enqueued_before_it(storage: Storage) -> None:
    entries = make_entries(3)
    for entry in entries:
        storage.enqueue(change_of(entry))
    assert await storage.entries(ALL) == entries


async def test_a_read_sees_a_commit_that_nobody_has_awaited(storage: Storage) -> None:
    committing = storage.commit(change_of(make_entry(0)))
    assert await storage.count_rows() == 1
    await committing


async def test_changes_of_a_row_take_effect_in_the_order_of_the_calls(storage: Storage) -> None:
    """Whether they are committed or enqueued, together or one by one."""
    storage.enqueue(change_of(make_entry(0, error="first")))
    await storage.commit(change_of(make_entry(0, error="second")))
    committing = storage.commit(change_of(make_entry(0, error="third")))
    storage.enqueue(change_of(make_entry(0, error="fourth")))
    assert [entry.error for entry in await storage.entries(ALL)] == ["fourth"]
    await committing
    storage.enqueue(change_of(make_entry(0, error="fifth")))
    assert [entry.error for entry in await storage.entries(ALL)] == ["fifth"]


async def test_a_commit_is_never_done_before_an_earlier_one(storage: Storage) -> None:
    done: list[int] = []

    async def commit(number: int) -> None:
        await storage.commit(change_of(make_entry(number)))
        done.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(commit(number))
            if number % 5 == 0:
                await storage.count_rows()
    assert done == list(range(20))


async def test_a_cancelled_commit_does_not_stop_the_others(storage: Storage) -> None:
    cancelled = asyncio.ensure_future(storage.commit(change_of(make_entry(0))))
    others = [storage.commit(change_of(entry)) for entry in make_entries(3, start=1)]
    cancelled.cancel()
    await asyncio.gather(*others)
    assert {1, 2, 3} <= {entry.row_index for entry in await storage.entries(ALL)}


@pytest.mark.parametrize("implementation", DURABLE, ids=str)
async def test_what_was_committed_or_enqueued_is_there_after_closing(
    implementation: Implementation, tmp_path: Path
) -> None:
    committed, enqueued = make_entries(2)
    storage = await implementation.open(tmp_path)
    await storage.commit(change_of(committed))
    storage.enqueue(change_of(enqueued))
    await storage.close()
    storage = await implementation.open(tmp_path)
    assert await storage.entries(ALL) == [committed, enqueued]
    await storage.close()


@pytest.mark.parametrize("implementation", DURABLE, ids=str)
async def test_only_one_holds_the_lease(implementation: Implementation, tmp_path: Path) -> None:
    storage = await implementation.open(tmp_path)
    with pytest.raises(JournalInUse):
        await implementation.open(tmp_path)
    await storage.close()
    storage = await implementation.open(tmp_path)
    await storage.close()


async def test_values_and_entries_are_copies(storage: Storage) -> None:
    """A storage never changes an entry, and an entry that was read is not stored by itself."""
    first, second = make_entries(2)
    change = Change(
        rows=(first.values(), second.values()),
        contact_claims=((b"ada", 0), (b"ada", 1)),
    )
    await storage.commit(change)
    assert second.duplicate_of is None
    assert change.rows == (first.values(), second.values())
    [read, _] = await storage.entries(ALL)
    read.explain("changed")
    assert (await storage.entries(ALL))[0] == first


# contact claims


def claim_of(*claims: tuple[bytes, int]) -> Change:
    """Return a change that stores rows which claim contacts."""
    rows = sorted({row_index for _, row_index in claims})
    return Change(rows=[make_entry(row).values() for row in rows], contact_claims=claims)


async def duplicates(storage: Storage) -> dict[int, int | None]:
    """Return ``duplicate_of`` of all stored rows."""
    return {entry.row_index: entry.duplicate_of for entry in await storage.entries(ALL)}


async def test_the_first_row_of_a_change_to_claim_a_contact_owns_it(storage: Storage) -> None:
    claimed = await storage.commit(claim_of((b"a", 0), (b"b", 1), (b"a", 2)))
    assert claimed.duplicate_of == {2: 0}
    assert await duplicates(storage) == {0: None, 1: None, 2: 0}


async def test_the_first_change_of_a_group_to_claim_a_contact_owns_it(storage: Storage) -> None:
    changes = [claim_of((b"a", row_index)) for row_index in range(5)]
    claimed = await asyncio.gather(*(storage.commit(change) for change in changes))
    assert [dict(each.duplicate_of) for each in claimed] == [{}, {1: 0}, {2: 0}, {3: 0}, {4: 0}]
    assert await duplicates(storage) == {0: None, 1: 0, 2: 0, 3: 0, 4: 0}


async def test_the_first_commit_to_claim_a_contact_owns_it(storage: Storage) -> None:
    await storage.commit(claim_of((b"a", 0)))
    storage.enqueue(claim_of((b"b", 1)))
    claimed = await storage.commit(claim_of((b"a", 2), (b"b", 3)))
    assert claimed.duplicate_of == {2: 0, 3: 1}
    assert await duplicates(storage) == {0: None, 1: None, 2: 0, 3: 1}


async def test_a_row_with_several_lost_claims_duplicates_the_earliest_owner(
    storage: Storage,
) -> None:
    """It owns its other contacts, so that later rows with those duplicate it."""
    await storage.commit(claim_of((b"a", 0), (b"b", 1)))
    claimed = await storage.commit(claim_of((b"b", 2), (b"a", 2), (b"c", 2), (b"c", 3)))
    assert claimed.duplicate_of == {2: 0, 3: 2}
    assert await storage.contact_owners([b"a", b"b", b"c"]) == {b"a": 0, b"b": 1, b"c": 2}


async def test_a_row_that_claims_its_own_contact_again_is_no_duplicate(storage: Storage) -> None:
    """As when the same row is committed twice."""
    await storage.commit(claim_of((b"a", 0), (b"a", 0)))
    claimed = await storage.commit(claim_of((b"a", 0)))
    assert claimed.duplicate_of == {}
    assert await duplicates(storage) == {0: None}


async def test_thousands_of_claims_fit_into_one_change(storage: Storage) -> None:
    claims = [(b"%d" % number, number) for number in range(3_000)]
    first = await storage.commit(Change(contact_claims=claims))
    later = await storage.commit(Change(contact_claims=[(key, 9_999) for key, _ in claims]))
    assert first.duplicate_of == {}
    assert later.duplicate_of == {9_999: 0}
    assert await storage.contact_owners([key for key, _ in claims]) == dict(claims)


CONTACTS = st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), max_size=3)
GROUPS = st.lists(st.lists(st.lists(CONTACTS, max_size=4), max_size=3), max_size=4)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS, ids=str)
@settings(max_examples=scaled(40), deadline=None)
@given(GROUPS)
async def test_claims_in_any_grouping_are_first_come_first_served(
    implementation: Implementation, groups: list[list[list[list[bytes]]]]
) -> None:
    """A group is committed concurrently, and its changes have rows with contacts."""
    owners: dict[bytes, int] = {}
    expected: dict[int, int | None] = {}
    with TemporaryDirectory() as folder:
        storage = await implementation.open(Path(folder))
        for group in groups:
            changes: list[Change] = []
            for rows in group:
                claims: list[tuple[bytes, int]] = []
                start = len(expected)
                for row_index, contacts in enumerate(rows, start):
                    claims += [(contact, row_index) for contact in contacts]
                    owned = [owners.setdefault(contact, row_index) for contact in contacts]
                    expected[row_index] = min(
                        (owner for owner in owned if owner != row_index), default=None
                    )
                entries = make_entries(len(rows), start=start)
                values = [entry.values() for entry in entries]
                changes.append(Change(rows=values, contact_claims=claims))
            claimed = await asyncio.gather(*map(storage.commit, changes))
            lost = {row: owner for each in claimed for row, owner in each.duplicate_of.items()}
            assert lost.items() <= expected.items()
        assert await duplicates(storage) == expected
        assert await storage.contact_owners([b"a", b"b", b"c", b"d"]) == owners
        await storage.close()


# customer claims


def ask_of(row_index: int, customer_id: int) -> Change:
    """Return the change by which a row intends its ask, or else skips it."""
    fields: dict[str, Any] = {"step": Step.ASK, "customer_id": customer_id, "channels": "email"}
    intended = make_entry(row_index, state=State.INTENDED, intended_at=1.0, **fields)
    skipped = make_entry(
        row_index, state=State.DONE, skip_reason=SkipReason.SAME_CUSTOMER, **fields
    )
    claim = CustomerClaim(customer_id, row_index, otherwise=skipped.values())
    return Change(rows=[intended.values()], customer_claim=claim)


async def test_only_the_first_row_to_claim_a_customer_owns_it(storage: Storage) -> None:
    """The others are stored as their ``otherwise``."""
    claimed = await asyncio.gather(*(storage.commit(ask_of(row, row % 5)) for row in range(50)))
    entries = await storage.entries(ALL)
    assert [each.owns_customer for each in claimed] == [row < 5 for row in range(50)]
    assert {entry.state for entry in entries[:5]} == {State.INTENDED}
    assert {entry.skip_reason for entry in entries[5:]} == {SkipReason.SAME_CUSTOMER}


async def test_a_customer_stays_with_its_first_row_across_commits(storage: Storage) -> None:
    first = await storage.commit(ask_of(0, 7))
    other = await storage.commit(ask_of(1, 7))
    again = await storage.commit(ask_of(0, 7))
    owns = [claimed.owns_customer for claimed in (first, other, again)]
    assert owns == [True, False, True]
    states = {entry.row_index: entry.state for entry in await storage.entries(ALL)}
    assert states == {0: State.INTENDED, 1: State.DONE}


async def test_customer_claims_and_contact_claims_are_apart(storage: Storage) -> None:
    await storage.commit(claim_of((b"7", 0)))
    claimed = await storage.commit(ask_of(1, 7))
    assert claimed == Claimed()


# settings and heartbeat


async def test_settings_are_read_as_they_were_saved(storage: Storage) -> None:
    values = {"whole": True, "none": None, "name": "é", "deep": {"list": [1, 2.5, "x"]}}
    await storage.save_settings(values)
    await storage.save_settings({"name": "other"})
    stored = storage.settings()
    assert {name: stored[name] for name in values} == values | {"name": "other"}
    assert "never" not in stored


@pytest.mark.parametrize("implementation", DURABLE, ids=str)
async def test_settings_and_heartbeat_are_there_after_closing(
    implementation: Implementation, tmp_path: Path
) -> None:
    storage = await implementation.open(tmp_path)
    await storage.save_settings({"deep": {"list": [1, 2.5, "x"]}})
    storage.start_heartbeat(lambda: 1_800_000_000.25)
    await storage.commit(Change())
    await storage.close()
    storage = await implementation.open(tmp_path)
    assert storage.settings()["deep"] == {"list": [1, 2.5, "x"]}
    assert await storage.last_alive_at() == 1_800_000_000.25
    await storage.close()


async def test_every_commit_stores_the_heartbeat_from_its_start_on(storage: Storage) -> None:
    """An empty change is enough."""
    now = 100.5
    await storage.commit(change_of(make_entry(0)))
    assert await storage.last_alive_at() is None
    storage.start_heartbeat(lambda: now)
    assert await storage.last_alive_at() is None
    await storage.commit(Change())
    assert await storage.last_alive_at() == 100.5
    now = 200.25
    await storage.commit(Change())
    assert await storage.last_alive_at() == 200.25


# failures and closing

CALLS: dict[str, Callable[[Storage], Any]] = {
    "commit": lambda storage: storage.commit(Change()),
    "save_settings": lambda storage: storage.save_settings({"a": 1}),
    "entries": lambda storage: storage.entries(ALL),
    "count_rows": lambda storage: storage.count_rows(),
    "count_asks": lambda storage: storage.count_asks(),
    "row_digests": lambda storage: storage.row_digests(0, 1),
    "contact_owners": lambda storage: storage.contact_owners([b"a"]),
    "contacts_of": lambda storage: storage.contacts_of([0]),
    "has_other_charge": lambda storage: storage.has_other_charge(make_entry(0)),
    "last_alive_at": lambda storage: storage.last_alive_at(),
    "begin_run": lambda storage: storage.begin_run(1.0),
    "end_run": lambda storage: storage.end_run(1, RUN),
    "summary": lambda storage: storage.summary(),
}


def test_every_awaitable_method_of_the_protocol_is_tested_after_a_failure() -> None:
    others = {"enqueue", "settings", "start_heartbeat", "close"}
    methods = {name for name in vars(Storage) if not name.startswith("_")}
    assert methods - others == set(CALLS)


async def fails(storage: Storage, call: Callable[[Storage], Any]) -> bool:
    """Return whether a call raises `JournalUnusable`, at once or when it is awaited."""
    try:
        await call(storage)
    except JournalUnusable:
        return True
    return False


async def test_after_a_failure_every_call_raises(storage: Storage) -> None:
    """So that nothing is sent that the journal does not know. Closing does not raise."""
    with pytest.raises(JournalUnusable):
        await storage.commit(Change(rows=[invalid_values()]))
    assert [name for name in CALLS if not await fails(storage, CALLS[name])] == []
    with pytest.raises(JournalUnusable):
        storage.enqueue(Change())
    await storage.close()


async def test_after_closing_every_call_raises_and_closing_again_is_fine(
    storage: Storage,
) -> None:
    await storage.close()
    await storage.close()
    assert [name for name in CALLS if not await fails(storage, CALLS[name])] == []
    with pytest.raises(JournalUnusable):
        storage.enqueue(Change())


@pytest.mark.parametrize("implementation", DURABLE, ids=str)
async def test_a_change_is_stored_with_all_its_parts_or_not_at_all(
    implementation: Implementation, tmp_path: Path
) -> None:
    """A change that fails leaves none of its rows and claims, nor those of its group."""
    storage = await implementation.open(tmp_path)
    await storage.commit(claim_of((b"before", 0)))
    bad = Change(
        rows=[make_entry(1).values(), invalid_values(2)],
        contact_claims=[(b"bad", 1)],
        customer_claim=CustomerClaim(7, 1, otherwise=make_entry(1).values()),
        kept_rows=[(1, "{}")],
    )
    results = await asyncio.gather(
        storage.commit(claim_of((b"group", 3))), storage.commit(bad), return_exceptions=True
    )
    assert [type(result) for result in results] == [JournalUnusable, JournalUnusable]
    await storage.close()
    storage = await implementation.open(tmp_path)
    assert [entry.row_index for entry in await storage.entries(ALL)] == [0]
    owners = await storage.contact_owners([b"before", b"bad", b"group"])
    assert owners == {b"before": 0}
    assert (await storage.commit(ask_of(4, 7))).owns_customer
    await storage.close()
