"""``moregood import``: what becomes of each row, what is said of it, and the exit codes."""

import csv
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from moregood_async.sandbox import Delay, DropAfterEffect, Refuse, Sandbox
from tests.cli.conftest import at_request

Customers = Callable[..., Path]
Run = Callable[..., Result]
Spawn = Callable[..., subprocess.Popen[str]]

ADA = "Ada,ada@example.com,+1 415 555 0100"
BOB = "Bob,bob@example.com,"
CY = "Cy,,+1 415 555 0101"
NOBODY = ",nobody@example.com,"


def rejects(path: Path) -> list[dict[str, str]]:
    """The rows of a file of rejects."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary(text: str) -> dict[str, Any]:
    """The one line for machines."""
    found: dict[str, Any] = json.loads(text)
    return found


def test_every_row_is_imported(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Exit code 0, and no file of rejects."""
    path = customers(ADA, BOB, CY)
    result = run("import", path)
    assert result.exit_code == 0
    assert "3 done" in result.stdout
    assert sandbox.audit().customers == 3
    assert [path] == list(path.parent.iterdir())


def test_rejected_rows_are_written_down(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """With the input's own columns and the reason, and exit code 1; the others are done."""
    result = run("import", customers(ADA, NOBODY, "Dee"))
    assert result.exit_code == 1
    rows = rejects(Path("customers.rejects.csv"))
    assert list(rows[0]) == ["First Name", "E-mail", "Phone 1", "error"]
    assert [row["E-mail"] for row in rows] == ["nobody@example.com", ""]
    assert "first_name (column First Name): is required" in rows[0]["error"]
    assert "has 1 cell" in rows[1]["error"]
    assert "line 3: rejected: first_name" in result.stdout
    assert "customers.rejects.csv" in result.stdout
    assert sandbox.audit().customers == 1


def test_what_the_api_refuses_is_written_down_too(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The server's own words are the reason."""
    result = run("import", customers(ADA, "Bob,no-address,"), "--rejects", "bad.csv")
    assert result.exit_code == 1
    assert "422" in rejects(Path("bad.csv"))[0]["error"]
    assert sandbox.audit().customers == 1


def test_no_screen_shows_a_customer(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Rows are named by their lines."""
    result = run("import", customers(ADA, NOBODY, "Bob,no-address,"), "--ask", "sms")
    for person in ("ada", "Ada", "example.com", "555", "no-address", "test-key"):
        assert person not in result.output


def test_corrected_rejects_can_be_imported(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Their error column is ignored, and does not come twice."""
    run("import", customers(NOBODY), "--rejects", "bad.csv")
    again = run("import", "bad.csv")
    assert again.exit_code == 1
    row = rejects(Path("bad.rejects.csv"))[0]
    assert list(row) == ["First Name", "E-mail", "Phone 1", "error"]


def test_customers_are_asked_after_they_are_saved(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Each through what reaches them, and each person once."""
    path = customers(ADA, BOB, CY, "Ada,ADA@example.com,", "Dee,,")
    result = run("import", path, "--ask", "email,sms", "--reminders", "1", "--json")
    told = summary(result.stdout)
    assert result.exit_code == 0
    assert told["asked"] == {"email": 2, "sms": 2}
    assert (told["repeated"], told["not_askable"]) == (1, 1)
    audit = sandbox.audit()
    assert (audit.asks, audit.messages) == (3, 8)
    assert audit.asks_twice == ()
    assert "asked once" in result.stderr
    assert "2 by email, 2 by SMS" in result.stderr


def test_who_cannot_be_reached_is_not_asked(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """An email alone takes no SMS; the row is done all the same, and it is said."""
    result = run("import", customers(BOB), "--ask", "sms")
    assert result.exit_code == 0
    assert "line 2: no channel of --ask reaches this customer" in result.stdout
    assert (sandbox.audit().customers, sandbox.audit().asks) == (1, 0)


def test_an_unknown_ask_is_never_sent_again(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Not in this run, and not when its rejects are imported."""
    sandbox.faults = DropAfterEffect(times=1, on="asks.create")
    result = run("import", customers(BOB, ADA), "--ask", "email", "--json")
    told = summary(result.stdout)
    assert result.exit_code == 1
    assert (told["unknown"], told["done"]) == (1, 1)
    assert sandbox.audit().asks == 2
    row = rejects(Path("customers.rejects.csv"))[0]
    assert row["error"].startswith("unknown: the customer may have been asked")
    again = run("import", "customers.rejects.csv", "--ask", "email")
    assert again.exit_code == 0
    assert "not asked again" in again.stdout
    assert sandbox.audit().asks == 2
    assert sandbox.audit().asks_twice == ()


def test_a_refused_ask_says_that_the_customer_is_saved(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """So that its rejects can be asked again."""
    sandbox.faults = Refuse(422, on="asks.create", times=1)
    result = run("import", customers(BOB), "--ask", "email")
    assert result.exit_code == 1
    assert rejects(Path("customers.rejects.csv"))[0]["error"].startswith("saved, but not asked")
    assert run("import", "customers.rejects.csv", "--ask", "email").exit_code == 0
    assert sandbox.audit().asks == 1


def test_a_dry_run_sends_nothing_and_needs_no_key(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows the mapping and every row's problems; exit code 1 where there are any."""
    monkeypatch.delenv("MOREGOOD_API_KEY")
    path = customers(ADA, NOBODY, "Bob,ada@example.com,", "Dee,,")
    result = run("import", path, "--dry-run", "--ask", "email")
    assert result.exit_code == 1
    for expected in (
        "E-mail → email",
        "line 3: rejected: first_name",
        "line 4: the same person as in line 2",
        "line 5: no channel",
        "4 rows: 3 can be sent, 1 would be rejected.",
        "1 by email",
        "Nothing was sent.",
    ):
        assert expected in result.stdout
    assert sandbox.audit().requests == {}
    assert [path] == list(path.parent.iterdir())


def test_a_dry_run_speaks_to_machines(run: Run, customers: Customers) -> None:
    """The mapping, what is ignored, the counts and the problems."""
    path = customers(f"{ADA},9", f"{NOBODY},9", header="First Name,E-mail,Phone 1,Shoe")
    result = run("import", path, "--dry-run", "--json")
    told = summary(result.stdout)
    assert told["mapping"] == {"First Name": "first_name", "E-mail": "email", "Phone 1": "phone"}
    assert told["ignored"] == {"Shoe": "fits no field"}
    assert [problem["line"] for problem in told["problems"]] == [3]
    assert (told["rows"], told["rejected"]) == (2, 1)


def test_a_good_dry_run_is_exit_code_0(run: Run, customers: Customers) -> None:
    """And holds what a row of rejects says of an earlier ask."""
    path = customers(f"{BOB},unknown: perhaps", header="First Name,E-mail,Phone 1,error")
    result = run("import", path, "--dry-run", "--ask", "email")
    assert result.exit_code == 0
    assert "may have been asked by an earlier import" in result.stdout


def test_the_mapping_can_be_said(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """As often as there are columns that do not say what they are."""
    path = customers("Ada,ada@example.com", header="Nick,Contact")
    result = run("import", path, "--map", "Nick=first_name", "--map", "Contact=email")
    assert result.exit_code == 0
    assert sandbox.audit().customers == 1


def test_many_rows_of_a_kind_are_not_all_named(
    run: Run, sandbox: Sandbox, base_url: str, customers: Customers
) -> None:
    """The rejects name them all."""
    result = run("import", customers(*[NOBODY] * 30))
    assert "… and more that are rejected" in result.stdout
    assert len(rejects(Path("customers.rejects.csv"))) == 30
    assert sandbox.audit().requests == {}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["nowhere.csv"], "does not exist"),
        (["customers.csv", "--map", "E-mail=mail"], "did you mean email?"),
        (["customers.csv", "--map", "Emial=email"], "did you mean E-mail?"),
        (["customers.csv", "--map", "email"], "Column=field"),
        (["customers.csv", "--ask", "fax"], "email, sms or email,sms"),
        (["customers.csv", "--ask", "sms,sms"], "email, sms or email,sms"),
        (["customers.csv", "--reminders", "1"], "--reminders goes with --ask"),
        (["customers.csv", "--ask", "sms", "--reminders", "4"], "0<=x<=3"),
        (["customers.csv", "--concurrency", "0"], "1<=x<=1000"),
        (["customers.csv", "--rejects", "customers.csv"], "the file to import itself"),
        (["customers.csv", "--rejects", "no/where.csv"], "another place"),
        (["latin.csv"], "not UTF-8"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    run: Run, sandbox: Sandbox, base_url: str, customers: Customers, args: list[str], told: str
) -> None:
    """With a sentence that says what would be right, and nothing sent."""
    customers(ADA)
    Path("latin.csv").write_bytes(b"Pr\xe9nom,E-mail\nAda,\n")
    result = run("import", *args)
    assert result.exit_code == 2
    assert told in result.stderr
    assert sandbox.audit().requests == {}


def test_a_missing_key_is_exit_code_3(
    run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is tried."""
    monkeypatch.delenv("MOREGOOD_API_KEY", raising=False)
    result = run("import", customers(ADA))
    assert result.exit_code == 3
    assert "MOREGOOD_API_KEY" in result.stderr


def test_a_refused_key_stops_at_the_first_row(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Exit code 3 after one request, with no file of rejects; the story with --verbose."""
    path = customers(*[BOB] * 500)
    result = run("import", path, "--api-key", "wrong-key", "-v")
    assert result.exit_code == 3
    assert "Unauthorized" in result.stderr
    assert "wrong-key" not in result.output
    assert sum(sandbox.audit().requests.values()) == 1
    assert [path] == list(path.parent.iterdir())


def test_a_network_that_is_not_there_is_exit_code_3(
    run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row finds it out."""
    result = run(
        "import",
        customers(*[BOB] * 500),
        "--api-key",
        "k",
        "--base-url",
        "http://127.0.0.1:9/beacon",
    )
    assert result.exit_code == 3
    assert "1 row" in result.stdout


def test_a_wrong_base_url_is_found_out_with_a_few_rows(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """A 404 on everything is no answer."""
    result = run("import", customers(*[BOB] * 500), "--base-url", f"{base_url}/nowhere")
    assert result.exit_code == 3
    assert sum(sandbox.audit().requests.values()) <= 3


def test_a_key_that_is_refused_midway_stops_the_run(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """What was done is done, what was read and not done is in the rejects, the rest is not sent."""
    rows = [f"Ada,ada{number}@example.com," for number in range(500)]
    sandbox.faults = Delay(0.01) | at_request(40, lambda: sandbox.suspend("test-key"))
    result = run("import", customers(*rows), "--concurrency", "4", "--ask", "email", "--json")
    told = summary(result.stdout)
    assert result.exit_code == 3
    assert "403" in told["error"]
    assert 0 < told["done"] < 400
    assert "the rows after it were not sent" in result.stderr
    written = len(rejects(Path("customers.rejects.csv")))
    assert told["rows"] == told["done"] + told["failed"]
    assert written == told["failed"]
    assert told["done"] == sandbox.audit().asks


def test_ctrl_c_finishes_what_is_under_way(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """Exit code 130; what was read was sent and asked once, and the last line is named."""
    rows = [f"Ada,ada{number}@example.com," for number in range(2000)]
    sandbox.faults = Delay(0.01) | at_request(80, lambda: os.kill(os.getpid(), signal.SIGINT))
    result = run("import", customers(*rows), "--concurrency", "8", "--ask", "email", "--json")
    told = summary(result.stdout)
    audit = sandbox.audit()
    assert result.exit_code == 130
    assert 0 < told["done"] == told["rows"] < 2000
    assert (audit.customers, audit.asks) == (told["done"], told["done"])
    assert f"Line {told['last_line']:,} was the last that was read" in result.stderr
    assert "take lines 2 to" in result.stderr
    assert told["interrupted"]


def test_a_second_ctrl_c_stops_at_once(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """What was under way is written down: an ask as unknown, an upsert as failed."""
    rows = [f"Ada,ada{number}@example.com," for number in range(300)]
    sandbox.faults = Delay(0.01, on="customers.upsert") | Delay(5, on="asks.create")

    def twice() -> None:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=twice)
    thread.start()
    began = time.monotonic()
    result = run("import", customers(*rows), "--concurrency", "2", "--ask", "email", "--json")
    thread.join()
    told = summary(result.stdout)
    assert result.exit_code == 130
    assert time.monotonic() - began < 4
    assert told["unknown"] == 2
    errors = [row["error"] for row in rejects(Path("customers.rejects.csv"))]
    assert sum(error.startswith("unknown:") for error in errors) == 2
    assert any(error.startswith("saved, but not asked") for error in errors)
    assert told["rows"] == len(errors)


def test_ctrl_c_reaches_a_process(
    sandbox: Sandbox, base_url: str, spawn: Spawn, customers: Customers
) -> None:
    """As in a shell; the audit agrees with what is said."""
    rows = [f"Ada,ada{number}@example.com," for number in range(5000)]
    sandbox.faults = Delay(0.01)
    process = spawn("import", customers(*rows), "--concurrency", "8", "--ask", "email", "--json")
    while sandbox.audit().asks < 20:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    told, audit = summary(out), sandbox.audit()
    assert process.returncode == 130
    assert "Stopping" in err
    assert "Traceback" not in err
    assert told["done"] == audit.customers == audit.asks
    assert audit.asks_twice == ()


def test_an_unreadable_disk_is_told(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the operating system is a sentence and exit code 2."""

    def broken(_: Path) -> int:
        raise OSError(5, "Input/output error", "customers.csv")

    monkeypatch.setattr("moregood_async.cli.importing.lines_in", broken)
    result = run("import", customers(ADA))
    assert result.exit_code == 2
    assert "customers.csv: Input/output error" in result.stderr
