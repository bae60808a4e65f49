"""The journal: what it commits and when, who claims whom, and what its bytes tell of people."""

import asyncio
import sqlite3
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from moregood_async import MoreGoodClient
from moregood_async.bulk import ChargeTemplate, Job, JournalInUse, JournalReader, JournalUnusable
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.states import Event, State, Step
from moregood_async.bulk.report import read_report
from moregood_async.sandbox import DropAfterEffect, Refuse, Sandbox
from tests.bulk.jobs import BOTH, done
from tests.conftest import KEY


def entries(start: int, count: int) -> list[JournalEntry]:
    """Rows that are to be asked."""
    return [
        JournalEntry(place, place + 2, b"d", channels="email")
        for place in range(start, start + count)
    ]


def files(folder: Path) -> list[Path]:
    """The files in a folder."""
    return list(folder.iterdir())


async def registered(journal: Journal, *claims: tuple[str, int]) -> list[int]:
    """The places that have these marks first."""
    told: list[int] = []
    marks = [(journal.hash_contact(mark), place) for mark, place in claims]
    await journal.register([], marks, claimed=told.extend)
    return told


async def commits(path: Path) -> int:
    """How many commits there were."""
    with sqlite3.connect(path) as connection:
        [[told]] = connection.execute("SELECT value FROM about WHERE name = 'commits'")
    connection.close()
    return int(told)


async def test_what_many_ask_at_once_is_committed_together(tmp_path: Path) -> None:
    """A thousand rows in a few commits, each on the disk when its own call returns."""
    journal = await Journal.open(tmp_path / "j")
    await journal.register(entries(0, 1_000), [], claimed=list)
    before = await commits(tmp_path / "j")
    rows = entries(0, 1_000)
    await asyncio.gather(*(journal.put(row.becomes(Event.INTEND)) for row in rows))
    assert await commits(tmp_path / "j") - before <= 10
    with sqlite3.connect(tmp_path / "j") as other:
        [[intended]] = other.execute("SELECT count(*) FROM rows WHERE state = 1")
    other.close()
    assert 1_000 == intended
    await journal.close()


async def test_what_is_noted_is_read_and_survives_closing(tmp_path: Path) -> None:
    """Reads come after the writes that were given before."""
    journal = await Journal.open(tmp_path / "j")
    await journal.register(entries(0, 3), [], claimed=list)
    [row] = entries(1, 1)
    journal.note(row.becomes(Event.INTEND))
    assert [1] == [each.row_index for each in await journal.select("state = 1")]
    journal.note(row.becomes(Event.SUCCEED))
    await journal.close()
    await journal.close()
    again = await Journal.open(tmp_path / "j")
    [read] = await again.select("place = 1")
    assert (Step.ASK, State.READY, 3) == (read.step, read.state, again.known)
    await again.close()


async def test_the_first_to_claim_a_mark_has_it() -> None:
    """In the order of the rows, within a commit and across them."""
    journal = await Journal.open(None)
    assert [0, 1, 0] == await registered(journal, ("a", 0), ("b", 1), ("a", 2))
    assert [1, 9, 0] == await registered(journal, ("b", 9), ("c", 9), ("a", 9_998))
    many = [(f"m{number}", number) for number in range(3_000)]
    assert list(range(3_000)) == await registered(journal, *many)
    assert list(range(3_000)) == await registered(journal, *((mark, 9_999) for mark, _ in many))
    known = await journal.firsts([journal.hash_contact("c"), journal.hash_contact("z")])
    assert {journal.hash_contact("c"): 9} == known
    of_ninth = {journal.hash_contact("c"): 9, journal.hash_contact("m9"): 9}
    assert of_ninth == await journal.contact_keys([9])
    await journal.close()


async def test_claims_made_side_by_side_are_given_once() -> None:
    """By the API's own id, as by any mark."""
    journal = await Journal.open(None)
    rows = entries(0, 50)
    for row in rows:
        row.customer, row.step = row.row_index % 5, Step.ASK
    await journal.register(rows, [], claimed=list)
    given = await asyncio.gather(*(journal.intend_ask(row, 1.0) for row in rows))
    assert [0, 1, 2, 3, 4] == [row.row_index for row, got in zip(rows, given, strict=True) if got]
    assert {"same customer"} == {row.skip_reason for row in rows[5:]}
    assert await journal.intend_ask(JournalEntry(60, 62, b"", Step.ASK, channels="email"), 1.0)
    await journal.close()


async def test_hashes_are_of_this_journal_only(tmp_path: Path) -> None:
    """With a key of its own, which stays with it."""
    first, second = await Journal.open(tmp_path / "a"), await Journal.open(tmp_path / "b")
    assert first.hash_contact("email a") != second.hash_contact("email a")
    assert first.hash_row(["a", "b"]) != first.hash_row(["ab", ""])
    before = first.hash_contact("email a"), first.salt
    await first.close()
    await second.close()
    again = await Journal.open(tmp_path / "a")
    assert before == (again.hash_contact("email a"), again.salt)
    await again.close()


PEOPLE = [
    {"first_name": "Zebulon", "email": "zeb.canary@example.com", "phone": "", "paid": "5"},
    {"first_name": "Quirina", "email": "", "phone": "+1 415 555 0177", "paid": ""},
    {"first_name": "Yolanda", "email": "no-canary-address", "phone": "", "paid": ""},
    {"first_name": "", "email": "ximena@example.com", "phone": "", "paid": "free"},
]
CANARIES = ["Zebulon", "Quirina", "zeb.canary", "canary", "ximena", "5550177", "555 0177", KEY]


