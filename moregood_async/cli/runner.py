"""Runs the coroutine of a command: signals stop it, and errors become exit codes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import Any

from moregood_async.bulk.importing.columns import BadMapping
from moregood_async.bulk.importing.sources import BadFile
from moregood_async.bulk.journal.errors import JournalError
from moregood_async.bulk.plan import PlanChanged
from moregood_async.cli import exit_codes
from moregood_async.cli.output import Output
from moregood_async.errors import InvalidRequest, MoreGoodError


def run_command(
    output: Output, work: Callable[[], Coroutine[Any, Any, int]], command: str | None = None
) -> int:
    """Run a command's coroutine to its end; return the exit code.

    Args:
        output: Where errors are printed.
        work: Returns the coroutine.
        command: The command's name, for the JSON summary of an error that ends it.
    """
    try:
        with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
            return runner.run(work())
    except (KeyboardInterrupt, asyncio.CancelledError):
        message, code = "interrupted", exit_codes.INTERRUPTED
        output.print_error(message)
    except MoreGoodError as error:
        message, code = str(error), exit_code_of(error)
        output.print_error(error)
    except BrokenPipeError:
        raise  # the program behind a pipe, such as `head`, has ended; click exits quietly
    except OSError as error:
        message = f"{error.filename or 'a file'}: {error.strerror or error}"
        code = exit_codes.WRONG_USAGE
        output.print_error(message)
    if command is not None:
        output.print_json({"command": command, "error": message, "exit_code": code})
    return code


def find_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory, or None, asyncio's own, without the extra ``speed``."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def exit_code_of(error: MoreGoodError) -> int:
    """Return the exit code of an error that ended a command."""
    if isinstance(error, BadFile | BadMapping | InvalidRequest | JournalError | PlanChanged):
        return exit_codes.WRONG_USAGE
    return exit_codes.API_UNUSABLE


@contextmanager
def handle_signals(first: Callable[[], object]) -> Generator[None]:
    """Call ``first`` at the first Ctrl-C or SIGTERM in the block; cancel the task at the second."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    received: list[int] = []

    def receive(number: int) -> None:
        received.append(number)
        if len(received) == 1:
            first()
        elif task is not None:
            task.cancel()

    signals = (signal.SIGINT, signal.SIGTERM)
    with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or another thread
        for number in signals:
            loop.add_signal_handler(number, receive, number)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            for number in signals:
                loop.remove_signal_handler(number)
