"""``moregood resume``, ``retry`` and ``settle``: an import goes on from its journal."""

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


def test_a_resumed_import_does_what_is_left(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """With the orders that it began with; nobody is asked twice."""
    path = customers(*many(20))
    run("import", path, *ASK, "--max-asks", "5", "--reminders", "1")
    assert (5, 10) == (sandbox.audit().asks, sandbox.audit().messages)
    more = run("resume", f"{path}.journal", "--max-asks", "12", "--json")
    assert 0 == more.exit_code
    printed = summary(more.stdout)
    assert ("resume", 12, {"max asks": 8}) == (
        printed["command"],
        printed["people_asked"],
        printed["skipped"],
    )
    assert (12, 24, ()) == (
        sandbox.audit().asks,
        sandbox.audit().messages,
        sandbox.audit().duplicate_asks,
    )


def test_a_finished_import_has_nothing_to_resume(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Only the probe is sent, and the output says so."""
    customers(ADA, BOB)
    run("import", "customers.csv", *ASK)
    before = sum(sandbox.audit().requests.values())
    result = run("resume", JOURNAL)
    assert 0 == result.exit_code
    assert "earlier runs have finished customers.csv" in result.stdout
    assert before + 1 == sum(sandbox.audit().requests.values())


def test_a_moved_input_is_named(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """It is recognised by its bytes, not by its name."""
    path = customers(ADA, BOB)
    run("import", "customers.csv")
    path.rename(path.with_name("moved.csv"))
    lost = run("resume", JOURNAL)
    assert 2 == lost.exit_code
    assert "does not exist. Nothing was sent; name its new path with --file" in lost.stderr
    assert 0 == run("resume", JOURNAL, "--file", "moved.csv").exit_code


@pytest.mark.parametrize("command", ["resume", "retry"])
def test_a_changed_input_is_refused_and_the_files_beside_it_stay(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, command: str
) -> None:
    """Its rows would be mixed up with those of others."""
    customers(ADA, NOBODY, "Bob,no-address,")
    run("import", "customers.csv")
    kept = [Path(f"customers.{kind}.csv").read_bytes() for kind in ("results", "rejects")]
    before = sandbox.audit().requests
    customers("Eve,eve@example.com,")
    result = run(command, JOURNAL, "--json")
    assert 2 == result.exit_code
    printed = summary(result.stdout)
    assert "customers.csv has changed since the job began" in printed["error"]
    assert (3, None) == (printed["rows"], printed["results"])
    assert 1 == result.stderr.count("Error: ")
    assert kept == [Path(f"customers.{kind}.csv").read_bytes() for kind in ("results", "rejects")]
    assert before == sandbox.audit().requests


def test_another_key_is_refused_unless_it_is_the_projects_new_one(
    base_url: str, sandbox: Sandbox, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key decides whose customers these are."""
    customers(ADA)
    run("import", "customers.csv", *ASK)
    with Sandbox(keys="new-key") as moved, moved.serve_in_thread() as server:
        monkeypatch.setenv("MOREGOOD_BASE_URL", server.base_url)
        monkeypatch.setenv("MOREGOOD_API_KEY", "new-key")
        refused = run("resume", JOURNAL)
        assert 2 == refused.exit_code
        assert "--new-key" in refused.stderr
        assert "new-key" not in refused.output.replace("--new-key", "")
        assert {} == moved.audit().requests
        assert 0 == run("resume", JOURNAL, "--new-key").exit_code
        assert 0 == run("resume", JOURNAL).exit_code
        assert 0 == moved.audit().asks


@pytest.mark.parametrize("command", ["resume", "retry", "reconcile"])
def test_what_is_no_journal_is_left_alone(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, command: str
) -> None:
    """Such as the customers themselves."""
    path = customers(ADA)
    before = path.read_bytes()
    result = run(command, path)
    assert 2 == result.exit_code
    assert "is no journal" in result.stderr
    assert before == path.read_bytes()
    assert 2 == run(command, "nowhere.journal").exit_code
    assert {} == sandbox.audit().requests


def test_a_journal_that_never_began_says_so(
    run: Run, sandbox: Sandbox, base_url: str, tmp_path: Path
) -> None:
    """There is nothing to resume."""

    async def make() -> None:
        await (await Journal.open(tmp_path / "new.journal")).close()

    asyncio.run(make())
    result = run("resume", "new.journal", "--json")
    assert 2 == result.exit_code
    assert (
        "has no rows yet. Nothing was sent; run the import again" in summary(result.stdout)["error"]
    )


def test_retry_tries_what_failed_and_what_follows_it(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Whom nobody has asked meanwhile is asked; what cannot be sent as it is stays rejected."""
    customers(*many(3), NOBODY)
    sandbox.faults = Refuse(422, on="asks.create", times=2)
    run("import", "customers.csv", *ASK)
    saved = sandbox.audit().requests["customers.upsert"]
    again = run("resume", JOURNAL)
    assert 1 == again.exit_code
    assert 1 == sandbox.audit().asks
    result = run("retry", JOURNAL, "--json")
    printed = summary(result.stdout)
    assert 1 == result.exit_code
    assert "Attempting 2 failed rows again" in result.stderr
    assert (3, 0, 1) == (printed["done"], printed["failed"], printed["rejected"])
    assert (3, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)
    assert saved + 2 == sandbox.audit().requests["customers.upsert"]
    assert ["nobody@example.com"] == [row["E-mail"] for row in rows_of("customers.rejects.csv")]


def test_settle_finds_out_what_has_happened(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Without the input, and without sending anything; exit code 1 where some stay unknown."""
    sandbox.faults = DropAfterEffect(on="asks.create", times=2)
    path = customers(*many(4))
    printed = summary(run("import", path, *ASK, "--on-unknown", "hold", "--json").stdout)
    assert 2 == printed["unknown"]
    path.unlink()
    held = run("reconcile", JOURNAL, "--reconcile-after", "0", "--json")
    assert (1, 2) == (held.exit_code, summary(held.stdout)["unknown"]) or 0 == held.exit_code
    assert "Reconciling 2 unknown rows" in held.stderr
    assert 0 == summary(held.stdout)["unknown"]
    assert (4, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)


def test_what_has_not_happened_is_sent_by_resume(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """After settle, which sends nothing, or at once with --on-unknown settle."""
    sandbox.faults = DropBeforeEffect(on="asks.create", times=3)
    customers(*many(4))
    printed = summary(run("import", "customers.csv", *ASK, "--on-unknown", "hold", "--json").stdout)
    assert (3, 1) == (printed["unknown"], sandbox.audit().asks)
    settled = run("reconcile", JOURNAL, "--reconcile-after", "0", "--json")
    assert 0 == settled.exit_code
    assert (3, 1) == (summary(settled.stdout)["waiting"], sandbox.audit().asks)
    assert f"moregood resume {JOURNAL}" in settled.stderr
    result = run("resume", JOURNAL, "--on-unknown", "reconcile", "--reconcile-after", "0.1")
    assert 0 == result.exit_code
    assert (4, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)


def test_a_refused_key_leaves_the_journal_as_it_is(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Exit code 3 for the project's own key too, once it is refused."""
    customers(ADA)
    run("import", "customers.csv", *ASK, "--max-asks", "0")
    sandbox.suspend(KEY)
    refused = run("resume", JOURNAL, "--max-asks", "1")
    assert 3 == refused.exit_code
    assert "403" in refused.stderr
    assert 0 == sandbox.audit().asks


def test_input_from_standard_input_is_given_again(
    sandbox: Sandbox, base_url: str, run: Run
) -> None:
    """With --file -; other rows are refused."""
    text = f"First Name,E-mail,Phone 1\n{ADA}\n{BOB}\n"
    run("import", "-", *ASK, "--max-asks", "1", "--journal", "in.journal", stdin=text)
    lost = run("resume", "in.journal")
    assert 2 == lost.exit_code
    assert "pipe in the same rows with --file -" in lost.stderr
    args = ("resume", "in.journal", "--file", "-", "--max-asks", "9")
    other = run(*args, stdin=text.replace("bob@", "eve@"))
    assert 2 == other.exit_code
    assert "is not the row that the journal knows" in other.stderr
    assert 1 == sandbox.audit().asks
    assert 0 == run(*args, stdin=text).exit_code
    assert (2, ()) == (sandbox.audit().asks, sandbox.audit().duplicate_asks)


@pytest.mark.parametrize("command", ["resume", "retry"])
@pytest.mark.parametrize("option", ["--rejects", "--results"])
def test_files_that_cannot_be_written_are_refused_before_anything_is_sent(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, command: str, option: str
) -> None:
    """Wrong usage."""
    customers(ADA)
    run("import", "customers.csv")
    before = sandbox.audit().requests
    result = run(command, JOURNAL, option, "no/where.csv")
    assert 2 == result.exit_code
    assert f"{option} cannot be written to no/where.csv" in result.stderr
    assert before == sandbox.audit().requests


def test_corrected_rejects_are_not_written_over(
    run: Run, customers: Customers, base_url: str
) -> None:
    """What this import wrote is its own to replace; what somebody has changed is not."""
    file = customers(ADA, NOBODY)
    assert run("import", file).exit_code == 1
    assert run("import", file).exit_code == 1
    rejects = file.with_name("customers.rejects.csv")
    assert 1 == len(list(file.parent.glob("customers.rejects*.csv")))
    rejects.write_text("First Name,E-mail,Phone 1\nNora,nobody@example.com,\n", encoding="utf-8")
    corrected = rejects.read_text(encoding="utf-8")
    result = run("retry", f"{file}.journal")
    assert corrected == rejects.read_text(encoding="utf-8")
    assert file.with_name("customers.rejects-2.csv").exists()
    assert "customers.rejects-2.csv" in result.stdout


def test_a_device_that_is_named_for_the_rejects_stays_one(
    run: Run, customers: Customers, base_url: str, tmp_path: Path
) -> None:
    """Such as /dev/null; nothing but a file is ever deleted."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("import", customers(ADA, NOBODY), "--rejects", pipe).exit_code == 1
        assert b"first_name" in os.read(reader, 10_000)
    finally:
        os.close(reader)
    assert pipe.is_fifo()
