"""``moregood demo``: everything at work, with no key and no network."""

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


def rendered(summary: DemoSummary, encoding: str = "utf-8") -> str:
    """The summary as text."""
    console = Console(file=StringIO(), width=100)
    console.print(render_summary(summary, encoding))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_demo_shows_everything(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs nothing from the environment, and leaves one file."""
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


def test_the_demo_is_the_same_every_time(run: Run) -> None:
    """Its seed is fixed, whatever the order in which answers come."""
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
    """In a sentence, with exit code 2."""
    sample = Path("sample.csv")
    sample.write_text("First Name,E-mail\nAda,ada@example.com\n")
    monkeypatch.setattr(demo_command, "SAMPLE", sample)
    monkeypatch.setattr(demo_command, "REVIEWS", Path("no/where.csv"))
    result = run("demo")
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_the_sample_is_made_up() -> None:
    """500 rows; addresses and numbers that belong to nobody."""
    with demo_command.SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 500
    emails = {row["E-mail"].lower() for row in rows if row["E-mail"]}
    phones = {row["Phone 1"] for row in rows if row["Phone 1"]}
    assert all(re.fullmatch(r"[a-z.]+@example\.(com|org|net)", email) for email in emails)
    assert all(re.fullmatch(r"\+1 [2-9]\d\d 555 01\d\d", phone) for phone in phones)
    assert any(not row["E-mail"] for row in rows)
    assert any(not row["Phone 1"] for row in rows)


def test_the_sample_travels_with_the_package() -> None:
    """It stands beside the command that reads it."""
    assert demo_command.SAMPLE.parent == Path(demo_command.__file__).parent


def test_an_ascii_terminal_gets_ascii() -> None:
    """Bars and boxes of ASCII where there is nothing else."""
    summary = DemoSummary(reviews_file=Path("r.csv"), scores=Counter({5: 2, 1: 1}), asks=4)
    text = rendered(summary, "ascii")
    assert text.isascii()
    assert "*****" in text
    assert "####" in text
    assert "3.7 of 5 on average" in text


def test_a_demo_without_reviews_has_no_average() -> None:
    """The summary is still printed."""
    summary = DemoSummary(reviews_file=Path("r.csv"))
    assert summary.average == 0.0
    assert "0 received (0% of those asked)" in rendered(summary)
    assert summary.is_complete


def test_a_wrong_result_is_exit_code_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a row of the sample be rejected, or an ask refused."""
    bad = Path("bad.csv")
    bad.write_text("First Name,E-mail,Phone 1\nAda,no-address,\n,x@example.com,\nBob,,12\n")
    monkeypatch.setattr(demo_command, "SAMPLE", bad)
    result = run("demo", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["failed"] >= 2


def test_nothing_is_left_running(tmp_path: Path) -> None:
    """The process ends and prints nothing on stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "moregood_async.cli", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"moregood import customers.csv --dry-run" in done.stdout
