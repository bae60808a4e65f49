"""The input in chunks: each row is in the journal before anything of it is sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from moregood_async.bulk import JournalMismatch, read_items
from moregood_async.bulk.journal.identity import JobIdentity
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.reader import JournalReader
from moregood_async.bulk.journal.states import Event, SkipReason, State, Step
from moregood_async.bulk.journal.storage import EntryQuery
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.run.reader import CHUNK_ROWS, RowReader, read_chunks
from moregood_async.bulk.run.row import RowTask
from tests.bulk.jobs import EMAIL, people

OPTIONS = JobOptions(ask=EMAIL)


@pytest.fixture
async def journal() -> AsyncIterator[Journal]:
    """A journal in memory."""
    journal = await Journal.open(None)
    yield journal
    await journal.close()


async def one_by_one(rows: list[Any]) -> AsyncIterator[Any]:
    """Yield rows asynchronously, without a pause."""
    for row in rows:
        await asyncio.sleep(0)
        yield row


async def with_pause(
    rows: list[Any], pause_before: int, resume: asyncio.Event
) -> AsyncIterator[Any]:
    """Yield rows; pause before one of them until ``resume`` is set."""
    for number, row in enumerate(rows):
        if number == pause_before:
            await resume.wait()
        yield row


def make_reader(journal: Journal, rows: Any, *, keep_rows: bool = False) -> RowReader:
    """Return a reader of rows."""
    return RowReader(read_items(rows), journal, OPTIONS, keep_rows=keep_rows)


async def read_tasks(journal: Journal, rows: Any, *, keep_rows: bool = False) -> list[RowTask]:
    """Return all tasks of rows."""
    reader = make_reader(journal, rows, keep_rows=keep_rows)
    return [task async for task in reader.tasks() if task is not None]


async def record(journal: Journal, task: RowTask) -> None:
    """Commit the entry of a task."""
    journal.record(task.entry)
    await journal.storage.count_rows()


@pytest.mark.parametrize("count", [0, 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS])
@pytest.mark.parametrize("form", [list, iter, one_by_one], ids=["list", "iterator", "async"])
async def test_every_row_is_registered_and_read_once_in_the_order_of_the_input(
    count: int, form: Callable[[list[Any]], Any], journal: Journal
) -> None:
    """In the journal its upsert is INTENDED already, since it may be sent at any time."""
    tasks = await read_tasks(journal, form(people(count)))
    stored = await journal.entries(EntryQuery(states=frozenset({State.INTENDED})))
    assert [task.entry.row_index for task in tasks] == list(range(count))
    assert journal.row_count == count
    assert stored == [task.entry for task in tasks]
    assert {entry.step for entry in stored} <= {Step.UPSERT}


@pytest.mark.parametrize("form", [list, one_by_one], ids=["list", "async"])
async def test_chunks_have_the_wanted_size(form: Callable[[list[Any]], Any]) -> None:
    chunks = read_chunks(read_items(form(people(10))), lambda: 4)
    assert [len(chunk) async for chunk in chunks] == [4, 4, 2]


async def test_a_slow_input_is_read_in_short_chunks_and_empty_ones() -> None:
    """Rows are not held back until a chunk is full."""
    resume = asyncio.Event()
    chunks = read_chunks(read_items(with_pause(people(6), 3, resume)), lambda: 100)
    async with aclosing(chunks):
        assert len(await anext(chunks)) == 3
        assert await anext(chunks) == []
        resume.set()
        sizes = [len(chunk) async for chunk in chunks]
    assert sum(sizes) == 3


async def test_the_reader_yields_none_while_a_slow_input_has_no_row(journal: Journal) -> None:
    """So that other rows can be worked on meanwhile."""
    resume = asyncio.Event()
    tasks = make_reader(journal, with_pause(people(4), 2, resume)).tasks()
    read: list[int | None] = []
    async with asyncio.timeout(10):
        async for task in tasks:
            read.append(None if task is None else task.entry.row_index)
            if task is None:
                resume.set()
    assert [row_index for row_index in read if row_index is not None] == [0, 1, 2, 3]
    assert read[:3] == [0, 1, None]


async def test_closing_a_reader_that_waits_for_a_row_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    rows = with_pause(people(9), 3, asyncio.Event())
    async with aclosing(read_chunks(read_items(rows), lambda: 100)) as chunks:
        assert len(await anext(chunks)) == 3
        assert await anext(chunks) == []
    assert asyncio.all_tasks() == before


async def test_an_input_that_breaks_raises_its_error_after_the_full_chunks_before_it(
    journal: Journal,
) -> None:
    def break_off() -> Iterator[dict[str, str]]:
        yield from people(CHUNK_ROWS + 5)
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        await read_tasks(journal, break_off())
    assert journal.row_count == CHUNK_ROWS


async def test_known_rows_that_are_not_over_are_read_again_before_new_ones(
    journal: Journal,
) -> None:
    intended, skipped, failed, untouched = await read_tasks(journal, people(4))
    intended.entry.succeed(1.0)
    await journal.intend(intended.entry, 2.0)
    skipped.entry.succeed(1.0)
    skipped.entry.skip(SkipReason.MAX_ASKS)
    failed.entry.fail(Event.FAIL, "x", "X", 1.0)
    for task in (skipped, failed, untouched):
        await record(journal, task)
    again = await read_tasks(journal, people(5))
    assert [task.entry.row_index for task in again] == [0, 3, 4]
    assert again[0].entry == intended.entry
    assert again[0].ask is not None
    assert again[0].customer is not None
    assert again[0].contact_keys == ("email ada0@example.com",)


async def test_rows_that_the_journal_does_not_know_are_refused(journal: Journal) -> None:
    """Before anything is sent for them."""
    await read_tasks(journal, people(3))
    with pytest.raises(JournalMismatch, match=r"row 2 \(line 2\) is not the row"):
        await read_tasks(journal, [people(1)[0], *people(2)])
    with pytest.raises(JournalMismatch, match="has 2 rows, and the journal knows 3 of it"):
        await read_tasks(journal, people(2))


async def test_known_rows_of_a_file_are_not_compared_again(journal: Journal) -> None:
    """The hash of the whole file was compared when the run began."""
    await read_tasks(journal, people(3))
    identity = JobIdentity(
        name="a.csv",
        path=None,
        size=9,
        digest="of the bytes",
        reading={},
        options={},
        keep_rows=False,
        project="p",
    )
    await journal.save_identity(identity)
    assert len(await read_tasks(journal, people(3, start=5))) == 3


async def test_duplicates_are_found_within_a_chunk_across_chunks_and_across_runs(
    journal: Journal,
) -> None:
    rows = [*people(CHUNK_ROWS), people(1)[0], people(1)[0]]
    tasks = await read_tasks(journal, rows)
    duplicate_of = {task.entry.row_index: task.entry.duplicate_of for task in tasks[CHUNK_ROWS:]}
    assert duplicate_of == {CHUNK_ROWS: 0, CHUNK_ROWS + 1: 0}
    assert all(task.entry.duplicate_of is None for task in tasks[:CHUNK_ROWS])
    assert tasks[-1].entry.not_asked_because is SkipReason.DUPLICATE
    more = await read_tasks(journal, [*rows, people(2)[1]])
    assert more[-1].entry.row_index == CHUNK_ROWS + 2
    assert more[-1].entry.duplicate_of == 1


async def test_a_duplicate_within_one_chunk_is_marked_in_the_journal_too(journal: Journal) -> None:
    [_, duplicate] = await read_tasks(journal, [people(1)[0], people(1)[0]])
    [_, stored] = await journal.entries(EntryQuery())
    assert duplicate.entry.duplicate_of == 0
    assert stored == duplicate.entry


@pytest.mark.parametrize(
    ("keep_rows", "kept"),
    [(False, []), (True, [(0, 1, people(2)[0]), (1, 2, people(2)[1])])],
)
async def test_rows_are_kept_in_clear_only_with_keep_rows(
    keep_rows: bool, kept: list[Any], tmp_path: Path
) -> None:
    """Each is kept with its row index and line."""
    journal = await Journal.open(tmp_path / "j")
    await read_tasks(journal, people(2), keep_rows=keep_rows)
    await journal.close()
    with JournalReader(tmp_path / "j") as reader:
        assert list(reader.kept_rows()) == kept


async def test_a_rejected_row_claims_nobody(journal: Journal) -> None:
    """The next row of that person is the first."""
    bad = {"first_name": "", "email": "ada0@example.com"}
    rejected, good = await read_tasks(journal, [bad, people(1)[0]])
    assert rejected.entry.state is State.REJECTED
    assert rejected.customer is None
    assert "first_name" in rejected.entry.error
    assert good.entry.state is State.INTENDED
    assert good.entry.duplicate_of is None
    assert good.entry.not_asked_because is None
    assert "ada0" not in repr(rejected) + repr(good)
