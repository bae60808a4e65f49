"""What became of a job: read from its journal, for people and as JSON."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from moregood_async.bulk.journal.opening import readable
from moregood_async.bulk.outcomes import called, counted, unasked_told
from moregood_async.bulk.states import State, Step

_COUNTS: Final = """
    SELECT state, step, channels, unasked, charges, count(*),
        count(repeats), count(nullif(warning, ''))
    FROM rows GROUP BY state, step, channels, unasked, charges
"""
_KINDS: Final = """
    SELECT kind, min(error), count(*) FROM rows
    WHERE kind != '' AND state IN (2, 3, 5) GROUP BY kind ORDER BY count(*) DESC LIMIT 10
"""
_PHASES: Final = {
    "upsert": "saving customers",
    "charge": "recording charges",
    "ask": "asking for reviews",
    "settle": "looking up what was unknown",
}


@attrs.frozen(kw_only=True)
class Run:
    """One run of a job. Times are unix seconds."""

    began: float
    ended: float | None
    """None where it is running, or was killed."""
    how: str
    figures: Mapping[str, Any]


@attrs.define(kw_only=True)
class Report:
    """What became of the rows, and how the runs went. It prints."""

    journal: str
    name: str
    rows: int = 0
    """Rows that were read."""
    done: int = 0
    failed: int = 0
    unknown: int = 0
    rejected: int = 0
    waiting: int = 0
    """Rows that were read, and are not over."""
    whole: bool = False
    """Whether the input was read to its end."""
    asked: dict[str, int] = attrs.field(factory=dict[str, int])
    """Review requests, by channel."""
    people_asked: int = 0
    unasked: dict[str, int] = attrs.field(factory=dict[str, int])
    """People who were not asked, by the reason."""
    charges: int = 0
    repeats: int = 0
    """Rows that have the same person as an earlier one."""
    warnings: int = 0
    errors: list[tuple[str, str, int]] = attrs.field(factory=list[tuple[str, str, int]])
    """The most frequent kinds of errors: kind, an example, rows."""
    runs: list[Run] = attrs.field(factory=list[Run])

    def _sum(self, figure: str) -> float:
        return float(sum(run.figures.get(figure, 0) for run in self.runs))

    @property
    def seconds(self) -> float:
        """Of all runs that were not killed."""
        return sum(run.ended - run.began for run in self.runs if run.ended)

    @property
    def requests(self) -> int:
        """Requests that went, of the runs that were not killed."""
        return int(self._sum("requests"))

    @property
    def refused(self) -> int:
        """Requests that the server told to wait."""
        return int(self._sum("refused"))

    @property
    def retries(self) -> int:
        """Requests that repeated another."""
        return int(self._sum("retries"))

    @property
    def phases(self) -> dict[str, float]:
        """Seconds by what they were spent on, of all rows together (they run side by side)."""
        spent: dict[str, float] = {}
        for run in self.runs:
            for phase, seconds in run.figures.get("phases", {}).items():
                spent[phase] = round(spent.get(phase, 0.0) + seconds, 3)
        return spent

    @property
    def slowest_phase(self) -> str | None:
        """What most of the time was spent on, in words; None where nothing was sent."""
        phases = self.phases
        return _PHASES[max(phases, key=lambda phase: phases[phase])] if phases else None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.whole and not (self.waiting or self.unknown)

    def next_steps(self) -> list[str]:
        """What to do now, in words, each with its command."""
        file = shlex.quote(self.journal)
        steps: list[str] = []
        if self.waiting or not self.whole:
            steps.append(f"to go on where it stopped: moregood resume {file}")
        elif self.unknown:
            steps.append(f"to look up what became of the unknown ones: moregood settle {file}")
        if self.failed:
            steps.append(f"to try the failed ones once more: moregood retry {file}")
        if self.failed or self.rejected or self.unknown:
            kind = "failed" if self.failed else "rejected" if self.rejected else "unknown"
            listing = f"moregood report {file} --rows {kind} -o {kind}.csv"
            steps.append(f"to list the {kind} ones: {listing}")
        return steps

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        return attrs.asdict(self) | {
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "refused": self.refused,
            "retries": self.retries,
            "phases": self.phases,
            "slowest_phase": self.slowest_phase,
            "next": self.next_steps(),
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        rate = f" ({self.rows / self.seconds:,.0f}/s)" if self.seconds >= 1 and self.rows else ""
        runs = f"{counted(len(self.runs), 'run')}, {self.seconds:,.1f} s{rate}"
        lines = [f"{self.name}: {counted(self.rows, 'row')}, {runs}"]
        ends = ("done", "failed", "unknown", "rejected", "waiting")
        lines.append(_listed("", {name: getattr(self, name) for name in ends}))
        lines.append(_listed("asked: ", {f"by {called(k)}": n for k, n in self.asked.items()}))
        if self.unasked:
            lines.append(f"  {unasked_told(self.unasked)}")
        if self.charges:
            lines.append(f"  {counted(self.charges, 'charge')} recorded")
        lines += [
            f"  {counted(rows, 'time')}: {_example(kind, told)}" for kind, told, rows in self.errors
        ]
        lines.append(self._requests())
        lines += [f"  → {step}" for step in self.next_steps()]
        return [line for line in lines if line]

    def _requests(self) -> str:
        if not self.requests:
            return ""
        told = f"  {counted(self.requests, 'request')}, {self.refused:,} told to wait, "
        told += f"{self.retries:,} repeated"
        slowest = self.slowest_phase
        return f"{told}; most of the time went into {slowest}" if slowest else told


def report_of(path: Path) -> Report:
    """The report of a journal, also while it is run by another process.

    Raises:
        JournalUnusable: It cannot be read.
    """
    connection = readable(path)
    try:
        return read_report(connection, path)
    finally:
        connection.close()


def read_report(connection: sqlite3.Connection, path: Path | None) -> Report:
    """The report from an open journal."""
    about = {name: json.loads(value) for name, value in connection.execute("SELECT * FROM about")}
    report = Report(
        journal=str(path) if path else "in memory",
        name=about.get("belonging", {}).get("name", "an import"),
        whole=bool(about.get("whole")),
    )
    for group in connection.execute(_COUNTS):
        _count(report, *group)
    if report.failed or report.rejected or report.unknown:
        report.errors = [tuple(each) for each in connection.execute(_KINDS)]
    sql = "SELECT began, ended, how, figures FROM runs ORDER BY id"
    report.runs = [
        Run(began=began, ended=ended, how=how or "killed", figures=json.loads(figures or "{}"))
        for began, ended, how, figures in connection.execute(sql)
    ]
    return report


def _count(
    report: Report,
    state: int,
    step: int,
    channels: str,
    unasked: str,
    charges: int,
    rows: int,
    repeats: int,
    warnings: int,
) -> None:
    name = _NAMES[State(state)]
    setattr(report, name, getattr(report, name) + rows)
    report.rows += rows
    report.repeats += repeats
    report.warnings += warnings
    if state == State.DONE and unasked:
        report.unasked[unasked] = report.unasked.get(unasked, 0) + rows
    if state == State.DONE and step == Step.ASK:
        report.people_asked += rows
        for channel in channels.split(","):
            report.asked[channel] = report.asked.get(channel, 0) + rows
    if charges and (step > Step.CHARGE or (state == State.DONE and step == Step.CHARGE)):
        report.charges += rows


_NAMES: Final[dict[State, str]] = {
    State.READY: "waiting",
    State.INTENDED: "waiting",
    State.UNKNOWN: "unknown",
    State.FAILED: "failed",
    State.DONE: "done",
    State.REJECTED: "rejected",
}


def _example(kind: str, told: str) -> str:
    return told if kind == "InvalidRequest" else f"{kind}, such as: {told}"


def _listed(title: str, counts: Mapping[str, int]) -> str:
    said = ", ".join(f"{number:,} {name}" for name, number in counts.items() if number)
    return f"  {title}{said}" if said else ""
