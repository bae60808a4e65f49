"""Journals that are torn, full, foreign or gone: a clear error, nothing sent, nothing lost."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk.importing.sources import Source, read_csv
from moregood_async.bulk.job import Job
from moregood_async.bulk.journal import files, schema
from moregood_async.bulk.journal.errors import (
    JournalError,
    JournalInUse,
    JournalMismatch,
    JournalUnusable,
)
from moregood_async.bulk.report import Report, read_report
from moregood_async.bulk.templates import AskTemplate
from moregood_async.sandbox import Sandbox
from tests.bulk.crashing import BETWEEN_LIVES_SECONDS, BY_EMAIL, KEY, CrashPoint, Life, lived

Spoil = Callable[[Path], object]

ROWS = [{"first_name": f"N{number}", "email": f"n{number}@example.com"} for number in range(80)]
KILLED_AT_REQUEST = 110


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of one project."""
    with Sandbox(keys=(KEY, "other-key")) as sandbox:
        yield sandbox


@pytest.fixture
async def journal(sandbox: Sandbox, tmp_path: Path) -> Path:
    """The journal of a process that was killed among its asks, as it stands on the disk."""
    before, left = tmp_path / "before", tmp_path / "left"
    before.mkdir()
    left.mkdir()
    path = left / "spring.journal"
    point = CrashPoint("request", "after", KILLED_AT_REQUEST)
    assert await lived(Life(sandbox, before / "j", path, point), ROWS, ask=BY_EMAIL) is None
    shutil.rmtree(before)
    sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
    assert 0 < sandbox.audit().asks < len(ROWS)
    return path


async def goes_on(
    sandbox: Sandbox,
    journal: Path,
    rows: Source | Sequence[Mapping[str, Any]] = ROWS,
    *,
    key: str = KEY,
    base_url: str | None = None,
    ask: AskTemplate = BY_EMAIL,
    at_rows: Mapping[int, Callable[[], object]] | None = None,
) -> Report:
    """Run the job to its end; does something when so many of its rows have ended."""
    ended = 0
    async with (
        MoreGoodClient(key, base_url=base_url, transport=sandbox) as client,
        Job(client, rows, journal=journal, ask=ask, reconcile_after=0.0) as job,
    ):
        async for event in job.run():
            ended += event.row is not None
            (at_rows or {}).get(ended, int)()
        return job.report()


async def refused(
    sandbox: Sandbox,
    journal: Path,
    *told: str,
    error: type[JournalError] = JournalUnusable,
    **options: Any,
) -> None:
    """It is an error that says so, and the server has heard nothing."""
    before = sandbox.audit()
    with pytest.raises(error) as caught:
        await goes_on(sandbox, journal, **options)
    for words in told:
        assert words in str(caught.value)
    assert sandbox.audit() == before


async def everybody_once(sandbox: Sandbox, journal: Path, **options: Any) -> None:
    """Going on with it ends with everybody asked once."""
    report = await goes_on(sandbox, journal, **options)
    audit = sandbox.audit()
    assert audit.duplicate_asks == ()
    assert audit.asks == audit.customers == report.people_asked == report.rows


def beside(journal: Path, suffix: str) -> Path:
    """A file of the same journal."""
    return journal.with_name(f"{journal.name}{suffix}")


def cut(suffix: str, part: float) -> Spoil:
    """Cuts a file, so that only a part is left."""

    def spoil(journal: Path) -> None:
        path = beside(journal, suffix)
        os.truncate(path, int(path.stat().st_size * part))

    return spoil


def flipped(suffix: str, place: float) -> Spoil:
    """Flips a byte."""

    def spoil(journal: Path) -> None:
        path = beside(journal, suffix)
        content = bytearray(path.read_bytes())
        content[int(len(content) * place)] ^= 0xFF
        path.write_bytes(content)

    return spoil


def whole(spoil: Spoil) -> Spoil:
    """Everything is moved from the ``-wal`` into the main file before."""

    def both(journal: Path) -> None:
        connection = sqlite3.connect(journal)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        spoil(journal)

    return both


def random_bytes(journal: Path) -> None:
    """What is in it is nothing at all."""
    journal.write_bytes(Random(1).randbytes(20_000))


def only_the_wal(journal: Path) -> None:
    """The main file was deleted."""
    journal.unlink()


