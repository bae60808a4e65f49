"""The command line as a whole: help, start, missing extras, and how it speaks."""

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


def test_the_commands_are_there() -> None:
    """As the README names them."""
    jobs = ["import", "report", "resume", "retry", "reconcile"]
    assert sorted(["demo", "export", "sandbox", *jobs]) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run: Run, command: str) -> None:
    """And a help text for every option."""
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
    """So that it answers at once."""
    script = (
        "import sys; sys.argv = ['moregood', '--help']\n"
        "from moregood_async.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('aiohttp', 'rich', 'sqlite3') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment_without_coverage(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Usage: moregood" in done.stdout


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_missing_extras_are_named(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that says what to install, and exit code 2."""

    def find(name: str) -> object:
        return None if name == missing else object()

    monkeypatch.setattr(cli, "find_spec", find)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert 'pip install "moregood_async[cli]"' in capsys.readouterr().err


def test_it_runs_as_a_module(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m moregood_async.cli`, and the version."""
    monkeypatch.setattr(sys, "argv", ["moregood", "--version"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module("moregood_async.cli.__main__")
    assert ended.value.code == 0
    assert "moregood, version" in capsys.readouterr().out


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name: str) -> None:
    """Those in the docstrings."""
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def spoken(voice: Output, *, terminal: bool = False) -> StringIO:
    """What a voice says to people from now on."""
    heard = StringIO()
    voice.console = Console(file=heard, force_terminal=terminal, width=90, highlight=False)
    return heard


def a_voice(*, verbose: bool = False) -> Output:
    """A voice without options."""
    return Output(as_json=False, verbose=verbose)


def test_steps_draw_a_bar_is_terminal() -> None:
    """With what is done, the rate, and a check mark at the end."""
    voice = a_voice()
    heard = spoken(voice, terminal=True)
    with ProgressView(voice, "Importing", total=3) as steps:
        steps.set_total(4)
        for _ in range(3):
            steps.advance()
    assert "Importing" in heard.getvalue()
    assert "✓" in heard.getvalue()
    with ProgressView(voice, "Nothing"):
        pass


def test_steps_that_were_stopped_get_no_check_mark() -> None:
    """The bar stays where it was."""
    voice = a_voice()
    heard = spoken(voice, terminal=True)
    with ProgressView(voice, "Importing", total=3) as steps:
        steps.advance()
        steps.is_complete = False
    assert "✓" not in heard.getvalue()


def test_steps_are_lines_elsewhere() -> None:
    """One now and then, and none for what is quickly done."""
    voice, now = a_voice(), [0.0]
    heard = spoken(voice)
    with ProgressView(voice, "Importing", total=100, clock=lambda: now[0]) as steps:
        steps.advance()
        assert heard.getvalue() == ""
        now[0] = SECONDS_BETWEEN_LINES
        steps.advance()
    assert heard.getvalue() == "Importing: 2 rows of about 100, 0/s\n"


def test_text_of_users_is_not_parsed_as_markup() -> None:
    """Brackets stay brackets."""
    voice = a_voice()
    heard = spoken(voice)
    voice.print("[bold]column[/bold]")
    assert heard.getvalue() == "[bold]column[/bold]\n"


def test_verbose_prints_the_explanation(capsys: pytest.CaptureFixture[str]) -> None:
    """A paragraph else."""
    error = Unauthorized("Unauthenticated.", status=401)._with_operation("customers.upsert")
    a_voice().print_error(error)
    assert capsys.readouterr().err.startswith("Error: customers.upsert: 401 Unauthenticated.")
    a_voice(verbose=True).print_error(error)
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
def test_errors_become_exit_codes(error: BaseException, code: int) -> None:
    """Wherever they come from."""

    async def work() -> int:
        raise error

    assert run_command(a_voice(), work) == code


def test_a_closed_pipe_is_left_to_click() -> None:
    """It ends quietly."""

    async def work() -> int:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_command(a_voice(), work)


def test_the_first_interrupt_asks_and_the_second_cancels() -> None:
    """Of a task that does not end by itself."""
    asked: list[bool] = []

    async def work() -> int:
        with handle_signals(lambda: asked.append(True)):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(5)
        return 0

    assert run_command(a_voice(), work) == exit_codes.INTERRUPTED
    assert asked == [True]


def test_no_file_is_too_long() -> None:
    """Below 400 lines, above which a file is two things, as the conventions have it."""
    rooms = [Path(cli.__file__).parent, Path(cli.__file__).parent.parent / "bulk"]
    for path in (path for room in rooms for path in room.rglob("*.py")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path
