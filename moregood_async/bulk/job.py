"""`Job`: customers saved, charged and asked, each exactly once, with a journal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeGuard, cast

import attrs

from moregood_async.bulk.importing.sources import Source, read_items
from moregood_async.bulk.journal.errors import JournalMismatch, JournalUnusable
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.storage import EntryQuery
from moregood_async.bulk.journal.writer import run_to_end
from moregood_async.bulk.options import RECONCILE_AFTER_SECONDS, JobOptions, OnUnknown
from moregood_async.bulk.outcomes import Outcome, RowResult, make_row_result
from moregood_async.bulk.plan import Plan, PlanChanged, make_plan
from moregood_async.bulk.report import Report, report_of_journal
from moregood_async.bulk.run.job_run import JobRun, Work
from moregood_async.bulk.run.progress import Progress
from moregood_async.bulk.run.reconcile import Reconciler, reconcile_journal
from moregood_async.bulk.run.run import Run
from moregood_async.bulk.run.server_clock import ServerClock
from moregood_async.bulk.templates import AskTemplate, ChargeTemplate
from moregood_async.client import MoreGoodClient
from moregood_async.errors import ConfigurationError
from moregood_async.models.customers import CustomerUpsert

Rows = (
    Iterable[Mapping[str, Any] | CustomerUpsert] | AsyncIterable[Mapping[str, Any] | CustomerUpsert]
)
"""Customers as mappings of fields or as values, in any iterable or async iterable."""


class Job:
    """Saves, charges and asks the customers of an input, each exactly once.

    ::

        async with MoreGoodClient() as client:
            job = Job(client, read_csv("customers.csv"), journal="spring.journal",
                      ask=AskTemplate(channels=["email"]))
            async with job:
                print(await job.plan())            # nothing is sent
                report = await job.run()           # or: async for progress in job.run()

    Running the same program again resumes the job: rows that are done are skipped, and a charge
    or ask whose response was lost is reconciled before it is sent again. How that is durable is
    explained in the docstring of `moregood_async.bulk`.

    Args:
        client: The client of the project. The job sends bulk requests, so that interactive calls
            of the same key go first.
        rows: What a reader such as `read_csv` returns; or mappings of a customer's fields, or
            `CustomerUpsert` values, in any iterable or async iterable.
        journal: The path of the journal, which is made if it does not exist. None keeps the
            journal in memory, for runs that need not survive the process.
        charge: Record what each row's customer paid.
        ask: Ask each customer for a review; each person once.
        not_asked_within: Skip customers who were asked within this time, by this job or anything.
        max_asks: Ask at most this many people, all runs together. A run with a higher number
            asks people that an earlier run has skipped.
        on_unknown: What to do with a charge or ask whose response was lost: ``reconcile``,
            ``hold`` or ``resend``; see `OnUnknown`.
        reconcile_after: Seconds after which a lost request that does not show was not applied.
        keep_rows: Also keep the rows themselves in the journal, in clear, so that result files
            of an input that can be read only once can be written. The same in all runs.
        project: A name for the project, if its API key changes by itself; by default a hash of
            the key identifies the project.
        new_key: The project's API key was replaced since the last run.

    Raises:
        ConfigurationError: An option is out of its range, or names a column that does not exist.
    """

    def __init__(
        self,
        client: MoreGoodClient,
        rows: Source | Rows,
        *,
        journal: str | os.PathLike[str] | None,
        charge: ChargeTemplate | None = None,
        ask: AskTemplate | None = None,
        not_asked_within: timedelta | None = None,
        max_asks: int | None = None,
        on_unknown: OnUnknown = "reconcile",
        reconcile_after: float = RECONCILE_AFTER_SECONDS,
        keep_rows: bool = False,
        project: str | None = None,
        new_key: bool = False,
    ) -> None:
        options = JobOptions(
            ask=ask,
            charge=charge,
            not_asked_within=not_asked_within,
            max_asks=max_asks,
            on_unknown=on_unknown,
            reconcile_after=reconcile_after,
        )
        source = rows if _is_source(rows) else read_items(cast("Rows", rows))
        if charge is not None:
            charge.check(source.columns)
        self._work: Work | None = Work(source, options, keep_rows)
        self._set_up(client, journal, project=project, new_key=new_key)

    def _set_up(
        self,
        client: MoreGoodClient,
        journal: str | os.PathLike[str] | None,
        *,
        project: str | None,
        new_key: bool,
    ) -> None:
        self._client = client
        self._path = None if journal is None else Path(journal)
        self._project = project
        self._new_key = new_key
        self._opened: Journal | None = None
        self._running: JobRun | None = None
        self._report: Report | None = None

    @classmethod
    def open(
        cls,
        client: MoreGoodClient,
        journal: str | os.PathLike[str],
        *,
        project: str | None = None,
        new_key: bool = False,
    ) -> Self:
        """Return a job without its rows: to `report`, read `results`, `retry` or `reconcile`.

        Args:
            client: The client of the project.
            journal: The path of the journal.
            project: As for `Job`.
            new_key: As for `Job`.
        """
        job = cls.__new__(cls)
        job._work = None
        job._set_up(client, journal, project=project, new_key=new_key)
        return job

    # before sending

    async def plan(self) -> Plan:
        """Return what a run would do. Nothing is sent; see `Plan` for what is read.

        Raises:
            ConfigurationError: The input can be read only once.
            JournalMismatch: The journal belongs to another job.
        """
        work = self._required_work()
        await self._claim_journal(work)
        client = self._client.with_options(priority="bulk")
        return await make_plan(client, self._journal, work.source, work.options)

    # running

    def run(self, *, confirm: str | None = None) -> Run:
        """Return a run, which begins or resumes the job when it is awaited or iterated.

        ``report = await job.run()`` or ``async for progress in job.run()``.

        Args:
            confirm: The digest of a plan: run only if the plan is still the same.

        Raises:
            PlanChanged: The plan is another one; nothing was sent.
            JournalMismatch: The journal belongs to another job; nothing was sent.
            TooManyFailures: The circuit breaker stopped the run; it can be resumed.
            MoreGoodError: The API cannot be used: the key, or the network; it can be resumed.
        """
        self._required_work()
        return Run(lambda: self._run(confirm), self.report)

    async def _run(self, confirm: str | None) -> AsyncGenerator[Progress, None]:
        work, journal = self._required_work(), self._journal
        if self._running is not None:
            raise ConfigurationError("this job is running already")
        running = self._running = JobRun(self._client, journal, work)
        try:
            if confirm is not None:
                await self._check_plan(confirm)
            await self._claim_journal(work)
            async with aclosing(running.events()) as events:
                async for progress in events:
                    yield progress
        finally:
            self._running = None
            if self._opened is not None:
                await run_to_end(self._refresh())

    async def _check_plan(self, confirm: str) -> None:
        plan = await self.plan()
        if plan.digest != confirm:
            raise PlanChanged(
                f"the plan is {plan.digest} now, not {confirm}: the input, the options, what is "
                "done, or who was asked meanwhile has changed; nothing was sent",
                plan=plan,
            )

    def stop(self) -> None:
        """Stop the run: requests in flight finish, queued ones are drained. It can be resumed."""
        if self._running is not None:
            self._running.stop()

    async def retry(self) -> int:
        """Let the next run attempt the failed rows again; return their number."""
        number = await self._journal.retry_failed()
        await self._refresh()
        return number

    async def reconcile(self, *, reconcile_after: float | None = None) -> Report:
        """Find out what became of every unknown charge and ask; send nothing.

        Takes up to ``reconcile_after`` seconds. What was not applied is sent by the next run.

        Args:
            reconcile_after: As for `Job`; by default as in the last run.

        Raises:
            MoreGoodError: The API cannot be used: the key, or the network.
        """
        client = self._client.with_options(priority="bulk")
        journal, clock = self._journal, ServerClock()
        options = self._options()
        if reconcile_after is not None:
            options = attrs.evolve(options, reconcile_after=reconcile_after)
        await clock.read(client)
        await journal.recover(clock.now())
        await reconcile_journal(Reconciler(client, journal, options, clock))
        return await self._refresh()

    # what the journal knows

    def report(self) -> Report:
        """Return what became of the rows so far, as it was when the last run ended."""
        if self._report is None:
            raise ConfigurationError("the job is not open: async with Job(...) as job")
        return self._report

    async def results(self, *outcomes: Outcome) -> AsyncGenerator[RowResult, None]:
        """Yield what became of each row so far, in the order of the input.

        Args:
            outcomes: Only rows of these outcomes; by default all.
        """
        journal, start = self._journal, 0
        while start < journal.row_count:
            entries = await journal.entries(EntryQuery(start=start, limit=1_000))
            for entry in entries:
                result = make_row_result(entry)
                if not outcomes or result.outcome in outcomes:
                    yield result
            start = entries[-1].row_index + 1

    def is_unchanged(self, file: Path) -> bool:
        """Return whether a file is as `note_written` has seen it last."""
        return file.exists() and self._written_files().get(str(file.resolve())) == _stamp(file)

    async def note_written(self, *files: Path) -> None:
        """Remember size and time of files about the job; see `is_unchanged`."""
        stamps = {str(file.resolve()): _stamp(file) for file in files}
        await self._journal.save_settings(files=self._written_files() | stamps)

    def _written_files(self) -> dict[str, list[int]]:
        return cast("dict[str, list[int]]", self._journal.setting("files") or {})

    def _options(self) -> JobOptions:
        if self._work is not None:
            return self._work.options
        stored = self._journal.setting("options")
        return JobOptions.from_json(stored) if stored else JobOptions()

    # opening and closing

    async def __aenter__(self) -> Self:
        if self._work is None and self._path is not None and not self._path.exists():
            raise JournalUnusable(f"there is no journal {self._path}; a job with rows makes one")
        self._opened = await Journal.open(self._path)
        try:
            await self._refresh()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        """End what is running, and close the journal. Calling it twice is fine."""
        if self._running is not None:
            await self._running.close()
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.close()

    @property
    def _journal(self) -> Journal:
        if self._opened is None:
            raise ConfigurationError("the job is not open: async with Job(...) as job")
        return self._opened

    def _required_work(self) -> Work:
        if self._work is None:
            raise ConfigurationError(
                "a job from Job.open has no rows: make it with Job(client, rows, journal=...)"
            )
        return self._work

    async def _refresh(self) -> Report:
        self._report = await report_of_journal(self._journal)
        return self._report

    async def _claim_journal(self, work: Work) -> None:
        """Store in the journal what it belongs to, or refuse if it belongs to another job."""
        journal = self._journal
        project = self._project or await self._client.fingerprint(journal.salt)
        now = await asyncio.to_thread(work.identity, project)
        stored = journal.identity
        if stored is not None and journal.row_count:  # without rows, nothing was sent yet
            if self._new_key:
                stored = attrs.evolve(stored, project=now.project)
            differences = stored.differences(now)
            if differences:
                name = self._path.name if self._path else "in memory"
                raise JournalMismatch(
                    f"the journal {name} belongs to another job: {'; '.join(differences)}. "
                    "Nothing was sent."
                )
        await journal.save_identity(
            now, options=work.options.as_json(), columns=list(work.source.columns)
        )


def _stamp(file: Path) -> list[int]:
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _is_source(rows: Source | Rows) -> TypeGuard[Source]:
    return hasattr(rows, "records") and hasattr(rows, "fingerprint")
