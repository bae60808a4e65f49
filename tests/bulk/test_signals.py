"""Imports that are stopped by Ctrl-C or SIGTERM resume without asking anybody twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from moregood_async import Handler, Request, Response
from moregood_async.sandbox import Delay, DropAfterEffect, Fault, Faults, Sandbox
from tests.bulk.crashing import BETWEEN_PROCESSES_SECONDS, KEY
from tests.depth import STRIDE

PEOPLE = 100
"""More rows than are worked on concurrently."""


class CommandLine:
    """The command line in processes of their own, and the sandbox that they use."""

    def __init__(self, folder: Path, sandbox: Sandbox, base_url: str) -> None:
        self._folder = folder
        self._sandbox = sandbox
        self._base_url = base_url
        lines = "".join(f"N{number},n{number}@example.com\n" for number in range(PEOPLE))
        (folder / "c.csv").write_text(f"First Name,Email\n{lines}", encoding="utf-8")

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "moregood_async.cli", *args],
            cwd=self._folder,
            env={**os.environ, "MOREGOOD_API_KEY": KEY, "MOREGOOD_BASE_URL": self._base_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_import(self, *args: str) -> subprocess.Popen[str]:
        """Start an import that asks by email."""
        return self.start("import", "c.csv", "--ask", "email", *args)

    def wait_for(self, operation: str, times: int) -> None:
        """Wait until the sandbox received an operation that number of times."""
        deadline = time.monotonic() + 30
        while self._sandbox.audit().requests.get(operation, 0) < times:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def resume(self) -> dict[str, Any]:
        """Resume the job without faults to its end; return the JSON summary."""
        self._sandbox.faults = ()
        self._sandbox.advance(seconds=300)
        process = self.start("resume", "c.csv.journal", "--json")
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return dict(json.loads(output))


def serve(folder: Path, faults: Fault | Faults) -> Iterator[tuple[CommandLine, Sandbox]]:
    """Yield a command line and its sandbox."""
    with (
        Sandbox(keys=KEY, faults=faults) as sandbox,
        sandbox.serve_in_thread() as server,
    ):
        yield CommandLine(folder, sandbox, server.base_url), sandbox


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[CommandLine, Sandbox]]:
    """A command line whose asks take 0.3 seconds."""
    yield from serve(tmp_path, Delay(0.3, on="asks.create"))


@pytest.fixture
def lossy(tmp_path: Path) -> Iterator[tuple[CommandLine, Sandbox]]:
    """A command line whose asks get no response and cannot be reconciled within 30 seconds."""
    slow_messages = Delay(30.0, on="customers.messages")
    yield from serve(tmp_path, DropAfterEffect(on="asks.create") | slow_messages)


def assert_everybody_asked_once(sandbox: Sandbox, summary: dict[str, Any]) -> None:
    """Assert it of the server and of the summary of the command."""
    audit = sandbox.audit()
    assert audit.customers == audit.asks == PEOPLE
    assert audit.duplicate_asks == ()
    assert summary["done"] == summary["people_asked"] == PEOPLE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_first_signal_lets_the_requests_in_flight_finish(
    slow: tuple[CommandLine, Sandbox], number: int
) -> None:
    """The command says so and exits with 130; the next run has nothing to reconcile."""
    command_line, sandbox = slow
    process = command_line.start_import("--concurrency", "8")
    command_line.wait_for("asks.create", 8)
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "finishing requests in flight" in output + errors
    assert "Traceback" not in errors
    audit = sandbox.audit()
    assert 0 < audit.asks < PEOPLE
    assert_everybody_asked_once(sandbox, command_line.resume())
    assert sandbox.audit().requests.get("customers.messages", 0) == 0, "no ask was unknown"


class Gate:
    """A fault that holds asks back until it is opened, and counts those that it holds."""

    def __init__(self) -> None:
        self.held = 0
        self._is_open = threading.Event()

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        if request.operation != "asks.create":
            return await call_next(request)
        self.held += 1
        try:
            await asyncio.to_thread(self._is_open.wait)
            return await call_next(request)
        finally:
            self.held -= 1

    def open(self) -> None:
        """Let all asks through, and wait until each has taken effect or was cut off."""
        self._is_open.set()
        while self.held:
            time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_second_signal_stops_at_once_and_the_next_run_asks_nobody_twice(
    slow: tuple[CommandLine, Sandbox], number: int
) -> None:
    """The exit code is 130, before any response to the asks in flight was received."""
    command_line, sandbox = slow
    gate = Gate()
    sandbox.faults = [gate]
    process = command_line.start_import("--concurrency", "8")
    command_line.wait_for("asks.create", 8)
    process.send_signal(number)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    gate.open()
    assert_everybody_asked_once(sandbox, command_line.resume())


def test_a_first_signal_stops_at_once_if_rows_only_wait_to_be_reconciled(
    lossy: tuple[CommandLine, Sandbox],
) -> None:
    """No request is in flight meanwhile. The resumed run reconciles the rows."""
    command_line, sandbox = lossy
    process = command_line.start_import("--reconcile-after", "100", "--concurrency", "64")
    command_line.wait_for("asks.create", 60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert_everybody_asked_once(sandbox, command_line.resume())


@pytest.mark.parametrize("seed", range(0, 4, STRIDE))
def test_an_import_signalled_within_its_first_second_can_be_repeated(
    slow: tuple[CommandLine, Sandbox], seed: int
) -> None:
    """Before it handles signals, while it opens the journal, or at its first requests."""
    command_line, sandbox = slow
    dice = Random(seed)
    sandbox.faults = ()
    process = command_line.start_import("--reconcile-after", "1")
    time.sleep(0.25 * seed + dice.uniform(0.0, 0.25))
    process.send_signal(dice.choice([signal.SIGINT, signal.SIGTERM]))
    process.communicate(timeout=30)
    sandbox.advance(seconds=BETWEEN_PROCESSES_SECONDS)
    repeated = command_line.start_import("--reconcile-after", "1")
    _, errors = repeated.communicate(timeout=60)
    assert repeated.returncode == 0, errors
    audit = sandbox.audit()
    assert audit.customers == audit.asks == PEOPLE
    assert audit.duplicate_asks == ()
