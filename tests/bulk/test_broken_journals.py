"""Journals that are damaged, deleted or on a full disk: an error, nothing sent, nothing lost."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from moregood_async.bulk.journal import files
from moregood_async.bulk.journal.errors import JournalUnusable
from moregood_async.sandbox import Sandbox
from tests.bulk.crashing import BETWEEN_PROCESSES_SECONDS, KEY
from tests.bulk.interrupted_jobs import (
    assert_refused,
    assert_resumes_and_asks_once,
    crash_among_asks,
    file_of,
    resume,
    run_command,
)

Damage = Callable[[Path], object]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of one project, which has two keys."""
    with Sandbox(keys=(KEY, "other-key")) as sandbox:
        yield sandbox


@pytest.fixture
async def journal(sandbox: Sandbox, tmp_path: Path) -> Path:
    """The journal of a process that crashed among its asks."""
    return await crash_among_asks(sandbox, tmp_path)


def truncate(suffix: str, fraction: float) -> Damage:
    """Truncate a file to a fraction of its length."""

    def damage(journal: Path) -> None:
        path = file_of(journal, suffix)
        os.truncate(path, int(path.stat().st_size * fraction))

    return damage


def flip_byte(suffix: str, fraction: float) -> Damage:
    """Invert the byte of a file that comes after a fraction of its length."""

    def damage(journal: Path) -> None:
        path = file_of(journal, suffix)
        content = bytearray(path.read_bytes())
        content[int(len(content) * fraction)] ^= 0xFF
        path.write_bytes(content)

    return damage


def after_checkpoint(damage: Damage) -> Damage:
    """Move everything from the ``-wal`` into the main file, and then damage the journal."""

    def checkpoint_and_damage(journal: Path) -> None:
        connection = sqlite3.connect(journal)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        damage(journal)

    return checkpoint_and_damage


def write_random_bytes(journal: Path) -> None:
    """Replace the content of the main file."""
    journal.write_bytes(Random(1).randbytes(20_000))


def delete_main_file(journal: Path) -> None:
    """Delete the main file and keep its ``-wal``."""
    journal.unlink()


def delete_wal(journal: Path) -> None:
    """Delete the ``-wal``, as if somebody had copied the journal without it."""
    file_of(journal, "-wal").unlink()


def create_other_database(journal: Path) -> None:
    """Replace the journal by a SQLite file of another program."""
    for path in journal.parent.iterdir():
        path.unlink()
    connection = sqlite3.connect(journal)
    connection.execute("CREATE TABLE songs (name)")
    connection.close()


def set_newer_version(journal: Path) -> None:
    """Set the version of the schema to one of a later release."""
    connection = sqlite3.connect(journal)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def replace_by_folder(journal: Path) -> None:
    """Replace the journal by a folder."""
    for path in journal.parent.iterdir():
        path.unlink()
    journal.mkdir()


def replace_file_by_folder(suffix: str) -> Damage:
    """Replace a file beside the main file by a folder, so that it cannot be opened."""

    def damage(journal: Path) -> None:
        file_of(journal, suffix).unlink(missing_ok=True)
        file_of(journal, suffix).mkdir()

    return damage


