"""Fixtures: a sandbox on a socket, and the command line in this process or in a new one."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moregood_async.cli.commands import moregood
from moregood_async.sandbox import Sandbox
from moregood_async.wire import Handler, Middleware, Request, Response

KEY = "test-key"
Run = Callable[..., Result]
Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox of one project."""
    with Sandbox(keys=KEY) as sandbox:
        yield sandbox


@pytest.fixture
def base_url(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The base URL of the running sandbox; the environment holds the URL and the key."""
    with sandbox.serve_in_thread() as server:
        monkeypatch.setenv("MOREGOOD_API_KEY", KEY)
        monkeypatch.setenv("MOREGOOD_BASE_URL", server.base_url)
        yield server.base_url


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that runs a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*args: object, stdin: str | None = None) -> Result:
        arguments = [str(arg) for arg in args]
        return CliRunner().invoke(
            moregood, arguments, input=stdin, catch_exceptions=False, prog_name="moregood"
        )

    return run


@pytest.fixture
def customers(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a CSV file with one customer a line."""

    def write(*lines: str, header: str = "First Name,E-mail,Phone 1") -> Path:
        path = tmp_path / "customers.csv"
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    """A function that starts the command line in a new process, which the end of the test kills."""
    started: list[subprocess.Popen[str]] = []

    def spawn(*args: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "moregood_async.cli", *(str(arg) for arg in args)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield spawn
    for process in started:
        process.kill()
        process.communicate()


def at_request(number: int, do: Callable[[], object], on: str = "customers") -> Middleware:
    """Return a middleware that calls `do` at request N to a path, and passes every request on."""
    seen = 0

    async def count(request: Request, call_next: Handler) -> Response:
        nonlocal seen
        seen += on in request.url
        if seen == number and on in request.url:
            do()
        return await call_next(request)

    return count
