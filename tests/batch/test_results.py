"""Results: the outcome of each row, their order, and a batch that runs once."""

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from moregood_async import Batch, BatchStats, InvalidRequest, Result
from tests.batch.rows import IN_ANY_ORDER, SOURCES, index_of, later_first, same
from tests.conftest import tasks_left


@SOURCES
async def test_results_come_as_they_complete(source: Callable[[Iterable[Any]], Any]) -> None:
    """Each has its position in the source."""
    batch = Batch(source(range(20)), later_first, workers=20)
    results = [result async for result in batch]
    indexes = [result.index for result in results]
    assert sorted(indexes) == [*range(20)]
    assert indexes != [*range(20)]
    assert all(result.item == result.value == result.index for result in results)


@SOURCES
async def test_ordered_results_come_in_the_order_of_the_source(
    source: Callable[[Iterable[Any]], Any],
) -> None:
    batch = Batch(source(range(60)), later_first, workers=7, ordered=True)
    assert [result.index async for result in batch] == [*range(60)]


@IN_ANY_ORDER
async def test_a_failed_row_stops_no_other_row(ordered: bool) -> None:
    """A foreign error is `unknown`: nothing says how far the request came."""

    async def halve(item: int) -> int:
        if item % 3 == 0:
            raise InvalidRequest({"item": ("is a multiple of three",)})
        if item % 5 == 0:
            raise ZeroDivisionError
        return item // 2

    batch = Batch(range(30), halve, workers=4, ordered=ordered)
    results = sorted([result async for result in batch], key=index_of)
    outcomes = ["failed" if i % 3 == 0 else "unknown" if i % 5 == 0 else "done" for i in range(30)]
    assert [result.outcome for result in results] == outcomes
    assert all((result.value is None) == (result.error is not None) for result in results)
    assert batch.stats == BatchStats(read=30, done=16, failed=10, unknown=4)


async def test_stats_are_updated_while_the_batch_runs() -> None:
    batch, seen = Batch(range(9), same, workers=2, ordered=True), list[int]()
    assert batch.stats == BatchStats()
    async for result in batch:
        stats = batch.stats
        assert stats.read == stats.done + stats.in_flight
        assert result.index < stats.done <= stats.read <= 9
        seen.append(stats.done)
    assert seen == sorted(seen)
    assert batch.stats == BatchStats(read=9, done=9)
    assert batch.stats.in_flight == 0


def test_the_repr_of_a_result_does_not_show_the_row() -> None:
    """It may end up in a log."""
    result = Result[dict[str, str], int](index=3, item={"email": "ada@example.com"}, value=7)
    assert repr(result) == "Result(index=3, value=7, error=None)"


@SOURCES
@IN_ANY_ORDER
async def test_an_empty_source_has_no_results(
    source: Callable[[Iterable[Any]], Any], ordered: bool
) -> None:
    assert [each async for each in Batch(source([]), same, workers=3, ordered=ordered)] == []


@IN_ANY_ORDER
async def test_a_call_that_raises_cancelled_error_is_the_error_of_its_row(ordered: bool) -> None:
    """Awaiting a cancelled future raises it, although nobody cancels the worker."""

    async def await_cancelled(item: int) -> int:
        if item % 2:
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future
        return item

    batch = Batch(range(6), await_cancelled, workers=2, ordered=ordered)
    results = sorted([result async for result in batch], key=index_of)
    assert [result.outcome for result in results] == ["done", "unknown"] * 3
    assert "cancelled from within" in str(results[1].error)


@SOURCES
@IN_ANY_ORDER
async def test_collect_returns_all_results_in_the_order_of_the_source(
    source: Callable[[Iterable[Any]], Any], ordered: bool
) -> None:
    batch = Batch(source(range(20)), later_first, workers=20, ordered=ordered)
    results = await batch.collect()
    assert [result.index for result in results] == [*range(20)]
    assert [result.value for result in results] == [*range(20)]
    assert batch.stats == BatchStats(read=20, done=20)


async def test_collect_returns_failed_rows_too() -> None:
    async def refuse(item: int) -> int:
        raise InvalidRequest({"item": (f"is {item}",)})

    results = await Batch(range(3), refuse, workers=2).collect()
    assert [result.outcome for result in results] == ["failed"] * 3
    assert [str(result.error) for result in results] == [
        f"nothing was sent: item: is {item}" for item in range(3)
    ]


async def test_collect_raises_the_error_of_the_source_after_the_rows_that_were_read() -> None:
    def break_off() -> Iterator[int]:
        yield from range(10)
        raise LookupError("line 11 is unreadable")

    batch = Batch(break_off(), same, workers=4)
    with pytest.raises(LookupError, match="line 11"):
        await batch.collect()
    assert batch.stats == BatchStats(read=10, done=10)


async def test_a_cancelled_collect_cancels_the_rows_in_flight() -> None:
    started = asyncio.Event()

    async def never(_: int) -> None:
        started.set()
        await asyncio.Event().wait()

    collecting = asyncio.create_task(Batch(range(100), never, workers=5).collect())
    await started.wait()
    collecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await collecting
    assert tasks_left() == set()


async def test_collect_counts_as_the_one_run() -> None:
    batch = Batch(range(3), same, workers=2)
    assert len(await batch.collect()) == 3
    with pytest.raises(RuntimeError, match="a batch runs once"):
        await batch.collect()


async def test_a_batch_runs_once() -> None:
    """A second run would find its source used up."""
    batch = Batch(range(3), same, workers=2)
    assert len([each async for each in batch]) == 3
    with pytest.raises(RuntimeError, match="a batch runs once"):
        aiter(batch)


def test_a_batch_that_was_never_run_warns_and_names_both_ways_to_run_it() -> None:
    def forget() -> None:
        Batch(range(3), same, workers=2)
        gc.collect()

    with pytest.warns(RuntimeWarning, match=r"nothing was sent.*async for.*batch\.collect\(\)"):
        forget()


def test_a_batch_that_could_not_be_made_does_not_warn() -> None:
    not_iterable: Any = 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match="not iterable"):
            Batch(not_iterable, same, workers=2)
        gc.collect()
