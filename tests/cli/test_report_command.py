"""``moregood report``: the outcomes of an import, without a key and without a network."""

from pathlib import Path

import pytest

from moregood_async.sandbox import DropAfterEffect, Refuse, Sandbox
from tests.cli.importing import ADA, BOB, NOBODY, Customers, Run, many, people_in, rows_of, summary

JOURNAL = "customers.csv.journal"


@pytest.fixture
def reported(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Return a command runner after an import with rows of each outcome; it has no API key."""
    refused = Refuse(422, on="asks.create", times=1)
    sandbox.faults = refused | DropAfterEffect(on="asks.create", times=1)
    path = customers(BOB, *many(2), ADA, NOBODY, "Ada,ADA@example.com,")
    run("import", path, "--ask", "email", "--on-unknown", "hold")
    monkeypatch.delenv("MOREGOOD_API_KEY")
    monkeypatch.delenv("MOREGOOD_BASE_URL")
    return run


def test_a_report_has_the_outcomes_and_the_next_commands(reported: Run) -> None:
    """The report also has errors and requests."""
    result = reported("report", JOURNAL)
    assert result.exit_code == 0
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
    """The summary is one line, with the counts of the report."""
    printed = summary(reported("report", JOURNAL, "--json").stdout)
    counts = {"rows": 6, "done": 3, "failed": 1, "unknown": 1, "rejected": 1, "waiting": 0}
    assert counts == {name: printed[name] for name in counts}
    assert printed["command"] == "report"
    assert printed["is_input_complete"] is True
    assert printed["asked"] == {"email": 2}
    assert len(printed["runs"]) == 1
    assert printed["runs"][0]["ending"] == "complete"
    assert len(printed["next"]) == 3


def test_the_rows_of_an_outcome_are_listed_by_their_lines(reported: Run) -> None:
    """The list holds no personal data."""
    assert "line 6: first_name" in reported("report", JOURNAL, "--rows", "rejected").stdout
    assert "saved, but the ask: " in reported("report", JOURNAL, "--rows", "unknown").stdout
    done = reported("report", JOURNAL, "--rows", "done")
    assert len(done.stdout.splitlines()) == 3
    assert "line 7: not asked again: the same person as in data row 4" in done.stdout
    assert people_in(done.output) == []
    assert reported("report", JOURNAL, "--rows", "waiting").stdout == ""


@pytest.mark.parametrize(
    ("outcome", "rows"), [("failed", 1), ("unknown", 1), ("done", 3), ("rejected", 1)]
)
def test_the_rows_of_an_outcome_are_written_to_a_file(
    reported: Run, outcome: str, rows: int
) -> None:
    """The file has the columns of the input."""
    result = reported("report", JOURNAL, "--rows", outcome, "-o", "some.csv")
    assert result.exit_code == 0
    assert f"{rows} row{'s' * (rows > 1)} → some.csv" in result.stdout
    written = rows_of("some.csv")
    assert [outcome] * rows == [row["moregood_status"] for row in written]
    assert all(row["E-mail"] for row in written)


def test_rows_of_an_input_that_has_changed_are_not_written(
    reported: Run, customers: Customers
) -> None:
    """The outcomes would stand beside the rows of other people. --file names the moved input."""
    before = Path("customers.csv").read_bytes()
    customers("Eve,eve@example.com,")
    args = ("report", JOURNAL, "--rows", "failed", "-o", "some.csv")
    result = reported(*args, "--json")
    assert result.exit_code == 2
    assert "has changed since the job began" in summary(result.stdout)["error"]
    assert not Path("some.csv").exists()
    Path("moved.csv").write_bytes(before)
    assert reported(*args, "--file", "moved.csv").exit_code == 0
    assert len(rows_of("some.csv")) == 1
    Path("customers.csv").unlink()
    assert reported(*args).exit_code == 2


def test_kept_rows_need_no_input(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The rows are read from the journal."""
    path = customers(ADA, NOBODY)
    run("import", path, "--keep-rows")
    path.unlink()
    assert run("report", JOURNAL, "--rows", "rejected", "-o", "bad.csv").exit_code == 0
    assert [row["E-mail"] for row in rows_of("bad.csv")] == ["nobody@example.com"]


def test_a_report_that_cannot_be_made_is_exit_code_2(reported: Run) -> None:
    """Wrong files, a path that cannot be written, and options that do not go together."""
    for args, printed in (
        (("customers.csv",), "is no journal"),
        (("nowhere.journal",), "does not exist"),
        ((JOURNAL, "-o", "some.csv"), "-o needs --rows"),
        ((JOURNAL, "--rows", "done", "-o", "no/where.csv"), "no/where.csv: No such file"),
    ):
        result = reported("report", *args)
        assert result.exit_code == 2
        assert printed in result.stderr
