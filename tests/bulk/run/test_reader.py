"""The input in pieces: each row in the journal before anything of it is sent."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from moregood_async.bulk.importing.sources import read_items
from moregood_async.bulk.journal import Journal, JournalMismatch
from moregood_async.bulk.journal.states import Event, State
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.run.reader import CHUNK_ROWS, PATIENCE_SECONDS, RowReader, read_chunks
from moregood_async.bulk.run.row import Item
from tests.bulk.jobs import EMAIL, people

ORDERS = JobOptions(ask=EMAIL)


async def slowly(rows: list[Any], seconds: float = 0.0, at: int = -1) -> AsyncIterator[Any]:
    """Rows that come one by one, and one of them late."""
    for place, row in enumerate(rows):
        await asyncio.sleep(seconds if place == at else 0)
        yield row


async def taken(journal: Journal, rows: Any, **options: Any) -> list[Item]:
    """The items of an intake."""
    said = {"keep_rows": False, "same_file": False} | options
    intake = RowReader(read_items(rows), journal, ORDERS, **said)
    return [item async for item in intake.tasks() if item is not None]


@pytest.mark.parametrize("count", [0, 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS])
@pytest.mark.parametrize("form", [list, iter, slowly], ids=["list", "iterator", "async"])
async def test_every_row_comes_once_in_its_order(count: int, form: Any) -> None:
    """However many there are, and is in the journal as it is to be sent."""
    journal = await Journal.open(None)
    items = await taken(journal, form(people(count)))
    assert list(range(count)) == [item.entry.row_index for item in items]
    assert (count, count) == (
        journal.row_count,
        len(await journal.select("state = 1 AND step = 1")),
    )
    await journal.close()


async def test_pieces_have_the_size_that_is_wanted() -> None:
    """Of what is there at once."""
    sizes = [len(piece) async for piece in read_chunks(read_items(people(10)), lambda: 4)]
    assert [4, 4, 2] == sizes
    coming = read_chunks(read_items(slowly(people(10))), lambda: 4)
    assert [4, 4, 2] == [len(piece) async for piece in coming]


async def test_a_slow_input_gives_what_it_has() -> None:
    """Rather than wait for a whole piece; nothing for now is an empty one."""
    coming = read_chunks(read_items(slowly(people(6), 4 * PATIENCE_SECONDS, at=3)), lambda: 100)
    sizes = [len(piece) async for piece in coming]
    assert (3, 3, 6) == (sizes[0], sizes[-1], sum(sizes))
    assert 0 in sizes[1:-1]


async def test_an_intake_of_a_slow_input_says_that_nothing_came() -> None:
    """So that others can be worked on meanwhile."""
    journal = await Journal.open(None)
    rows = slowly(people(4), 4 * PATIENCE_SECONDS, at=2)
    intake = RowReader(read_items(rows), journal, ORDERS, keep_rows=False, same_file=False)
    got = [None if item is None else item.entry.row_index async for item in intake.tasks()]
    assert [0, 1, 2, 3] == [place for place in got if place is not None]
    assert None in got[2:-2]
    await journal.close()


async def test_a_generator_that_is_left_early_leaves_no_task() -> None:
    """Also while a row is on its way."""
    before = asyncio.all_tasks()
    async with aclosing(
        read_chunks(read_items(slowly(people(9), 60, at=3)), lambda: 100)
    ) as pieces:
        assert 3 == len(await anext(pieces))
        assert [] == await anext(pieces)
    assert before == asyncio.all_tasks()


async def test_an_input_that_breaks_gives_what_came_before() -> None:
    """Whole pieces are registered; then its own error."""

    def broken() -> Iterator[dict[str, str]]:
        yield from people(CHUNK_ROWS + 5)
        raise OSError(5, "Input/output error")

    journal = await Journal.open(None)
    with pytest.raises(OSError, match="Input/output"):
        await taken(journal, broken())
    assert CHUNK_ROWS == journal.row_count
    await journal.close()


async def test_known_rows_come_as_far_as_they_are_not_over() -> None:
    """With what the journal knows of them; new ones follow."""
    journal = await Journal.open(None)
    first, second, third, fourth = await taken(journal, people(4))
    await journal.put(first.entry.becomes(Event.SUCCEED).becomes(Event.INTEND))
    await journal.put(second.entry.becomes(Event.SUCCEED).goes_unasked("cap"))
    await journal.put(third.entry.becomes(Event.FAIL))
    await journal.put(fourth.entry)
    again = await taken(journal, people(5))
    assert [0, 3, 4] == [item.entry.row_index for item in again]
    assert again[0].ask is not None
    assert again[0].customer is not None
    assert ("email ada0@example.com",) == again[0].marks
    await journal.close()


async def test_other_rows_than_those_known_are_refused() -> None:
    """Before anything is sent for them; of the same file they are not compared."""
    journal = await Journal.open(None)
    await taken(journal, people(3))
    with pytest.raises(JournalMismatch, match=r"row 2 \(line 2\) is not the row"):
        await taken(journal, [people(1)[0], *people(2)])
    with pytest.raises(JournalMismatch, match="has 2 rows, and the journal knows 3 of it"):
        await taken(journal, people(2))
    assert 3 == len(await taken(journal, people(3, start=5), same_file=True))
    await journal.close()


async def test_repeats_are_found_within_a_piece_and_across_pieces() -> None:
    """And in another run; the row that is repeated is named."""
    rows = [*people(CHUNK_ROWS), people(1)[0], people(1)[0]]
    journal = await Journal.open(None)
    items = await taken(journal, rows)
    repeats = [
        (item.entry.row_index, item.entry.repeats) for item in items if item.entry.skip_reason
    ]
    assert [(CHUNK_ROWS, 0), (CHUNK_ROWS + 1, 0)] == repeats
    more = await taken(journal, [*rows, people(2)[1]])
    assert (CHUNK_ROWS + 2, 1) == (more[-1].entry.row_index, more[-1].entry.repeats)
    await journal.close()


async def test_rows_are_kept_in_clear_only_where_it_is_said() -> None:
    """By their places."""
    for keeps in (False, True):
        journal = await Journal.open(None)
        await taken(journal, people(3), keep_rows=keeps)
        [kept] = await journal.query(
            lambda connection: connection.execute("SELECT count(*) FROM kept").fetchone()
        )
        assert (3 if keeps else 0) == kept
        await journal.close()


async def test_a_row_that_cannot_be_sent_is_rejected_and_claims_nobody() -> None:
    """The next one of that person is the first."""
    journal = await Journal.open(None)
    bad = {"first_name": "", "email": "ada0@example.com"}
    rejected, good = await taken(journal, [bad, people(1)[0]])
    assert (State.REJECTED, State.INTENDED) == (rejected.entry.state, good.entry.state)
    assert (None, None, "") == (rejected.customer, good.entry.repeats, good.entry.skip_reason)
    assert "first_name" in rejected.entry.error
    assert "ada0" not in repr(rejected) + repr(good)
    await journal.close()
