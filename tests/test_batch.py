"""Many calls at once: what is read when, what becomes of each row, and how a batch ends."""

import asyncio
import gc
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from moregood_async import (
    AskCreate,
    Batch,
    BatchStats,
    ChargeCreate,
    CustomerUpsert,
    Handler,
    InvalidRequest,
    MoreGoodClient,
    NotFound,
    Request,
    Response,
    Result,
)
from moregood_async.sandbox import Delay, DropAfterEffect, Refuse, Sandbox
from tests.conftest import KEY, Listing, Reader, answered, into, page_of, tasks_left

ORDERS = pytest.mark.parametrize("ordered", [False, True], ids=["as they come", "in order"])


async def same(item: int) -> int:
    """Work that takes one turn of the loop."""
    await asyncio.sleep(0)
    return item


async def later_first(item: int) -> int:
    """Work that takes the first rows longest."""
    await asyncio.sleep(max(0, 20 - item) / 1000)
    return item


def people(count: int) -> Iterator[dict[str, str]]:
    """Rows of so many customers."""
    for number in range(count):
        yield {"first_name": "Ada", "email": f"ada{number}@example.com"}


async def streamed(items: Iterable[Any]) -> AsyncIterator[Any]:
    """The same as an async source."""
    for item in items:
        await asyncio.sleep(0)
        yield item


def plain(items: Iterable[Any]) -> Iterable[Any]:
    """The same as it is."""
    return items


SOURCES = pytest.mark.parametrize("source", [plain, streamed])

# Results ---------------------------------------------------------------------------------------


@SOURCES
async def test_results_come_as_they_complete(source: Callable[[Iterable[Any]], Any]) -> None:
    """The quick ones first, each with its place in the source."""
    batch = Batch(source(range(20)), later_first, workers=20)
    got = [(result.index, result.item, result.value) async for result in batch]
    assert sorted(got) == [(i, i, i) for i in range(20)]
    assert sorted(got) != got


@SOURCES
async def test_ordered_results_come_in_the_sources_order(
    source: Callable[[Iterable[Any]], Any],
) -> None:
    """However long each takes."""
    batch = Batch(source(range(60)), later_first, workers=7, ordered=True)
    assert [result.index async for result in batch] == [*range(60)]


@ORDERS
async def test_one_bad_row_never_stops_the_rest(ordered: bool) -> None:
    """Each row has its value or its error, and an outcome."""

    async def halved(item: int) -> int:
        if item % 3 == 0:
            raise InvalidRequest({"item": ("is a multiple of three",)})
        if item % 5 == 0:
            raise ZeroDivisionError
        return item // 2

    batch = Batch(range(30), halved, workers=4, ordered=ordered)
    results = sorted([result async for result in batch], key=lambda result: result.index)
    outcomes = ["failed" if i % 3 == 0 else "unknown" if i % 5 == 0 else "done" for i in range(30)]
    assert [result.outcome for result in results] == outcomes
    assert all((result.value is None) == (result.error is not None) for result in results)
    assert batch.stats == BatchStats(read=30, done=16, failed=10, unknown=4)


async def test_stats_count_as_it_goes() -> None:
    """What is in flight is the rest of what was read."""
    batch, seen = Batch(range(9), same, workers=2, ordered=True), list[int]()
    assert batch.stats == BatchStats()
    async for result in batch:
        stats = batch.stats
        assert stats.read == stats.done + stats.in_flight
        assert result.index < stats.done <= stats.read <= 9
        seen.append(stats.done)
    assert sorted(seen) == seen
    assert batch.stats == BatchStats(read=9, done=9)
    assert batch.stats.in_flight == 0


def test_a_result_shows_no_row() -> None:
    """Its ``repr`` may land in a log."""
    result = Result[dict[str, str], int](index=3, item={"email": "ada@example.com"}, value=7)
    assert repr(result) == "Result(index=3, value=7, error=None)"


@SOURCES
@ORDERS
async def test_an_empty_source_gives_nothing(
    source: Callable[[Iterable[Any]], Any], ordered: bool
) -> None:
    """And ends."""
    assert [each async for each in Batch(source([]), same, workers=3, ordered=ordered)] == []


# How the source is read ------------------------------------------------------------------------


@SOURCES
@ORDERS
async def test_the_source_is_read_only_as_fast_as_it_is_worked_off(
    source: Callable[[Iterable[Any]], Any], ordered: bool
) -> None:
    """A slow consumer holds it back: so many are read beyond what was taken, and no more."""
    read, ahead, workers = 0, list[int](), 3

    def counted() -> Iterator[int]:
        nonlocal read
        for item in range(120):
            read += 1
            yield item

    batch, taken = Batch(source(counted()), same, workers=workers, ordered=ordered), 0
    async for _ in batch:
        taken += 1
        for _turn in range(20):
            await asyncio.sleep(0)
        ahead.append(read - taken)
    assert taken == 120
    assert max(ahead) <= workers * (8 if ordered else 2)
    assert ahead[-1] == 0


