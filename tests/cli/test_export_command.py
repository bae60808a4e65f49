"""``moregood export``: whole lists as CSV, JSON Lines and Parquet."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from moregood_async.cli import export_command
from moregood_async.sandbox import Delay, Refuse, Sandbox
from moregood_async.wire import Handler, Request, Response
from tests.cli.conftest import at_request

Customers = Callable[..., Path]
Run = Callable[..., Result]
Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def shop(sandbox: Sandbox, base_url: str, run: Run, customers: Customers) -> Sandbox:
    """A project of 120 customers who were asked; most of them have reviewed."""
    rows = [f"=Ada {number},ada{number}@example.com," for number in range(120)]
    sandbox.people(seed=3, click=0.9)
    assert run("import", customers(*rows), "--ask", "email").exit_code == 0
    sandbox.advance(days=3)
    return sandbox


@pytest.mark.parametrize("list_name", ["customers", "reviews", "messages"])
def test_a_list_is_written_as_csv_and_as_json_lines(
    shop: Sandbox, run: Run, list_name: str
) -> None:
    """Both files have the same items in the same order."""
    table = list(csv.DictReader(io.StringIO(run("export", list_name).stdout)))
    result = run("export", list_name, "--format", "jsonl")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [row["id"] for row in table] == [str(line["id"]) for line in lines]
    audit = shop.audit()
    counts = {"customers": 120, "reviews": audit.reviews, "messages": audit.messages_sent}
    assert counts[list_name] == len(table) > 50
    assert all(row["created_at"].endswith("Z") for row in table)
    assert f"{len(table):,} {list_name} in" in result.stderr


def test_csv_has_columns_for_nested_fields_and_escapes_formulas(shop: Sandbox, run: Run) -> None:
    """A dot separates the levels; an apostrophe precedes text that a spreadsheet would run."""
    review = next(csv.DictReader(io.StringIO(run("export", "reviews").stdout)))
    assert review["rating.score"] == review["score"]
    customer = next(csv.DictReader(io.StringIO(run("export", "customers").stdout)))
    assert customer["first_name"].startswith("'=Ada")


def test_an_export_can_be_imported(shop: Sandbox, run: Run) -> None:
    """Columns are mapped by name, and the apostrophe before a formula is removed."""
    assert run("export", "customers", "-o", "out.csv").exit_code == 0
    printed = json.loads(run("import", "out.csv", "--json").stdout)
    assert printed["done"] == 120
    assert printed["failed"] == 0
    assert shop.audit().customers == 120
    line = json.loads(run("export", "customers", "--format", "jsonl").stdout.splitlines()[0])
    assert line["first_name"].startswith("=Ada")


def test_an_export_to_a_file_prints_its_json_summary_on_stdout(shop: Sandbox, run: Run) -> None:
    result = run("export", "messages", "-o", "messages.csv", "--json")
    printed = json.loads(result.stdout)
    assert printed["exit_code"] == 0
    assert printed["output"] == "messages.csv"
    assert printed["rows"] == 120
    with Path("messages.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 120


def test_an_export_to_stdout_prints_its_json_summary_on_stderr(shop: Sandbox, run: Run) -> None:
    """The summary is the last line of stderr."""
    result = run("export", "customers", "--json")
    assert json.loads(result.stderr.splitlines()[-1])["rows"] == 120
    assert len(result.stdout.splitlines()) == 121


def test_an_export_that_fails_writes_no_target_file(
    shop: Sandbox, run: Run, tmp_path: Path
) -> None:
    """The exit code is 1. The rows so far are kept, and the message names --resume."""
    shop.faults = [refuse_second_page]
    result = run("export", "customers", "-o", "out.csv", "--json")
    assert result.exit_code == 1
    assert "out.csv was not written. 50 rows are kept: continue with --resume." in result.stderr
    assert not Path("out.csv").exists()
    to_stdout = run("export", "customers")
    assert to_stdout.exit_code == 1
    assert "the list is not complete" in to_stdout.stderr


def test_an_export_that_failed_is_resumed(shop: Sandbox, run: Run, tmp_path: Path) -> None:
    """The same command with --resume completes the file, and no temporary file is left."""
    shop.faults = [refuse_second_page]
    run("export", "customers", "-o", "out.csv")
    shop.faults = []
    result = run("export", "customers", "-o", "out.csv", "--resume", "--json")
    printed = json.loads(result.stdout)
    assert printed["resumed"] is True
    assert printed["rows"] == 120
    assert printed["skipped"] == 50
    assert "resuming after 50 rows" in result.stderr
    assert [path.name for path in tmp_path.glob("*out.csv*")] == ["out.csv"]
    again = run("export", "customers", "-o", "out.csv", "--resume")
    assert "nothing to resume" in again.stdout
    assert again.exit_code == 0


def test_resuming_with_different_options_is_exit_code_2(shop: Sandbox, run: Run) -> None:
    """The message names the difference. The original options still resume the export."""
    shop.faults = [refuse_second_page]
    run("export", "customers", "-o", "out.csv")
    shop.faults = []
    other = run("export", "messages", "-o", "out.csv", "--resume", "--json")
    assert other.exit_code == 2
    assert "list (customers, now messages)" in other.stderr
    assert json.loads(other.stdout)["exit_code"] == 2
    same = run("export", "customers", "-o", "out.csv", "--resume", "--json")
    assert json.loads(same.stdout)["resumed"]


def test_resuming_needs_a_file(run: Run) -> None:
    """Data that was written to a pipe cannot be read again."""
    assert run("export", "customers", "--resume").exit_code == 2
    assert "--resume needs -o FILE" in run("export", "customers", "--resume").stderr


def test_an_export_to_a_device_cannot_be_resumed(shop: Sandbox, run: Run) -> None:
    """Data that was written to a device cannot be read again."""
    assert run("export", "customers", "-o", os.devnull).exit_code == 0
    result = run("export", "customers", "-o", os.devnull, "--resume")
    assert result.exit_code == 2
    assert "--resume needs -o FILE" in result.stderr


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="no folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_exit_code_2(
    sandbox: Sandbox, base_url: str, run: Run
) -> None:
    """The error is one line, and no request is sent."""
    result = run("export", "customers", "-o", "/sys/out.csv")
    assert result.exit_code == 2
    assert re.search("/sys/out.csv: (Permission denied|Read-only file system)", result.stderr)
    assert sandbox.audit().requests == {}


def test_a_full_device_is_reported(shop: Sandbox, run: Run) -> None:
    """The message is the operating system's, with the name of the file."""
    result = run("export", "customers", "-o", "/dev/full", "--json")
    assert result.exit_code in {1, 2}
    assert "/dev/full: No space left on device" in result.stderr


