"""A job: a file's customers saved, charged and asked, with a journal that survives everything."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeGuard, cast

import attrs

from moregood_async.bulk.asking import AskTemplate
from moregood_async.bulk.belonging import Belonging
from moregood_async.bulk.charging import ChargeTemplate
from moregood_async.bulk.clocks import CLOCK_BEHIND_SECONDS, ServerClock
from moregood_async.bulk.engine import Engine, Spent
from moregood_async.bulk.events import Events, Meter
from moregood_async.bulk.importing.sources import Source, read_items
from moregood_async.bulk.intake import Intake
from moregood_async.bulk.journal import Journal, JournalMismatch
from moregood_async.bulk.journal.writer import unbroken
from moregood_async.bulk.looking_up import look_up
from moregood_async.bulk.orders import SETTLE_AFTER_SECONDS, OnUnknown, Orders
from moregood_async.bulk.outcomes import Counts, Progress, RowEnd
from moregood_async.bulk.planning import Plan, PlanChanged, plan_of
from moregood_async.bulk.report import Report, read_report
from moregood_async.bulk.states import Step
from moregood_async.client import MoreGoodClient
from moregood_async.errors import ConfigurationError
from moregood_async.models.customers import CustomerUpsert

Rows = (
    Iterable[Mapping[str, Any] | CustomerUpsert] | AsyncIterable[Mapping[str, Any] | CustomerUpsert]
)


class Job:
    """Customers saved and asked, each exactly once, whatever is killed in between.

    ::

        async with MoreGoodClient() as client, Job(client, journal="spring.journal") as job:
            job.upsert_customers(
                read_csv("customers.csv"), then_ask=AskTemplate(channels=["email"])
            )
            async for event in job.run():
                print(event.done, event.failed, event.eta)
            print(job.report())

    Running the same program again goes on where it stopped: rows that are done are skipped, and
    what became of a request that lost its answer is looked up before it is sent again.

    Args:
        client: Its key says whose customers these are.
        journal: The journal's file, made where there is none; None keeps it in memory, for runs
            that need not survive the process.
        keep_rows: Also keep the rows themselves in the journal, in clear.
        project: A name for the project, for keys that change by themselves; by default a hash of
            the key stands for it.
        new_key: The project's key was replaced since the journal was made.
    """

    def __init__(
        self,
        client: MoreGoodClient,
        journal: str | os.PathLike[str] | None = None,
        *,
        keep_rows: bool = False,
        project: str | None = None,
        new_key: bool = False,
    ) -> None:
        self._client = client.with_options(priority="bulk")
        self._path = None if journal is None else Path(journal)
        self._keep_rows = keep_rows
        self._project = project
        self._new_key = new_key
        self._opened: Journal | None = None
        self._task: tuple[Source, Orders] | None = None
        self._engine: Engine | None = None
        self._events: Events | None = None
        self._report: Report | None = None
        self._running = False

    # what is to be done

    def upsert_customers(
        self,
        rows: Source | Rows,
        *,
        then_charge: ChargeTemplate | None = None,
        then_ask: AskTemplate | None = None,
        not_asked_within: timedelta | None = None,
        max_asks: int | None = None,
        on_unknown: OnUnknown = "settle",
        settle_after: float = SETTLE_AFTER_SECONDS,
    ) -> None:
        """Say what the job does; `run` does it, and `plan` says what that would be.

        Args:
            rows: What a reader such as `read_csv` gives, or mappings of a customer's fields, or
                `CustomerUpsert` values, in any iterable or async iterable.
            then_charge: Record what each row's customer paid.
            then_ask: Ask each customer for a review; the same person once.
            not_asked_within: Leave out who was asked within this time, by whatever.
            max_asks: Ask no more people than this, all runs together.
            on_unknown: What happens to an ask or charge whose answer was lost: ``settle`` looks
                up what became of it; ``hold`` leaves it; ``resend`` risks a second one.
            settle_after: Seconds after which a lost one that shows nowhere has not happened.

        Raises:
            ConfigurationError: Something cannot be as given, or the job has its rows already.
        """
        if self._task is not None:
            raise ConfigurationError("a job has one input; make another Job for the next")
        source = rows if _is_source(rows) else read_items(cast("Rows", rows))
        orders = Orders(
            ask=then_ask,
            charge=then_charge,
            not_asked_within=not_asked_within,
            max_asks=max_asks,
            on_unknown=on_unknown,
            settle_after=settle_after,
        )
        if then_charge is not None:
            then_charge.check(source.columns)
        self._task = source, orders

    async def plan(self) -> Plan:
        """What a run would do. Nothing is sent but what reads; see `Plan`."""
        source, orders = self._told()
        await self._belongs(source, orders)
        return await plan_of(self._client, self._journal, source, orders)

    # doing it

    async def run(self, *, confirm: str | None = None) -> AsyncGenerator[Progress, None]:
        """Do it, or go on with it. Gives an event for each row that ends, and one a second.

        Leaving the loop, or cancelling it, stops at once, resumably; `stop` lets what is under
        way finish.

        Args:
            confirm: The digest of a plan: run only if the plan is still the same.

        Raises:
            PlanChanged: It is not; nothing was sent.
            JournalMismatch: The journal belongs to something else; nothing was sent.
            StoppedItself: Too much failed in the same way.
            MoreGoodError: The API cannot be used: the key, or the network.
        """
        source, orders = self._told()
        journal = self._journal
        if self._running:
            raise ConfigurationError("this job is running already")
        if confirm is not None:
            now = await self.plan()
            if now.digest != confirm:
                raise PlanChanged(
                    f"the plan is {now.digest} now, not {confirm}: the input, the orders, what is "
                    "done, or who was asked meanwhile has changed",
                    plan=now,
                )
        self._running = True
        try:
            belonging = await self._belongs(source, orders)
            same_file = belonging.digest is not None
            intake = Intake(source, journal, orders, keep_rows=self._keep_rows, same_file=same_file)
            async with aclosing(self._run(intake, orders, source.total())) as events:
                async for event in events:
                    yield event
        finally:
            self._running = False

    async def _run(
        self, intake: Intake, orders: Orders, total: int | None
    ) -> AsyncGenerator[Progress, None]:
        journal, clock, spent = self._journal, ServerClock(), Spent()
        before, began = self._client.pace, time.time()
        number, how = await journal.begins(began), "interrupted"
        try:
            spent.calls += 1
            await clock.learn(self._client)
            journal.is_alive(clock.now)
            since = await journal.since(clock.now() + CLOCK_BEHIND_SECONDS)
            counts = await self._begin(orders)
            engine = self._engine = Engine(
                self._client,
                journal,
                intake,
                orders,
                clock,
                since=since,
                asked=counts.asked + counts.maybe_asked,
                spent=spent,
            )
            meter = Meter(counts, total, engine, self._client)
            self._events = Events(engine, journal, meter)
            async with aclosing(self._events.all()) as events:
                async for event in events:
                    yield event
            if engine.stopped_by is not None:
                raise engine.stopped_by
            how = "stopped" if engine.is_stopping else "complete"
            if how == "complete":
                await journal.remember(whole=True)
        except Exception as error:
            how = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._engine = self._events = None
            figures = _figures(before, self._client.pace, spent)
            await unbroken(self._end(number, how, figures))

    async def _begin(self, orders: Orders) -> Counts:
        """Settle what died, reopen what a cap left, and count what is over."""
        journal = self._journal
        maybe = sum(entry.step is Step.ASK for entry in await journal.unsettled())
        report, most = self.report(), orders.max_asks
        if "cap" in report.unasked:
            left = None if most is None else most - report.people_asked - maybe
            await journal.reopen_capped(left)
            report = await self._refresh()
        return Counts(  # those that are unknown will end once more
            done=report.done,
            failed=report.failed,
            rejected=report.rejected,
            asked=report.people_asked,
            maybe_asked=maybe,
        )

    async def _end(self, number: int, how: str, figures: dict[str, Any]) -> None:
        if self._opened is not None:
            await self._opened.ends(number, how, figures)
            await self._refresh()

    def stop(self) -> None:
        """Finish what is under way, and end the run; it can be resumed."""
        if self._engine is not None:
            self._engine.stop()

    async def retry(self) -> int:
        """Let the rows that failed be tried once more by the next run; gives how many."""
        number = await self._journal.retry()
        await self._refresh()
        return number

    async def settle(self, *, settle_after: float | None = None) -> Report:
        """Look up what became of every unknown ask and charge; nothing is sent.

        It takes up to ``settle_after`` seconds, by default those of the job. What has not happened
        is sent by the next run.
        """
        journal, clock = self._journal, ServerClock()
        orders = self.orders or Orders()
        if settle_after is not None:
            orders = attrs.evolve(orders, settle_after=settle_after)
        await clock.learn(self._client)
        await look_up(self._client, journal, orders, clock)
        return await self._refresh()

    def report(self) -> Report:
        """What became of the rows so far, as it stood when the last run ended."""
        if self._report is None:
            raise ConfigurationError("the job is not open: async with Job(...) as job")
        return self._report

    async def rows(self, *outcomes: str) -> AsyncGenerator[RowEnd, None]:
        """How each row ended so far, in the order of the input; only those of some outcomes."""
        journal, place = self._journal, 0
        while place < journal.known:
            entries = await journal.select("place >= ?", place, limit=1_000)
            for entry in entries:
                end = RowEnd.of(entry)
                if not outcomes or end.outcome in outcomes:
                    yield end
            place = entries[-1].place + 1

    # what the journal knows of the job

    @property
    def belonging(self) -> Belonging | None:
        """The input, orders and project of the journal; None before the first run or plan."""
        known = self._journal.about("belonging")
        return Belonging(**known) if known else None

    @property
    def orders(self) -> Orders | None:
        """What the job was told last; None before the first run or plan."""
        known = self._journal.about("orders")
        return Orders.of(known) if known else None

    @property
    def keeps_rows(self) -> bool:
        """Whether the journal keeps the rows themselves."""
        return self._keep_rows

    def wrote(self, path: Path) -> bool:
        """Whether a file is as this job wrote it, and nobody has changed it since."""
        return path.exists() and self._stamps().get(str(path.resolve())) == _stamp(path)

    async def note_written(self, *paths: Path) -> None:
        """Remember files about the job that were written just now; see `wrote`."""
        stamps = {str(path.resolve()): _stamp(path) for path in paths}
        await self._journal.remember(files=self._stamps() | stamps)

    def _stamps(self) -> dict[str, list[int]]:
        return cast("dict[str, list[int]]", self._journal.about("files") or {})

    # opening and closing

    async def __aenter__(self) -> Self:
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
        """End what still runs, and close the journal; twice is fine."""
        if self._events is not None:
            await self._events.close()
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.close()

    @property
    def _journal(self) -> Journal:
        if self._opened is None:
            raise ConfigurationError("the job is not open: async with Job(...) as job")
        return self._opened

    def _told(self) -> tuple[Source, Orders]:
        if self._task is None:
            raise ConfigurationError("say what to do first: job.upsert_customers(...)")
        return self._task

    async def _refresh(self) -> Report:
        self._report = await self._journal.query(lambda c: read_report(c, self._path))
        return self._report

    async def _belongs(self, source: Source, orders: Orders) -> Belonging:
        """What the job belongs to; the journal belongs to the same."""
        journal = self._journal
        project = self._project or await self._client.fingerprint(journal.salt)
        now = await asyncio.to_thread(Belonging.of, source, orders, project)
        known = journal.about("belonging")
        was = Belonging(**known) if known and journal.known else now  # else nothing was sent yet
        if self._new_key:
            was = attrs.evolve(was, project=now.project)
        differences = was.differs(now)
        if differences:
            name = self._path.name if self._path else "in memory"
            raise JournalMismatch(
                f"the journal {name} belongs to another job: {'; '.join(differences)}. "
                "Nothing was sent."
            )
        await journal.remember(
            belonging=attrs.asdict(now), orders=orders.kept(), columns=list(source.columns)
        )
        return now


def _stamp(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _is_source(rows: Source | Rows) -> TypeGuard[Source]:
    return hasattr(rows, "records") and hasattr(rows, "fingerprint")


def _figures(before: Any, after: Any, spent: Spent) -> dict[str, Any]:
    requests = after.sent - before.sent
    return {
        "requests": requests,
        "refused": after.throttled - before.throttled,
        "retries": max(0, requests - spent.calls),
        "phases": {phase: round(seconds, 3) for phase, seconds in spent.seconds.items()},
    }
