"""``moregood sandbox``: a Beacon API on this machine, until it is interrupted."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import attrs
import click

from moregood_async.cli import exit_codes
from moregood_async.cli.output import Output
from moregood_async.cli.runner import handle_signals, run_command
from moregood_async.sandbox import Sandbox, Throttle


@attrs.frozen(kw_only=True)
class SandboxArguments:
    """The options of the command."""

    port: int = 8765
    keys: tuple[str, ...] = attrs.field(default=("test-key",), repr=False)
    db: Path | None = None
    rate: tuple[int, float] | None = None
    seed: int | None = None
    as_json: bool = False
    verbose: bool = False


def run(arguments: SandboxArguments) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code."""
    output = Output(as_json=arguments.as_json, verbose=arguments.verbose)
    try:
        with make_sandbox(arguments) as sandbox:
            return run_command(output, lambda: _serve(sandbox, arguments, output))
    except sqlite3.Error as error:
        output.print_error(f"--db {arguments.db} cannot be used: {error}; name another file")
    return exit_codes.WRONG_USAGE


def make_sandbox(arguments: SandboxArguments) -> Sandbox:
    """Return the sandbox that the options describe."""
    sandbox = Sandbox(
        keys=arguments.keys,
        db=arguments.db,
        seed=arguments.seed or 0,
        throttle=Throttle(arguments.rate[0], per=arguments.rate[1]) if arguments.rate else None,
    )
    if arguments.seed is not None:
        sandbox.people(seed=arguments.seed)
    return sandbox


async def _serve(sandbox: Sandbox, arguments: SandboxArguments, output: Output) -> int:
    stopped = asyncio.Event()
    with handle_signals(stopped.set):
        try:
            async with sandbox.serve(port=arguments.port) as server:
                click.echo(f"Listening on {server.base_url}", err=arguments.as_json)
                output.print_json({"command": "sandbox", "base_url": server.base_url})
                await stopped.wait()
        except OSError as error:
            output.print_error(
                f"cannot listen on port {arguments.port} of 127.0.0.1 ({error.strerror}); name "
                "another --port, or --port 0, which picks a free one"
            )
            return exit_codes.WRONG_USAGE
    return exit_codes.DONE
