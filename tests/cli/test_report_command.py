"""``moregood report``: what became of an import, with no key and no network."""

from pathlib import Path

import pytest

from moregood_async.sandbox import DropAfterEffect, Refuse, Sandbox
from tests.cli.importing import ADA, BOB, NOBODY, Customers, Run, many, people_in, rows_of, summary

JOURNAL = "customers.csv.journal"


@pytest.fixture
def reported(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """After an import of which every kind of row came; without the key."""
    refused = Refuse(422, on="asks.create", times=1)
    sandbox.faults = refused | DropAfterEffect(on="asks.create", times=1)
    path = customers(BOB, *many(2), ADA, NOBODY, "Ada,ADA@example.com,")
    run("import", path, "--ask", "email", "--on-unknown", "hold")
    monkeypatch.delenv("MOREGOOD_API_KEY")
    monkeypatch.delenv("MOREGOOD_BASE_URL")
    return run


def test_a_report_says_what_became_of_the_rows_and_what_to_do(reported: Run) -> None:
    """Counts, errors, requests, and a command for each thing that can be done."""
    result = reported("report", JOURNAL)
    assert 0 == result.exit_code
    for expected in (
        "customers.csv: 6 rows, 1 run, ",
        "3 done, 1 failed, 1 unknown, 1 rejected",
        "asked: 2 by email",
        "not asked: 1 in an earlier row already",
        "1 time: ConnectionLost, such as: ",
        "rate limited",
        "most of the time went into ",
        f"to find out what became of unknown rows: moregood reconcile {JOURNAL}",
        f"to try failed rows once more: moregood retry {JOURNAL}",
        f"to list failed rows: moregood report {JOURNAL} --rows failed -o failed.csv",
    ):
        assert expected in result.stdout


def test_a_report_prints_json(reported: Run) -> None:
    """In one line, with the same figures."""
    printed = summary(reported("report", JOURNAL, "--json").stdout)
    counts = {"rows": 6, "done": 3, "failed": 1, "unknown": 1, "rejected": 1, "waiting": 0}
    assert counts == {name: printed[name] for name in counts}
    assert ("report", True) == (printed["command"], printed["is_input_complete"])
    assert {"email": 2} == printed["asked"]
    assert len(printed["runs"]) == 1
    assert printed["runs"][0]["ending"] == "complete"
    assert 3 == len(printed["next"])


def test_the_rows_of_an_outcome_are_listed_by_their_lines(reported: Run) -> None:
    """And nobody's data."""
    assert "line 6: first_name" in reported("report", JOURNAL, "--rows", "rejected").stdout
    assert "saved, but the ask: " in reported("report", JOURNAL, "--rows", "unknown").stdout
    done = reported("report", JOURNAL, "--rows", "done")
    assert 3 == len(done.stdout.splitlines())
    assert "line 7: not asked again: the same person as in data row 4" in done.stdout
    assert people_in(done.output) == []
    assert "" == reported("report", JOURNAL, "--rows", "waiting").stdout


@pytest.mark.parametrize(
    ("outcome", "rows"), [("failed", 1), ("unknown", 1), ("done", 3), ("rejected", 1)]
)
def test_the_rows_of_an_outcome_are_written_to_a_file(
    reported: Run, outcome: str, rows: int
) -> None:
    """With the input's own columns."""
    result = reported("report", JOURNAL, "--rows", outcome, "-o", "some.csv")
    assert 0 == result.exit_code
    assert f"{rows} row{'s' * (rows > 1)} → some.csv" in result.stdout
    written = rows_of("some.csv")
    assert [outcome] * rows == [row["moregood_status"] for row in written]
    assert all(row["E-mail"] for row in written)


def test_rows_of_an_input_that_has_changed_are_not_written(
    reported: Run, customers: Customers
) -> None:
    """Its rows would be other people's; an option gives the file's new place."""
    before = Path("customers.csv").read_bytes()
    customers("Eve,eve@example.com,")
    args = ("report", JOURNAL, "--rows", "failed", "-o", "some.csv")
    result = reported(*args, "--json")
    assert 2 == result.exit_code
    assert "has changed since the job began" in summary(result.stdout)["error"]
    assert not Path("some.csv").exists()
    Path("moved.csv").write_bytes(before)
    assert 0 == reported(*args, "--file", "moved.csv").exit_code
    assert 1 == len(rows_of("some.csv"))
    Path("customers.csv").unlink()
    assert 2 == reported(*args).exit_code


def test_kept_rows_need_no_input(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """They stand in the journal."""
    path = customers(ADA, NOBODY)
    run("import", path, "--keep-rows")
    path.unlink()
    assert 0 == run("report", JOURNAL, "--rows", "rejected", "-o", "bad.csv").exit_code
    assert ["nobody@example.com"] == [row["E-mail"] for row in rows_of("bad.csv")]


def test_what_cannot_be_told_is_exit_code_2(reported: Run) -> None:
    """Another file, a place where nothing can be written, options that do not go together."""
    for args, printed in (
        (("customers.csv",), "is no journal"),
        (("nowhere.journal",), "does not exist"),
        ((JOURNAL, "-o", "some.csv"), "-o needs --rows"),
        ((JOURNAL, "--rows", "done", "-o", "no/where.csv"), "no/where.csv: No such file"),
    ):
        result = reported("report", *args)
        assert 2 == result.exit_code
        assert printed in result.stderr
