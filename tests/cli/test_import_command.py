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
    """The exit code is 0. The journal and the results file are beside the input."""
    path = customers(ADA, BOB, CY)
    result = run("import", path)
    assert result.exit_code == 0
    assert "3 done" in result.stdout
    assert sandbox.audit().customers == 3
    expected = ["customers.csv", "customers.csv.journal", "customers.results.csv"]
    assert expected == files_in(path.parent)


def test_results_have_the_columns_of_the_input_and_the_outcome_of_each_row(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The outcome is a status, an id and an error; rows keep the order of the input."""
    run("import", customers(ADA, NOBODY, BOB), "--ask", "sms")
    rows = rows_of("customers.results.csv")
    assert list(rows[0])[:3] == ["First Name", "E-mail", "Phone 1"]
    assert [row["moregood_status"] for row in rows] == ["done", "rejected", "done"]
    assert [row["moregood_id"].isdigit() for row in rows] == [True, False, True]
    assert "is required" in rows[1]["moregood_error"]
    assert "no contact for any channel" in rows[2]["moregood_error"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_files_beside_the_input_are_readable_by_their_owner_only(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Journal, results and rejects contain personal data or hashes of it."""
    folder = customers(ADA, NOBODY).parent
    umask = os.umask(0)
    try:
        run("import", "customers.csv")
    finally:
        os.umask(umask)
    written = [name for name in files_in(folder) if name != "customers.csv"]
    assert len(written) == 3
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in written} == {0o600}