def without_wal(journal: Path) -> None:
    """Somebody copied the main file alone, and what stands beside it."""
    beside(journal, "-wal").unlink()


def of_another_program(journal: Path) -> None:
    """A SQLite file with other tables."""
    for path in journal.parent.iterdir():
        path.unlink()
    connection = sqlite3.connect(journal)
    connection.execute("CREATE TABLE songs (name)")
    connection.close()


def of_a_newer_version(journal: Path) -> None:
    """A later release has written it."""
    connection = sqlite3.connect(journal)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def a_folder(journal: Path) -> None:
    """A directory of that name."""
    for path in journal.parent.iterdir():
        path.unlink()
    journal.mkdir()


def a_folder_as(suffix: str) -> Spoil:
    """The operating system will not open a file that SQLite needs beside it."""

    def spoil(journal: Path) -> None:
        beside(journal, suffix).unlink(missing_ok=True)
        beside(journal, suffix).mkdir()

    return spoil


SPOILT: dict[str, tuple[Spoil, str]] = {
    "main file empty": (cut("", 0), "empty"),
    "main file cut in half": (whole(cut("", 0.5)), "damaged"),
    "main file cut at its end": (whole(cut("", 0.99)), "damaged"),
    "main file torn at its head": (whole(cut("", 0.001)), "damaged"),
    "main file with a flipped byte": (whole(flipped("", 0.0001)), "damaged"),
    "main file gone": (only_the_wal, "Put the journal back"),
    "wal empty": (cut("-wal", 0), "lost its last"),
    "wal cut in half": (cut("-wal", 0.5), "lost its last"),
    "wal cut at its end": (cut("-wal", 0.97), "lost its last"),
    "wal with a flipped byte": (flipped("-wal", 0.3), "lost its last"),
    "wal with a flipped byte at its head": (flipped("-wal", 0.0001), "lost its last"),
    "wal left behind": (without_wal, "lost its last"),
    "random bytes": (whole(random_bytes), "damaged"),
    "another program's": (of_another_program, "name another file"),
    "a newer version's": (of_a_newer_version, "Upgrade"),
    "a folder": (a_folder, "cannot be written"),
    "wal that cannot be opened": (whole(a_folder_as("-wal")), "cannot be written"),
    "lock that cannot be opened": (a_folder_as("-lock"), "cannot be written"),
    "count that cannot be opened": (a_folder_as("-count"), "cannot be written"),
}


@pytest.mark.parametrize(("spoil", "told"), SPOILT.values(), ids=SPOILT)
async def test_a_spoilt_journal_is_refused_and_sends_nothing(
    sandbox: Sandbox, journal: Path, tmp_path: Path, spoil: Spoil, told: str
) -> None:
    """The error says what to do; with the journal put back, everybody is asked once."""
    shutil.copytree(journal.parent, tmp_path / "safe")
    spoil(journal)
    await refused(sandbox, journal, told)
    shutil.rmtree(journal.parent)
    shutil.copytree(tmp_path / "safe", journal.parent)
    await everybody_once(sandbox, journal)


async def test_a_folder_that_is_not_there_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    """Nothing is made, and nothing is sent."""
    await refused(sandbox, tmp_path / "none" / "j", "Its folder must exist")
    assert sandbox.audit().customers == 0


