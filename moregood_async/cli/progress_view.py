"""`ProgressView`: the progress of a long command, as a bar on a terminal, else as lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Self

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from moregood_async.bulk.outcomes import count_of
from moregood_async.bulk.run.progress import Progress as JobProgress
from moregood_async.cli.output import Output

SECONDS_BETWEEN_LINES: Final = 5.0
"""Seconds between the lines that are printed without a terminal: an hour has 720 of them."""


class RateColumn(ProgressColumn):
    """Items per second, over the last seconds."""

    def render(self, task: Task) -> Text:
        """Return the rate, such as ``812/s``."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="cyan")


class CountColumn(ProgressColumn):
    """Items that are done, and the total."""

    def render(self, task: Task) -> Text:
        """Return the counts, such as ``1,204 of 40,000``."""
        of = f" of {task.total:,.0f}" if task.total else ""
        return Text(f"{task.completed:>7,.0f}{of}")


class ProgressView:
    """Shows how many items are done, as a bar on a terminal, else as a line every few seconds.

    Args:
        output: Where the progress is shown.
        title: What is done, such as ``Importing``.
        noun: What is counted, in the singular.
        total: The number of all items, if it is known, perhaps an estimate.
        prints_end: Also print a line at the end, if there is no terminal.
        clock: Returns seconds.
    """

    def __init__(
        self,
        output: Output,
        title: str,
        *,
        noun: str = "row",
        total: int | None = None,
        prints_end: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output = output
        self._title = title
        self._noun = noun
        self._total = total
        self._prints_end = prints_end
        self._clock = clock
        self._began = self._printed_at = clock()
        has_bar = output.console.is_terminal and not output.is_quiet
        self._bar = _make_bar(output) if has_bar else None
        self._task = self._bar.add_task(title, total=total, note="") if self._bar else None
        self._note = ""
        self.done: int = 0
        self.is_complete: bool = True
        """Whether the view ends with the last item; False leaves the bar without a check mark."""

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._bar and self._task is not None:
            if self.is_complete and kind is None:
                self._bar.update(self._task, total=self.done or 1, completed=self.done or 1)
            self._bar.stop()
        elif self._prints_end:
            self._output.print(self._line())

    def set_total(self, total: int | None) -> None:
        """Set the number of all items; None if it is unknown."""
        self._total = total
        if self._bar and self._task is not None:
            self._bar.update(self._task, total=total)

    def advance(self) -> None:
        """Count one item."""
        self.done += 1
        if self._bar and self._task is not None:
            self._bar.advance(self._task)
        elif self._is_line_due():
            self._output.print(self._line())

    def show(self, progress: JobProgress) -> None:
        """Show the progress of a job."""
        self.done = progress.done + progress.failed + progress.unknown + progress.rejected
        self._note = progress_note(progress)
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=self.done, total=progress.total, note=self._note)
        elif self._is_line_due():
            self._total = progress.total
            self._output.print(self._line())

    def _is_line_due(self) -> bool:
        return self._clock() - self._printed_at >= SECONDS_BETWEEN_LINES

    def _line(self) -> str:
        self._printed_at = self._clock()
        rate = self.done / max(self._printed_at - self._began, 1e-9)
        of = f" of about {self._total:,}" if self._total and self._total > self.done else ""
        note = f", {self._note}" if self._note else ""
        return f"{self._title.rstrip()}: {count_of(self.done, self._noun)}{of}, {rate:,.0f}/s{note}"


def progress_note(progress: JobProgress) -> str:
    """Return what delays a job, and how many rows failed; empty if nothing and none."""
    notes: list[str] = []
    if progress.rate_limit_wait >= 1:
        seconds = progress.rate_limit_wait
        notes.append(f"the rate limit allows the next request in {seconds:.0f} s")
    if progress.delayed and progress.row is None:
        notes.append(f"{count_of(progress.delayed, 'row')} to reconcile or to retry")
    if progress.failed:
        notes.append(f"{progress.failed:,} failed")
    return ", ".join(notes)


def _make_bar(output: Output) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28, complete_style="cyan", finished_style="green"),
        CountColumn(),
        RateColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}", style="yellow"),
        console=output.console,
    )
