"""Running a command's coroutine: its errors become a paragraph and an exit code."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import Any

from moregood_async.bulk.columns import BadMapping
from moregood_async.bulk.sources import BadFile
from moregood_async.cli import exits
from moregood_async.cli.console import Voice
from moregood_async.errors import InvalidRequest, MoreGoodError


def finished(voice: Voice, work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run it to its end; gives the exit code."""
    try:
        with asyncio.Runner(loop_factory=fastest_loop()) as runner:
            return runner.run(work())
    except (KeyboardInterrupt, asyncio.CancelledError):
        voice.fail("interrupted")
        return exits.INTERRUPTED
    except MoreGoodError as error:
        voice.fail(error)
        return exit_code(error)
    except BrokenPipeError:
        raise  # `| head` has read enough; click ends quietly
    except OSError as error:
        voice.fail(f"{error.filename or 'a file'}: {error.strerror or error}")
        return exits.WRONG_USAGE


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop of uvloop where it is installed (the extra ``speed``); None is asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def exit_code(error: MoreGoodError) -> int:
    """What an error that ended a command says to the shell."""
    if isinstance(error, BadFile | BadMapping | InvalidRequest):
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
