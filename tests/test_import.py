"""What an import brings along, seen in a fresh interpreter. What it costs is a benchmark's."""

import subprocess
import sys

import pytest

from tests.conftest import unmeasured

HEAVY = ("aiohttp", "click", "rich", "sqlite3", "pytest", "uvloop")


def loaded_after(code: str) -> set[str]:
    """Which of the heavy libraries are loaded once some code has run."""
    script = f"{code}\nimport sys\nprint('loaded', *sorted(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=unmeasured(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_package_imports_nothing_heavy() -> None:
    """The transport's library comes with the first client that needs it."""
    assert loaded_after("import moregood_async") == set()


def test_a_client_without_a_transport_of_its_own_brings_aiohttp() -> None:
    """Which shows that the test above could fail."""
    assert loaded_after("import moregood_async\nmoregood_async.MoreGoodClient('k')") == {"aiohttp"}


def test_the_sandbox_without_a_socket_needs_no_aiohttp() -> None:
    """Only serving does."""
    script = "from moregood_async.sandbox import Sandbox\nSandbox().close()"
    assert loaded_after(script) == {"sqlite3"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["import", "--help"]], ids=str)
def test_help_does_not_import_aiohttp(arguments: list[str]) -> None:
    """So that it answers at once, however it is asked."""
    script = (
        "import sys, runpy\n"
        f"sys.argv = ['moregood', *{arguments!r}]\n"
        "try: runpy.run_module('moregood_async.cli', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
    )
    assert "aiohttp" not in loaded_after(script)


def test_python_dash_m_gives_the_help() -> None:
    """As in ``python -m moregood_async.cli --help``."""
    done = subprocess.run(
        [sys.executable, "-m", "moregood_async.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: moregood" in done.stdout
