"""Progress of a long command: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.text import Text

from moregood_async.bulk.run.progress import Progress as JobProgress
from moregood_async.cli.console import Voice, counted

LINE_EVERY_SECONDS = 5.0


class Rate(ProgressColumn):
    """Items a second, over the last moments."""

    def render(self, task: Task) -> Text:
        """Such as ``812/s``."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="cyan")


class Done(ProgressColumn):
    """Items that are done, of how many."""

    def render(self, task: Task) -> Text:
        """Such as ``1,204 of 40,000``."""
        of = f" of {task.total:,.0f}" if task.total else ""
        return Text(f"{task.completed:>7,.0f}{of}")


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
        shows = voice.console.is_terminal and not voice.is_quiet
        self._bar = _bar(voice) if shows else None
        self._task = self._bar.add_task(title, total=total, note="") if self._bar else None
        self._note = ""
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

    def show(self, event: JobProgress) -> None:
        """How far a job is."""
        self.done = event.done + event.failed + event.unknown + event.rejected
        self._note = told_beside(event)
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=self.done, total=event.total, note=self._note)
        elif self._clock() - self._told >= LINE_EVERY_SECONDS:
            self._total = event.total
            self._voice.say(self._line())

    def _line(self) -> str:
        self._told = self._clock()
        rate = self.done / max(self._told - self._began, 1e-9)
        of = f" of about {self._total:,}" if self._total and self._total > self.done else ""
        note = f", {self._note}" if self._note else ""
        return f"{self._title.rstrip()}: {counted(self.done, self._noun)}{of}, {rate:,.0f}/s{note}"


def told_beside(event: JobProgress) -> str:
    """What else a person should know of a job's progress; empty where it just goes on.

    Where the server's limit makes it wait that is told as such, and so are rows that wait to be
    looked up or tried again.
    """
    told: list[str] = []
    if event.rate_limit_wait >= 1:
        told.append(f"the rate limit allows the next request in {event.rate_limit_wait:.0f} s")
    if event.delayed and event.row is None:
        told.append(f"{counted(event.delayed, 'row')} to reconcile or try again")
    if event.failed:
        told.append(f"{event.failed:,} failed")
    return ", ".join(told)


def _bar(voice: Voice) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28, complete_style="cyan", finished_style="green"),
        Done(),
        Rate(),
        TimeLeft(compact=True),
        TextColumn("{task.fields[note]}", style="yellow"),
        console=voice.console,
    )
