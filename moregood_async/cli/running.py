"""Running a command's coroutine: its errors become a paragraph and an exit code."""

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
from moregood_async.cli import exits
from moregood_async.cli.console import Voice
from moregood_async.errors import InvalidRequest, MoreGoodError


def finished(
    voice: Voice, work: Callable[[], Coroutine[Any, Any, int]], command: str | None = None
) -> int:
    """Run it to its end; gives the exit code.

    Args:
        voice: Where its errors are told.
        work: It.
        command: Its name, where machines are to be told of an error that ends it.
    """
    try:
        with asyncio.Runner(loop_factory=fastest_loop()) as runner:
            return runner.run(work())
    except (KeyboardInterrupt, asyncio.CancelledError):
        told, code = "interrupted", exits.INTERRUPTED
        voice.fail(told)
    except MoreGoodError as error:
        told, code = str(error), exit_code(error)
        voice.fail(error)
    except BrokenPipeError:
        raise  # `| head` has read enough; click ends quietly
    except OSError as error:
        told, code = f"{error.filename or 'a file'}: {error.strerror or error}", exits.WRONG_USAGE
        voice.fail(told)
    if command is not None:
        voice.summary({"command": command, "error": told, "exit_code": code})
    return code


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop of uvloop where it is installed (the extra ``speed``); None is asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def exit_code(error: MoreGoodError) -> int:
    """What an error that ended a command says to the shell."""
    if isinstance(error, BadFile | BadMapping | InvalidRequest | JournalError | PlanChanged):
        return exits.WRONG_USAGE
    return exits.UNUSABLE


@contextmanager
def interrupts(first: Callable[[], object]) -> Generator[None]:
    """Within it, the first Ctrl-C or SIGTERM calls ``first``, and the second cancels the task."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    heard: list[int] = []

    def hear(number: int) -> None:
        heard.append(number)
        if len(heard) == 1:
            first()
        elif task is not None:
            task.cancel()

    signals = (signal.SIGINT, signal.SIGTERM)
    with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or another thread
        for number in signals:
            loop.add_signal_handler(number, hear, number)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            for number in signals:
                loop.remove_signal_handler(number)