async def test_a_slow_row_holds_back_an_ordered_batch_by_its_window() -> None:
    """What completed behind it waits, and what waits is bounded."""
    gate, read = asyncio.Event(), 0

    def counted() -> Iterator[int]:
        nonlocal read
        for item in range(1000):
            read += 1
            yield item

    async def first_waits(item: int) -> int:
        if item == 0:
            await gate.wait()
        return item

    async with aclosing(aiter(Batch(counted(), first_waits, workers=5, ordered=True))) as results:
        first = asyncio.ensure_future(anext(results))
        await asyncio.sleep(0.05)
        assert read == 5 * 8
        gate.set()
        assert (await first).index == 0


@pytest.mark.parametrize(
    ("ordered", "rows"), [(False, 200_000), (True, 50_000)], ids=["as they come", "in order"]
)
async def test_memory_stays_flat_however_long_the_source_is(ordered: bool, rows: int) -> None:
    """Read once and forgotten: as many blocks of memory are in use late as early."""
    batch = Batch(iter(range(rows)), _nothing, workers=32, ordered=ordered)
    used, counted = dict[int, int](), 0
    async for _ in batch:
        counted += 1
        if counted in {10_000, rows - 1_000}:
            gc.collect()
            used[counted] = sys.getallocatedblocks()
    assert counted == rows
    assert used[rows - 1_000] - used[10_000] < 3_000


async def _nothing(_: int) -> None:
    return None


@SOURCES
@ORDERS
async def test_a_source_that_breaks_raises_after_what_was_read_is_given(
    source: Callable[[Iterable[Any]], Any], ordered: bool
) -> None:
    """Rows that were read are finished; then the source's own error comes."""

    def breaking() -> Iterator[int]:
        yield from range(10)
        raise LookupError("line 11 is unreadable")

    batch = Batch(source(breaking()), later_first, workers=4, ordered=ordered)
    got = list[Result[int, int]]()
    with pytest.raises(LookupError, match="line 11"):
        await into(got, batch)
    assert sorted(result.index for result in got) == [*range(10)]
    assert batch.stats.done == 10
    assert tasks_left() == set()


async def test_stop_reads_no_further_and_finishes_what_was_read() -> None:
    """Asked for from within the loop or from anywhere else."""
    batch, got = Batch(range(1000), later_first, workers=4), list[int]()
    async for result in batch:
        got.append(result.index)
        batch.stop()
    assert [*range(batch.stats.read)] == sorted(got)
    assert len(got) <= 4 * 2 + 1
    assert batch.stats.in_flight == 0


async def test_a_batch_stopped_before_it_runs_reads_nothing() -> None:
    """And gives nothing."""
    batch = Batch(range(9), same, workers=2)
    batch.stop()
    assert [each async for each in batch] == []
    assert batch.stats.read == 0


# Left early ------------------------------------------------------------------------------------


@ORDERS
async def test_leaving_early_cancels_what_is_in_flight(ordered: bool) -> None:
    """No task is left, and nothing more is read."""
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


async def test_a_plain_break_is_cleaned_up_too() -> None:
    """As most people write it: the loop closes the generator soon after."""
    async for _ in Batch(range(100), same, workers=5):
        break
    await asyncio.sleep(0.05)
    assert tasks_left() == set()


async def test_an_error_in_the_consumer_ends_it_cleanly() -> None:
    """And is the error that comes out."""

    async def consume() -> None:
        async with aclosing(aiter(Batch(range(100), same, workers=5))) as results:
            async for _ in results:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await consume()
    assert tasks_left() == set()


async def test_a_cancelled_consumer_ends_it_cleanly() -> None:
    """While it waits for a result."""

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


@ORDERS
async def test_a_row_that_cancels_itself_is_not_lost(ordered: bool) -> None:
    """A send that raises `CancelledError` of its own, as awaiting a cancelled future does."""

    async def odd(item: int) -> int:
        if item % 2:
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future
        return item

    batch = Batch(range(6), odd, workers=2, ordered=ordered)
    results = sorted([result async for result in batch], key=_index)
    assert [result.outcome for result in results] == ["done", "unknown"] * 3
    assert "cancelled from within" in str(results[1].error)


# Run once --------------------------------------------------------------------------------------


async def test_a_batch_runs_once() -> None:
    """A second run would find its source used up."""
    batch = Batch(range(3), same, workers=2)
    assert len([each async for each in batch]) == 3
    with pytest.raises(RuntimeError, match="a batch runs once"):
        aiter(batch)


