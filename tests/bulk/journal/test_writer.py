"""Group commit: changes of many tasks in few commits, by one thread."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from moregood_async.bulk import JournalUnusable
from moregood_async.bulk.journal import queries, schema
from moregood_async.bulk.journal.states import State
from moregood_async.bulk.journal.storage import Change, EntryQuery
from moregood_async.bulk.journal.writer import Writer, run_to_end
from tests.bulk.journal.storages import change_of, invalid_values
from tests.bulk.journal_entries import make_entries, make_entry


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the tables of a journal, made if they are not there."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    schema.migrate(connection)
    return connection


def make_writer(path: Path) -> Writer:
    """Return a writer of a journal without a counter file."""
    return Writer(connect(path), commits=0, counter=None, translate=translate)


def translate(error: Exception) -> Exception:
    """Return the error that a caller sees."""
    return JournalUnusable(f"broken: {error}") if isinstance(error, sqlite3.Error) else error


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    """A writer of a new journal."""
    writer = make_writer(tmp_path / "j")
    yield writer
    await writer.close()


def read_commits(connection: sqlite3.Connection) -> int:
    """Return the number of commits."""
    return int(queries.settings(connection).get("commits", 0))


async def test_changes_of_a_thousand_tasks_need_few_commits(writer: Writer) -> None:
    await asyncio.gather(*(writer.commit(change_of(entry)) for entry in make_entries(1_000)))
    assert await writer.read(queries.count_rows) == 1_000
    assert await writer.read(read_commits) <= 10


async def test_a_commit_is_in_the_file_when_it_is_done(writer: Writer, tmp_path: Path) -> None:
    """Another process would see it."""
    entries = make_entries(100, state=State.INTENDED)
    await asyncio.gather(*(writer.commit(change_of(entry)) for entry in entries))
    other = connect(tmp_path / "j")
    query = EntryQuery(states=frozenset({State.INTENDED}))
    assert list(queries.entries(other, query)) == entries
    other.close()


async def test_a_lone_change_is_committed_soon(writer: Writer) -> None:
    async with asyncio.timeout(5):
        await writer.commit(change_of(make_entry(0)))
    assert await writer.read(read_commits) == 1


async def test_a_read_alone_is_no_commit(writer: Writer) -> None:
    assert await writer.read(queries.count_rows) == 0
    assert await writer.read(read_commits) == 0


async def test_a_row_of_several_changes_is_stored_as_its_latest_change_has_it(
    writer: Writer,
) -> None:
    for error in ("first", "second", "third"):
        writer.enqueue(change_of(make_entry(0, error=error), make_entry(1)))
    await writer.commit(Change())
    entries = await writer.read(lambda connection: list(queries.entries(connection, EntryQuery())))
    assert [entry.error for entry in entries] == ["third", ""]


async def test_queries_run_in_one_thread_that_is_not_the_loops(writer: Writer) -> None:
    threads = {await writer.read(lambda _: threading.get_ident()) for _ in range(5)}
    assert len(threads) == 1
    assert threads.isdisjoint({threading.get_ident()})


async def test_the_thread_ends_when_the_writer_is_closed(tmp_path: Path) -> None:
    writer = make_writer(tmp_path / "j")
    [thread] = [each for each in threading.enumerate() if each.name == "journal"]
    await writer.close()
    await writer.close()
    assert not thread.is_alive()


async def test_closing_commits_what_is_still_gathered(tmp_path: Path) -> None:
    writer = make_writer(tmp_path / "j")
    committing = [writer.commit(change_of(entry)) for entry in make_entries(5)]
    closing = asyncio.ensure_future(writer.close())
    await asyncio.gather(*committing)
    await closing
    connection = connect(tmp_path / "j")
    assert queries.count_rows(connection) == 5
    connection.close()


async def test_a_closed_writer_refuses_work(writer: Writer) -> None:
    """Nobody would do it, so that waiting for it would never end."""
    await writer.close()
    with pytest.raises(JournalUnusable, match="the journal is closed: its job has ended"):
        await writer.commit(Change())
    with pytest.raises(JournalUnusable, match="closed"):
        writer.enqueue(Change())
    with pytest.raises(JournalUnusable, match="closed"):
        await writer.read(queries.count_rows)


BREAKING: dict[str, Callable[[Writer], Awaitable[object]]] = {
    "a query": lambda writer: writer.read(lambda c: c.execute("SELECT * FROM nowhere")),
    "a row": lambda writer: writer.commit(Change(rows=[invalid_values()])),
}


@pytest.mark.parametrize("breaking", BREAKING)
async def test_nothing_is_committed_after_an_error(
    breaking: str, writer: Writer, tmp_path: Path
) -> None:
    """Each caller gets the translated error, with the error of SQLite as its cause."""
    await writer.commit(change_of(make_entry(0)))
    with pytest.raises(JournalUnusable, match="broken: ") as broken:
        await BREAKING[breaking](writer)
    assert isinstance(broken.value.__cause__, sqlite3.Error)
    with pytest.raises(JournalUnusable, match="broken: "):
        await writer.commit(change_of(make_entry(1)))
    with pytest.raises(JournalUnusable, match="broken: "):
        writer.enqueue(change_of(make_entry(2)))
    await writer.close()
    connection = connect(tmp_path / "j")
    assert queries.count_rows(connection) == 1
    connection.close()


async def test_work_that_waits_behind_an_error_fails_with_it(writer: Writer) -> None:
    """Also if it was submitted before the error, and not yet handed to the thread."""
    has_begun, may_fail = threading.Event(), threading.Event()

    def fail_later(connection: sqlite3.Connection) -> None:
        has_begun.set()
        may_fail.wait(10)
        connection.execute("SELECT * FROM nowhere")

    failing = writer.read(fail_later)
    await asyncio.to_thread(has_begun.wait, 10)
    waiting = [writer.commit(change_of(entry)) for entry in make_entries(3)]
    may_fail.set()
    results: list[Any] = await asyncio.gather(failing, *waiting, return_exceptions=True)
    assert [type(result) for result in results] == [JournalUnusable] * 4


async def test_a_failed_heartbeat_fails_the_commit_and_stores_nothing(
    writer: Writer, tmp_path: Path
) -> None:
    """A commit without proof of life is no commit: recovering would take it for older."""

    def broken_clock() -> float:
        raise sqlite3.OperationalError("no clock")

    writer.heartbeat = broken_clock
    with pytest.raises(JournalUnusable, match="no clock"):
        await writer.commit(change_of(make_entry(0)))
    await writer.close()
    connection = connect(tmp_path / "j")
    assert queries.count_rows(connection) == 0
    connection.close()


async def test_run_to_end_returns_the_result_or_raises_the_error() -> None:
    async def succeed() -> int:
        await asyncio.sleep(0)
        return 7

    async def fail() -> None:
        raise OSError("broken")

    assert await run_to_end(succeed()) == 7
    with pytest.raises(OSError, match="broken"):
        await run_to_end(fail())


@pytest.mark.parametrize("error", [None, OSError("broken")])
async def test_run_to_end_finishes_its_work_before_it_is_cancelled(
    error: Exception | None,
) -> None:
    """However often it is cancelled; an error of the work does not hide the cancellation."""
    may_end, log = asyncio.Event(), list[str]()

    async def work() -> None:
        await may_end.wait()
        log.append("ended")
        if error is not None:
            raise error

    task = asyncio.ensure_future(run_to_end(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["ended"]
