"""``moregood import``: the outcome of each row, the output, and the files."""

import os
import stat
import sys
from pathlib import Path

import pytest

from moregood_async.sandbox import DropAfterEffect, Refuse, Sandbox
from tests.cli.conftest import KEY
from tests.cli.importing import (
    ADA,
    BOB,
    CY,
    NOBODY,
    Customers,
    Run,
    files_in,
    many,
    people_in,
    rows_of,
    summary,
)


def test_every_row_is_imported(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Exit code 0; beside the file are its journal and its results, and no rejects."""
    path = customers(ADA, BOB, CY)
    result = run("import", path)
    assert 0 == result.exit_code
    assert "3 done" in result.stdout
    assert 3 == sandbox.audit().customers
    left = ["customers.csv", "customers.csv.journal", "customers.results.csv"]
    assert left == files_in(path.parent)


def test_results_have_the_inputs_columns_and_what_became_of_each(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Status, id and error, in the order of the input."""
    run("import", customers(ADA, NOBODY, BOB), "--ask", "sms")
    rows = rows_of("customers.results.csv")
    assert ["First Name", "E-mail", "Phone 1"] == list(rows[0])[:3]
    assert ["done", "rejected", "done"] == [row["moregood_status"] for row in rows]
    assert [True, False, True] == [row["moregood_id"].isdigit() for row in rows]
    assert "is required" in rows[1]["moregood_error"]
    assert "no contact for any channel" in rows[2]["moregood_error"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_what_is_written_beside_the_input_is_for_its_owner_only(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Journal, results and rejects are about people."""
    folder = customers(ADA, NOBODY).parent
    before = os.umask(0)
    try:
        run("import", "customers.csv")
    finally:
        os.umask(before)
    made = [name for name in files_in(folder) if name != "customers.csv"]
    assert 3 == len(made)
    assert {0o600} == {stat.S_IMODE((folder / name).stat().st_mode) for name in made}


def test_rejected_rows_are_written_to_the_rejects_file(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """With the input's own columns and the reason, and exit code 1; the others are done."""
    result = run("import", customers(ADA, NOBODY, "Dee"))
    assert 1 == result.exit_code
    rows = rows_of("customers.rejects.csv")
    assert ["First Name", "E-mail", "Phone 1", "error"] == list(rows[0])
    assert ["nobody@example.com", ""] == [row["E-mail"] for row in rows]
    assert "first_name (column First Name): is required" in rows[0]["error"]
    assert "has 1 cell" in rows[1]["error"]
    assert "line 3: rejected: first_name" in result.stdout
    assert "rows that are not done: " in result.stdout
    assert "customers.rejects.csv" in result.stdout
    assert 1 == sandbox.audit().customers


def test_rows_that_the_api_refuses_are_in_the_rejects_file(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The reason is the server's message; the files are written where the options say."""
    args = ("--rejects", "bad.csv", "--results", "all.csv", "--journal", "own.journal")
    path = customers(ADA, "Bob,no-address,")
    result = run("import", path, *args)
    assert 1 == result.exit_code
    assert "422" in rows_of("bad.csv")[0]["error"]
    assert 1 == sandbox.audit().customers
    assert ["all.csv", "bad.csv", "customers.csv", "own.journal"] == files_in(path.parent)


def test_no_output_contains_personal_data(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Rows are named by their line numbers, in every output of a run."""
    path = customers(ADA, NOBODY, "Bob,no-address,", "Ada,ADA@example.com,", "Cy,cy@example.org,")
    sandbox.faults = Refuse(422, on="asks.create", times=1)
    results = [
        run("import", path, "--dry-run", "--ask", "email", "-v"),
        run("import", path, "--ask", "email", "-v"),
        run("import", path, "--ask", "email", "--json"),
        run("report", "customers.csv.journal", "--json"),
        run("report", "customers.csv.journal", "--rows", "failed"),
        run("retry", "customers.csv.journal", "-v"),
        run("reconcile", "customers.csv.journal", "-v"),
    ]
    for result in results:
        assert result.output
        assert people_in(result.output) == []


def test_corrected_rejects_can_be_imported(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Their error column is ignored, and does not come twice."""
    run("import", customers(NOBODY), "--rejects", "bad.csv")
    again = run("import", "bad.csv")
    assert 1 == again.exit_code
    assert ["First Name", "E-mail", "Phone 1", "error"] == list(rows_of("bad.rejects.csv")[0])


def test_customers_are_asked_after_they_are_saved(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Each through what reaches them, and each person once."""
    path = customers(ADA, BOB, CY, "Ada,ADA@example.com,", "Dee,,")
    result = run("import", path, "--ask", "email,sms", "--reminders", "1", "--json")
    printed = summary(result.stdout)
    assert 0 == result.exit_code
    assert {"email": 2, "sms": 2} == printed["asked"]
    assert {"duplicate": 1, "unreachable": 1} == printed["skipped"]
    assert 1 == printed["duplicates"]
    audit = sandbox.audit()
    assert (3, 8) == (audit.asks, audit.messages)
    assert () == audit.duplicate_asks
    assert "line 5: not asked again: the same person as in data row 1" in result.stderr
    assert "asked: 2 by email, 2 by SMS" in result.stderr
    assert (
        "not asked: 1 in an earlier row already, 1 without a contact for any channel"
        in result.stderr
    )


def test_who_cannot_be_reached_is_not_asked(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """A customer with only an email gets no SMS; the row is done, and the summary says so."""
    result = run("import", customers(BOB), "--ask", "sms")
    assert 0 == result.exit_code
    assert "line 2: not asked: the row has no contact for any channel" in result.stdout
    assert (1, 0) == (sandbox.audit().customers, sandbox.audit().asks)


def test_a_lost_ask_is_looked_up_and_never_sent_again(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Its messages tell that it has happened."""
    sandbox.faults = DropAfterEffect(times=1, on="asks.create")
    result = run("import", customers(BOB, ADA), "--ask", "email", "--json")
    printed = summary(result.stdout)
    assert 0 == result.exit_code
    assert (0, 2) == (printed["unknown"], printed["done"])
    assert (2, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)


def test_an_ask_that_is_left_unknown_is_not_sent_from_its_rejects(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """They say that the customer may have been asked."""
    sandbox.faults = DropAfterEffect(times=1, on="asks.create")
    args = ("--ask", "email")
    result = run("import", customers(BOB, ADA), *args, "--on-unknown", "hold", "--json")
    printed = summary(result.stdout)
    assert 1 == result.exit_code
    assert (1, 1) == (printed["unknown"], printed["done"])
    assert rows_of("customers.rejects.csv")[0]["error"].startswith("unknown: saved, but the ask: ")
    again = run("import", "customers.rejects.csv", *args)
    assert 0 == again.exit_code
    assert "not asked again: may have been asked by an earlier import" in again.stdout
    assert (2, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)


def test_a_refused_ask_says_that_the_customer_is_saved(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """So that its rejects can be asked again."""
    sandbox.faults = Refuse(422, on="asks.create", times=1)
    result = run("import", customers(BOB), "--ask", "email")
    assert 1 == result.exit_code
    assert rows_of("customers.rejects.csv")[0]["error"].startswith("saved, but the ask: 422")
    assert 0 == run("import", "customers.rejects.csv", "--ask", "email").exit_code
    assert 1 == sandbox.audit().asks


def test_charges_are_recorded_from_a_column(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """In the currency of another, or of all."""
    header = "First Name,E-mail,Total,Cur,Day"
    path = customers(
        "Ada,ada@example.com,12.50,EUR,2026-01-05", "Bob,bob@example.com,,USD,", header=header
    )
    args = ("--charge", "Total", "--charged-at", "Day")
    result = run("import", path, *args, "--currency", "Cur", "--json")
    assert 0 == result.exit_code
    assert 1 == summary(result.stdout)["charges"]
    assert 1 == sandbox.audit().charges
    more = ("--currency", "usd", "--in-cents", "--journal", "cents.journal")
    assert 1 == run("import", path, *args, *more).exit_code
    assert "has more than 0 digits" in rows_of("customers.rejects.csv")[0]["error"]


def test_not_asked_within_and_max_asks_are_kept(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """--not-asked-within and --max-asks leave people out, and say how many."""
    run("import", customers(ADA), "--ask", "email", "--journal", "one.journal")
    path = customers(ADA, *many(5))
    limits = ("--not-asked-within", "30d", "--max-asks", "3")
    result = run("import", path, "--ask", "email", *limits, "--json")
    printed = summary(result.stdout)
    assert 0 == result.exit_code
    assert {"asked recently": 1, "max asks": 2} == printed["skipped"]
    assert 3 == printed["people_asked"]
    assert (4, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)


def test_the_same_command_again_sends_only_the_probe(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """And says that nothing is left."""
    path = customers(ADA, BOB)
    run("import", path, "--ask", "email")
    before = sandbox.audit().requests
    again = run("import", path, "--ask", "email")
    assert 0 == again.exit_code
    assert "earlier runs have finished customers.csv" in again.stdout
    after = sandbox.audit().requests
    assert {"customers.list": 1} == {k: n - before[k] for k, n in after.items() if n > before[k]}


def test_standard_input_needs_a_journal_and_is_imported_with_one(
    sandbox: Sandbox, base_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are kept only where that is asked for, and so are its results."""
    refused = run("import", "-")
    assert 2 == refused.exit_code
    assert "needs --journal FILE" in refused.stderr
    text = f"First Name,E-mail,Phone 1\n{ADA}\n{NOBODY}\n"
    result = run("import", "-", "--journal", "in.journal", "--keep-rows", "--json", stdin=text)
    assert 1 == result.exit_code
    assert 1 == sandbox.audit().customers
    assert {"in.journal", "stdin.rejects.csv", "stdin.results.csv"} == set(files_in(Path()))
    assert "nobody@example.com" == rows_of("stdin.rejects.csv")[0]["E-mail"]


def test_the_mapping_can_be_given(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """As often as there are columns that do not say what they are."""
    path = customers("Ada,ada@example.com", header="Nick,Contact")
    result = run("import", path, "--map", "Nick=first_name", "--map", "Contact=email")
    assert 0 == result.exit_code
    assert "Nick → first_name" in result.stdout
    assert 1 == sandbox.audit().customers


def test_an_encoding_of_windows_is_read(
    sandbox: Sandbox, base_url: str, run: Run, tmp_path: Path
) -> None:
    """As spreadsheets write it."""
    (tmp_path / "latin.csv").write_bytes(b"First Name,E-mail\nZo\xeb,zoe@example.com\n")
    assert 0 == run("import", "latin.csv").exit_code
    assert 1 == sandbox.audit().customers


def test_many_rows_of_a_kind_are_not_all_named(
    run: Run, sandbox: Sandbox, base_url: str, customers: Customers
) -> None:
    """The rejects name them all."""
    result = run("import", customers(*[NOBODY] * 30))
    assert 1 == result.exit_code
    assert 10 == result.stdout.count(": rejected: ")
    assert "… and more rows that are rejected" in result.stdout
    assert 30 == len(rows_of("customers.rejects.csv"))
    assert "None" not in result.stdout
    assert 0 == sandbox.audit().requests["customers.upsert"]


def test_quiet_prints_errors_only(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Nothing where all is well."""
    assert "" == run("import", customers(ADA, NOBODY), "--quiet").output
    refused = run("import", customers(BOB), "--quiet", "--journal", "customers.csv.journal")
    assert refused.output.startswith("Error: the journal customers.csv.journal belongs")


def test_the_key_is_on_no_file(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Nor is a person in the journal."""
    folder = customers(ADA, BOB).parent
    run("import", "customers.csv", "--ask", "email")
    journal = (folder / "customers.csv.journal").read_bytes()
    for secret in (KEY, "ada@example.com", "Ada", "4155550100", "+1 415 555 0100", "bob@"):
        assert secret.encode() not in journal
