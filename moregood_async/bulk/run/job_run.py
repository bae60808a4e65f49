"""`JobRun`: one run of a job, from the open journal to the record of how the run ended."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import attrs

from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.journal.identity import JobIdentity
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.states import SkipReason
from moregood_async.bulk.journal.storage import RunRecord
from moregood_async.bulk.journal.writer import run_to_end
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.report import Report, report_of_journal
from moregood_async.bulk.run.counters import RunCounters
from moregood_async.bulk.run.engine import Engine
from moregood_async.bulk.run.progress import Counts, Meter, Progress, ProgressStream
from moregood_async.bulk.run.reader import RowReader
from moregood_async.bulk.run.server_clock import MAX_BEHIND_SECONDS, ServerClock
from moregood_async.bulk.run.steps import RunContext
from moregood_async.bulk.run.stop_switch import StopSwitch
from moregood_async.client import MoreGoodClient


@attrs.frozen
class Work:
    """What a job does: its rows and options."""

    source: Source
    options: JobOptions
    keep_rows: bool

    def identity(self, project: str) -> JobIdentity:
        """Return the identity of the job now. Reads the input file once."""
        source = self.source
        fingerprint = source.fingerprint()
        return JobIdentity(
            name=source.name,
            path=str(Path(source.path).resolve()) if source.path else None,
            size=fingerprint.size if fingerprint else None,
            digest=fingerprint.digest if fingerprint else None,
            reading=source.options(),
            options=self.options.fixed(),
            keep_rows=self.keep_rows,
            project=project,
        )


class JobRun:
    """One run. The journal belongs to this job already, and is open as long as the run."""

    def __init__(self, client: MoreGoodClient, journal: Journal, work: Work) -> None:
        self._switch = StopSwitch()
        self._counters = RunCounters()
        self._client = client.with_options(
            priority="bulk",
            drain=self._switch.drain,
            middlewares=(*client.middlewares, self._counters.count_request),
        )
        self._journal = journal
        self._work = work
        self._clock = ServerClock()
        self._stream: ProgressStream | None = None

    def stop(self) -> None:
        """Stop: requests in flight finish, queued ones are drained."""
        self._switch.stop()

    async def close(self) -> None:
        """Cancel what is under way. Calling it twice is fine."""
        if self._stream is not None:
            await self._stream.close()

    async def events(self) -> AsyncGenerator[Progress, None]:
        """Run to the end, and record in the journal how the run ended.

        Raises:
            TooManyFailures: The circuit breaker stopped the run.
            MoreGoodError: The API, the journal or the input cannot be used.
        """
        journal, began_at = self._journal, time.time()
        run_id, ending = await journal.storage.begin_run(began_at), "interrupted"
        try:
            report = await self._recover()
            async with aclosing(self._progress(report)) as events:
                async for progress in events:
                    yield progress
            if self._switch.stopped_by is not None:
                raise self._switch.stopped_by
            ending = "stopped" if self._switch.is_on else "complete"
            if ending == "complete":
                await journal.save_settings(is_input_complete=True)
        except Exception as error:
            ending = f"{type(error).__name__}: {error}"
            raise
        finally:
            counters = self._counters.as_json()
            record = RunRecord(
                began_at=began_at, ended_at=time.time(), ending=ending, counters=counters
            )
            if not journal.is_closed:  # the job was closed before its loop was left
                await run_to_end(journal.storage.end_run(run_id, record))

    async def _recover(self) -> Report:
        """Bring the journal into the state from which a run goes on; return its report.

        Whatever was INTENDED when a process ended becomes UNKNOWN, or READY if idempotent. Rows
        that an earlier ``max_asks`` has skipped are reopened if the limit is higher now.
        """
        journal, clock, max_asks = self._journal, self._clock, self._work.options.max_asks
        await clock.read(self._client)
        await journal.recover(clock.now())
        journal.storage.start_heartbeat(clock.now)
        report = await report_of_journal(journal)
        if SkipReason.MAX_ASKS not in report.skipped:
            return report
        left = None if max_asks is None else max_asks - await journal.storage.count_asks()
        await journal.reopen_skipped(None if left is None else max(0, left))
        return await report_of_journal(journal)

    async def _progress(self, report: Report) -> AsyncGenerator[Progress, None]:
        journal, work = self._journal, self._work
        context = RunContext(
            client=self._client,
            journal=journal,
            options=work.options,
            clock=self._clock,
            switch=self._switch,
            counters=self._counters,
            job_began_at=await journal.job_began_at(self._clock.now() + MAX_BEHIND_SECONDS),
        )
        reader = RowReader(work.source, journal, work.options, keep_rows=work.keep_rows)
        engine = Engine(context, reader, asks=await journal.storage.count_asks())
        meter = Meter(Counts.of(report), work.source.total(), engine, context)
        self._stream = ProgressStream(engine, meter, context)
        async with aclosing(self._stream.events()) as events:
            async for progress in events:
                yield progress
