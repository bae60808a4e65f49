"""``moregood sandbox``: a Beacon API on this machine, until the command is interrupted."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from moregood_async import MoreGoodClient, RateLimited

Run = Callable[..., Result]
Spawn = Callable[..., subprocess.Popen[str]]


def listening(process: "subprocess.Popen[str]") -> str:
    """Return the base URL that a sandbox prints."""
    assert process.stdout
    found = re.fullmatch(
        r"Listening on (http://127\.0\.0\.1:\d+/beacon)\n", process.stdout.readline()
    )
    assert found
    return found[1]


async def upsert(base_url: str, key: str = "test-key", calls: int = 1) -> int:
    """Save a customer; return the id."""
    async with MoreGoodClient(key, base_url=base_url, max_attempts=1) as client:
        for _ in range(1, calls):
            await client.customers.upsert(first_name="Ada", email="ada@example.com")
        ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
        return ada.id


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_the_sandbox_serves_until_it_is_interrupted(spawn: Spawn, number: signal.Signals) -> None:
    """The base URL is printed at once, also into a pipe. The exit code is 0."""
    process = spawn("sandbox", "--port", "0")
    base_url = listening(process)
    assert asyncio.run(upsert(base_url)) == 1
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert err == ""


def test_the_state_in_a_file_survives_a_restart(spawn: Spawn, tmp_path: Path) -> None:
    """The sandbox accepts the keys of --key, and prints none."""
    db = tmp_path / "sandbox.db"
    for _ in range(2):
        process = spawn("sandbox", "--port", 0, "--db", db, "--key", "one-key", "--key", "two-key")
        base_url = listening(process)
        assert asyncio.run(upsert(base_url, "one-key")) == 1
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert process.returncode == 0
        assert "-key" not in out + err


def test_rate_throttles_and_seed_simulates_customers(run: Run) -> None:
    """The third request within --rate 2/60 is throttled."""
    seen: list[object] = []

    def use(base_url: str) -> None:
        try:
            asyncio.run(upsert(base_url, calls=3))
        except RateLimited as error:
            seen.append(error)
        root = base_url.removesuffix("beacon")
        with urllib.request.urlopen(f"{root}__sandbox__/audit") as response:
            seen.append(json.load(response)["customers"])

    result = served(run, use, "--rate", "2/60", "--seed", "7")
    assert result.exit_code == 0
    assert isinstance(seen[0], RateLimited)
    assert seen[1] == 1


def test_the_json_summary_has_the_base_url(run: Run) -> None:
    """The line for people goes to stderr."""
    result = served(run, lambda _: None, "--json")
    printed = json.loads(result.stdout)
    assert printed["base_url"] in result.stderr
    assert result.exit_code == 0


def served(run: Run, use: Callable[[str], None], *args: str) -> Result:
    """Run a sandbox in this process, use it from a thread, and interrupt it."""
    port = free_port()

    def visit() -> None:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        try:
            use(f"http://127.0.0.1:{port}/beacon")
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    visitor = threading.Thread(target=visit)
    visitor.start()
    result = run("sandbox", "--port", port, *args)
    visitor.join()
    return result


def free_port() -> int:
    """Return a port that is not in use."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_a_port_in_use_is_exit_code_2(run: Run) -> None:
    """The message names --port 0."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("sandbox", "--port", taken.getsockname()[1])
    assert result.exit_code == 2
    assert "--port 0" in result.stderr


def test_a_file_that_is_no_database_is_exit_code_2(run: Run, tmp_path: Path) -> None:
    """The file is unchanged."""
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and no database; keep them\n" * 100)
    result = run("sandbox", "--port", 0, "--db", path)
    assert result.exit_code == 2
    assert "cannot be used" in result.stderr
    assert path.read_text().startswith("these are my notes")


@pytest.mark.parametrize("rate", ["60", "0/60", "60/0", "a/b", "60/nan"])
def test_an_invalid_rate_is_exit_code_2(run: Run, rate: str) -> None:
    """A rate is requests/seconds, both above 0."""
    result = run("sandbox", "--rate", rate)
    assert result.exit_code == 2
    assert "such as 60/60" in result.stderr
