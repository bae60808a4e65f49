"""``moregood sandbox``: a Beacon API of one's own, until it is interrupted."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import attrs
import click

from moregood_async.cli import exits
from moregood_async.cli.console import Voice
from moregood_async.cli.running import finished, interrupts
from moregood_async.sandbox import Sandbox, Throttle


@attrs.frozen(kw_only=True)
class Wanted:
    """What was typed."""

    port: int = 8765
    keys: tuple[str, ...] = attrs.field(default=("test-key",), repr=False)
    db: Path | None = None
    rate: tuple[int, float] | None = None
    seed: int | None = None
    as_json: bool = False
    verbose: bool = False


def run(wanted: Wanted) -> int:
    """Serve until SIGINT or SIGTERM; gives the exit code."""
    voice = Voice(as_json=wanted.as_json, verbose=wanted.verbose)
    try:
        with made(wanted) as sandbox:
            return finished(voice, lambda: _serve(sandbox, wanted, voice))
    except sqlite3.Error as error:
        voice.fail(f"{wanted.db} cannot be used: {error}")
    return exits.WRONG_USAGE


def made(wanted: Wanted) -> Sandbox:
    """The sandbox that was asked for."""
    sandbox = Sandbox(
        keys=wanted.keys,
        db=wanted.db,
        seed=wanted.seed or 0,
        throttle=Throttle(wanted.rate[0], per=wanted.rate[1]) if wanted.rate else None,
    )
    if wanted.seed is not None:
        sandbox.people(seed=wanted.seed)
    return sandbox


async def _serve(sandbox: Sandbox, wanted: Wanted, voice: Voice) -> int:
    stopped = asyncio.Event()
    with interrupts(stopped.set):
        try:
            async with sandbox.serve(port=wanted.port) as server:
                click.echo(f"Listening on {server.base_url}", err=wanted.as_json)
                voice.summary({"command": "sandbox", "base_url": server.base_url})
                await stopped.wait()
        except OSError as error:
            voice.fail(
                f"port {wanted.port} of 127.0.0.1 cannot be listened on ({error.strerror}); "
                "take another with --port, or --port 0 for a free one"
            )
            return exits.WRONG_USAGE
    return exits.DONE