def test_a_batch_that_was_never_run_warns() -> None:
    """Somebody believes that it was sent."""

    def forget() -> None:
        Batch(range(3), same, workers=2)
        gc.collect()

    with pytest.warns(RuntimeWarning, match="never run, so nothing was sent"):
        forget()


def test_a_batch_that_could_not_be_made_does_not_warn() -> None:
    """Its own error says enough."""
    not_iterable: Any = 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match="not iterable"):
            Batch(not_iterable, same, workers=2)
        gc.collect()


# Against a server ------------------------------------------------------------------------------


@ORDERS
async def test_many_customers_are_upserted_once_each(
    sandbox: Sandbox, client: MoreGoodClient, ordered: bool
) -> None:
    """By the server's own count."""
    batch = client.customers.upsert_many(people(300), ordered=ordered)
    results = [result async for result in batch]
    assert {result.outcome for result in results} == {"done"}
    assert [r.index for r in (results if ordered else sorted(results, key=_index))] == [*range(300)]
    audit = sandbox.audit()
    assert (audit.customers, audit.requests["customers.upsert"]) == (300, 300)
    emails = [row["email"] for row in people(300)]
    assert all(r.value is not None and r.value.email == emails[r.index] for r in results)


def _index(result: Result[Any, Any]) -> int:
    return result.index


