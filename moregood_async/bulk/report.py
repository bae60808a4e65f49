"""`Report`: what became of a job, from its journal, as text and as JSON."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from moregood_async.bulk.journal.identity import JobIdentity
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.reader import JournalReader
from moregood_async.bulk.journal.states import SkipReason
from moregood_async.bulk.journal.storage import JournalSummary, RowGroup, RunRecord
from moregood_async.bulk.outcomes import OUTCOMES, channel_name, count_of, skipped_summary

_OUTCOMES_IN_ORDER: Final = ("done", "failed", "unknown", "rejected", "waiting")
_PHASES: Final = {
    "upsert": "saving customers",
    "charge": "recording charges",
    "ask": "asking for reviews",
    "reconcile": "reconciling lost responses",
}


@attrs.define(kw_only=True)
class Report:
    """What became of the rows of a job, and how its runs went. Printing it shows all of it."""

    journal: str
    """The journal's path."""
    name: str
    """The input's name."""
    rows: int = 0
    """Rows that were read so far."""
    done: int = 0
    failed: int = 0
    unknown: int = 0
    rejected: int = 0
    waiting: int = 0
    """Rows that were read, and are not over."""
    is_input_complete: bool = False
    """Whether a run has read the input to its end."""
    asked: dict[str, int] = attrs.field(factory=dict[str, int])
    """Review requests, by channel."""
    people_asked: int = 0
    skipped: dict[SkipReason, int] = attrs.field(factory=dict[SkipReason, int])
    """People who were not asked, by the reason."""
    charges: int = 0
    duplicates: int = 0
    """Rows with the same person as an earlier row."""
    warnings: int = 0
    errors: list[tuple[str, str, int]] = attrs.field(factory=list[tuple[str, str, int]])
    """The most frequent error classes: class, an example, and the number of rows."""
    runs: list[RunRecord] = attrs.field(factory=list[RunRecord])

    def _sum(self, counter: str) -> int:
        return int(sum(run.counters.get(counter, 0) for run in self.runs))

    @property
    def seconds(self) -> float:
        """The duration of all runs that were not killed."""
        return sum(run.ended_at - run.began_at for run in self.runs if run.ended_at)

    @property
    def requests(self) -> int:
        """Requests that this job sent, in the runs that were not killed."""
        return self._sum("requests")

    @property
    def throttled(self) -> int:
        """Requests of this job that the server rate limited."""
        return self._sum("throttled")

    @property
    def retries(self) -> int:
        """Requests of this job that were second or later attempts."""
        return self._sum("retries")

    @property
    def timings(self) -> dict[str, float]:
        """Seconds by phase, summed over all rows; rows run concurrently."""
        seconds: dict[str, float] = {}
        for run in self.runs:
            for phase, spent in run.counters.get("timings", {}).items():
                seconds[phase] = round(seconds.get(phase, 0.0) + spent, 3)
        return seconds

    @property
    def slowest_phase(self) -> str | None:
        """The phase that took most of the time, in words; None if nothing was sent."""
        timings = self.timings
        return _PHASES[max(timings, key=lambda phase: timings[phase])] if timings else None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to do."""
        return self.is_input_complete and not (self.waiting or self.unknown)

    def next_steps(self) -> list[str]:
        """Return what can be done now, each with its command."""
        file = shlex.quote(self.journal)
        steps: list[str] = []
        if self.waiting or not self.is_input_complete:
            steps.append(f"to go on where it stopped: moregood resume {file}")
        elif self.unknown:
            steps.append(f"to find out what became of unknown rows: moregood reconcile {file}")
        if self.failed:
            steps.append(f"to try failed rows once more: moregood retry {file}")
        if self.failed or self.rejected or self.unknown:
            kind = "failed" if self.failed else "rejected" if self.rejected else "unknown"
            listing = f"moregood report {file} --rows {kind} -o {kind}.csv"
            steps.append(f"to list {kind} rows: {listing}")
        return steps

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        skipped = {reason.value: rows for reason, rows in self.skipped.items()}
        return attrs.asdict(self) | {
            "skipped": skipped,
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "throttled": self.throttled,
            "retries": self.retries,
            "timings": self.timings,
            "slowest_phase": self.slowest_phase,
            "next": self.next_steps(),
        }

    def __str__(self) -> str:
        return "\n".join(line for line in self._lines() if line)

    def _lines(self) -> list[str]:
        rate = f" ({self.rows / self.seconds:,.0f}/s)" if self.seconds >= 1 and self.rows else ""
        runs = f"{count_of(len(self.runs), 'run')}, {self.seconds:,.1f} s{rate}"
        outcomes = {name: getattr(self, name) for name in _OUTCOMES_IN_ORDER}
        asked = {f"by {channel_name(channel)}": n for channel, n in self.asked.items()}
        return [
            f"{self.name}: {count_of(self.rows, 'row')}, {runs}",
            _listed("", outcomes),
            _listed("asked: ", asked),
            f"  {skipped_summary(self.skipped)}" if self.skipped else "",
            f"  {count_of(self.charges, 'charge')} recorded" if self.charges else "",
            *(_error_line(*error) for error in self.errors),
            self._requests_line(),
            *(f"  → {step}" for step in self.next_steps()),
        ]

    def _requests_line(self) -> str:
        if not self.requests:
            return ""
        line = f"  {count_of(self.requests, 'request')}, {self.throttled:,} rate limited, "
        line += f"{self.retries:,} retried"
        slowest = self.slowest_phase
        return f"{line}; most of the time went into {slowest}" if slowest else line


def read_report(journal: str | os.PathLike[str]) -> Report:
    """Return the report of a journal, also while its job runs in another process.

    Raises:
        JournalUnusable: The journal cannot be read.
    """
    with JournalReader(Path(journal)) as reader:
        return report_of(reader.path, reader.summary(), reader.identity, reader.settings)


async def report_of_journal(journal: Journal) -> Report:
    """Return the report of an open journal."""
    summary, settings = await journal.storage.summary(), journal.storage.settings()
    return report_of(journal.path, summary, journal.identity, settings)


def report_of(
    path: Path | None,
    summary: JournalSummary,
    identity: JobIdentity | None,
    settings: Mapping[str, Any],
) -> Report:
    """Return the report of what a journal stores."""
    report = Report(
        journal=str(path) if path else "in memory",
        name=identity.name if identity else "an import",
        is_input_complete=bool(settings.get("is_input_complete")),
        runs=list(summary.runs),
    )
    for group in summary.groups:
        _count(report, group)
    if report.failed or report.rejected or report.unknown:
        report.errors = list(summary.errors)
    return report


def _count(report: Report, group: RowGroup) -> None:
    entry, rows = group.entry, group.rows
    outcome = OUTCOMES[entry.state]
    setattr(report, outcome, getattr(report, outcome) + rows)
    report.rows += rows
    report.duplicates += group.duplicates
    report.warnings += group.warnings
    report.charges += rows * entry.was_charged
    reason = entry.not_asked_because
    if outcome == "done" and reason is not None:
        report.skipped[reason] = report.skipped.get(reason, 0) + rows
    if entry.was_asked:
        report.people_asked += rows
        for channel in entry.channels.split(","):
            report.asked[channel] = report.asked.get(channel, 0) + rows


def _error_line(error_class: str, example: str, rows: int) -> str:
    named = example if error_class == "InvalidRequest" else f"{error_class}, such as: {example}"
    return f"  {count_of(rows, 'time')}: {named}"


def _listed(title: str, counts: Mapping[str, int]) -> str:
    parts: Sequence[str] = [f"{number:,} {name}" for name, number in counts.items() if number]
    return f"  {title}{', '.join(parts)}" if parts else ""
