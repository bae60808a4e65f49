"""``moregood resume``, ``retry`` and ``reconcile``, which continue an import from its journal."""

import asyncio
import os
from pathlib import Path

import pytest

from moregood_async.bulk.journal.journal import Journal
from moregood_async.sandbox import DropAfterEffect, DropBeforeEffect, Refuse, Sandbox
from tests.cli.conftest import KEY
from tests.cli.importing import ADA, BOB, NOBODY, Customers, Run, many, rows_of, summary

JOURNAL = "customers.csv.journal"
ASK = ("--ask", "email")


def test_a_resumed_import_sends_the_rest(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The options of the first run apply, and nobody is asked twice."""
    path = customers(*many(20))
    run("import", path, *ASK, "--max-asks", "5", "--reminders", "1")
    assert sandbox.audit().asks == 5
    assert sandbox.audit().messages == 10
    more = run("resume", f"{path}.journal", "--max-asks", "12", "--json")
    assert more.exit_code == 0
    printed = summary(more.stdout)
    assert printed["command"] == "resume"
    assert printed["people_asked"] == 12
    assert printed["skipped"] == {"max asks": 8}
    assert sandbox.audit().asks == 12
    assert sandbox.audit().messages == 24
    assert sandbox.audit().duplicate_asks == ()


def test_a_finished_import_has_nothing_to_resume(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """One request, the probe, is sent."""
    customers(ADA, BOB)
    run("import", "customers.csv", *ASK)
    before = sum(sandbox.audit().requests.values())
    result = run("resume", JOURNAL)
    assert result.exit_code == 0
    assert "earlier runs have finished customers.csv" in result.stdout
    assert before + 1 == sum(sandbox.audit().requests.values())


def test_a_moved_input_is_named_with_an_option(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The input is recognised by its bytes, not by its name."""
    path = customers(ADA, BOB)
    run("import", "customers.csv")
    path.rename(path.with_name("moved.csv"))
    lost = run("resume", JOURNAL)
    assert lost.exit_code == 2
    assert "does not exist. Nothing was sent; name its new path with --file" in lost.stderr
    assert run("resume", JOURNAL, "--file", "moved.csv").exit_code == 0


@pytest.mark.parametrize("command", ["resume", "retry"])
def test_a_changed_input_is_refused_and_the_files_beside_it_stay(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, command: str
) -> None:
    """The outcomes would stand beside the rows of other people."""
    customers(ADA, NOBODY, "Bob,no-address,")
    run("import", "customers.csv")
    kept = [Path(f"customers.{kind}.csv").read_bytes() for kind in ("results", "rejects")]
    before = sandbox.audit().requests
    customers("Eve,eve@example.com,")
    result = run(command, JOURNAL, "--json")
    assert result.exit_code == 2
    printed = summary(result.stdout)
    assert "customers.csv has changed since the job began" in printed["error"]
    assert printed["rows"] == 3
    assert printed["results"] is None
    assert result.stderr.count("Error: ") == 1
    assert kept == [Path(f"customers.{kind}.csv").read_bytes() for kind in ("results", "rejects")]
    assert before == sandbox.audit().requests


def test_another_key_is_refused_unless_it_is_the_projects_new_one(
    base_url: str, sandbox: Sandbox, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key identifies the project, and so the customers."""
    customers(ADA)
    run("import", "customers.csv", *ASK)
    with Sandbox(keys="new-key") as moved, moved.serve_in_thread() as server:
        monkeypatch.setenv("MOREGOOD_BASE_URL", server.base_url)
        monkeypatch.setenv("MOREGOOD_API_KEY", "new-key")
        refused = run("resume", JOURNAL)
        assert refused.exit_code == 2
        assert "--new-key" in refused.stderr
        assert "new-key" not in refused.output.replace("--new-key", "")
        assert moved.audit().requests == {}
        assert run("resume", JOURNAL, "--new-key").exit_code == 0
        assert run("resume", JOURNAL).exit_code == 0
        assert moved.audit().asks == 0


@pytest.mark.parametrize("command", ["resume", "retry", "reconcile"])
def test_a_file_that_is_no_journal_is_refused_and_unchanged(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, command: str
) -> None:
    """The test names the input instead of its journal."""
    path = customers(ADA)
    before = path.read_bytes()
    result = run(command, path)
    assert result.exit_code == 2
    assert "is no journal" in result.stderr
    assert before == path.read_bytes()
    assert run(command, "nowhere.journal").exit_code == 2
    assert sandbox.audit().requests == {}


def test_a_journal_without_rows_is_refused(
    run: Run, sandbox: Sandbox, base_url: str, tmp_path: Path
) -> None:
    """The message says to run the import again."""

    async def make() -> None:
        await (await Journal.open(tmp_path / "new.journal")).close()

    asyncio.run(make())
    result = run("resume", "new.journal", "--json")
    assert result.exit_code == 2
    error = summary(result.stdout)["error"]
    assert "has no rows yet. Nothing was sent; run the import again" in error


def test_retry_attempts_failed_rows_and_their_later_steps(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """A customer who was saved and not asked is asked. Rejected rows stay rejected."""
    customers(*many(3), NOBODY)
    sandbox.faults = Refuse(422, on="asks.create", times=2)
    run("import", "customers.csv", *ASK)
    saved = sandbox.audit().requests["customers.upsert"]
    again = run("resume", JOURNAL)
    assert again.exit_code == 1
    assert sandbox.audit().asks == 1
    result = run("retry", JOURNAL, "--json")
    printed = summary(result.stdout)
    assert result.exit_code == 1
    assert "Attempting 2 failed rows again" in result.stderr
    assert printed["done"] == 3
    assert printed["failed"] == 0
    assert printed["rejected"] == 1
    assert sandbox.audit().asks == 3
    assert sandbox.audit().duplicate_asks == ()
    assert saved + 2 == sandbox.audit().requests["customers.upsert"]
    assert [row["E-mail"] for row in rows_of("customers.rejects.csv")] == ["nobody@example.com"]


def test_reconcile_finds_out_that_asks_were_applied(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The input is not needed, and nothing is sent."""
    sandbox.faults = DropAfterEffect(on="asks.create", times=2)
    path = customers(*many(4))
    printed = summary(run("import", path, *ASK, "--on-unknown", "hold", "--json").stdout)
    assert printed["unknown"] == 2
    path.unlink()
    held = run("reconcile", JOURNAL, "--reconcile-after", "0", "--json")
    assert held.exit_code == 0
    assert "Reconciling 2 unknown rows" in held.stderr
    assert summary(held.stdout)["unknown"] == 0
    assert sandbox.audit().asks == 4
    assert sandbox.audit().duplicate_asks == ()


def test_resume_sends_asks_that_were_not_applied(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Reconcile sends nothing: the rows wait for the next run."""
    sandbox.faults = DropBeforeEffect(on="asks.create", times=3)
    customers(*many(4))
    printed = summary(run("import", "customers.csv", *ASK, "--on-unknown", "hold", "--json").stdout)
    assert printed["unknown"] == 3
    assert sandbox.audit().asks == 1
    reconciled = run("reconcile", JOURNAL, "--reconcile-after", "0", "--json")
    assert reconciled.exit_code == 0
    assert summary(reconciled.stdout)["waiting"] == 3
    assert sandbox.audit().asks == 1
    assert f"moregood resume {JOURNAL}" in reconciled.stderr
    result = run("resume", JOURNAL, "--on-unknown", "reconcile", "--reconcile-after", "0.1")
    assert result.exit_code == 0
    assert sandbox.audit().asks == 4
    assert sandbox.audit().duplicate_asks == ()


def test_a_refused_key_leaves_the_journal_as_it_is(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """A project's own key that is revoked is exit code 3, too."""
    customers(ADA)
    run("import", "customers.csv", *ASK, "--max-asks", "0")
    sandbox.suspend(KEY)
    refused = run("resume", JOURNAL, "--max-asks", "1")
    assert refused.exit_code == 3
    assert "403" in refused.stderr
    assert sandbox.audit().asks == 0


def test_rows_of_standard_input_are_piped_in_again(
    sandbox: Sandbox, base_url: str, run: Run
) -> None:
    """--file - reads the rows again. Other rows are refused."""
    text = f"First Name,E-mail,Phone 1\n{ADA}\n{BOB}\n"
    run("import", "-", *ASK, "--max-asks", "1", "--journal", "in.journal", stdin=text)
    lost = run("resume", "in.journal")
    assert lost.exit_code == 2
    assert "pipe in the same rows with --file -" in lost.stderr
    args = ("resume", "in.journal", "--file", "-", "--max-asks", "9")
    other = run(*args, stdin=text.replace("bob@", "eve@"))
    assert other.exit_code == 2
    assert "is not the row that the journal knows" in other.stderr
    assert sandbox.audit().asks == 1
    assert run(*args, stdin=text).exit_code == 0
    assert sandbox.audit().asks == 2
    assert sandbox.audit().duplicate_asks == ()


@pytest.mark.parametrize("command", ["resume", "retry"])
@pytest.mark.parametrize("option", ["--rejects", "--results"])
def test_files_that_cannot_be_written_are_refused_before_anything_is_sent(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, command: str, option: str
) -> None:
    """The exit code is 2."""
    customers(ADA)
    run("import", "customers.csv")
    before = sandbox.audit().requests
    result = run(command, JOURNAL, option, "no/where.csv")
    assert result.exit_code == 2
    assert f"{option} cannot be written to no/where.csv" in result.stderr
    assert before == sandbox.audit().requests


def test_corrected_rejects_are_not_overwritten(
    run: Run, customers: Customers, base_url: str
) -> None:
    """An import replaces a file that it wrote, unless somebody has changed the file."""
    file = customers(ADA, NOBODY)
    assert run("import", file).exit_code == 1
    assert run("import", file).exit_code == 1
    rejects = file.with_name("customers.rejects.csv")
    assert len(list(file.parent.glob("customers.rejects*.csv"))) == 1
    rejects.write_text("First Name,E-mail,Phone 1\nNora,nobody@example.com,\n", encoding="utf-8")
    corrected = rejects.read_text(encoding="utf-8")
    result = run("retry", f"{file}.journal")
    assert corrected == rejects.read_text(encoding="utf-8")
    assert file.with_name("customers.rejects-2.csv").exists()
    assert "customers.rejects-2.csv" in result.stdout


def test_a_device_that_is_named_for_the_rejects_is_not_replaced(
    run: Run, customers: Customers, base_url: str, tmp_path: Path
) -> None:
    """The test uses a named pipe; /dev/null is such a device, too."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("import", customers(ADA, NOBODY), "--rejects", pipe).exit_code == 1
        assert b"first_name" in os.read(reader, 10_000)
    finally:
        os.close(reader)
    assert pipe.is_fifo()