def test_rejected_rows_are_written_to_the_rejects_file(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The rejects file has the columns of the input and the reason; valid rows are imported."""
    result = run("import", customers(ADA, NOBODY, "Dee"))
    assert result.exit_code == 1
    rows = rows_of("customers.rejects.csv")
    assert list(rows[0]) == ["First Name", "E-mail", "Phone 1", "error"]
    assert [row["E-mail"] for row in rows] == ["nobody@example.com", ""]
    assert "first_name (column First Name): is required" in rows[0]["error"]
    assert "has 1 cell" in rows[1]["error"]
    assert "line 3: rejected: first_name" in result.stdout
    assert "rows that are not done: " in result.stdout
    assert "customers.rejects.csv" in result.stdout
    assert sandbox.audit().customers == 1


def test_rows_that_the_api_refuses_are_in_the_rejects_file(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The reason is the server's message. Options set the paths of the files."""
    args = ("--rejects", "bad.csv", "--results", "all.csv", "--journal", "own.journal")
    path = customers(ADA, "Bob,no-address,")
    result = run("import", path, *args)
    assert result.exit_code == 1
    assert "422" in rows_of("bad.csv")[0]["error"]
    assert sandbox.audit().customers == 1
    assert files_in(path.parent) == ["all.csv", "bad.csv", "customers.csv", "own.journal"]


def test_no_output_contains_personal_data(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Output names rows by their line numbers only."""
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


def test_a_rejects_file_can_be_imported(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The error column of the input is ignored, and is not written twice."""
    run("import", customers(NOBODY), "--rejects", "bad.csv")
    again = run("import", "bad.csv")
    assert again.exit_code == 1
    assert list(rows_of("bad.rejects.csv")[0]) == ["First Name", "E-mail", "Phone 1", "error"]


def test_customers_are_asked_after_they_are_saved(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Each person is asked once, through the channels for which the row has a contact."""
    path = customers(ADA, BOB, CY, "Ada,ADA@example.com,", "Dee,,")
    result = run("import", path, "--ask", "email,sms", "--reminders", "1", "--json")
    printed = summary(result.stdout)
    assert result.exit_code == 0
    assert printed["asked"] == {"email": 2, "sms": 2}
    assert printed["skipped"] == {"duplicate": 1, "unreachable": 1}
    assert printed["duplicates"] == 1
    audit = sandbox.audit()
    assert audit.asks == 3
    assert audit.messages == 8
    assert audit.duplicate_asks == ()
    assert "line 5: not asked again: the same person as in data row 1" in result.stderr
    assert "asked: 2 by email, 2 by SMS" in result.stderr
    assert (
        "not asked: 1 in an earlier row already, 1 without a contact for any channel"
        in result.stderr
    )


def test_a_customer_without_a_contact_for_the_channel_is_not_asked(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The customer has only an email, and --ask is sms. The row is done."""
    result = run("import", customers(BOB), "--ask", "sms")
    assert result.exit_code == 0
    assert "line 2: not asked: the row has no contact for any channel" in result.stdout
    assert sandbox.audit().customers == 1
    assert sandbox.audit().asks == 0


def test_an_ask_without_a_response_is_reconciled_and_never_sent_again(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The messages of the customer show that the ask was applied."""
    sandbox.faults = DropAfterEffect(times=1, on="asks.create")
    result = run("import", customers(BOB, ADA), "--ask", "email", "--json")
    printed = summary(result.stdout)
    assert result.exit_code == 0
    assert printed["unknown"] == 0
    assert printed["done"] == 2
    assert sandbox.audit().asks == 2
    assert sandbox.audit().duplicate_asks == ()


def test_importing_the_rejects_does_not_repeat_an_unknown_ask(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The rejects file says that the customer may have been asked."""
    sandbox.faults = DropAfterEffect(times=1, on="asks.create")
    args = ("--ask", "email")
    result = run("import", customers(BOB, ADA), *args, "--on-unknown", "hold", "--json")
    printed = summary(result.stdout)
    assert result.exit_code == 1
    assert printed["unknown"] == 1
    assert printed["done"] == 1
    assert rows_of("customers.rejects.csv")[0]["error"].startswith("unknown: saved, but the ask: ")
    again = run("import", "customers.rejects.csv", *args)
    assert again.exit_code == 0
    assert "not asked again: may have been asked by an earlier import" in again.stdout
    assert sandbox.audit().asks == 2
    assert sandbox.audit().duplicate_asks == ()


def test_the_reject_of_a_refused_ask_says_that_the_customer_is_saved(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The rejects file can be imported to ask the customer."""
    sandbox.faults = Refuse(422, on="asks.create", times=1)
    result = run("import", customers(BOB), "--ask", "email")
    assert result.exit_code == 1
    assert rows_of("customers.rejects.csv")[0]["error"].startswith("saved, but the ask: 422")
    assert run("import", "customers.rejects.csv", "--ask", "email").exit_code == 0
    assert sandbox.audit().asks == 1


def test_charges_are_recorded_from_a_column(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The currency is one for all rows, or each row's from another column."""
    header = "First Name,E-mail,Total,Cur,Day"
    path = customers(
        "Ada,ada@example.com,12.50,EUR,2026-01-05", "Bob,bob@example.com,,USD,", header=header
    )
    args = ("--charge", "Total", "--charged-at", "Day")
    result = run("import", path, *args, "--currency", "Cur", "--json")
    assert result.exit_code == 0
    assert summary(result.stdout)["charges"] == 1
    assert sandbox.audit().charges == 1
    in_cents = ("--currency", "usd", "--in-cents", "--journal", "cents.journal")
    assert run("import", path, *args, *in_cents).exit_code == 1
    assert "has more than 0 digits" in rows_of("customers.rejects.csv")[0]["error"]


def test_not_asked_within_and_max_asks_limit_who_is_asked(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The summary counts the people who are not asked, by reason."""
    run("import", customers(ADA), "--ask", "email", "--journal", "one.journal")
    path = customers(ADA, *many(5))
    limits = ("--not-asked-within", "30d", "--max-asks", "3")
    result = run("import", path, "--ask", "email", *limits, "--json")
    printed = summary(result.stdout)
    assert result.exit_code == 0
    assert printed["skipped"] == {"asked recently": 1, "max asks": 2}
    assert printed["people_asked"] == 3
    assert sandbox.audit().asks == 4
    assert sandbox.audit().duplicate_asks == ()


def test_repeating_a_finished_import_sends_only_the_probe(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The output says that no rows are left."""
    path = customers(ADA, BOB)
    run("import", path, "--ask", "email")
    before = sandbox.audit().requests
    again = run("import", path, "--ask", "email")
    assert again.exit_code == 0
    assert "earlier runs have finished customers.csv" in again.stdout
    after = sandbox.audit().requests
    sent = {name: count - before[name] for name, count in after.items() if count > before[name]}
    assert sent == {"customers.list": 1}


def test_standard_input_needs_a_journal_and_is_imported_with_one(
    sandbox: Sandbox, base_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --keep-rows, the results and rejects files are written, too."""
    refused = run("import", "-")
    assert refused.exit_code == 2
    assert "needs --journal FILE" in refused.stderr
    text = f"First Name,E-mail,Phone 1\n{ADA}\n{NOBODY}\n"
    result = run("import", "-", "--journal", "in.journal", "--keep-rows", "--json", stdin=text)
    assert result.exit_code == 1
    assert sandbox.audit().customers == 1
    assert set(files_in(Path())) == {"in.journal", "stdin.rejects.csv", "stdin.results.csv"}
    assert rows_of("stdin.rejects.csv")[0]["E-mail"] == "nobody@example.com"


def test_columns_can_be_mapped_by_options(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """--map is repeated for each column whose name is not recognised."""
    path = customers("Ada,ada@example.com", header="Nick,Contact")
    result = run("import", path, "--map", "Nick=first_name", "--map", "Contact=email")
    assert result.exit_code == 0
    assert "Nick → first_name" in result.stdout
    assert sandbox.audit().customers == 1


def test_a_file_in_a_windows_encoding_is_read(
    sandbox: Sandbox, base_url: str, run: Run, tmp_path: Path
) -> None:
    """Some spreadsheets write such files."""
    (tmp_path / "latin.csv").write_bytes(b"First Name,E-mail\nZo\xeb,zoe@example.com\n")
    assert run("import", "latin.csv").exit_code == 0
    assert sandbox.audit().customers == 1


def test_the_output_names_at_most_ten_rejected_rows(
    run: Run, sandbox: Sandbox, base_url: str, customers: Customers
) -> None:
    """The rejects file has all of the rejected rows."""
    result = run("import", customers(*[NOBODY] * 30))
    assert result.exit_code == 1
    assert result.stdout.count(": rejected: ") == 10
    assert "… and more rows that are rejected" in result.stdout
    assert len(rows_of("customers.rejects.csv")) == 30
    assert "None" not in result.stdout
    assert sandbox.audit().requests["customers.upsert"] == 0


def test_quiet_prints_errors_only(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    assert run("import", customers(ADA, NOBODY), "--quiet").output == ""
    refused = run("import", customers(BOB), "--quiet", "--journal", "customers.csv.journal")
    assert refused.output.startswith("Error: the journal customers.csv.journal belongs")


def test_the_journal_contains_no_key_and_no_personal_data(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    folder = customers(ADA, BOB).parent
    run("import", "customers.csv", "--ask", "email")
    journal = (folder / "customers.csv.journal").read_bytes()
    for secret in (KEY, "ada@example.com", "Ada", "4155550100", "+1 415 555 0100", "bob@"):
        assert secret.encode() not in journal
