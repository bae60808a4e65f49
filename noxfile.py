"""Every check of the project, on a machine with nothing but Python and nox: ``nox``.

``nox -s tests-3.12`` runs one session, ``nox -s tests -- -k pages`` passes arguments on. Where uv
is installed, it makes the environments, which takes a tenth of the time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "types", "imports", "tests", "coverage", "lower_bounds", "build"]
nox.options.error_on_missing_interpreters = True
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "uv|virtualenv"

# The tests start hundreds of processes. Without a cache each one compiles all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("UV_COMPILE_BYTECODE", "1")  # as pip does: no test has to write any

PROJECT = nox.project.load_toml("pyproject.toml")


def _is_python(command: str, version: str) -> bool:
    """Whether this command runs a Python of that version: a pyenv shim exists for each version."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        process = subprocess.run([command, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return process.stdout.strip() == version


def _put_on_path(version: str) -> bool:
    """Put this Python on the PATH where only pyenv has it; return whether nox can find it."""
    if _is_python(f"python{version}", version):
        return True
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for python in sorted(pyenv.glob(f"{version}.*/bin/python{version}")):
        if _is_python(str(python), version):
            os.environ["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
            return True
    return False


SUPPORTED = nox.project.python_versions(PROJECT)
"""The versions in the project's classifiers."""

PYTHONS = [version for version in SUPPORTED if _put_on_path(version)] or [sys.executable]

WORKERS = str(2 * (os.cpu_count() or 1))
"""Processes that run tests: more than cores, as many tests wait for a process or for the disk."""


def _install_group(session: nox.Session, name: str) -> None:
    session.install(*nox.project.dependency_groups(PROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    _install_group(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy strict, pyright strict, and whether every public name is fully typed."""
    session.install("-e", ".[cli,speed,parquet]")
    _install_group(session, "types")
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--verifytypes", "moregood_async", "--ignoreexternal")


@nox.session
def imports(session: nox.Session) -> None:
    """The import contracts in pyproject.toml: a layer imports only from the layers below it."""
    session.install("-e", ".[cli]")
    _install_group(session, "imports")
    session.run("lint-imports")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests, the README's code and the docstrings' examples.

    The first Python runs the heavy tests at full depth, the others a tenth of them
    (``tests/depth.py``). The last Python measures coverage: the depth hardly changes which lines
    run, and a measured run takes longer.
    """
    session.install(".[cli,speed,parquet]")
    _install_group(session, "test")
    command = ["pytest", "-n", WORKERS, *session.posargs]
    if session.python == PYTHONS[-1]:
        command = ["coverage", "run", "-m", *command]
    depth = "full" if session.python == PYTHONS[0] else "quick"
    session.run(*command, env={"MOREGOOD_TEST_DEPTH": depth})


@nox.session(python=PYTHONS[0])
def lower_bounds(session: nox.Session) -> None:
    """The tests on the oldest supported releases of the dependencies."""
    bounds = [each.replace(">=", "==") for each in PROJECT["project"]["dependencies"]]
    session.install(".[cli]", *bounds)
    _install_group(session, "test")
    session.run("pytest", "-n", WORKERS, *session.posargs, env={"MOREGOOD_TEST_DEPTH": "quick"})


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage, subprocesses included; fails below ``fail_under`` in pyproject.toml."""
    session.install("coverage[toml]")
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist and the wheel, check both, and use the wheel in an empty environment."""
    _install_group(session, "build")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build")
    files = [str(path) for path in sorted(Path("dist").iterdir())]
    session.run("twine", "check", "--strict", *files)
    [wheel] = [path for path in files if path.endswith(".whl")]
    session.run("check-wheel-contents", wheel)
    _use_in_empty_environment(session, wheel)


def _use_in_empty_environment(session: nox.Session, wheel: str) -> None:
    """Make a call without any extra, then run the command line with its extra; pip installs."""
    home = Path(session.create_tmp()) / "empty"
    session.run("python", "-m", "venv", "--clear", str(home))
    python = str(home / ("Scripts" if os.name == "nt" else "bin") / "python")
    session.run(python, "-m", "pip", "install", "--quiet", wheel, external=True)
    session.run(python, "-I", "-W", "error", "-c", SMOKE, external=True)
    session.run(python, "-m", "pip", "install", "--quiet", f"{wheel}[cli]", external=True)
    session.run(python, "-I", "-m", "moregood_async.cli", "--help", silent=True, external=True)


SMOKE = """
import asyncio
from moregood_async import MoreGoodClient
from moregood_async.sandbox import Sandbox

async def main():
    with Sandbox() as sandbox:
        async with sandbox.serve() as server:
            async with MoreGoodClient("test-key", base_url=server.base_url) as client:
                await client.customers.upsert(first_name="Ada", email="ada@example.com")
        assert sandbox.audit().customers == 1

asyncio.run(main())
"""


@nox.session
def soak(session: nox.Session) -> None:
    """A minute of load leaks no connection, no task and no memory."""
    session.install(".")
    _install_group(session, "test")
    session.run("pytest", "-m", "soak", "-s", *session.posargs)


@nox.session
def killtest(session: nox.Session) -> None:
    """At least 200 times, ``kill -9`` ends an import: nobody is asked twice, no row is lost."""
    session.install(".[cli,speed]")
    _install_group(session, "test")
    session.run("pytest", "-m", "killtest", "-s", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """All benchmarks (about 15 minutes), or one: ``nox -s bench -- pace --rounds 1``."""
    session.install(".[cli,speed]")
    _install_group(session, "bench")
    files = sorted(Path("benchmarks").glob("[!_]*.py"))
    name, *options = session.posargs or [""]
    failed: list[str] = []
    for file in [Path("benchmarks", f"{name}.py")] if name else files:
        try:
            session.run("python", str(file), *options)
        except nox.command.CommandFailed:  # the other benchmarks still run
            failed.append(file.stem)
    if failed:
        session.error(f"failed, or missed a target: {', '.join(failed)}")
