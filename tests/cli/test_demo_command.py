"""``moregood demo``: an import, asks and an export, with no key and no network."""

import csv
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from click.testing import Result
from rich.console import Console

from moregood_async.cli import demo_command
from moregood_async.cli.demo_summary import DemoSummary, render_summary

Run = Callable[..., Result]


def render(summary: DemoSummary, encoding: str = "utf-8") -> str:
    """Return the summary as text."""
    console = Console(file=StringIO(), width=100)
    console.print(render_summary(summary, encoding))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_demo_imports_asks_and_exports_reviews(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo needs nothing from the environment, and leaves one file."""
    monkeypatch.delenv("MOREGOOD_API_KEY", raising=False)
    monkeypatch.setenv("MOREGOOD_BASE_URL", "https://unreachable.invalid/beacon")
    result = run("demo")
    assert result.exit_code == 0
    for expected in (
        "488 created, 12 updated",
        "500 recorded",
        "431 by email, 57 by SMS",
        "154 received",
        "★★★★★",
        "export MOREGOOD_API_KEY=…",
        "moregood import customers.csv --dry-run",
        "moregood import customers.csv --ask email",
    ):
        assert expected in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["moregood-demo-reviews.csv"]
    with Path("moregood-demo-reviews.csv").open(encoding="utf-8", newline="") as file:
        scores = Counter(row["score"] for row in csv.DictReader(file))
    assert scores.total() == 154
    assert scores["5"] > scores["3"]


def test_the_demo_has_the_same_result_every_time(run: Run) -> None:
    """The seed is fixed, and the order of responses has no effect."""
    printed = json.loads(run("demo", "--json").stdout)
    assert printed.pop("seconds") > 0
    assert printed.pop("requests_per_second") > 0
    assert printed == {
        "command": "demo",
        "customers_created": 488,
        "customers_updated": 12,
        "charges": 500,
        "asked": {"email": 431, "sms": 57},
        "reviews": 154,
        "reviews_with_text": 72,
        "ratings": {"5": 95, "4": 35, "3": 7, "2": 5, "1": 12},
        "failed": 0,
        "requests": 1493,
        "output": "moregood-demo-reviews.csv",
    }


def test_a_folder_that_cannot_be_written_to_is_reported(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is one sentence, and the exit code is 2."""
    sample = Path("sample.csv")
    sample.write_text("First Name,E-mail\nAda,ada@example.com\n")
    monkeypatch.setattr(demo_command, "SAMPLE", sample)
    monkeypatch.setattr(demo_command, "REVIEWS", Path("no/where.csv"))
    result = run("demo")
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_the_sample_has_500_fictitious_customers() -> None:
    """The addresses and phone numbers are reserved for examples and belong to nobody."""
    with demo_command.SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 500
    emails = {row["E-mail"].lower() for row in rows if row["E-mail"]}
    phones = {row["Phone 1"] for row in rows if row["Phone 1"]}
    assert all(re.fullmatch(r"[a-z.]+@example\.(com|org|net)", email) for email in emails)
    assert all(re.fullmatch(r"\+1 [2-9]\d\d 555 01\d\d", phone) for phone in phones)
    assert any(not row["E-mail"] for row in rows)
    assert any(not row["Phone 1"] for row in rows)


def test_the_sample_is_part_of_the_package() -> None:
    """The sample is beside the module of the command that reads the sample."""
    assert demo_command.SAMPLE.parent == Path(demo_command.__file__).parent


def test_an_ascii_terminal_gets_an_ascii_summary() -> None:
    """Stars and bars are ASCII characters."""
    summary = DemoSummary(reviews_file=Path("r.csv"), scores=Counter({5: 2, 1: 1}), asks=4)
    text = render(summary, "ascii")
    assert text.isascii()
    assert "*****" in text
    assert "####" in text
    assert "3.7 of 5 on average" in text


def test_a_demo_without_reviews_has_no_average() -> None:
    """The summary is still printed."""
    summary = DemoSummary(reviews_file=Path("r.csv"))
    assert summary.average == 0.0
    assert "0 received (0% of those asked)" in render(summary)
    assert summary.is_complete


def test_a_demo_with_failed_rows_is_exit_code_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample of this test has rows that are rejected."""
    bad = Path("bad.csv")
    bad.write_text("First Name,E-mail,Phone 1\nAda,no-address,\n,x@example.com,\nBob,,12\n")
    monkeypatch.setattr(demo_command, "SAMPLE", bad)
    result = run("demo", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["failed"] >= 2


def test_the_demo_ends_without_warnings(tmp_path: Path) -> None:
    """The process ends, and prints nothing on stderr."""
    process = subprocess.run(
        [sys.executable, "-W", "error", "-m", "moregood_async.cli", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert process.stderr == b""
    assert process.returncode == 0
    assert b"moregood import customers.csv --dry-run" in process.stdout
