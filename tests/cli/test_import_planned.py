"""``moregood import --dry-run`` shows a plan; ``--confirm`` imports exactly that plan."""

import re
from pathlib import Path

import pytest

from moregood_async.sandbox import Sandbox
from tests.cli.importing import ADA, BOB, NOBODY, Customers, Run, files_in, many, summary


def test_a_dry_run_sends_nothing_and_needs_no_key(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output has the mapping and the problems of rows. With any problem the exit code is 1."""
    monkeypatch.delenv("MOREGOOD_API_KEY")
    path = customers(ADA, NOBODY, "Bob,ada@example.com,", "Dee,,")
    result = run("import", path, "--dry-run", "--ask", "email")
    assert result.exit_code == 1
    for expected in (
        "E-mail → email",
        "line 3: rejected: first_name",
        "line 4: the same person as in data row 1",
        "customers.csv: 4 rows\n",
        "3 customers to save, 1 rejected",
        "1 person to ask: 1 by email",
        "not asked: 1 in an earlier row already, 1 without a contact for any channel",
        "Nothing was sent.",
    ):
        assert expected in result.stdout
    assert sandbox.audit().requests == {}
    assert list(path.parent.iterdir()) == [path]
    assert "--confirm" not in result.stdout


def test_a_dry_run_with_not_asked_within_needs_a_key(run: Run, customers: Customers) -> None:
    """Only the API knows when a customer was last asked."""
    limits = ("--ask", "email", "--not-asked-within", "30d")
    result = run("import", customers(ADA), "--dry-run", *limits)
    assert result.exit_code == 3
    assert "MOREGOOD_API_KEY" in result.stderr


def test_a_dry_run_prints_json(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """One line has the mapping, the counts, the problems and the digest."""
    path = customers(f"{ADA},9", f"{NOBODY},9", header="First Name,E-mail,Phone 1,Shoe")
    printed = summary(run("import", path, "--dry-run", "--json").stdout)
    assert printed["command"] == "import"
    assert printed["dry_run"] is True
    assert printed["exit_code"] == 1
    assert "E-mail → email" in printed["mapping"]
    assert "Shoe: fits no field" in printed["mapping"]
    assert [line for line, _ in printed["problems"]] == [3]
    assert printed["rows"] == 2
    assert printed["to_save"] == 1
    assert printed["rejected"] == 1
    assert printed["digest"]


def test_a_dry_run_counts_rejects_that_an_earlier_import_may_have_asked(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The error column of the rejects file says so. The exit code is 0."""
    path = customers(f"{BOB},unknown: perhaps", header="First Name,E-mail,Phone 1,error")
    result = run("import", path, "--dry-run", "--ask", "email")
    assert result.exit_code == 0
    assert "not asked: 1 perhaps asked by an earlier import" in result.stdout


def test_a_dry_run_names_at_most_ten_problems_of_a_kind(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The output counts the other problems."""
    result = run("import", customers(*[NOBODY] * 30), "--dry-run")
    assert result.stdout.count(": rejected: ") == 10
    assert "… and 20 more" in result.stdout


def test_a_dry_run_names_the_preset_that_it_recognised(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """A person can check the preset before anything is sent."""
    header = "id,Description,Email,Name,Created (UTC),Delinquent"
    result = run("import", customers("cus_1,,a@example.com,Ada,,", header=header), "--dry-run")
    assert result.exit_code == 0
    assert "Recognised: an export of Stripe" in result.stdout


def test_the_plan_of_a_dry_run_can_be_confirmed_by_its_digest(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The output of the dry run has the option to type."""
    path = customers(*many(5))
    output = run("import", path, "--dry-run", "--ask", "email").stdout
    option = re.search(r"--confirm (\w+)", output)
    assert option
    result = run("import", path, "--ask", "email", "--confirm", option[1])
    assert result.exit_code == 0
    assert sandbox.audit().asks == 5


@pytest.mark.parametrize("changed", ["the file", "the ask", "the cap", "the mapping"])
def test_a_plan_that_differs_from_the_confirmed_one_is_refused(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, changed: str
) -> None:
    """The exit code is 2 and no request is sent. The output has the new plan, to be confirmed."""
    path = customers(*many(5))
    digest = summary(run("import", path, "--dry-run", "--ask", "email", "--json").stdout)["digest"]
    args = ["--ask", "email"]
    if changed == "the file":
        customers(*many(4), "Eve,ada4@example.com,")
    args += {"the ask": ["--reminders", "1"], "the cap": ["--max-asks", "9"]}.get(changed, [])
    args += ["--map", "Phone 1="] if changed == "the mapping" else []
    result = run("import", path, *args, "--confirm", digest)
    assert result.exit_code == 2
    assert f"not {digest}" in result.stderr
    assert "5 customers to save" in result.stdout
    assert sandbox.audit().requests == {}
    assert files_in(path.parent) == ["customers.csv", "customers.csv.journal"]
    new_digest = re.search(r"Plan (\w+)", result.stdout)
    assert new_digest
    assert run("import", path, *args, "--confirm", new_digest[1]).exit_code == 0


def test_a_dry_run_reports_the_rows_that_earlier_runs_have_done(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The other counts do not include these rows."""
    path = customers(ADA, BOB)
    run("import", path, "--ask", "email")
    asks = sandbox.audit().asks
    result = run("import", path, "--ask", "email", "--dry-run")
    assert "2 rows, 2 of them done by earlier runs" in result.stdout
    assert "0 customers to save" in result.stdout
    assert asks == sandbox.audit().asks


def test_a_dry_run_of_standard_input_is_refused(run: Run, sandbox: Sandbox, base_url: str) -> None:
    """Standard input can be read only once, so it cannot be planned first and imported later."""
    result = run("import", "-", "--dry-run", stdin=f"First Name,E-mail\nAda,{'a' * 9}\n")
    assert result.exit_code == 2
    assert "--dry-run and --confirm need a file" in result.stderr
    assert list(Path().iterdir()) == []
