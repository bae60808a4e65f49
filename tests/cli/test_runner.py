"""The event loop of the commands."""

from __future__ import annotations

import asyncio
import sys

import pytest

from moregood_async.cli.output import Output
from moregood_async.cli.runner import find_loop_factory, run_command


async def _module() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_without_uvloop_commands_run_on_asyncios_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The package uvloop comes with the extra `speed`."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert find_loop_factory() is None


def test_commands_run_on_uvloop_where_it_is_installed() -> None:
    """The exit code of the command is returned."""
    pytest.importorskip("uvloop")

    async def work() -> int:
        return 3 if await _module() == "uvloop" else 4

    assert run_command(Output(as_json=False, verbose=False), work) == 3
