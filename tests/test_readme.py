"""The README runs: every ``python`` block, and every ``moregood`` command as far as its parsing.

The convention, which leaves no trace in the README:

- A block stands alone. Its names are `client`, an open client of an embedded sandbox that knows
  Ada (``ada@example.com``) and has her reviews, and what it imports and defines itself.
- ``MOREGOOD_API_KEY`` and ``MOREGOOD_BASE_URL`` name that sandbox, which listens in a thread.
- A block runs in a folder that has a ``customers.csv`` and nothing else.
- ``await``, ``async for`` and ``async with`` may stand at its top; it runs in a loop then.
- A block with a function ``test_…`` is a test file: pytest runs it in a process of its own.
- ``<!-- continued -->`` on the line before a block: it also has the names of the block before it.
- In ``console`` blocks, what is typed after ``moregood`` is parsed by the command line itself.
"""

import ast
import asyncio
import inspect
import re
import shlex
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from moregood_async import MoreGoodClient
from moregood_async.cli.commands import moregood
from moregood_async.sandbox import Sandbox
from tests.conftest import KEY

README = Path(__file__).parent.parent / "README.md"
CONTINUED = "<!-- continued -->"


@attrs.frozen
class Block:
    """A fenced block, with the line of its first line."""

    language: str
    code: str
    line: int
    goes_on: bool

    @property
    def place(self) -> str:
        """How a failure names it."""
        return f"README.md:{self.line}"


def blocks_of(text: str) -> list[Block]:
    """All fenced blocks of a page."""
    found = list[Block]()
    for match in re.finditer(r"^([^\n]*)\n```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, match.start(3)) + 1
        found.append(Block(match[2], match[3], line, match[1].strip() == CONTINUED))
    return found


TEXT = README.read_text(encoding="utf-8")
PYTHON = [block for block in blocks_of(TEXT) if block.language == "python"]
SHELL = [block for block in blocks_of(TEXT) if block.language in {"console", "bash"}]


def is_a_test_file(block: Block) -> bool:
    """Whether pytest is to run it."""
    return any(
        isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_")
        for each in parsed(block).body
    )


def parsed(block: Block) -> ast.Module:
    """Its syntax tree, with ``await`` at the top allowed."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
    tree = compile(block.code, block.place, "exec", flags=flags)
    assert isinstance(tree, ast.Module)
    return tree


SNIPPETS = [block for block in PYTHON if not is_a_test_file(block)]
TESTS = [block for block in PYTHON if is_a_test_file(block)]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A sandbox with Ada and her reviews, which the environment names."""
    with Sandbox(keys=KEY) as sandbox, sandbox.serve_in_thread() as server:
        monkeypatch.setenv("MOREGOOD_API_KEY", KEY)
        monkeypatch.setenv("MOREGOOD_BASE_URL", server.base_url)
        ada = asyncio.run(_ada_is_there(sandbox))
        for score in (5, 3, 4):
            sandbox.write(sandbox.click(ada, score), "Good work.")
        yield server.base_url


async def _ada_is_there(sandbox: Sandbox) -> int:
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
        await client.asks.create(email="ada@example.com", channels=["email"])
        return ada.id


def run(block: Block, names: dict[str, Any]) -> None:
    """Runs a block, in a loop of its own where it awaits something."""
    code = compile(block.code, block.place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(_awaited(code, names))
    else:
        exec(code, names)


async def _awaited(code: types.CodeType, names: dict[str, Any]) -> None:
    async with MoreGoodClient() as client:
        names["client"] = client
        await types.FunctionType(code, names)()


def place_of(block: Block) -> str:
    """The id of a test."""
    return block.place


def test_the_readme_has_blocks_of_every_kind() -> None:
    """So that the tests below cannot pass by finding nothing."""
    assert len(SNIPPETS) >= 5
    assert len(TESTS) >= 1
    assert len(commands()) >= 4
    assert TEXT.count("\n```python\n") == len(PYTHON)


@pytest.mark.parametrize("block", SNIPPETS, ids=place_of)
@pytest.mark.usefixtures("served")
def test_every_python_block_runs(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands, beside a file of customers."""
    monkeypatch.chdir(tmp_path)
    Path("customers.csv").write_text("First name,E-mail\nAda,ada@example.com\nBo,bo@example.com\n")
    chain = [block]
    while chain[0].goes_on:
        chain.insert(0, PYTHON[PYTHON.index(chain[0]) - 1])
    names: dict[str, Any] = {"__name__": "__main__"}
    for each in chain:
        run(each, names)


@pytest.mark.parametrize("block", TESTS, ids=place_of)
def test_every_test_block_passes(block: Block, tmp_path: Path) -> None:
    """With pytest and the fixtures that come with the package."""
    path = tmp_path / "test_readme_block.py"
    path.write_text(block.code, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode=auto\nasyncio_default_fixture_loop_scope=function\n"
        "filterwarnings=error\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert re.search(r"^[1-9]\d* passed", done.stdout, re.MULTILINE)


def commands() -> list[tuple[int, list[str]]]:
    """The ``moregood`` command lines of the README, and the line where each stands."""
    found = list[tuple[int, list[str]]]()
    for block in SHELL:
        for offset, line in enumerate(block.code.splitlines()):
            for part in line.split("&&"):
                words = shlex.split(part.strip().removeprefix("$ "), comments=True)
                if words[:1] == ["moregood"]:
                    found.append((block.line + offset, words[1:]))
    return found


@pytest.mark.parametrize(
    "words", [each for _, each in commands()], ids=[f"README.md:{line}" for line, _ in commands()]
)
def test_every_command_of_the_readme_is_understood(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its options and arguments are parsed; it is not run."""
    monkeypatch.chdir(tmp_path)
    for word in words:
        if word.endswith((".csv", ".journal")):
            Path(word).write_text("First Name\nAda\n", encoding="utf-8")
    with moregood.make_context("moregood", list(words)) as group:
        name, command, rest = moregood.resolve_command(group, [*group._protected_args, *group.args])
        assert command is not None
        assert name == words[0]
        with command.make_context(name, rest, parent=group) as context:
            assert [] == context.args


def test_the_readmes_options_exist() -> None:
    """Every ``--option`` that its text names belongs to some command."""
    known = {
        spelling
        for command in moregood.commands.values()
        for parameter in command.params
        for spelling in parameter.opts
    }
    named = set(re.findall(r"`(--[a-z-]+)", TEXT)) | {
        word for _, words in commands() for word in words if word.startswith("--")
    }
    assert set() == named - known
