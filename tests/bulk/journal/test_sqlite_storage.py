"""`SqliteStorage`: what is particular to a journal in a local file."""

import asyncio
import sqlite3
import stat
import sys
import threading
from pathlib import Path

import pytest

from moregood_async.bulk import JournalInUse, JournalUnusable
from moregood_async.bulk.journal import files
from moregood_async.bulk.journal.reader import JournalReader
from moregood_async.bulk.journal.sqlite_storage import SqliteStorage
from moregood_async.bulk.journal.storage import Change, EntryQuery
from tests.bulk.journal.storages import change_of
from tests.bulk.journal_entries import make_entries


def list_files(folder: Path) -> list[Path]:
    """Return the files in a folder."""
    return list(folder.iterdir())


def read_commits(path: Path) -> tuple[int, int]:
    """Return the number of commits in the journal and in its counter file."""
    with JournalReader(path) as journal:
        commits = int(journal.settings["commits"])
    return commits, int(path.with_name(f"{path.name}-count").read_bytes())


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
async def test_a_journal_and_its_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """The files that SQLite puts beside it have the rows, too."""
    storage = await SqliteStorage.open(tmp_path / "j")
    await storage.commit(change_of(*make_entries(3)))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in list_files(tmp_path)}
    await storage.close()
    del modes["j-lock"]  # an empty file
    assert modes == {"j": 0o600, "j-wal": 0o600, "j-shm": 0o600, "j-count": 0o600}


async def test_a_journal_is_read_while_its_lease_is_held(tmp_path: Path) -> None:
    storage = await SqliteStorage.open(tmp_path / "j")
    await storage.commit(change_of(*make_entries(3)))
    with JournalReader(tmp_path / "j") as reader:
        assert list(reader.entries()) == make_entries(3)
        assert reader.count_rows() == 3
    await storage.close()


async def test_a_second_process_is_told_to_wait_or_to_stop_the_first(tmp_path: Path) -> None:
    storage = await SqliteStorage.open(tmp_path / "j")
    with pytest.raises(JournalInUse, match="another process is running the journal j"):
        await SqliteStorage.open(tmp_path / "j")
    await storage.close()


async def test_commits_are_counted_in_the_journal_and_beside_it(tmp_path: Path) -> None:
    """Reopening goes on with the number."""
    for opened in (1, 2):
        storage = await SqliteStorage.open(tmp_path / "j")
        await storage.commit(Change())
        await storage.close()
        assert read_commits(tmp_path / "j") == (opened, opened)


async def test_a_journal_that_lost_commits_is_refused_and_its_lease_is_free(
    tmp_path: Path,
) -> None:
    """A refused journal can be opened once its files are put back."""
    storage = await SqliteStorage.open(tmp_path / "j")
    await storage.commit(Change())
    await storage.close()
    counter = tmp_path / "j-count"
    before = counter.read_bytes()
    counter.write_bytes(b"9\n")
    for _ in range(2):
        with pytest.raises(JournalUnusable, match="lost its last 8 commits"):
            await SqliteStorage.open(tmp_path / "j")
    counter.write_bytes(before)
    storage = await SqliteStorage.open(tmp_path / "j")
    await storage.close()


async def test_a_journal_that_is_deleted_while_it_is_open_commits_nothing_more(
    tmp_path: Path,
) -> None:
    storage = await SqliteStorage.open(tmp_path / "j")
    (tmp_path / "j").unlink()
    with pytest.raises(JournalUnusable, match="deleted, moved or replaced"):
        await storage.commit(Change())
    await storage.close()


async def test_opening_that_is_cancelled_leaves_no_lease_and_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that opens the file cannot be cancelled; what it opened is closed again."""
    has_begun, may_end = threading.Event(), threading.Event()
    open_database = files.open_database

    def open_slowly(path: Path | None) -> sqlite3.Connection:
        has_begun.set()
        may_end.wait(10)
        return open_database(path)

    monkeypatch.setattr(files, "open_database", open_slowly)
    opening = asyncio.ensure_future(SqliteStorage.open(tmp_path / "j"))
    await asyncio.to_thread(has_begun.wait, 10)
    opening.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await opening
    monkeypatch.undo()
    storage = await SqliteStorage.open(tmp_path / "j")
    assert await storage.entries(EntryQuery()) == []
    await storage.close()


async def test_a_journal_in_memory_has_no_file_and_no_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = await SqliteStorage.open(None), await SqliteStorage.open(None)
    await first.commit(change_of(*make_entries(3)))
    assert await second.count_rows() == 0
    await first.close()
    await second.close()
    assert list_files(tmp_path) == []
