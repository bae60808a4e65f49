"""``moregood export``: whole lists, in the formats of spreadsheets and of programs."""

import csv
import io
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from moregood_async.sandbox import Delay, Refuse, Sandbox
from moregood_async.wire import Handler, Request, Response

Customers = Callable[..., Path]
Run = Callable[..., Result]
Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def shop(sandbox: Sandbox, base_url: str, run: Run, customers: Customers) -> Sandbox:
    """A project with 120 customers, who were asked and have reviewed."""
    rows = [f"=Ada {number},ada{number}@example.com," for number in range(120)]
    sandbox.people(seed=3, click=0.9)
    assert run("import", customers(*rows), "--ask", "email").exit_code == 0
    sandbox.advance(days=3)
    return sandbox


@pytest.mark.parametrize("what", ["customers", "reviews", "messages"])
def test_a_list_is_written_as_csv_and_as_json_lines(shop: Sandbox, run: Run, what: str) -> None:
    """The same items in both, nested fields by dots in the one and by structure in the other."""
    table = list(csv.DictReader(io.StringIO(run("export", what).stdout)))
    result = run("export", what, "--format", "jsonl")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [row["id"] for row in table] == [str(line["id"]) for line in lines]
    audit = shop.audit()
    counts = {"customers": 120, "reviews": audit.reviews, "messages": audit.messages_sent}
    assert counts[what] == len(table) > 50
    assert all(row["created_at"].endswith("Z") for row in table)
    assert f"{len(table):,} {what} in" in result.stderr


def test_nested_fields_and_formulas(shop: Sandbox, run: Run) -> None:
    """A dot for each level, and an apostrophe before what a spreadsheet would run."""
    review = next(csv.DictReader(io.StringIO(run("export", "reviews").stdout)))
    assert review["rating.score"] == review["score"]
    customer = next(csv.DictReader(io.StringIO(run("export", "customers").stdout)))
    assert customer["first_name"].startswith("'=Ada")


def test_an_export_can_be_imported(shop: Sandbox, run: Run) -> None:
    """Columns find their fields, and the guard comes off."""
    assert run("export", "customers", "-o", "out.csv").exit_code == 0
    told = json.loads(run("import", "out.csv", "--json").stdout)
    assert (told["done"], told["failed"]) == (120, 0)
    assert shop.audit().customers == 120
    line = json.loads(run("export", "customers", "--format", "jsonl").stdout.splitlines()[0])
    assert line["first_name"].startswith("=Ada")


def test_a_file_is_written_whole(shop: Sandbox, run: Run) -> None:
    """With `-o`, the summary for machines has stdout for itself."""
    result = run("export", "messages", "-o", "messages.csv", "--json")
    told = json.loads(result.stdout)
    assert (told["exit_code"], told["output"], told["rows"]) == (0, "messages.csv", 120)
    with Path("messages.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 120


def test_the_summary_for_machines_leaves_stdout_to_the_data(shop: Sandbox, run: Run) -> None:
    """It is the last line of stderr."""
    result = run("export", "customers", "--json")
    assert json.loads(result.stderr.splitlines()[-1])["rows"] == 120
    assert len(result.stdout.splitlines()) == 121


def test_what_breaks_off_never_looks_whole(shop: Sandbox, run: Run, tmp_path: Path) -> None:
    """Exit code 1, and no file."""
    before = sorted(tmp_path.iterdir())
    shop.faults = [no_second_page]
    result = run("export", "customers", "-o", "out.csv")
    assert result.exit_code == 1
    assert "out.csv was not written" in result.stdout
    assert before == sorted(tmp_path.iterdir())
    to_stdout = run("export", "customers")
    assert to_stdout.exit_code == 1
    assert "what came is not all" in to_stdout.stderr


async def no_second_page(request: Request, call_next: Handler) -> Response:
    """A fault: the list breaks off."""
    return await (
        Refuse(404)(request, call_next) if "page=2" in request.url else call_next(request)
    )


def test_a_refused_key_is_exit_code_3(
    sandbox: Sandbox, base_url: str, run: Run, tmp_path: Path
) -> None:
    """Nothing was written."""
    result = run("export", "reviews", "--api-key", "wrong", "-o", "out.csv")
    assert result.exit_code == 3
    assert "401" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_is_exit_code_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in one line."""
    monkeypatch.delenv("MOREGOOD_API_KEY", raising=False)
    result = run("export", "reviews")
    assert result.exit_code == 3
    assert "MOREGOOD_API_KEY" in result.stderr


def test_a_folder_that_is_not_there_is_exit_code_2(
    sandbox: Sandbox, base_url: str, run: Run
) -> None:
    """Before anything is asked for."""
    result = run("export", "reviews", "-o", "no/where.csv")
    assert result.exit_code == 2
    assert "No such file" in result.stderr
    assert sandbox.audit().requests == {}


def test_a_pipe_that_is_closed_ends_quietly(shop: Sandbox, spawn: Spawn) -> None:
    """As with `| head`: no traceback."""
    process = spawn("export", "customers", "--format", "jsonl")
    assert process.stdout
    assert process.stdout.readline().startswith("{")
    process.stdout.close()
    process.stdout = None
    assert "Traceback" not in process.communicate(timeout=20)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupted_export_leaves_nothing(
    shop: Sandbox, run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    """Exit code 130, and it says so."""
    before = sorted(tmp_path.iterdir())
    shop.faults = Delay(5)
    timer = threading.Timer(0.3, os.kill, [os.getpid(), number])
    timer.start()
    result = run("export", "customers", "-o", "out.csv", "--json")
    timer.join()
    assert result.exit_code == 130
    assert json.loads(result.stdout)["error"] == "interrupted"
    assert "out.csv was not written" in result.stderr
    assert sorted(tmp_path.iterdir()) == before
