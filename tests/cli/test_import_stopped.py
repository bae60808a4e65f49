"""``moregood import`` that is refused or stopped: exit codes 2, 3 and 130."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable

import pytest

from moregood_async.sandbox import Delay, Refuse, Sandbox
from tests.cli.conftest import KEY, at_request
from tests.cli.importing import (
    ADA,
    BOB,
    Customers,
    Run,
    files_in,
    many,
    rows_of,
    summary,
    wait_until,
)

Spawn = Callable[..., subprocess.Popen[str]]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nowhere.csv"], "does not exist"),
        (["customers.csv", "--map", "E-mail=mail"], "did you mean email?"),
        (["customers.csv", "--map", "Emial=email"], "did you mean E-mail?"),
        (["customers.csv", "--map", "email"], "Column=field"),
        (["customers.csv", "--ask", "fax"], "email, sms or email,sms"),
        (["customers.csv", "--ask", "sms,sms"], "email, sms or email,sms"),
        (["customers.csv", "--reminders", "1"], "--reminders needs --ask"),
        (["customers.csv", "--max-asks", "1"], "--max-asks needs --ask"),
        (["customers.csv", "--not-asked-within", "3d"], "--not-asked-within needs --ask"),
        (["customers.csv", "--ask", "sms", "--not-asked-within", "3"], "30d, 12h or 4w"),
        (["customers.csv", "--ask", "sms", "--not-asked-within", "9" * 30 + "d"], "too long"),
        (["customers.csv", "--ask", "sms", "--reminders", "4"], "0<=x<=3"),
        (["customers.csv", "--concurrency", "0"], "1<=x<=1000"),
        (["customers.csv", "--charge", "Total"], "--charge needs --currency"),
        (["customers.csv", "--currency", "USD"], "need --charge"),
        (["customers.csv", "--in-cents"], "need --charge"),
        (["customers.csv", "--charge", "Total", "--currency", "USD"], 'no column "Total"'),
        (["customers.csv", "--on-unknown", "hope"], "reconcile"),
        (["customers.csv", "--rejects", "customers.csv"], "the file to import itself"),
        (["customers.csv", "--results", "customers.csv"], "the file to import itself"),
        (["customers.csv", "--journal", "customers.csv"], "the file to import itself"),
        (["customers.csv", "--rejects", "no/where.csv"], "name another place"),
        (["customers.csv", "--results", "no/where.csv"], "name another place"),
        (["customers.csv", "--journal", "no/where"], "name another place"),
        (["customers.csv", "--encoding", "utf-8", "--preset", "ebay"], "ebay"),
        (["-"], "needs --journal"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    run: Run, sandbox: Sandbox, base_url: str, customers: Customers, args: list[str], message: str
) -> None:
    """The message says what is right. Nothing is sent and no file is written."""
    folder = customers(ADA).parent
    result = run("import", *args)
    assert result.exit_code == 2
    assert message.lower() in result.stderr.lower()
    assert sandbox.audit().requests == {}
    assert files_in(folder) == ["customers.csv"]


def test_a_missing_key_is_exit_code_3(
    run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request is sent and no file is written; the JSON summary has the error."""
    monkeypatch.delenv("MOREGOOD_API_KEY", raising=False)
    path = customers(ADA)
    result = run("import", path, "--json")
    assert result.exit_code == 3
    assert "MOREGOOD_API_KEY" in result.stderr
    printed = summary(result.stdout)
    assert printed["command"] == "import"
    assert printed["exit_code"] == 3
    assert "MOREGOOD_API_KEY" in printed["error"]
    assert files_in(path.parent) == ["customers.csv"]


