"""The command line as a whole: help, start, missing extras, output and exit codes."""

import asyncio
import doctest
import importlib
import os
import pkgutil
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import click
import pytest
from click.testing import Result
from rich.console import Console

from moregood_async import cli
from moregood_async.cli import exit_codes
from moregood_async.cli.commands import moregood
from moregood_async.cli.output import Output
from moregood_async.cli.progress_view import SECONDS_BETWEEN_LINES, ProgressView
from moregood_async.cli.runner import handle_signals, run_command
from moregood_async.errors import ConfigurationError, Unauthorized
from tests.conftest import environment_without_coverage

Run = Callable[..., Result]
COMMANDS = sorted(moregood.commands)
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(cli.__path__, "moregood_async.cli.")
    if not module.name.endswith("__main__")
)


def test_all_commands_are_registered() -> None:
    jobs = ["import", "report", "resume", "retry", "reconcile"]
    assert sorted(["demo", "export", "sandbox", *jobs]) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run: Run, command: str) -> None:
    """Every option has a help text, too."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert re.search(rf"^ +moregood {command}", result.stdout, re.MULTILINE)
    options = [param for param in moregood.commands[command].params if param.name != "help"]
    assert all(
        param.help for param in options if isinstance(param, click.Option) and not param.hidden
    )
    assert {"as_json", "verbose"} <= {param.name for param in options}


def test_help_does_not_import_aiohttp_or_rich() -> None:
    """Help is printed without a noticeable delay."""
    script = (
        "import sys; sys.argv = ['moregood', '--help']\n"
        "from moregood_async.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('aiohttp', 'rich', 'sqlite3') if name in sys.modules])\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script],
        env=environment_without_coverage(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.splitlines()[-1] == "[]"
    assert "Usage: moregood" in process.stdout


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_a_missing_extra_is_reported(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what to install; the exit code is 2."""

    def find(name: str) -> object:
        return None if name == missing else object()

    monkeypatch.setattr(cli, "find_spec", find)
    with pytest.raises(SystemExit) as raised:
        cli.main()
    assert raised.value.code == 2
    assert 'pip install "moregood_async[cli]"' in capsys.readouterr().err


def test_the_command_line_runs_as_a_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The test runs `python -m moregood_async.cli --version`."""
    monkeypatch.setattr(sys, "argv", ["moregood", "--version"])
    with pytest.raises(SystemExit) as raised:
        importlib.import_module("moregood_async.cli.__main__")
    assert raised.value.code == 0
    assert "moregood, version" in capsys.readouterr().out


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_run(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def capture_console(output: Output, *, terminal: bool = False) -> StringIO:
    """Replace the console of an output, and return the text buffer of the new one."""
    captured = StringIO()
    output.console = Console(file=captured, force_terminal=terminal, width=90, highlight=False)
    return captured


def make_output(*, verbose: bool = False) -> Output:
    """Return an output without JSON."""
    return Output(as_json=False, verbose=verbose)


def test_progress_in_a_terminal_is_a_bar() -> None:
    """The bar ends with a check mark when the work is complete."""
    output = make_output()
    captured = capture_console(output, terminal=True)
    with ProgressView(output, "Importing", total=3) as view:
        view.set_total(4)
        for _ in range(3):
            view.advance()
    assert "Importing" in captured.getvalue()
    assert "✓" in captured.getvalue()
    with ProgressView(output, "Nothing"):
        pass


def test_incomplete_progress_gets_no_check_mark() -> None:
    output = make_output()
    captured = capture_console(output, terminal=True)
    with ProgressView(output, "Importing", total=3) as view:
        view.advance()
        view.is_complete = False
    assert "✓" not in captured.getvalue()


def test_progress_outside_a_terminal_is_a_line_at_intervals() -> None:
    """Work that ends before the first interval prints no line."""
    output, now = make_output(), [0.0]
    captured = capture_console(output)
    with ProgressView(output, "Importing", total=100, clock=lambda: now[0]) as view:
        view.advance()
        assert captured.getvalue() == ""
        now[0] = SECONDS_BETWEEN_LINES
        view.advance()
    assert captured.getvalue() == "Importing: 2 rows of about 100, 0/s\n"


def test_text_of_users_is_not_parsed_as_markup() -> None:
    """Text in square brackets is printed as it is."""
    output = make_output()
    captured = capture_console(output)
    output.print("[bold]column[/bold]")
    assert captured.getvalue() == "[bold]column[/bold]\n"


def test_verbose_output_explains_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --verbose an error is one paragraph."""
    error = Unauthorized("Unauthenticated.", status=401)._with_operation("customers.upsert")
    make_output().print_error(error)
    assert capsys.readouterr().err.startswith("Error: customers.upsert: 401 Unauthenticated.")
    make_output(verbose=True).print_error(error)
    assert "Unauthorized: customers.upsert" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("no key"), exit_codes.API_UNUSABLE),
        (KeyboardInterrupt(), exit_codes.INTERRUPTED),
        (asyncio.CancelledError(), exit_codes.INTERRUPTED),
        (OSError("odd"), exit_codes.WRONG_USAGE),
    ],
    ids=["configuration", "Ctrl-C", "cancelled", "disk"],
)
def test_an_error_determines_the_exit_code(error: BaseException, code: int) -> None:
    async def work() -> int:
        raise error

    assert run_command(make_output(), work) == code


def test_a_broken_pipe_is_raised_for_click_to_handle() -> None:
    """Click ends the process without a message."""

    async def work() -> int:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_command(make_output(), work)


def test_the_first_interrupt_requests_a_stop_and_the_second_cancels() -> None:
    """The task does not end by itself after the first interrupt."""
    stop_requests: list[bool] = []

    async def work() -> int:
        is_requested = asyncio.Event()

        def request_stop() -> None:
            stop_requests.append(True)
            is_requested.set()

        with handle_signals(request_stop):
            os.kill(os.getpid(), signal.SIGINT)
            await is_requested.wait()
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        return 0

    assert run_command(make_output(), work) == exit_codes.INTERRUPTED
    assert stop_requests == [True]


def test_no_module_has_more_than_400_lines() -> None:
    """A longer module does two things and should be split."""
    packages = [Path(cli.__file__).parent, Path(cli.__file__).parent.parent / "bulk"]
    for path in (path for package in packages for path in package.rglob("*.py")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path