@pytest.mark.parametrize("pages", [12, 22])
async def test_a_full_disk_stops_the_job_and_loses_nothing(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    """Every ask that has left stands in the journal; with room again, the job goes on."""
    opened = files.open_database

    def tight(path: Path | None) -> sqlite3.Connection:
        connection = opened(path)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    rows = [{"first_name": f"N{n}", "email": f"n{n}@example.com"} for n in range(800)]
    journal = tmp_path / "j"
    with monkeypatch.context() as patch:
        patch.setattr(files, "open_database", tight)
        with pytest.raises(JournalUnusable, match=r"disk is full. Make room, and resume"):
            await goes_on(sandbox, journal, rows)
    assert sandbox.audit().asks < len(rows)
    sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
    await everybody_once(sandbox, journal, rows=rows)


def test_a_process_that_may_write_no_more_says_so(tmp_path: Path) -> None:
    """A real limit of the operating system: exit code 2, and the job goes on without it."""
    file = tmp_path / "c.csv"
    lines = [f"N{number},n{number}@example.com\n" for number in range(600)]
    file.write_text("First Name,Email\n" + "".join(lines), encoding="utf-8")

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    with Sandbox(keys=KEY) as sandbox, sandbox.serve_in_thread() as server:
        said = ("--ask", "email", "--reconcile-after", "0")
        stopped = command(server.base_url, "import", file, *said, preexec_fn=limited)
        assert stopped.returncode == 2
        assert "the journal c.csv.journal" in stopped.stderr
        assert sandbox.audit().asks < 600
        sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
        went_on = command(server.base_url, "resume", f"{file}.journal")
        assert went_on.returncode == 0, went_on.stderr
        audit = sandbox.audit()
    assert (audit.asks, audit.duplicate_asks) == (600, ())


def command(base_url: str, *args: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """A process of the command line."""
    return subprocess.run(
        [sys.executable, "-m", "moregood_async.cli", *map(str, args)],
        env={**os.environ, "MOREGOOD_API_KEY": KEY, "MOREGOOD_BASE_URL": base_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


@pytest.mark.parametrize("gone", ["deleted", "replaced"])
async def test_a_journal_that_goes_while_it_runs_stops_the_job(
    sandbox: Sandbox, tmp_path: Path, gone: str
) -> None:
    """What SQLite would write on into the void is noticed before anything more is sent."""
    journal, away = tmp_path / "j", tmp_path / "away"
    asked: list[int] = []

    def go() -> None:
        asked.append(sandbox.audit().asks)
        away.mkdir()
        for path in tmp_path.glob("j*"):
            path.rename(away / path.name)
        if gone == "replaced":
            journal.write_bytes(b"")

    rows = [{"first_name": f"N{n}", "email": f"n{n}@example.com"} for n in range(600)]
    with pytest.raises(JournalUnusable, match="was deleted, moved or replaced"):
        await goes_on(sandbox, journal, rows, at_rows={100: go})
    audit = sandbox.audit()
    assert audit.asks < asked[0] + 130, "what was intended before may have left, and no more"
    sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
    await everybody_once(sandbox, away / "j", rows=rows)


# what it belongs to


@attrs.frozen
class File:
    """A CSV whose import was killed."""

    path: Path
    journal: Path

    def read(self, **options: Any) -> Source:
        """As it is now."""
        return read_csv(self.path, **options)


@pytest.fixture
async def file(sandbox: Sandbox, tmp_path: Path) -> File:
    """A CSV whose import was stopped after a few rows."""
    path, journal = tmp_path / "c.csv", tmp_path / "c.journal"
    lines = [f"N{n},n{n}@example.com,m{n}@example.com" for n in range(80)]
    path.write_text("\n".join(["First Name,Email,Other", *lines, ""]), encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        await goes_on(sandbox, journal, read_csv(path), at_rows={20: lambda: 1 // 0})
    sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
    return File(path, journal)


def edited(edit: Callable[[str], str]) -> Callable[[File], dict[str, Any]]:
    """The file is another when the job goes on."""

    def change(file: File) -> dict[str, Any]:
        file.path.write_text(edit(file.path.read_text("utf-8")), encoding="utf-8")
        return {"rows": file.read()}

    return change


CHANGED: dict[str, tuple[Callable[[File], dict[str, Any]], str]] = {
    "file changed": (edited(lambda text: text.replace("n70@", "x70@")), "has changed"),
    "file shortened": (edited(lambda text: text[:-200]), "has changed"),
    "file appended to": (edited(lambda text: f"{text}New,new@example.com,\n"), "has changed"),
    "file replaced": (edited(lambda _: "Name,Email\nAda,ada@example.com\n"), "or is another"),
    "another mapping": (
        lambda file: {"rows": file.read(mapping={"Email": None, "Other": "email"})},
        "is read with another",
    ),
    "another order": (
        lambda file: {"rows": file.read(), "ask": AskTemplate(channels=["sms"])},
        "the job has another ask",
    ),
    "another key": (lambda file: {"rows": file.read(), "key": "other-key"}, "the API key"),
    "another base URL": (
        lambda file: {"rows": file.read(), "base_url": "https://other.example/beacon"},
        "the base URL is another",
    ),
}


@pytest.mark.parametrize(("change", "told"), CHANGED.values(), ids=CHANGED)
async def test_a_journal_goes_on_with_nothing_but_its_own(
    sandbox: Sandbox, file: File, change: Callable[[File], dict[str, Any]], told: str
) -> None:
    """The error says which differs; with what it was, everybody is asked once."""
    before = file.path.read_bytes()
    options = change(file)
    await refused(sandbox, file.journal, told, error=JournalMismatch, **options)
    file.path.write_bytes(before)
    await everybody_once(sandbox, file.journal, rows=file.read())


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{**row, "first_name": "X"} for row in ROWS], "is not the row that the journal knows"),
        (ROWS[:50], "was cut short"),
    ],
    ids=["other rows", "fewer rows"],
)
async def test_rows_in_memory_are_told_from_others(
    sandbox: Sandbox, journal: Path, rows: list[dict[str, str]], told: str
) -> None:
    """There each row is compared as it comes; nobody is asked twice, and nothing is lost."""
    with pytest.raises(JournalMismatch, match=told):
        await goes_on(sandbox, journal, rows)
    assert sandbox.audit().duplicate_asks == ()
    sandbox.advance(seconds=BETWEEN_LIVES_SECONDS)
    await everybody_once(sandbox, journal)


# somebody else


async def test_a_second_job_of_this_process_is_refused(sandbox: Sandbox, journal: Path) -> None:
    """Also by another name of the same file; when the first has ended, the second may go on."""
    link = journal.with_name("link")
    link.symlink_to(journal)
    async with MoreGoodClient(KEY, transport=sandbox) as client, Job.open(client, journal):
        for name in (journal, link):
            await refused(sandbox, name, "Wait until it has ended", error=JournalInUse)
    await everybody_once(sandbox, link)


async def test_a_second_process_is_refused(sandbox: Sandbox, file: File) -> None:
    """It ends with exit code 2 and says why; the report can be read meanwhile."""
    async with (
        MoreGoodClient(KEY, transport=sandbox) as client,
        Job.open(client, file.journal) as job,
    ):
        second = command("http://127.0.0.1:9/beacon", "resume", file.journal)
        assert read_report(file.journal).done == job.report().done
    assert second.returncode == 2
    assert "another process is running the journal" in second.stderr
    await everybody_once(sandbox, file.journal, rows=file.read())


# older versions

ADDED = "CREATE TABLE extra (x); ALTER TABLE rows ADD COLUMN more TEXT; UPDATE rows SET more = 'x'"


class Dying:
    """A connection whose process dies before a statement: its files are copied as they are."""

    def __init__(self, path: Path, heir: Path, number: int) -> None:
        self._path, self._heir, self._left = path, heir, number
        self._connection = sqlite3.connect(path, isolation_level=None)

    def execute(self, sql: str) -> sqlite3.Cursor:
        """A statement."""
        self._left -= 1
        if not self._left:
            for path in self._path.parent.glob(f"{self._path.name}*"):
                shutil.copy(path, beside(self._heir, path.name.removeprefix(self._path.name)))
            raise KeyboardInterrupt
        return self._connection.execute(sql)

    def close(self) -> None:
        """The dead process's own."""
        self._connection.close()


@pytest.mark.parametrize("number", range(1, 11))
def test_a_process_killed_while_it_migrates_leaves_the_old_version(
    journal: Path, tmp_path: Path, number: int
) -> None:
    """All of the rows are there, and the next one migrates it."""
    rows = _rows_in(journal)
    heir = tmp_path / "heir"
    dying: Any = Dying(journal, heir, number)
    scripts = (*schema.SCRIPTS, ADDED)
    with pytest.raises(KeyboardInterrupt):
        schema.migrate(dying, scripts)
    dying.close()
    connection = sqlite3.connect(heir, isolation_level=None)
    assert schema.version_of(connection) == len(schema.SCRIPTS)
    schema.migrate(connection, scripts)
    assert schema.version_of(connection) == len(scripts)
    assert connection.execute("SELECT count(*) FROM rows WHERE more = 'x'").fetchone() == (
        len(rows),
    )
    connection.close()
    assert [row[:-1] for row in _rows_in(heir)] == rows


def _rows_in(journal: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(journal)
    try:
        return connection.execute("SELECT * FROM rows ORDER BY row_index").fetchall()
    finally:
        connection.close()