def test_a_refused_key_costs_one_request_and_leaves_the_journal_unbound(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """No results and no rejects are written. The same command with the right key imports all."""
    path = customers(*many(300))
    result = run("import", path, "--api-key", "wrong-key", "-v")
    assert result.exit_code == 3
    assert "Unauthorized" in result.stderr
    assert "wrong-key" not in result.output
    assert sum(sandbox.audit().requests.values()) == 1
    assert files_in(path.parent) == ["customers.csv", "customers.csv.journal"]
    assert run("import", path, "--ask", "email").exit_code == 0
    assert sandbox.audit().customers == 300
    assert sandbox.audit().asks == 300


def test_an_unreachable_network_is_exit_code_3(run: Run, customers: Customers) -> None:
    """The first request fails before a row is read."""
    where = ("--api-key", "k", "--base-url", "http://127.0.0.1:9/beacon")
    path = customers(*[BOB] * 500)
    result = run("import", path, *where, "--json")
    assert result.exit_code == 3
    assert summary(result.stdout)["rows"] == 0
    assert "Check base_url, the network" in result.stderr


def test_a_wrong_base_url_costs_one_request(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The probe receives a 404, which ends the import."""
    result = run("import", customers(*[BOB] * 500), "--base-url", f"{base_url}/nowhere")
    assert result.exit_code == 3
    assert sum(sandbox.audit().requests.values()) == 1


def test_a_key_that_is_revoked_during_a_run_stops_the_run(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """With a valid key again, the same command sends the rest, and asks nobody twice."""
    sandbox.faults = Delay(0.005) | at_request(150, lambda: sandbox.suspend(KEY))
    path = customers(*many(500))
    args = ("--concurrency", "4", "--ask", "email", "--json")
    result = run("import", path, *args)
    printed = summary(result.stdout)
    assert result.exit_code == 3
    assert "403" in printed["error"]
    assert 0 < printed["done"] < 400
    assert printed["failed"] == 0
    assert printed["done"] == sandbox.audit().asks
    assert f"to go on where it stopped: moregood resume {path}.journal" in result.stderr
    assert printed["done"] == sum(
        row["moregood_status"] == "done" for row in rows_of("customers.results.csv")
    )
    sandbox.faults = ()
    sandbox.suspend(KEY, suspended=False)
    again = summary(run("import", path, *args).stdout)
    assert again["done"] == 500
    assert again["exit_code"] == 0
    assert sandbox.audit().customers == 500
    assert sandbox.audit().asks == 500
    assert sandbox.audit().duplicate_asks == ()


def test_many_rows_with_the_same_error_stop_the_run(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The exit code is 1, and the other rows are not sent."""
    sandbox.faults = Refuse(422, on="asks.create")
    result = run("import", customers(*many(2000)), "--ask", "email", "--json")
    printed = summary(result.stdout)
    assert result.exit_code == 1
    assert "more than 10 % of the last 200 rows failed the same way" in printed["error"]
    assert sandbox.audit().requests["asks.create"] < 200


def test_ctrl_c_lets_requests_in_flight_finish(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The exit code is 130, and the report says how to resume."""
    sandbox.faults = Delay(0.005) | at_request(200, lambda: os.kill(os.getpid(), signal.SIGINT))
    path = customers(*many(2000))
    result = run("import", path, "--concurrency", "8", "--ask", "email", "--json")
    printed, audit = summary(result.stdout), sandbox.audit()
    assert result.exit_code == 130
    assert 0 < printed["done"] < 2000
    assert printed["done"] == audit.asks
    assert printed["unknown"] == 0
    assert "Stopping: finishing requests in flight" in result.stderr
    assert f"moregood resume {path}.journal" in result.stderr
    assert printed["interrupted"]


def test_a_second_ctrl_c_stops_at_once(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asks in flight become unknown, and the next run reconciles them: nobody is asked twice."""
    monkeypatch.setattr("moregood_async.bulk.journal.journal.HEARTBEAT_SECONDS", 0.2)
    sandbox.faults = Delay(0.005, on="customers.upsert") | Delay(5, on="asks.create")

    def twice() -> None:
        wait_until(lambda: sandbox.audit().requests["asks.create"])
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    path = customers(*many(30))
    thread = threading.Thread(target=twice)
    thread.start()
    began = time.monotonic()
    result = run("import", path, "--concurrency", "2", "--ask", "email", "--json")
    thread.join()
    assert result.exit_code == 130
    assert time.monotonic() - began < 4.5
    assert summary(result.stdout)["done"] == 0
    assert summary(result.stdout)["waiting"] == 30
    sandbox.faults = ()
    again = run("resume", "customers.csv.journal", "--reconcile-after", "0")
    assert again.exit_code == 0
    assert sandbox.audit().customers == 30
    assert sandbox.audit().asks == 30
    assert sandbox.audit().duplicate_asks == ()


def test_ctrl_c_reaches_a_process(
    sandbox: Sandbox, base_url: str, spawn: Spawn, customers: Customers
) -> None:
    """The summary agrees with the audit."""
    sandbox.faults = Delay(0.01)
    path = customers(*many(5000))
    process = spawn("import", path, "--concurrency", "8", "--ask", "email", "--json")
    wait_until(lambda: sandbox.audit().asks >= 20)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    printed, audit = summary(out), sandbox.audit()
    assert process.returncode == 130
    assert "Stopping" in err
    assert "Traceback" not in err
    assert printed["done"] == audit.asks
    assert audit.duplicate_asks == ()


def test_a_journal_in_use_by_another_process_is_refused(
    sandbox: Sandbox, base_url: str, run: Run, spawn: Spawn, customers: Customers
) -> None:
    """The second process exits with 2. A report can be read while the first one runs."""
    sandbox.faults = Delay(0.05)
    path = customers(*many(2000))
    process = spawn("import", path, "--concurrency", "2")
    wait_until(lambda: sandbox.audit().customers >= 5)
    second = run("import", path)
    assert second.exit_code == 2
    assert "another process is running the journal" in second.stderr
    assert "2,000" not in run("report", "customers.csv.journal").stdout
    process.kill()
    process.communicate()


def test_an_input_that_cannot_be_read_is_reported(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the operating system is printed as a sentence; the exit code is 2."""

    def broken(*_: object, **__: object) -> int:
        raise OSError(5, "Input/output error", "customers.csv")

    monkeypatch.setattr("moregood_async.cli.import_command.read_customers", broken)
    result = run("import", customers(ADA), "--json")
    assert result.exit_code == 2
    assert "customers.csv: Input/output error" in result.stderr
    assert summary(result.stdout)["exit_code"] == 2


def test_an_input_that_changes_during_the_run_gets_no_results(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers
) -> None:
    """The outcomes would stand beside the rows of other people. The summary is printed."""
    path = customers(*many(40))
    sandbox.faults = [at_request(30, lambda: customers("Eve,eve@example.com,"))]
    result = run("import", path, "--json")
    printed = summary(result.stdout)
    assert "customers.csv has changed since the job began" in result.stderr
    assert printed["done"] == 40
    assert printed["results"] is None
    assert printed["rejects"] is None


def test_results_that_cannot_be_written_stay_in_the_journal(
    sandbox: Sandbox, base_url: str, run: Run, customers: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the end of a run loses no outcome."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device", ".customers.results.csv.7.part")

    monkeypatch.setattr("moregood_async.cli.job_files.write_results", full)
    result = run("import", customers(ADA), "--results", "all.csv")
    assert "all.csv was not written: No space left on device. No outcome is lost" in result.stderr
    assert "1 done" in result.stdout