@pytest.mark.parametrize(
    ("args", "name", "first_bytes"),
    [
        ((), "out.parquet", b"PAR1"),
        ((), "out.ndjson", b"{"),
        (("--format", "jsonl"), "out.csv", b"{"),
        (("--format", "parquet"), "out.jsonl", b"PAR1"),
    ],
    ids=str,
)
def test_the_suffix_determines_the_format_unless_an_option_does(
    shop: Sandbox, run: Run, args: tuple[str, ...], name: str, first_bytes: bytes
) -> None:
    assert run("export", "customers", "-o", name, *args).exit_code == 0
    assert Path(name).read_bytes().startswith(first_bytes)


@pytest.mark.parametrize("list_name", ["customers", "reviews", "messages"])
def test_parquet_has_the_same_items_as_json_lines(shop: Sandbox, run: Run, list_name: str) -> None:
    """Numbers and times keep their types."""
    pq: Any = pytest.importorskip("pyarrow.parquet")
    assert run("export", list_name, "-o", "out.parquet").exit_code == 0
    table = pq.read_table("out.parquet")
    lines = [
        json.loads(line)
        for line in run("export", list_name, "--format", "jsonl").stdout.splitlines()
    ]
    assert [line["id"] for line in lines] == table["id"].to_pylist()
    times = [
        moment.isoformat().replace("+00:00", "Z") for moment in table["created_at"].to_pylist()
    ]
    assert [line["created_at"] for line in lines] == times


def test_parquet_is_written_to_a_pipe_and_not_to_a_terminal(
    shop: Sandbox, spawn: Spawn, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Parquet is a binary format."""
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
    process = subprocess.run(command, capture_output=True, timeout=30, check=True)
    assert pq.read_table(io.BytesIO(process.stdout)).num_rows == 120
    monkeypatch.setattr(export_command, "is_terminal", lambda: True)
    result = run("export", "messages", "--format", "parquet")
    assert result.exit_code == 2
    assert "parquet is no text for a terminal" in result.stderr


def test_a_missing_pyarrow_is_reported_with_the_install_command(
    sandbox: Sandbox, base_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is 2, and no request is sent."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("export", "messages", "-o", "out.parquet")
    assert result.exit_code == 2
    assert 'pip install "moregood_async[parquet]"' in result.stderr
    assert sandbox.audit().requests == {}


async def refuse_second_page(request: Request, call_next: Handler) -> Response:
    """Refuse the second page of a list, as a fault of the sandbox."""
    return await (
        Refuse(404)(request, call_next) if "page=2" in request.url else call_next(request)
    )


def test_a_refused_key_is_exit_code_3(
    sandbox: Sandbox, base_url: str, run: Run, tmp_path: Path
) -> None:
    """No file is written."""
    result = run("export", "reviews", "--api-key", "wrong", "-o", "out.csv")
    assert result.exit_code == 3
    assert "401" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_is_exit_code_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the environment variable to set."""
    monkeypatch.delenv("MOREGOOD_API_KEY", raising=False)
    result = run("export", "reviews")
    assert result.exit_code == 3
    assert "MOREGOOD_API_KEY" in result.stderr


def test_a_folder_that_does_not_exist_is_exit_code_2(
    sandbox: Sandbox, base_url: str, run: Run
) -> None:
    """No request is sent."""
    result = run("export", "reviews", "-o", "no/where.csv")
    assert result.exit_code == 2
    assert "No such file" in result.stderr
    assert sandbox.audit().requests == {}


def test_a_closed_pipe_ends_the_export_without_a_traceback(shop: Sandbox, spawn: Spawn) -> None:
    """A pipe to `head` is closed in this way."""
    process = spawn("export", "customers", "--format", "jsonl")
    assert process.stdout
    assert process.stdout.readline().startswith("{")
    process.stdout.close()
    process.stdout = None
    assert "Traceback" not in process.communicate(timeout=20)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_export_interrupted_before_its_first_row_leaves_no_file(
    shop: Sandbox, run: Run, tmp_path: Path, number: signal.Signals
) -> None:
    """The exit code is 130, and the message says that no file was written."""
    before = sorted(tmp_path.iterdir())
    # The first request shows that the command handles signals; before, SIGTERM would end pytest.
    shop.faults = [at_request(1, lambda: os.kill(os.getpid(), number)), Delay(5)]
    result = run("export", "customers", "-o", "out.csv", "--json")
    assert result.exit_code == 130
    assert json.loads(result.stdout)["error"] == "interrupted"
    assert "out.csv was not written" in result.stderr
    assert sorted(tmp_path.iterdir()) == before
