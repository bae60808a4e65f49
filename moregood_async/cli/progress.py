"""Progress of a long command: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.text import Text

from moregood_async.cli.console import Voice, counted

LINE_EVERY_SECONDS = 5.0


class Rate(ProgressColumn):
    """Items a second, over the last moments."""

    def render(self, task: Task) -> Text:
        """Such as ``812/s``."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="cyan")


class Steps:
    """Counts what is done of a total that may be unknown or only estimated.

    Where there is no terminal, ``tells_end`` adds a line at the end to those on the way.
    """

    def __init__(
        self,
        voice: Voice,
        title: str,
        *,
        noun: str = "row",
        total: int | None = None,
        tells_end: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._voice = voice
        self._title = title
        self._noun = noun
        self._total = total
        self._tells_end = tells_end
        self._clock = clock
        self._began = self._told = clock()
        self._bar = _bar(voice) if voice.console.is_terminal else None
        self._task = self._bar.add_task(title, total=total) if self._bar else None
        self.done: int = 0
        self.whole = True
        """Whether the end is the end of all, and not a stop on the way."""

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._bar and self._task is not None:
            if self.whole and kind is None:
                self._bar.update(self._task, total=self.done or 1, completed=self.done or 1)
            self._bar.stop()
        elif self._tells_end:
            self._voice.say(self._line())

    def expect(self, total: int | None) -> None:
        """So many there are in all, as far as is known now."""
        self._total = total
        if self._bar and self._task is not None:
            self._bar.update(self._task, total=total)

    def advance(self) -> None:
        """One more is done."""
        self.done += 1
        if self._bar and self._task is not None:
            self._bar.advance(self._task)
        elif self._clock() - self._told >= LINE_EVERY_SECONDS:
            self._voice.say(self._line())

    def _line(self) -> str:
        self._told = self._clock()
        rate = self.done / max(self._told - self._began, 1e-9)
        of = f" of about {self._total:,}" if self._total and self._total > self.done else ""
        return f"{self._title.rstrip()}: {counted(self.done, self._noun)}{of}, {rate:,.0f}/s"


def lines_in(path: Path) -> int:
    """The lines of a file, counted a piece at a time: about its rows."""
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def _bar(voice: Voice) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28, complete_style="cyan", finished_style="green"),
        TextColumn("{task.completed:>7,.0f}"),
        Rate(),
        TimeLeft(compact=True),
        console=voice.console,
    )
