"""``moregood import --dry-run`` and ``--confirm``: what would be done, and exactly that."""

import re
from pathlib import Path

import pytest

from moregood_async.sandbox import Sandbox
from tests.cli.importing import ADA, BOB, NOBODY, Customers, Run, files_in, many, summary


def test_a_dry_run_sends_nothing_and_needs_no_key(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows the mapping and every row's problems; exit code 1 where there are any."""
    monkeypatch.delenv("MOREGOOD_API_KEY")
    path = customers(ADA, NOBODY, "Bob,ada@example.com,", "Dee,,")
    result = run("import", path, "--dry-run", "--ask", "email")
    assert 1 == result.exit_code
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
    assert {} == sandbox.audit().requests
    assert [path] == list(path.parent.iterdir())
    assert "--confirm" not in result.stdout


def test_a_dry_run_with_not_asked_within_needs_a_key(run: Run, customers: Customers) -> None:
    """It is the API that knows."""
    limits = ("--ask", "email", "--not-asked-within", "30d")
    result = run("import", customers(ADA), "--dry-run", *limits)
    assert 3 == result.exit_code
    assert "MOREGOOD_API_KEY" in result.stderr


def test_a_dry_run_prints_json(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The mapping, the counts, the problems and the digest, in one line."""
    path = customers(f"{ADA},9", f"{NOBODY},9", header="First Name,E-mail,Phone 1,Shoe")
    printed = summary(run("import", path, "--dry-run", "--json").stdout)
    assert ("import", True, 1) == (printed["command"], printed["dry_run"], printed["exit_code"])
    assert "E-mail → email" in printed["mapping"]
    assert "Shoe: fits no field" in printed["mapping"]
    assert [3] == [line for line, _ in printed["problems"]]
    assert (2, 1, 1) == (printed["rows"], printed["to_save"], printed["rejected"])
    assert printed["digest"]


def test_a_good_dry_run_is_exit_code_0(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """And holds what a row of rejects says of an earlier ask."""
    path = customers(f"{BOB},unknown: perhaps", header="First Name,E-mail,Phone 1,error")
    result = run("import", path, "--dry-run", "--ask", "email")
    assert 0 == result.exit_code
    assert "not asked: 1 perhaps asked by an earlier import" in result.stdout


def test_many_problems_are_not_all_named(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Ten of a kind, and how many more there are."""
    result = run("import", customers(*[NOBODY] * 30), "--dry-run")
    assert 10 == result.stdout.count(": rejected: ")
    assert "… and 20 more" in result.stdout


def test_an_export_that_is_recognised_is_named(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Before anything is sent, for a person to see."""
    header = "id,Description,Email,Name,Created (UTC),Delinquent"
    result = run("import", customers("cus_1,,a@example.com,Ada,,", header=header), "--dry-run")
    assert 0 == result.exit_code
    assert "Recognised: an export of Stripe" in result.stdout


def test_the_plan_that_was_shown_can_be_confirmed(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """With its digest; the output has the command to type."""
    path = customers(*many(5))
    shown = run("import", path, "--dry-run", "--ask", "email").stdout
    found = re.search(r"--confirm (\w+)", shown)
    assert found
    result = run("import", path, "--ask", "email", "--confirm", found[1])
    assert 0 == result.exit_code
    assert 5 == sandbox.audit().asks


@pytest.mark.parametrize("changed", ["the file", "the ask", "the cap", "the mapping"])
def test_another_plan_than_the_confirmed_one_is_refused(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, changed: str
) -> None:
    """With the plan as it is now, exit code 2, and nothing sent; it can be confirmed then."""
    path = customers(*many(5))
    digest = summary(run("import", path, "--dry-run", "--ask", "email", "--json").stdout)["digest"]
    args = ["--ask", "email"]
    if changed == "the file":
        customers(*many(4), "Eve,ada4@example.com,")
    args += {"the ask": ["--reminders", "1"], "the cap": ["--max-asks", "9"]}.get(changed, [])
    args += ["--map", "Phone 1="] if changed == "the mapping" else []
    result = run("import", path, *args, "--confirm", digest)
    assert 2 == result.exit_code
    assert f"not {digest}" in result.stderr
    assert "5 customers to save" in result.stdout
    assert {} == sandbox.audit().requests
    assert ["customers.csv", "customers.csv.journal"] == files_in(path.parent)
    now = re.search(r"Plan (\w+)", result.stdout)
    assert now
    assert 0 == run("import", path, *args, "--confirm", now[1]).exit_code


def test_a_dry_run_reports_what_earlier_runs_have_done(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The rest of the counts is without it."""
    path = customers(ADA, BOB)
    run("import", path, "--ask", "email")
    asked = sandbox.audit().asks
    result = run("import", path, "--ask", "email", "--dry-run")
    assert "2 rows, 2 of them done by earlier runs" in result.stdout
    assert "0 customers to save" in result.stdout
    assert asked == sandbox.audit().asks


def test_a_dry_run_of_standard_input_says_what_it_needs(
    run: Run, sandbox: Sandbox, base_url: str
) -> None:
    """What can be read once cannot be planned and sent."""
    result = run("import", "-", "--dry-run", stdin=f"First Name,E-mail\nAda,{'a' * 9}\n")
    assert 2 == result.exit_code
    assert "--dry-run and --confirm need a file" in result.stderr
    assert [] == list(Path().iterdir())
