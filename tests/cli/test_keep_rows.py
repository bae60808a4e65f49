"""``--keep-rows``: one value in all runs of a job, so that no file mixes up people."""

import sqlite3
from contextlib import closing

import pytest

from moregood_async.sandbox import Delay, Refuse, Sandbox
from tests.cli.conftest import KEY, at_request
from tests.cli.importing import Run, many, rows_of, summary

HEADER = "First Name,E-mail,Phone 1"
IMPORT = ("import", "-", "--journal", "j", "--ask", "email", "--concurrency", "4", "--json")


def text_of(lines: list[str]) -> str:
    """The text of a CSV with these lines."""
    return "\n".join([HEADER, *lines]) + "\n"


@pytest.fixture
def stopped(sandbox: Sandbox, base_url: str, run: Run) -> str:
    """A job from standard input that a refused key has stopped, without its rows kept."""
    sandbox.faults = Delay(0.002) | at_request(200, lambda: sandbox.suspend(KEY))
    text = text_of(many(595))
    result = run(*IMPORT, stdin=text)
    assert result.exit_code == 3
    assert 0 < summary(result.stdout)["done"] < 595
    sandbox.faults = ()
    sandbox.suspend(KEY, suspended=False)
    return text


def test_a_journal_that_began_without_keep_rows_refuses_it_later(
    sandbox: Sandbox, stopped: str, run: Run
) -> None:
    """The rows that were read before are gone, so files about the job would lack them."""
    before = sandbox.audit().requests
    result = run(*IMPORT, "--keep-rows", stdin=stopped)
    assert result.exit_code == 2
    assert "--keep-rows" in result.stderr
    assert sandbox.audit().requests == before
    again = run(*IMPORT, stdin=stopped)
    assert (summary(again.stdout)["done"], again.exit_code) == (595, 0)
    assert sandbox.audit().duplicate_asks == ()


def test_a_journal_that_began_with_keep_rows_refuses_a_run_without(
    sandbox: Sandbox, base_url: str, run: Run
) -> None:
    """Also where all of it is done."""
    text = text_of(many(3))
    assert run(*IMPORT, "--keep-rows", stdin=text).exit_code == 0
    result = run(*IMPORT, stdin=text)
    assert result.exit_code == 2
    assert "--keep-rows" in result.stderr


def test_a_rejects_file_of_kept_rows_asks_nobody_twice(
    sandbox: Sandbox, base_url: str, run: Run
) -> None:
    """Stopped and resumed from standard input, then the rejects are imported."""
    sandbox.faults = Delay(0.002) | at_request(200, lambda: sandbox.suspend(KEY))
    text = text_of(many(595))
    assert run(*IMPORT, "--keep-rows", stdin=text).exit_code == 3
    sandbox.suspend(KEY, suspended=False)
    sandbox.faults = Refuse(422, on="customers.upsert", times=5)
    second = run(*IMPORT, "--keep-rows", stdin=text)
    sandbox.faults = ()
    assert summary(second.stdout)["failed"] > 0
    failed = {row["E-mail"] for row in rows_of("stdin.rejects.csv")}
    results = rows_of("stdin.results.csv")
    assert [row["E-mail"] for row in results] == [
        f"ada{number}@example.com" for number in range(595)
    ]
    assert failed == {row["E-mail"] for row in results if row["moregood_status"] == "failed"}
    third = run("import", "stdin.rejects.csv", "--ask", "email", "--json")
    assert summary(third.stdout)["done"] == len(failed)
    assert sandbox.audit().duplicate_asks == ()
    assert sandbox.audit().asks == 595


def test_a_report_whose_rows_were_not_kept_is_refused_and_never_short(
    sandbox: Sandbox, base_url: str, run: Run
) -> None:
    """Whatever took the kept rows away: nothing is written, and the message counts them."""
    assert run(*IMPORT, "--keep-rows", stdin=text_of(many(9))).exit_code == 0
    with closing(sqlite3.connect("j")) as connection, connection:
        [table] = connection.execute(
            "SELECT name FROM sqlite_master WHERE name IN ('kept', 'kept_rows')"
        ).fetchone()
        connection.execute(f"DELETE FROM {table} WHERE rowid = 4")
    result = run("report", "j", "--rows", "done", "-o", "done.csv")
    assert result.exit_code == 2
    assert "1 of 9 rows" in result.stderr
    with pytest.raises(FileNotFoundError):
        rows_of("done.csv")
