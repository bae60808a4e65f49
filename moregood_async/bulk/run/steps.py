"""`StepRunner`: does the actions of one row: intends, sends, checks and reconciles."""

from __future__ import annotations

import time
from contextlib import suppress
from enum import Enum, auto
from typing import Final

import attrs

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.journal import Journal
from moregood_async.bulk.journal.states import Event, SkipReason, State, Step
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.run.actions import (
    MAX_ATTEMPTS,
    Action,
    already_asked,
    classify_error,
    delay_after,
    error_name,
)
from moregood_async.bulk.run.counters import RunCounters
from moregood_async.bulk.run.reconcile import Reconciler
from moregood_async.bulk.run.row import RowTask
from moregood_async.bulk.run.server_clock import ServerClock
from moregood_async.bulk.run.stop_switch import StopSwitch
from moregood_async.bulk.run.verdicts import Verdict
from moregood_async.client import MoreGoodClient
from moregood_async.errors import Drained, MoreGoodError
from moregood_async.models.asks import Ask
from moregood_async.models.charges import Charge
from moregood_async.models.customers import Customer
from moregood_async.privacy import masked

MAX_ERROR_CHARACTERS: Final = 500
"""Of an error that the journal stores. Longer ones are web pages of proxies."""

GAVE_UP: Final = "attempted too often, always without effect"
NOT_READ: Final = "the API could not be read"


class Next(Enum):
    """How a row goes on after an action."""

    DECIDE = auto()
    """Decide on the next action."""
    REST = auto()
    """Nothing more is done in this run: the row is over, unknown for good, or the run stops."""


@attrs.frozen(kw_only=True)
class RunContext:
    """What all parts of one run share."""

    client: MoreGoodClient
    """A view that counts the run's requests and that the stop switch drains."""
    journal: Journal
    options: JobOptions
    clock: ServerClock
    switch: StopSwitch
    counters: RunCounters
    job_began_at: float
    """On the server's clock. Whoever was asked later was asked by this job or by something else."""