@pytest.mark.parametrize("keeps", [False, True])
async def test_the_bytes_of_a_journal_tell_nobody_unless_rows_are_kept(
    keeps: bool, tmp_path: Path
) -> None:
    """Neither while it runs nor after: no name, email, phone or key."""
    seen = b""

    def look() -> bytes:
        return b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))

    faults = [DropAfterEffect(on="asks.create", times=1), Refuse(422, on="charges.create")]
    async with MoreGoodClient(KEY, transport=Sandbox(faults=faults)) as client:
        async with Job(
            client,
            PEOPLE,
            journal=tmp_path / "j",
            ask=BOTH,
            charge=paid,
            on_unknown="hold",
            keep_rows=keeps,
        ) as job:
            paid = ChargeTemplate(amount="paid", currency="USD")
            async for _ in job.run():
                seen += look()
        seen += look()
    found = [canary for canary in CANARIES if canary.encode() in seen]
    assert (["Zebulon"] if keeps else []) == found[:1]
    assert KEY not in found
    with JournalReader(tmp_path / "j") as journal:
        assert keeps is journal.keeps_rows
        kept = [record.values for record in journal.kept()]
    assert (PEOPLE if keeps else []) == kept


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
async def test_a_journal_is_its_owners_only(tmp_path: Path) -> None:
    """Also the files that SQLite puts beside it while it runs."""
    journal = await Journal.open(tmp_path / "j")
    await journal.register(entries(0, 3), [], claimed=list)
    modes = {path.name: path.stat().st_mode for path in files(tmp_path)}
    assert {"j", "j-wal"} <= set(modes)
    assert {0o600} == {stat.S_IMODE(mode) for name, mode in modes.items() if "lock" not in name}
    await journal.close()


async def test_one_at_a_time_runs_a_journal(tmp_path: Path) -> None:
    """Others may read it meanwhile."""
    journal = await Journal.open(tmp_path / "j")
    with pytest.raises(JournalInUse, match="another process is running"):
        await Journal.open(tmp_path / "j")
    assert 0 == read_report(tmp_path / "j").rows
    await journal.close()
    await (await Journal.open(tmp_path / "j")).close()


async def test_what_is_looked_for_is_found_by_an_index() -> None:
    """Of a million rows, only those are read."""
    journal = await Journal.open(None)
    asked: list[str] = []
    await journal.query(lambda connection: connection.set_trace_callback(asked.append))
    row = JournalEntry(0, 2, b"", Step.CHARGE, charges=True, customer=5)
    await journal.unsettled()
    await journal.charged_meanwhile(row)
    await journal.firsts([b"a"])
    await journal.digests(0, 5)
    await journal.query(lambda connection: connection.set_trace_callback(None))
    asked = [sql for sql in asked if sql.startswith("SELECT") and " about " not in sql]
    expected = ["INDEX unsettled"] * 2 + ["INDEX charged", "PRIMARY KEY", "PRIMARY KEY"]
    for sql, index in zip(asked, expected, strict=True):
        assert index in str(await journal.query(_plan_of(sql))), sql
    await journal.close()


def _plan_of(sql: str) -> Callable[[sqlite3.Connection], list[Any]]:
    return lambda connection: connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()


async def test_who_died_is_unknown_or_ready_again() -> None:
    """What converges may be sent again; the rest is looked up."""
    journal = await Journal.open(None)
    upsert, keyless, ask = entries(0, 3)
    keyless.idempotent = False
    ask.step = Step.ASK
    for row in (upsert, keyless, ask):
        row.becomes(Event.INTEND)
    await journal.register([upsert, keyless, ask], [], claimed=list)
    unsettled = await journal.unsettled()
    assert [1, 2] == [row.row_index for row in unsettled]
    assert all("the process ended" in row.error for row in unsettled)
    [ready] = await journal.select("state = 0")
    assert 0 == ready.place
    await journal.close()


async def test_runs_that_end_say_how(tmp_path: Path) -> None:
    """One that does not was killed."""
    journal = await Journal.open(tmp_path / "j")
    first = await journal.begins(5.0)
    second = await journal.begins(7.0)
    await journal.ends(second, "complete", {"requests": 3}, ended=9.0)
    runs = read_report(tmp_path / "j").runs
    assert (1, 2) == (first, second)
    assert [("killed", None), ("complete", 9.0)] == [(run.how, run.ended) for run in runs]
    await journal.remember(whole=True, odd=None)
    assert (True, None, None) == (
        journal.about("whole"),
        journal.about("odd"),
        journal.about("never"),
    )
    await journal.close()


async def test_a_query_that_breaks_is_told_as_the_journals(tmp_path: Path) -> None:
    """And nothing is committed after it."""
    journal = await Journal.open(tmp_path / "j")
    with pytest.raises(JournalUnusable, match="cannot be used: no such table"):
        await journal.query(lambda connection: connection.execute("SELECT * FROM nowhere"))
    with pytest.raises(JournalUnusable):
        await journal.put(*entries(0, 1))
    with pytest.raises(JournalUnusable):
        journal.note(entries(0, 1)[0])
    await journal.close()


async def test_what_is_no_journal_is_not_read(tmp_path: Path) -> None:
    """Nor made by reading."""
    with pytest.raises(JournalUnusable, match="there is no journal"):
        JournalReader(tmp_path / "nowhere")
    assert [] == files(tmp_path)


async def test_the_same_run_with_and_without_a_file_does_the_same(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """A journal in memory is one."""
    reports = [await done(sandbox, PEOPLE, path) for path in (None, tmp_path / "j")]
    assert [(2, 1, 1)] * 2 == [(each.done, each.failed, each.rejected) for each in reports]
