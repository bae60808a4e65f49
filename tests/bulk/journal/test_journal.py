"""`Journal`: registering, intending, recovering, and what each stores."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from moregood_async.bulk import JournalInUse, JournalUnusable, RunRecord, read_report
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.journal import HEARTBEAT_SECONDS, Journal, Recovered
from moregood_async.bulk.journal.states import SkipReason, State, Step
from moregood_async.bulk.journal.storage import Change, EntryQuery
from tests.bulk.journal.storages import change_of, invalid_values
from tests.bulk.journal_entries import make_entries, make_entry

ALL = EntryQuery()


@pytest.fixture
async def journal() -> AsyncIterator[Journal]:
    """A journal in memory."""
    journal = await Journal.open(None)
    yield journal
    await journal.close()


async def store(journal: Journal, *entries: JournalEntry) -> None:
    """Commit entries as they are."""
    await journal.storage.commit(change_of(*entries))


# opening and hashes


async def test_a_journal_goes_on_where_it_was_closed(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j")
    entries = make_entries(3)
    await journal.register(entries, [])
    entries[1].succeed(1.0)
    journal.record(entries[1])
    await journal.close()
    await journal.close()
    assert journal.is_closed
    journal = await Journal.open(tmp_path / "j")
    [_, stored, _] = await journal.entries(ALL)
    assert stored == make_entry(1, channels="email", step=Step.ASK)
    assert journal.row_count == 3
    await journal.close()


async def test_only_one_process_holds_a_journal_and_others_may_read_it(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "j")
    with pytest.raises(JournalInUse, match="another process is running"):
        await Journal.open(tmp_path / "j")
    assert read_report(tmp_path / "j").rows == 0
    await journal.close()
    journal = await Journal.open(tmp_path / "j")
    await journal.close()


async def test_hashes_of_rows_and_contacts_are_keyed_by_the_journal(tmp_path: Path) -> None:
    """The key is random, and stays with the journal."""
    first, second = await Journal.open(tmp_path / "a"), await Journal.open(tmp_path / "b")
    contact, row = first.hash_contact("email a"), first.hash_row(["a", "b"])
    assert second.hash_contact("email a") != contact
    assert second.hash_row(["a", "b"]) != row
    await first.close()
    await second.close()
    again = await Journal.open(tmp_path / "a")
    assert again.salt == first.salt
    assert again.hash_contact("email a") == contact
    assert again.hash_row(["a", "b"]) == row
    await again.close()


async def test_the_hash_of_a_row_depends_on_where_its_cells_end(journal: Journal) -> None:
    assert journal.hash_row(["a", "b"]) != journal.hash_row(["ab", ""])
    assert journal.hash_row(["\udce9"]) != journal.hash_row(["é"])  # bytes that are no UTF-8


async def test_settings_are_kept_and_missing_ones_are_none(journal: Journal) -> None:
    await journal.save_settings(is_input_complete=True, odd=None)
    assert journal.setting("is_input_complete") is True
    assert journal.setting("odd") is None
    assert journal.setting("never") is None


async def test_a_journal_in_which_nothing_ran_belongs_to_no_job(journal: Journal) -> None:
    assert journal.identity is None


# registering


async def test_registering_makes_idempotent_upserts_intended(journal: Journal) -> None:
    """An upsert without email and phone is not sent before it is INTENDED by itself."""
    entries = [make_entry(0), make_entry(1, idempotent=False), make_entry(2)]
    entries[2].reject("no name")
    await journal.register(entries, [])
    assert [entry.state for entry in entries] == [State.INTENDED, State.READY, State.REJECTED]
    assert await journal.entries(ALL) == entries
    assert journal.row_count == 3


async def test_registering_marks_duplicates_in_memory_and_in_the_journal(
    journal: Journal,
) -> None:
    first = make_entries(2)
    await journal.register(first, [(b"a", 0), (b"b", 1)])
    later = make_entries(3, start=2)
    await journal.register(later, [(b"b", 2), (b"c", 3), (b"c", 4)])
    assert [entry.duplicate_of for entry in [*first, *later]] == [None, None, 1, None, 3]
    assert await journal.entries(ALL) == [*first, *later]


async def test_registering_no_rows_leaves_their_number(journal: Journal) -> None:
    await journal.register(make_entries(2), [])
    await journal.register([], [])
    assert journal.row_count == 2


# intending


async def test_an_intended_step_is_stored_with_its_time(journal: Journal) -> None:
    entry = make_entry(step=Step.CHARGE, has_charge=True)
    await store(journal, entry)
    await journal.intend(entry, 12.5)
    assert entry.state is State.INTENDED
    assert entry.intended_at == 12.5
    assert await journal.entries(ALL) == [entry]


def make_asks(count: int, customers: int) -> list[JournalEntry]:
    """Return rows before their ask, whose customers are few at the API."""
    return [
        make_entry(row, step=Step.ASK, channels="email", customer_id=1 + row % customers)
        for row in range(count)
    ]


async def test_one_row_of_each_customer_intends_its_ask(journal: Journal) -> None:
    """Rows of one customer may share no contact in the file, and are asked concurrently."""
    entries = make_asks(50, customers=5)
    await store(journal, *entries)
    stored = await asyncio.gather(
        *(journal.intend_ask(entry, 1.0, asked_meanwhile=False) for entry in entries)
    )
    assert {entry.state for entry in stored[:5]} == {State.INTENDED}
    assert {entry.skip_reason for entry in stored[5:]} == {SkipReason.SAME_CUSTOMER}
    assert {entry.state for entry in stored[5:]} == {State.DONE}
    assert await journal.entries(ALL) == list(stored)


async def test_a_row_intends_its_ask_again_after_an_attempt_without_effect(
    journal: Journal,
) -> None:
    [entry] = make_asks(1, customers=1)
    await store(journal, entry)
    entry = await journal.intend_ask(entry, 1.0, asked_meanwhile=False)
    entry.recover(2.0)
    entry.reconcile_not_applied()
    entry = await journal.intend_ask(entry, 3.0, asked_meanwhile=False)
    assert entry.state is State.INTENDED
    assert entry.intended_at == 3.0


async def test_a_customer_whose_id_is_unknown_is_asked(journal: Journal) -> None:
    entry = make_entry(step=Step.ASK, channels="email")
    await store(journal, entry)
    stored = await journal.intend_ask(entry, 1.0, asked_meanwhile=False)
    assert stored.state is State.INTENDED


async def test_a_customer_that_something_else_asked_meanwhile_is_skipped(
    journal: Journal,
) -> None:
    """The first row of the customer says so; its other rows name the first as the reason."""
    entries = make_asks(2, customers=1)
    await store(journal, *entries)
    stored = [await journal.intend_ask(entry, 1.0, asked_meanwhile=True) for entry in entries]
    reasons = [entry.skip_reason for entry in stored]
    assert reasons == [SkipReason.ASKED_MEANWHILE, SkipReason.SAME_CUSTOMER]
    assert await journal.entries(ALL) == stored


# recovering


def make_intended() -> list[JournalEntry]:
    """Return an upsert, an upsert that is not idempotent, and an ask, all INTENDED."""
    fields: dict[str, Any] = {"state": State.INTENDED, "channels": "email"}
    return [
        make_entry(0, **fields),
        make_entry(1, idempotent=False, **fields),
        make_entry(2, step=Step.ASK, intended_at=5.0, **fields),
    ]


async def test_recovering_turns_intended_into_unknown_or_ready_if_idempotent(
    journal: Journal,
) -> None:
    entries = [*make_intended(), make_entry(3, state=State.DONE)]
    await store(journal, *entries)
    assert await journal.recover(100.0) == Recovered(unknown=2, ready=1)
    stored = await journal.entries(ALL)
    states = [entry.state for entry in stored]
    assert states == [State.READY, State.UNKNOWN, State.UNKNOWN, State.DONE]
    assert all("the process ended" in entry.error for entry in stored[:3])
    assert await journal.recover(200.0) == Recovered(unknown=0, ready=0)
    assert await journal.entries(ALL) == stored


async def test_a_recovered_request_was_sent_two_heartbeats_after_the_last_at_the_latest(
    journal: Journal,
) -> None:
    journal.storage.start_heartbeat(lambda: 50.0)
    await store(journal, *make_intended())
    await journal.recover(1_000.0)
    lost_at = [entry.lost_at for entry in await journal.entries(ALL)]
    assert lost_at == [None, 50.0 + 2 * HEARTBEAT_SECONDS, 50.0 + 2 * HEARTBEAT_SECONDS]


async def test_without_a_heartbeat_a_recovered_request_may_have_been_sent_until_now(
    journal: Journal,
) -> None:
    await store(journal, *make_intended())
    await journal.recover(1_000.0)
    lost_at = [entry.lost_at for entry in await journal.entries(ALL)]
    assert lost_at == [None, 1_000.0, 1_000.0]


async def test_failed_rows_are_ready_again_when_they_are_retried(journal: Journal) -> None:
    failed = make_entries(2, step=Step.ASK, state=State.FAILED, attempts=4, error="no")
    others = make_entries(2, start=2, step=Step.ASK, state=State.DONE)
    await store(journal, *failed, *others)
    assert await journal.retry_failed() == 2
    assert await journal.entries(ALL) == [*make_entries(2, step=Step.ASK), *others]
    assert await journal.retry_failed() == 0


@pytest.mark.parametrize(("limit", "reopened"), [(None, 3), (2, 2), (0, 0), (9, 3)])
async def test_only_rows_that_max_asks_skipped_are_reopened_from_the_first_on(
    limit: int | None, reopened: int, journal: Journal
) -> None:
    done: dict[str, Any] = {"step": Step.ASK, "state": State.DONE}
    skipped = make_entries(3, skip_reason=SkipReason.MAX_ASKS, **done)
    others = make_entries(2, start=3, skip_reason=SkipReason.ASKED_RECENTLY, **done)
    await store(journal, *skipped, *others)
    assert await journal.reopen_skipped(limit) == reopened
    expected = [*make_entries(3, step=Step.ASK)[:reopened], *skipped[reopened:], *others]
    assert await journal.entries(ALL) == expected


# time and runs


async def test_a_job_begins_once(tmp_path: Path) -> None:
    for now in (100.5, 200.0):
        journal = await Journal.open(tmp_path / "j")
        assert await journal.job_began_at(now) == 100.5
        await journal.close()


async def test_the_heartbeat_is_kept_until_it_is_cancelled(journal: Journal) -> None:
    """Its first commit is not delayed."""
    journal.storage.start_heartbeat(lambda: 10.0)
    keeping = asyncio.ensure_future(journal.keep_heartbeat())
    await asyncio.sleep(0)
    assert await journal.storage.last_alive_at() == 10.0
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


async def test_the_report_of_a_journal_has_its_runs(tmp_path: Path) -> None:
    """A run without an end was killed."""
    journal = await Journal.open(tmp_path / "j")
    record = RunRecord(began_at=7.0, ended_at=9.0, ending="complete", counters={"requests": 3})
    await journal.storage.begin_run(5.0)
    await journal.storage.end_run(await journal.storage.begin_run(7.0), record)
    killed = RunRecord(began_at=5.0, ended_at=None, ending="killed", counters={})
    assert read_report(tmp_path / "j").runs == [killed, record]
    await journal.close()


async def test_a_journal_that_failed_stays_unusable(journal: Journal) -> None:
    with pytest.raises(JournalUnusable, match="the journal in memory cannot be used: NOT NULL"):
        await journal.storage.commit(Change(rows=[invalid_values()]))
    with pytest.raises(JournalUnusable, match="in memory"):
        await journal.register(make_entries(1), [])
    with pytest.raises(JournalUnusable, match="in memory"):
        await journal.intend(make_entry(0), 1.0)
    with pytest.raises(JournalUnusable, match="in memory"):
        journal.record(make_entry(0))
