"""``moregood export``: a whole list to a file or to stdout, page by page."""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, aclosing, contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import attrs

from moregood_async.bulk.export import WRITERS, Writer, whole_file
from moregood_async.cli import exits
from moregood_async.cli.console import Voice, counted, duration
from moregood_async.cli.progress import Steps
from moregood_async.cli.running import finished, interrupts
from moregood_async.client import MoreGoodClient
from moregood_async.errors import MoreGoodError
from moregood_async.models.customers import Customer
from moregood_async.models.messages import Message
from moregood_async.models.reviews import Review
from moregood_async.pagination import Paginator

PAGES_AHEAD = 4

KINDS: dict[str, type[Any]] = {"customers": Customer, "reviews": Review, "messages": Message}
"""The lists that can be exported, and what they hold."""


@attrs.frozen(kw_only=True)
class Wanted:
    """What was typed."""

    what: Literal["customers", "reviews", "messages"]
    form: str = "csv"
    output: Path | None = None
    api_key: str | None = attrs.field(default=None, repr=False)
    base_url: str | None = None
    as_json: bool = False
    verbose: bool = False


def run(wanted: Wanted) -> int:
    """Export the list; gives the exit code."""
    voice = Voice(
        as_json=wanted.as_json, verbose=wanted.verbose, data_on_stdout=wanted.output is None
    )
    return finished(voice, _Exporting(wanted, voice).whole_list)


class _Exporting:
    """One export under way."""

    def __init__(self, wanted: Wanted, voice: Voice) -> None:
        self._wanted = wanted
        self._voice = voice
        self._rows = 0

    async def whole_list(self) -> int:
        """Write the list, and say how it went."""
        began = time.monotonic()
        task = asyncio.current_task()
        try:
            with interrupts(lambda: task.cancel() if task else None), self._opened() as file:
                await self._write(file)
        except (MoreGoodError, asyncio.CancelledError) as error:
            return self._end(time.monotonic() - began, error)
        return self._end(time.monotonic() - began, None)

    def _opened(self) -> AbstractContextManager[IO[str]]:
        output = self._wanted.output
        return whole_file(output) if output else _stdout()

    async def _write(self, file: IO[str]) -> None:
        wanted = self._wanted
        async with MoreGoodClient(wanted.api_key, base_url=wanted.base_url) as client:
            writer = WRITERS[wanted.form](file, KINDS[wanted.what])
            with Steps(self._voice, f"Exporting {wanted.what}") as steps:
                await self._walk(listed(client, wanted.what), writer, steps)

    async def _walk(self, paginator: Paginator[Any], writer: Writer, steps: Steps) -> None:
        async with aclosing(paginator.pages()) as pages:
            async for page in pages:
                steps.expect(page.total)
                for item in page.items:
                    writer.write(item)
                    self._rows += 1
                    steps.advance()

    def _code(self, error: BaseException | None) -> int:
        if error is None:
            return exits.DONE
        if isinstance(error, asyncio.CancelledError):
            return exits.INTERRUPTED
        return exits.SOME_FAILED if self._rows else exits.UNUSABLE

    def _end(self, seconds: float, error: MoreGoodError | asyncio.CancelledError | None) -> int:
        wanted, code = self._wanted, self._code(error)
        if error is not None:
            self._voice.fail(error if isinstance(error, MoreGoodError) else "interrupted")
            whole = f"{wanted.output} was not written" if wanted.output else "what came is not all"
            self._voice.say(f"{counted(self._rows, 'row')} had come; {whole}.")
        else:
            to = f" → {wanted.output}" if wanted.output else ""
            self._voice.say(f"{self._rows:,} {wanted.what} in {duration(seconds)}{to}")
        self._voice.summary(
            {
                "command": "export",
                "what": wanted.what,
                "format": wanted.form,
                "output": str(wanted.output) if wanted.output else None,
                "rows": self._rows,
                "seconds": round(seconds, 3),
                "error": None if error is None else str(error) or "interrupted",
                "exit_code": code,
            }
        )
        return code


def listed(client: MoreGoodClient, what: str) -> Paginator[Any]:
    """The list of this name, some pages ahead of the writer."""
    if what == "customers":
        return client.customers.list(prefetch=PAGES_AHEAD)
    if what == "reviews":
        return client.reviews.list(prefetch=PAGES_AHEAD)
    return client.messages.list(prefetch=PAGES_AHEAD)


@contextmanager
def _stdout() -> Generator[IO[str]]:
    sys.stdout.flush()
    file = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    try:
        yield file
    finally:
        file.detach()  # flushes, and leaves stdout open
