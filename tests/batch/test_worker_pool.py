"""The worker pool: how far the source is read, and what is left when a batch ends early."""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from moregood_async import Batch, Result
from tests.batch.rows import IN_ANY_ORDER, SOURCES, later_first, same
from tests.conftest import collect_into, tasks_left


@SOURCES
@IN_ANY_ORDER
async def test_a_slow_consumer_holds_back_the_source(
    source: Callable[[Iterable[Any]], Any], ordered: bool
) -> None:
    read, ahead, workers = 0, list[int](), 3

    def count_reads() -> Iterator[int]:
        nonlocal read
        for item in range(120):
            read += 1
            yield item

    batch, taken = Batch(source(count_reads()), same, workers=workers, ordered=ordered), 0
    async for _ in batch:
        taken += 1
        for _turn in range(20):
            await asyncio.sleep(0)
        ahead.append(read - taken)
    assert taken == 120
    assert max(ahead) <= workers * (8 if ordered else 2)
    assert ahead[-1] == 0


async def test_a_slow_row_holds_back_an_ordered_batch_by_its_window() -> None:
    """Eight rows for each worker."""
    gate, read = asyncio.Event(), 0

    def count_reads() -> Iterator[int]:
        nonlocal read
        for item in range(1000):
            read += 1
            yield item

    async def first_waits(item: int) -> int:
        if item == 0:
            await gate.wait()
        return item

    batch = Batch(count_reads(), first_waits, workers=5, ordered=True)
    async with aclosing(aiter(batch)) as results:
        first = asyncio.ensure_future(anext(results))
        await asyncio.sleep(0.05)
        assert read == 5 * 8
        gate.set()
        assert (await first).index == 0


@pytest.mark.parametrize(
    ("ordered", "rows"), [(False, 200_000), (True, 50_000)], ids=["as they complete", "in order"]
)
async def test_memory_does_not_grow_with_the_length_of_the_source(ordered: bool, rows: int) -> None:
    """Counted in allocated blocks, early and late."""
    batch = Batch(iter(range(rows)), _do_nothing, workers=32, ordered=ordered)
    used, counted = dict[int, int](), 0
    async for _ in batch:
        counted += 1
        if counted in {10_000, rows - 1_000}:
            gc.collect()
            used[counted] = sys.getallocatedblocks()
    assert counted == rows
    assert used[rows - 1_000] - used[10_000] < 3_000


async def _do_nothing(_: int) -> None:
    return None


@SOURCES
@IN_ANY_ORDER
async def test_a_source_that_raises_does_so_after_the_rows_that_were_read(
    source: Callable[[Iterable[Any]], Any], ordered: bool
) -> None:
    def break_off() -> Iterator[int]:
        yield from range(10)
        raise LookupError("line 11 is unreadable")

    batch = Batch(source(break_off()), later_first, workers=4, ordered=ordered)
    results = list[Result[int, int]]()
    with pytest.raises(LookupError, match="line 11"):
        await collect_into(results, batch)
    assert sorted(result.index for result in results) == [*range(10)]
    assert batch.stats.done == 10
    assert tasks_left() == set()


async def test_stop_finishes_the_rows_in_flight_and_reads_no_further() -> None:
    batch, indexes = Batch(range(1000), later_first, workers=4), list[int]()
    async for result in batch:
        indexes.append(result.index)
        batch.stop()
    assert sorted(indexes) == [*range(batch.stats.read)]
    assert len(indexes) <= 4 * 2 + 1
    assert batch.stats.in_flight == 0


async def test_a_batch_stopped_before_it_runs_reads_do_nothing() -> None:
    batch = Batch(range(9), same, workers=2)
    batch.stop()
    assert [each async for each in batch] == []
    assert batch.stats.read == 0


@IN_ANY_ORDER
async def test_leaving_early_cancels_the_rows_in_flight(ordered: bool) -> None:
    ended = list[int]()

    async def slow(item: int) -> int:
        if item:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(item)
        return item

    batch = Batch(range(100), slow, workers=5, ordered=ordered)
    async with aclosing(aiter(batch)) as results:
        async for _ in results:
            await asyncio.sleep(0.01)
            break
    assert tasks_left() == set()
    assert batch.stats.in_flight == len(ended) == 5


async def test_a_plain_break_leaves_no_task_either() -> None:
    """Without `aclosing` the event loop closes the generator soon after."""
    async for _ in Batch(range(100), same, workers=5):
        break
    await asyncio.sleep(0.05)
    assert tasks_left() == set()


async def test_an_error_in_the_consumer_leaves_no_task() -> None:

    async def consume() -> None:
        async with aclosing(aiter(Batch(range(100), same, workers=5))) as results:
            async for _ in results:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await consume()
    assert tasks_left() == set()


async def test_a_cancelled_consumer_leaves_no_task() -> None:

    async def never(_: int) -> None:
        await asyncio.Event().wait()

    async def consume() -> None:
        async for _ in Batch(range(100), never, workers=5):
            raise AssertionError

    task = asyncio.create_task(consume())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.01)
    assert tasks_left() == set()
