"""`RowTask`, a row in work, and how a record of the input becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import attrs

from moregood_async.bulk.contacts import contact_keys
from moregood_async.bulk.importing.rows import Record, Row, describe_problems
from moregood_async.bulk.importing.sources import Source
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.errors import JournalMismatch
from moregood_async.bulk.journal.states import SkipReason, State, Step
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.templates import AskTemplate
from moregood_async.errors import InvalidRequest
from moregood_async.models.asks import AskCreate
from moregood_async.models.charges import ChargeCreate
from moregood_async.models.customers import CustomerUpsert
from moregood_async.models.fields import Channel


@attrs.define(eq=False)
class RowTask:
    """A row in work: its journal entry, which it owns, and what only memory holds."""

    entry: JournalEntry
    customer: CustomerUpsert | None = attrs.field(default=None, repr=False)
    charge: ChargeCreate | None = attrs.field(default=None, repr=False)
    ask: AskCreate | None = attrs.field(default=None, repr=False)
    contact_keys: tuple[str, ...] = attrs.field(default=(), repr=False)
    """The contact keys of the row's person."""
    claimed_keys: tuple[str, ...] = attrs.field(default=(), repr=False)
    """The contact keys that make later rows duplicates of this one."""
    not_before: float = 0.0
    """Server time until which the row rests after an attempt without effect."""
    checks: int = 0
    """How often the API was read since the response was lost."""
    failed_checks: int = 0
    """How often reading the API failed."""
    is_fresh: bool = False
    """Whether the customer was read in this run, and after everything that may have asked."""
    asked_meanwhile: bool = False
    """Whether the API says that the customer was asked since the job began."""
    is_counted: bool = False
    """Whether the row counts towards ``max_asks``."""
    blocked_by: int = 0
    """How many earlier rows of the same person are not over; owned by the `Scheduler`."""
    dependents: list[RowTask] = attrs.field(factory=list["RowTask"], repr=False)
    """Later rows of the same person, which wait for this one; owned by the `Scheduler`."""
    person_keys: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    """The contact keys of this row and its predecessors; owned by the `Scheduler`."""


def new_task(
    row_index: int, record: Record, digest: bytes, source: Source, options: JobOptions
) -> RowTask:
    """Return the task of a row that the journal does not know yet.

    Its entry is REJECTED if the row cannot be sent as it is.
    """
    row = source.row(record)
    try:
        customer = row.customer()
        charge = _charge_of(customer, record, source, options)
    except InvalidRequest as error:
        rejected = JournalEntry(row_index, record.line, digest)
        rejected.reject(describe_problems(error.fields, source.mapping))
        return RowTask(rejected)
    channels, reason = _channels_of(customer, row, options.ask)
    entry = JournalEntry(
        row_index,
        record.line,
        digest,
        idempotent=customer.idempotent,
        has_charge=charge is not None,
        channels=",".join(channels),
        skip_reason=reason,
        warning="; ".join(row.warnings),
    )
    keys = contact_keys(customer)
    # A row that cannot ask its person claims nothing: a later row may be able to. Who has opted
    # out in one row is not asked by a later one, so such a row claims.
    claimed = () if reason is SkipReason.UNREACHABLE else keys
    return _task(entry, customer, charge, options, contact_keys=keys, claimed_keys=claimed)


def known_task(entry: JournalEntry, record: Record, source: Source, options: JobOptions) -> RowTask:
    """Return the task of a row that an earlier run has registered and not ended.

    Raises:
        JournalMismatch: The row was sendable then, and is not now.
    """
    entry.begin_run()
    try:
        customer = source.row(record).customer()
        charge = _charge_of(customer, record, source, options)
    except InvalidRequest as error:
        raise JournalMismatch(
            f"row {entry.row_index + 1:,} (line {entry.line:,}) could be sent when the job began, "
            "and cannot be now: finish the job with the version of moregood_async that began it; "
            "nothing was sent for this row"
        ) from error
    task = _task(entry, customer, charge, options, contact_keys=contact_keys(customer))
    # It may have been asked already, so it counts towards max_asks before anything is sent.
    task.is_counted = entry.step is Step.ASK and entry.state is State.UNKNOWN
    return task


def _task(
    entry: JournalEntry,
    customer: CustomerUpsert,
    charge: ChargeCreate | None,
    options: JobOptions,
    **keys: Any,
) -> RowTask:
    ask = None
    if options.ask is not None and entry.should_ask:
        ask = options.ask.create(customer, cast("list[Channel]", entry.channels.split(",")))
    return RowTask(entry, customer, charge, ask, **keys)


def _charge_of(
    customer: CustomerUpsert, record: Record, source: Source, options: JobOptions
) -> ChargeCreate | None:
    if options.charge is None:
        return None
    values = record.values
    if isinstance(values, Mapping):
        return options.charge.create(customer, values)
    return options.charge.create(customer, dict(zip(source.columns, values, strict=False)))


def _channels_of(
    customer: CustomerUpsert, row: Row, template: AskTemplate | None
) -> tuple[tuple[Channel, ...], SkipReason | None]:
    """Return the channels of the row's ask, and why it is not sent if it is not.

    A row that is not asked keeps the channels of the template, so that reports count it.
    """
    if template is None:
        return (), None
    reachable = template.reachable_channels(customer)
    left: tuple[Channel, ...] = tuple(
        channel for channel in reachable if channel not in row.opted_out
    )
    if not reachable:
        return tuple(template.channels), SkipReason.UNREACHABLE
    if not left:
        return tuple(template.channels), SkipReason.OPTED_OUT
    return left, SkipReason.HELD if row.held else None