DAMAGES: dict[str, tuple[Damage, str]] = {
    "main file empty": (truncate("", 0), "empty"),
    "main file cut in half": (after_checkpoint(truncate("", 0.5)), "damaged"),
    "main file cut at its end": (after_checkpoint(truncate("", 0.99)), "damaged"),
    "main file with only its first bytes": (after_checkpoint(truncate("", 0.001)), "damaged"),
    "main file with a flipped byte": (after_checkpoint(flip_byte("", 0.0001)), "damaged"),
    "main file deleted": (delete_main_file, "Put the journal back"),
    "wal empty": (truncate("-wal", 0), "lost its last"),
    "wal cut in half": (truncate("-wal", 0.5), "lost its last"),
    "wal cut at its end": (truncate("-wal", 0.9), "lost its last"),
    "wal with a flipped byte": (flip_byte("-wal", 0.3), "lost its last"),
    "wal with a flipped byte at its head": (flip_byte("-wal", 0.0001), "lost its last"),
    "wal deleted": (delete_wal, "lost its last"),
    "random bytes": (after_checkpoint(write_random_bytes), "damaged"),
    "file of another program": (create_other_database, "name another file"),
    "newer version": (set_newer_version, "Upgrade"),
    "folder": (replace_by_folder, "cannot be written"),
    "wal that cannot be opened": (
        after_checkpoint(replace_file_by_folder("-wal")),
        "cannot be written",
    ),
    "lock that cannot be opened": (replace_file_by_folder("-lock"), "cannot be written"),
    "count that cannot be opened": (replace_file_by_folder("-count"), "cannot be written"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_journal_is_refused_and_nothing_is_sent(
    sandbox: Sandbox, journal: Path, tmp_path: Path, damage: Damage, message: str
) -> None:
    """The error says what to do. After the journal is restored, the job asks everybody once."""
    shutil.copytree(journal.parent, tmp_path / "backup")
    damage(journal)
    await assert_refused(sandbox, journal, message)
    shutil.rmtree(journal.parent)
    shutil.copytree(tmp_path / "backup", journal.parent)
    await assert_resumes_and_asks_once(sandbox, journal)


async def test_a_journal_in_a_folder_that_does_not_exist_is_refused(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await assert_refused(sandbox, tmp_path / "none" / "j", "Its folder must exist")
    assert sandbox.audit().customers == 0


@pytest.mark.parametrize("pages", [12, 22])
async def test_a_job_on_a_full_disk_stops_and_can_be_resumed(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    """Every ask that was sent is in the journal, so that the resumed job asks everybody once."""
    open_database = files.open_database

    def open_with_page_limit(path: Path | None) -> sqlite3.Connection:
        connection = open_database(path)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    rows = [{"first_name": f"N{n}", "email": f"n{n}@example.com"} for n in range(800)]
    journal = tmp_path / "j"
    with monkeypatch.context() as patch:
        patch.setattr(files, "open_database", open_with_page_limit)
        with pytest.raises(JournalUnusable, match=r"disk is full. Make room, and resume"):
            await resume(sandbox, journal, rows)
    assert sandbox.audit().asks < len(rows)
    sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
    await assert_resumes_and_asks_once(sandbox, journal, rows=rows)


def test_a_process_at_the_systems_file_size_limit_stops_and_can_be_resumed(tmp_path: Path) -> None:
    """The exit code is 2, and the error names the journal."""
    file = tmp_path / "c.csv"
    lines = [f"N{number},n{number}@example.com\n" for number in range(600)]
    file.write_text("First Name,Email\n" + "".join(lines), encoding="utf-8")

    def limit_file_size() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    with Sandbox(keys=KEY) as sandbox, sandbox.serve_in_thread() as server:
        options = ("--ask", "email", "--reconcile-after", "0")
        stopped = run_command(server.base_url, "import", file, *options, preexec_fn=limit_file_size)
        assert stopped.returncode == 2
        assert "the journal c.csv.journal" in stopped.stderr
        assert sandbox.audit().asks < 600
        sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
        resumed = run_command(server.base_url, "resume", f"{file}.journal")
        assert resumed.returncode == 0, resumed.stderr
        audit = sandbox.audit()
    assert audit.asks == 600
    assert audit.duplicate_asks == ()


@pytest.mark.parametrize("is_replaced", [False, True], ids=["moved", "replaced"])
async def test_a_journal_that_is_moved_or_replaced_during_a_run_stops_the_job(
    sandbox: Sandbox, tmp_path: Path, is_replaced: bool
) -> None:
    """SQLite would write to the moved file without an error. The moved journal can be resumed."""
    journal, folder = tmp_path / "j", tmp_path / "moved"
    asks_before: list[int] = []

    def move() -> None:
        asks_before.append(sandbox.audit().asks)
        folder.mkdir()
        for path in tmp_path.glob("j*"):
            path.rename(folder / path.name)
        if is_replaced:
            journal.write_bytes(b"")

    rows = [{"first_name": f"N{n}", "email": f"n{n}@example.com"} for n in range(600)]
    with pytest.raises(JournalUnusable, match="was deleted, moved or replaced"):
        await resume(sandbox, journal, rows, at_rows={100: move})
    audit = sandbox.audit()
    assert audit.asks < asks_before[0] + 130, "only asks that were INTENDED before may be sent"
    sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
    await assert_resumes_and_asks_once(sandbox, folder / "j", rows=rows)