class StepRunner:
    """Does actions of rows, any number of rows at the same time."""

    def __init__(self, context: RunContext, *, asks: int) -> None:
        self._context = context
        self._client = context.client
        self._journal = context.journal
        self._clock = context.clock
        self._switch = context.switch
        self._counters = context.counters
        self._asks = asks
        """People who were asked by this job, may have been, or are about to be."""
        self._reconciler = Reconciler(
            context.client, context.journal, context.options, context.clock
        )

    async def do(self, action: Action, task: RowTask) -> Next:
        """Do one action of a row."""
        match action:
            case Action.SEND:
                return await self._send(task)
            case Action.CHECK_ASKED:
                return await self._check_asked(task)
            case Action.RECONCILE:
                return await self._reconcile(task)
            case Action.RESEND:
                task.entry.resend()
                return await self._send(task)
            case Action.GIVE_UP:
                entry = task.entry
                entry.give_up(f"{GAVE_UP}: {entry.error}", entry.error_class)
                self._journal.record(entry)
            case Action.LEAVE:
                pass
        return Next.REST

    # sending

    async def _send(self, task: RowTask) -> Next:
        entry = task.entry
        if entry.state is State.READY:
            if not await self._intend(task):
                return Next.REST
            entry = task.entry
        step, sent_at, began = entry.step, self._clock.now(), time.monotonic()
        # The rule that protects people: a request is sent only while its row is INTENDED, and
        # `_intend` or `Journal.register` has made that durable.
        assert entry.state is State.INTENDED, entry.state  # noqa: S101
        try:
            response = await self._request(task)
        except Exception as error:  # noqa: BLE001 - it is the row's error, and stored with it
            return self._fail(task, error)
        finally:
            self._counters.add_time(step.name.lower(), began)
        if isinstance(response, Customer):
            self._read_customer(task, response)
            charged = response.last_charged_at
            entry.record_customer(
                response.id,
                response.charges_count,
                charged.timestamp() if charged else None,
                sent_at,
            )
        entry.succeed(self._clock.now())
        # After an upsert there is nothing to lose: the next step's INTENDED stores it too.
        if entry.is_over or step is Step.CHARGE or self._switch.is_on:
            self._journal.record(entry)
        return Next.REST if entry.is_over else Next.DECIDE

    async def _request(self, task: RowTask) -> Customer | Charge | Ask:
        """Send the request of the current step."""
        if task.entry.step is Step.UPSERT:
            return await self._upsert(task)
        if task.entry.step is Step.CHARGE:
            assert task.charge is not None  # noqa: S101 - a step without a value is never entered
            return await self._client.charges.create(task.charge)
        assert task.ask is not None  # noqa: S101
        return await self._client.asks.create(task.ask)

    async def _upsert(self, task: RowTask) -> Customer:
        """Upsert the row's customer. An idempotent one may be sent at any time, to read it."""
        assert task.customer is not None  # noqa: S101 - a rejected row has no actions
        return await self._client.customers.upsert(task.customer)

    def _fail(self, task: RowTask, error: Exception) -> Next:
        entry, error_class, now = task.entry, classify_error(error), self._clock.now()
        entry.fail(error_class.event, error_text(error), error_class.name, now)
        if entry.state is State.UNKNOWN:
            task.checks = 0
        elif entry.state is State.READY:
            task.not_before = now + delay_after(max(1, entry.attempts))
            if not error_class.is_fatal:
                self._switch.record(error_class.name, entry.error)
        self._journal.record(entry)
        if error_class.is_fatal:
            self._switch.stop(error)
        return Next.REST if entry.is_over else Next.DECIDE

    # intending

    async def _intend(self, task: RowTask) -> bool:
        """Make the current step INTENDED, durably; return whether it may be sent."""
        if self._clock.is_stale:
            with suppress(MoreGoodError):  # the old reading is before the server's time: safe
                await self._clock.read(self._client)
        if task.entry.step is Step.ASK:
            return await self._intend_ask(task)
        await self._journal.intend(task.entry, self._clock.now())
        return True

    async def _intend_ask(self, task: RowTask) -> bool:
        entry, max_asks = task.entry, self._context.options.max_asks
        if not task.is_counted and not task.asked_meanwhile:
            if max_asks is not None and self._asks >= max_asks:
                entry.skip(SkipReason.MAX_ASKS)
                self._journal.record(entry)
                return False
            self._asks += 1  # before the commit is awaited, so that no other row takes the place
            task.is_counted = True
        task.entry = await self._journal.intend_ask(
            entry, self._clock.now(), asked_meanwhile=task.asked_meanwhile
        )
        may_send = task.entry.state is State.INTENDED
        if not may_send:
            self._asks -= task.is_counted
        return may_send

    # reading the API

    async def _check_asked(self, task: RowTask) -> Next:
        """Read the customer by one more upsert, and skip the ask if something else has asked."""
        entry, began = task.entry, time.monotonic()
        try:
            customer = await self._upsert(task)
        except Exception as error:  # noqa: BLE001 - it is the row's error, and stored with it
            if self._should_read_again(task, error):
                return Next.DECIDE
            if not self._switch.is_on:
                entry.give_up(f"{NOT_READ}: {error_text(error)}", error_name(error))
                self._journal.record(entry)
            return Next.REST
        finally:
            self._counters.add_time("upsert", began)
        self._read_customer(task, customer)
        if not entry.is_over:
            return Next.DECIDE
        self._journal.record(entry)
        return Next.REST

    def _read_customer(self, task: RowTask, customer: Customer) -> None:
        """Learn from the customer, as it is now, whether it was asked already."""
        reason = already_asked(
            customer.last_asked_at,
            self._context.options,
            now=self._clock.now(),
            began_at=self._context.job_began_at,
        )
        task.is_fresh = True
        # By this job or by something else: `Journal.intend_ask` finds out which.
        task.asked_meanwhile = reason is SkipReason.ASKED_MEANWHILE
        if reason is SkipReason.ASKED_RECENTLY and task.entry.should_ask:
            task.entry.skip(reason)

    async def _reconcile(self, task: RowTask) -> Next:
        entry, began = task.entry, time.monotonic()

        async def find_customer(_: JournalEntry) -> Customer | None:
            return await self._upsert(task)  # idempotent, and its response has the counts

        try:
            verdict = await self._reconciler.reconcile(entry, find_customer)
        except Exception as error:  # noqa: BLE001 - it is the row's error, and stored with it
            if isinstance(error, Drained):
                return Next.REST
            entry.explain(f"{NOT_READ}: {error_text(error)}")
            if self._should_read_again(task, error):
                return Next.DECIDE
            self._journal.record(entry)
            return Next.REST
        finally:
            self._counters.add_time("reconcile", began)
        if verdict is Verdict.TOO_EARLY:
            task.checks += 1
        elif verdict is Verdict.NOT_APPLIED:
            task.not_before, task.is_fresh = 0.0, False
        return Next.REST if entry.is_over or verdict is Verdict.UNCLEAR else Next.DECIDE

    def _should_read_again(self, task: RowTask, error: Exception) -> bool:
        """Return whether to read again after a delay; stop the run if the API is unusable."""
        if isinstance(error, Drained):
            return False
        error_class = classify_error(error)
        if error_class.is_fatal:
            self._switch.stop(error)
        else:
            self._switch.record(error_class.name, error_text(error))
        task.failed_checks += 1
        task.not_before = self._clock.now() + delay_after(task.failed_checks)
        return error_class.event is not Event.FAIL and task.failed_checks < MAX_ATTEMPTS


def error_text(error: Exception) -> str:
    """Return an error for the journal: what happened, masked, on one line of bounded length."""
    text = error.problem if isinstance(error, MoreGoodError) else masked(str(error))
    return " ".join((text or type(error).__name__).split())[:MAX_ERROR_CHARACTERS]
