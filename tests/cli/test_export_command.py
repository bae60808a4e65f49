"""``moregood export``: whole lists, in the formats of spreadsheets and of programs."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from moregood_async.cli import export_command
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
    printed = json.loads(run("import", "out.csv", "--json").stdout)
    assert (printed["done"], printed["failed"]) == (120, 0)
    assert shop.audit().customers == 120
    line = json.loads(run("export", "customers", "--format", "jsonl").stdout.splitlines()[0])
    assert line["first_name"].startswith("=Ada")


def test_a_file_is_written_whole(shop: Sandbox, run: Run) -> None:
    """With `-o`, the summary for machines has stdout for itself."""
    result = run("export", "messages", "-o", "messages.csv", "--json")
    printed = json.loads(result.stdout)
    assert (printed["exit_code"], printed["output"], printed["rows"]) == (0, "messages.csv", 120)
    with Path("messages.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 120


def test_the_json_summary_leaves_stdout_to_the_data(shop: Sandbox, run: Run) -> None:
    """It is the last line of stderr."""
    result = run("export", "customers", "--json")
    assert json.loads(result.stderr.splitlines()[-1])["rows"] == 120
    assert len(result.stdout.splitlines()) == 121


def test_an_interrupted_export_never_looks_complete(
    shop: Sandbox, run: Run, tmp_path: Path
) -> None:
    """Exit code 1, and no file; what came is kept, and it says how to go on."""
    shop.faults = [no_second_page]
    result = run("export", "customers", "-o", "out.csv", "--json")
    assert result.exit_code == 1
    assert "out.csv was not written. 50 rows are kept: continue with --resume." in result.stderr
    assert not Path("out.csv").exists()
    to_stdout = run("export", "customers")
    assert to_stdout.exit_code == 1
    assert "the list is not complete" in to_stdout.stderr


def test_an_interrupted_export_is_resumed(shop: Sandbox, run: Run, tmp_path: Path) -> None:
    """By the same command with --resume, which says so; nothing temporary is left."""
    shop.faults = [no_second_page]
    run("export", "customers", "-o", "out.csv")
    shop.faults = []
    result = run("export", "customers", "-o", "out.csv", "--resume", "--json")
    printed = json.loads(result.stdout)
    assert (printed["resumed"], printed["rows"], printed["skipped"]) == (True, 120, 50)
    assert "resuming after 50 rows" in result.stderr
    assert [each.name for each in tmp_path.glob("*out.csv*")] == ["out.csv"]
    again = run("export", "customers", "-o", "out.csv", "--resume")
    assert "nothing to resume" in again.stdout
    assert again.exit_code == 0


def test_resuming_as_something_else_is_exit_code_2(shop: Sandbox, run: Run) -> None:
    """It says what is another; with the same options it still goes on."""
    shop.faults = [no_second_page]
    run("export", "customers", "-o", "out.csv")
    shop.faults = []
    other = run("export", "messages", "-o", "out.csv", "--resume", "--json")
    assert other.exit_code == 2
    assert "list (customers, now messages)" in other.stderr
    assert json.loads(other.stdout)["exit_code"] == 2
    assert json.loads(run("export", "customers", "-o", "out.csv", "--resume", "--json").stdout)[
        "resumed"
    ]


def test_resuming_needs_a_file(run: Run) -> None:
    """What went down a pipe cannot be taken back."""
    assert run("export", "customers", "--resume").exit_code == 2
    assert "--resume needs -o FILE" in run("export", "customers", "--resume").stderr


def test_a_device_is_written_to_and_cannot_be_resumed(shop: Sandbox, run: Run) -> None:
    """It takes bytes and gives none back."""
    assert run("export", "customers", "-o", os.devnull).exit_code == 0
    result = run("export", "customers", "-o", os.devnull, "--resume")
    assert result.exit_code == 2
    assert "--resume needs -o FILE" in result.stderr


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="no folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_exit_code_2(
    sandbox: Sandbox, base_url: str, run: Run
) -> None:
    """Said in one line, before anything is asked for."""
    result = run("export", "customers", "-o", "/sys/out.csv")
    assert result.exit_code == 2
    assert re.search("/sys/out.csv: (Permission denied|Read-only file system)", result.stderr)
    assert sandbox.audit().requests == {}


def test_a_full_device_is_reported(shop: Sandbox, run: Run) -> None:
    """In the system's words, with the file's name."""
    result = run("export", "customers", "-o", "/dev/full", "--json")
    assert result.exit_code in {1, 2}
    assert "/dev/full: No space left on device" in result.stderr


@pytest.mark.parametrize(
    ("args", "name", "begins"),
    [
        ((), "out.parquet", b"PAR1"),
        ((), "out.ndjson", b"{"),
        (("--format", "jsonl"), "out.csv", b"{"),
        (("--format", "parquet"), "out.jsonl", b"PAR1"),
    ],
    ids=str,
)
def test_the_suffix_picks_the_format(
    shop: Sandbox, run: Run, args: tuple[str, ...], name: str, begins: bytes
) -> None:
    """Unless one is named."""
    assert run("export", "customers", "-o", name, *args).exit_code == 0
    assert Path(name).read_bytes().startswith(begins)


@pytest.mark.parametrize("what", ["customers", "reviews", "messages"])
def test_parquet_holds_the_same_items(shop: Sandbox, run: Run, what: str) -> None:
    """With their types: numbers, flags and times."""
    pq: Any = pytest.importorskip("pyarrow.parquet")
    assert run("export", what, "-o", "out.parquet").exit_code == 0
    table = pq.read_table("out.parquet")
    lines = [
        json.loads(line) for line in run("export", what, "--format", "jsonl").stdout.splitlines()
    ]
    assert [line["id"] for line in lines] == table["id"].to_pylist()
    times = [
        moment.isoformat().replace("+00:00", "Z") for moment in table["created_at"].to_pylist()
    ]
    assert [line["created_at"] for line in lines] == times


def test_parquet_goes_down_a_pipe_and_to_no_terminal(
    shop: Sandbox, spawn: Spawn, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is no text."""
    pq: Any = pytest.importorskip("pyarrow.parquet")
    command = [
        sys.executable,
        "-m",
        "moregood_async.cli",
        "export",
        "messages",
        "--format",
        "parquet",
    ]
    done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    assert pq.read_table(io.BytesIO(done.stdout)).num_rows == 120
    monkeypatch.setattr(export_command, "is_terminal", lambda: True)
    result = run("export", "messages", "--format", "parquet")
    assert result.exit_code == 2
    assert "parquet is no text for a terminal" in result.stderr


def test_parquet_without_pyarrow_says_how_to_get_it(
    sandbox: Sandbox, base_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, and nothing was asked for."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("export", "messages", "-o", "out.parquet")
    assert result.exit_code == 2
    assert 'pip install "moregood_async[parquet]"' in result.stderr
    assert sandbox.audit().requests == {}


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
def test_an_interrupted_export_of_which_nothing_came_leaves_nothing(
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
