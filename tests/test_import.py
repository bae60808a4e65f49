"""The libraries that an import loads, in a fresh interpreter."""

import subprocess
import sys

import pytest

from tests.conftest import environment_without_coverage

HEAVY = ("aiohttp", "click", "rich", "sqlite3", "pytest", "uvloop")


def loaded_after(code: str) -> set[str]:
    """Return the heavy libraries that are loaded once some code has run."""
    script = f"{code}\nimport sys\nprint('loaded', *sorted(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=environment_without_coverage(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_package_imports_no_heavy_library() -> None:
    """The first client that needs it imports aiohttp."""
    assert loaded_after("import moregood_async") == set()


def test_a_client_without_a_transport_imports_aiohttp() -> None:
    """So the test above could fail."""
    assert loaded_after("import moregood_async\nmoregood_async.MoreGoodClient('k')") == {"aiohttp"}


def test_the_sandbox_imports_aiohttp_only_to_serve() -> None:
    script = "from moregood_async.sandbox import Sandbox\nSandbox().close()"
    assert loaded_after(script) == {"sqlite3"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["import", "--help"]], ids=str)
def test_the_help_of_a_command_does_not_import_aiohttp(arguments: list[str]) -> None:
    script = (
        "import sys, runpy\n"
        f"sys.argv = ['moregood', *{arguments!r}]\n"
        "try: runpy.run_module('moregood_async.cli', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
    )
    assert "aiohttp" not in loaded_after(script)


def test_python_dash_m_prints_the_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "moregood_async.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: moregood" in done.stdout
