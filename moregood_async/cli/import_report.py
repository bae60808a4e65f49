"""What an import tells: noteworthy rows as they come, and a summary at its end."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import attrs

from moregood_async.bulk.columns import ColumnMapping
from moregood_async.bulk.outcomes import RowResult, Tally
from moregood_async.bulk.rejects import Rejects
from moregood_async.cli import exits
from moregood_async.cli.console import Voice, counted, duration

NAMED = 10
"""Rows of a kind that are named on the screen; there may be thousands."""

_CHANNELS = {"email": "email", "sms": "SMS"}


class ImportReport:
    """Counts the rows of an import, writes its rejects, and speaks to people and machines."""

    def __init__(self, voice: Voice, file: Path, mapping: ColumnMapping, rejects: Rejects) -> None:
        self._voice = voice
        self._file = file
        self._mapping = mapping
        self._rejects = rejects
        self._tally = Tally()
        self._named: Counter[str] = Counter()
        self._began = time.monotonic()
        self.interrupted = False

    def take(self, result: RowResult) -> None:
        """One row has ended."""
        self._tally.add(result)
        kind, what = finding(result, self._mapping)
        if result.outcome in {"rejected", "failed", "unknown"}:
            self._rejects.write(result.row, result.reason(self._mapping))
        if not kind:
            return
        self._named[kind] += 1
        if self._named[kind] <= NAMED:
            self._voice.say(f"line {result.row.line}: {what}", style="yellow")
        elif self._named[kind] == NAMED + 1:
            self._voice.say(f"… and more that are {kind}", style="yellow")

    def end(self, stopped: Exception | None) -> int:
        """Say what was done; gives the exit code."""
        seconds = time.monotonic() - self._began
        code = end_code(self._tally, stopped, interrupted=self.interrupted)
        if stopped is not None:
            self._voice.fail(stopped)
        if self._tally.rows or stopped is None:
            for line in told(self._file, self._tally, seconds):
                self._voice.say(line)
        if self.interrupted or (stopped is not None and self._tally.done):
            self._voice.say(left_over(self._tally))
        if self._rejects.written:
            self._voice.say(
                f"{counted(self._rejects.written, 'row')} to look at: {self._rejects.path}"
            )
        self._voice.summary(self._values(stopped, seconds, code))
        return code

    def _values(self, stopped: Exception | None, seconds: float, code: int) -> dict[str, Any]:
        return {
            "command": "import",
            "file": str(self._file),
            **attrs.asdict(self._tally),
            "seconds": round(seconds, 3),
            "rejects": str(self._rejects.path) if self._rejects.written else None,
            "interrupted": self.interrupted,
            "error": str(stopped) if stopped else None,
            "exit_code": code,
        }


def end_code(tally: Tally, stopped: Exception | None, *, interrupted: bool) -> int:
    """The exit code of an import.

    >>> end_code(Tally(rows=2, done=2), None, interrupted=False)
    0
    >>> end_code(Tally(rows=2, done=1, rejected=1), None, interrupted=False)
    1
    """
    if stopped is not None:
        return exits.UNUSABLE
    if interrupted:
        return exits.INTERRUPTED
    return exits.DONE if tally.done == tally.rows else exits.SOME_FAILED


def finding(result: RowResult, mapping: ColumnMapping) -> tuple[str, str]:
    """What a person should hear of a row, and the kind of it; empty where there is nothing."""
    if result.outcome != "done":
        kind = result.outcome.replace("_", " ")
        return kind, f"{kind}: {result.reason(mapping).removeprefix(f'{kind}: ')}"
    if result.repeats is not None:
        return "repeated", f"the same person as in line {result.repeats}; asked once"
    if result.held:
        return "held", "may have been asked by an earlier import; not asked again"
    if not result.askable:
        return "not askable", "no channel of --ask reaches this customer, who is not asked"
    return "", ""


def told(file: Path, tally: Tally, seconds: float) -> list[str]:
    r"""The summary for people.

    >>> tally = Tally(rows=3, done=2, failed=1, asked={"email": 2})
    >>> print(*told(Path("shop.csv"), tally, 1.5), sep="\n")
    shop.csv: 3 rows in 1.5 s (2/s)
      2 done, 1 failed
      asked: 2 by email
    """
    rate = tally.rows / max(seconds, 1e-9)
    lines = [f"{file}: {counted(tally.rows, 'row')} in {duration(seconds)} ({rate:,.0f}/s)"]
    ends = ("done", "rejected", "failed", "unknown", "not_sent")
    lines.append(_listed("", {name.replace("_", " "): getattr(tally, name) for name in ends}))
    lines.append(f"  asked: {by_channel(tally)}" if tally.asked else "")
    quiet = {
        "whom no channel reaches": tally.not_askable,
        "in a row that repeats another": tally.repeated,
        "who may have been asked before": tally.held,
    }
    lines.append(_listed("not asked: ", quiet))
    return [line for line in lines if line]


def by_channel(tally: Tally) -> str:
    """The review requests of an import.

    >>> by_channel(Tally(asked={"email": 1200, "sms": 3}))
    '1,200 by email, 3 by SMS'
    """
    return ", ".join(f"{n:,} by {_CHANNELS[channel]}" for channel, n in tally.asked.items())


def left_over(tally: Tally) -> str:
    """What to know before the rest of the file is imported."""
    last = tally.last_line
    rest = f"Line {last:,} was the last that was read; the rows after it were not sent."
    if tally.asked or tally.unknown:
        rest += (
            " Importing the whole file again would ask the same people again:"
            f" take lines 2 to {last:,} out first."
        )
    return rest


def _listed(title: str, counts: dict[str, int]) -> str:
    said = ", ".join(f"{number:,} {name}" for name, number in counts.items() if number)
    return f"  {title}{said}" if said else ""
