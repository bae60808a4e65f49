"""An import from Python: each row's end is told once, and a run can be stopped."""

import asyncio
import io
from collections.abc import Iterator

import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk import AskTemplate, Import, RowResult, read_csv
from moregood_async.bulk.rows import Row
from moregood_async.sandbox import Delay, DropAfterEffect, Refuse, Sandbox
from moregood_async.wire import Handler, Request, Response

TEXT = "First Name,Email\n" + "".join(f"Ada,ada{n}@example.com\n" for n in range(200))


def rows(text: str = TEXT) -> Iterator[Row]:
    """The rows of a file."""
    return iter(read_csv(io.StringIO(text)))


async def test_every_row_ends_once() -> None:
    """Saved and asked, in no particular order."""
    ends: list[RowResult] = []
    with Sandbox() as sandbox:
        async with MoreGoodClient("test-key", transport=sandbox) as client:
            importing = Import(client, rows(), ask=AskTemplate(channels=["email"]))
            await importing.run(ends.append)
        assert sorted(end.row.line for end in ends) == list(range(2, 202))
        assert {end.outcome for end in ends} == {"done"}
        assert (sandbox.audit().customers, sandbox.audit().asks) == (200, 200)
    assert list(importing.unfinished()) == []


async def test_a_stopped_run_finishes_what_was_read() -> None:
    """And reads no further."""
    ends: list[RowResult] = []
    with Sandbox() as sandbox:
        async with MoreGoodClient("test-key", transport=sandbox, max_concurrency=4) as client:
            importing = Import(client, rows(), ask=AskTemplate(channels=["email"]))

            def tell(end: RowResult) -> None:
                ends.append(end)
                importing.stop()

            await importing.run(tell)
        assert len(ends) < 50
        assert sandbox.audit().asks == len(ends)


async def test_a_cancelled_run_names_what_was_under_way() -> None:
    """Asks that left are unknown; customers that wait to be asked are not; upserts may go again."""
    ends: list[RowResult] = []
    with Sandbox(faults=Delay(30, on="asks.create")) as sandbox:
        async with MoreGoodClient("test-key", transport=sandbox, max_concurrency=8) as client:
            importing = Import(client, rows(), ask=AskTemplate(channels=["email"]))
            run = asyncio.create_task(importing.run(ends.append))
            await asyncio.sleep(0.3)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
        left = list(importing.unfinished())
        outcomes = {end.outcome for end in left}
        assert "unknown" in outcomes
        assert len({end.row.line for end in (*ends, *left)}) == len(ends) + len(left)
        assert sandbox.audit().customers <= len(ends) + len(left)


async def test_an_error_of_the_source_ends_the_run() -> None:
    """After what was read is finished."""

    def broken() -> Iterator[Row]:
        yield from list(rows())[:3]
        raise OSError(5, "Input/output error")

    ends: list[RowResult] = []
    with Sandbox() as sandbox:
        async with MoreGoodClient("test-key", transport=sandbox) as client:
            with pytest.raises(OSError, match="Input/output"):
                await Import(client, broken()).run(ends.append)
    assert len(ends) == 3


async def test_a_foreign_error_of_an_ask_is_unknown() -> None:
    """Nobody knows what a middleware of the user's did before it raised."""

    async def odd(request: Request, call_next: Handler) -> Response:
        if request.operation == "asks.create":
            raise RuntimeError("odd")
        return await call_next(request)

    ends: list[RowResult] = []
    with Sandbox() as sandbox:
        async with MoreGoodClient("test-key", transport=sandbox, middlewares=(odd,)) as client:
            template = AskTemplate(channels=["email"])
            await Import(client, rows("First Name,Email\nA,a@example.com\n"), ask=template).run(
                ends.append
            )
    assert [end.outcome for end in ends] == ["unknown"]


async def test_a_refused_key_among_the_asks_stops_them_all() -> None:
    """Those who wait are saved and not asked, and no further row is read."""
    ends: list[RowResult] = []
    with Sandbox(faults=Refuse(403, on="asks.create")) as sandbox:
        async with MoreGoodClient("test-key", transport=sandbox, max_concurrency=2) as client:
            importing = Import(client, rows(), ask=AskTemplate(channels=["email"]))
            await importing.run(ends.append)
        assert importing.usability.verdict is not None
        assert {end.outcome for end in ends} == {"failed"}
        assert any("the import was stopped" in end.note for end in ends)
        assert sandbox.audit().customers == len(ends) < 200


async def test_a_customer_that_may_be_two_is_unknown() -> None:
    """With neither email nor phone the server cannot match them."""
    ends: list[RowResult] = []
    with Sandbox(faults=DropAfterEffect(times=1)) as sandbox:
        async with MoreGoodClient("test-key", transport=sandbox) as client:
            await Import(client, rows("First Name,Email\nAda,\nBob,\n")).run(ends.append)
        assert sorted((end.row.line, end.outcome) for end in ends) == [
            (2, "unknown"),
            (3, "done"),
        ]
        assert sandbox.audit().customers == 2