async def test_values_and_mappings_may_be_mixed_and_wrong_rows_say_why(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """A key that is no field, a missing one, and what is no row at all: nothing is sent."""
    rows: list[Any] = [
        CustomerUpsert(first_name="Ada", email="ada@example.com"),
        {"first_name": "Bob", "email": "bob@example.com"},
        {"first_name": "Cyd", "emial": "cyd@example.com"},
        {"email": "dan@example.com"},
        ("Eve", "eve@example.com"),
        None,
    ]
    results = [each async for each in client.customers.upsert_many(rows, ordered=True)]
    assert [each.outcome for each in results] == [
        "done",
        "done",
        "failed",
        "failed",
        "failed",
        "failed",
    ]
    errors = [each.error for each in results[2:] if isinstance(each.error, InvalidRequest)]
    assert [next(iter(error.fields)) for error in errors] == [
        "emial",
        "first_name",
        "CustomerUpsert",
        "first_name",
    ]
    assert {error.operation for error in errors} == {"customers.upsert"}
    assert "did you mean email" in str(errors[0])
    assert sandbox.audit().requests["customers.upsert"] == 2


async def test_charges_and_asks_are_created_in_numbers(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """A customer nobody knows is that row's error, and no other's."""
    await client.customers.upsert(first_name="Ada", email="ada@example.com")
    charges: list[Any] = [
        ChargeCreate(email="ada@example.com", amount=100, currency="USD"),
        {"email": "ada@example.com", "amount": 200, "currency": "USD"},
        {"email": "nobody@example.com", "amount": 300, "currency": "USD"},
    ]
    asks: list[Any] = [
        AskCreate(email="ada@example.com", channels=["email"]),
        {"email": "nobody@example.com", "channels": ["email"]},
    ]
    charged = [each async for each in client.charges.create_many(charges, ordered=True)]
    asked = [each async for each in client.asks.create_many(asks, ordered=True)]
    assert [each.outcome for each in charged] == ["done", "done", "failed"]
    assert [each.outcome for each in asked] == ["done", "failed"]
    assert isinstance(charged[2].error, NotFound)
    assert isinstance(asked[1].error, NotFound)
    assert (sandbox.audit().charges, sandbox.audit().asks) == (2, 1)


async def test_a_row_whose_answer_was_lost_is_unknown_and_not_sent_again(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """The ask took effect, once; nobody here can know."""
    rows = [{"email": f"ada{number}@example.com", "channels": ["email"]} for number in range(6)]
    assert len([each async for each in client.customers.upsert_many(people(6))]) == 6
    sandbox.faults = DropAfterEffect(times=2, on="asks.create")
    batch = client.asks.create_many(rows)
    outcomes = sorted([result.outcome async for result in batch])
    assert outcomes == ["done"] * 4 + ["unknown"] * 2
    assert batch.stats == BatchStats(read=6, done=4, unknown=2)
    audit = sandbox.audit()
    assert (audit.asks, audit.requests["asks.create"], audit.duplicate_asks) == (6, 6, ())


async def test_a_row_told_to_wait_is_patient_beyond_its_deadline(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """A batch's deadline stands still while the server holds everybody back."""
    sandbox.faults = Refuse(429, {"Retry-After": "0"}, times=1)
    hasty = client.with_options(deadline=0.5)
    results = [each async for each in hasty.customers.upsert_many(people(5))]
    assert {each.outcome for each in results} == {"done"}


@pytest.mark.parametrize("bound", [1, 5])
async def test_no_more_are_in_flight_than_max_concurrency(sandbox: Sandbox, bound: int) -> None:
    """Counted at the server."""
    flying, most = 0, 0

    async def counted(request: Request, call_next: Handler) -> Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        try:
            return await call_next(request)
        finally:
            flying -= 1

    sandbox.faults = [counted, Delay(0.002)]
    async with (
        sandbox.serve() as server,
        MoreGoodClient(KEY, base_url=server.base_url, max_concurrency=bound) as client,
    ):
        assert len([each async for each in client.customers.upsert_many(people(40))]) == 40
    assert most == bound


async def test_a_middleware_that_raises_costs_its_row_and_no_other(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """An error that is not ours is ``unknown``: who knows how far the middleware let it go."""
    turns = 0

    async def moody(request: Request, call_next: Handler) -> Response:
        nonlocal turns
        turns += 1
        if turns == 2:
            raise KeyError("not today")
        return await call_next(request)

    view = client.with_options(middlewares=(moody,))
    results = [each async for each in view.customers.upsert_many(people(4))]
    assert sorted(each.outcome for each in results) == ["done", "done", "done", "unknown"]
    assert [type(each.error).__name__ for each in results if each.error] == ["KeyError"]
    assert sandbox.audit().customers == 3


async def test_leaving_early_closes_the_connections_in_flight(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """And the client works on."""
    sandbox.faults = Delay(0.02)
    async with aclosing(aiter(client.customers.upsert_many(people(500)))) as results:
        async for _ in results:
            break
    sandbox.faults = ()
    assert 1 <= len(await client.customers.list().collect())
    assert sandbox.audit().requests["customers.upsert"] <= 32 * 3


# Many customers' lists -------------------------------------------------------------------------


@SOURCES
async def test_reviews_and_messages_of_many_customers_come_with_their_customer(
    sandbox: Sandbox, client: MoreGoodClient, source: Callable[[Iterable[Any]], Any]
) -> None:
    """Every page of each, from ids in any kind of source."""
    customers = [each.value async for each in client.customers.upsert_many(people(10))]
    ids = [customer.id for customer in customers if customer]
    expected = [(each, sandbox.click(each, score)) for each in ids for score in (4, 5)]
    got = [(each, review.id) async for each, review in client.reviews.for_customers(source(ids))]
    assert sorted(got) == sorted(expected)
    asks = ({"email": row["email"], "channels": ["email"]} for row in people(10))
    assert len([each async for each in client.asks.create_many(asks)]) == 10
    messages = [pair async for pair in client.messages.for_customers(source(ids))]
    assert sorted(each for each, _ in messages) == sorted(ids)
    assert all(message.customer and message.customer.id == each for each, message in messages)


async def test_many_customers_lists_are_read_at_once_within_max_concurrency(
    reader: Reader,
) -> None:
    """As many as may be in flight, and no more."""
    flying, most = 0, 0

    async def counted(_: Request) -> Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.002)
        flying -= 1
        return answered(page_of([1]))

    client = reader(counted, max_concurrency=6)
    assert len([pair async for pair in client.reviews.for_customers(range(50))]) == 50
    assert most == 6


@pytest.mark.parametrize("noun", ["reviews", "messages"])
async def test_a_customer_that_cannot_be_read_ends_it_and_is_named(
    client: MoreGoodClient, noun: str
) -> None:
    """With the operation, and a note that names the customer."""
    with pytest.raises(NotFound) as raised:
        await into([], getattr(client, noun).for_customers([9041]))
    assert raised.value.operation == f"customers.{noun}"
    assert any("9041" in note for note in raised.value.__notes__)


async def test_for_customers_passes_on_an_error_that_is_not_ours(reader: Reader) -> None:
    """As it was raised, and not in a group."""

    async def odd(_: Request, __: Handler) -> Response:
        raise KeyError("mine")

    client = reader(Listing.of(3), middlewares=(odd,))
    with pytest.raises(KeyError, match="mine"):
        await into([], client.reviews.for_customers([1, 2, 3]))


async def test_for_customers_refuses_what_is_no_id(client: MoreGoodClient) -> None:
    """Nothing is sent for it."""
    odd: Any = ["7/../8"]
    with pytest.raises(InvalidRequest, match="customer_id"):
        await into([], client.reviews.for_customers(odd))


async def test_for_customers_that_is_left_early_leaves_nothing_running(reader: Reader) -> None:
    """Closed while dozens are in flight."""

    async def slow(_: Request) -> Response:
        await asyncio.sleep(0.005)
        return answered(page_of([1, 2, 3]))

    async with aclosing(reader(slow).messages.for_customers(range(1000))) as pairs:
        async for _ in pairs:
            break
    assert tasks_left() == set()
