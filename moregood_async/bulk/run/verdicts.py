"""What the API shows of a request whose response was lost. Decisions only.

An ask shows by its messages, which the API creates when it accepts the ask [I]. A charge cannot be
read back; it shows by the customer's number of charges [O], if the journal has the number before
it and nothing else charges meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.models.customers import Customer
from moregood_async.models.messages import Message

SKEW_SECONDS: Final = 2.0
"""By how much the clocks of the API's own machines may differ."""


class Verdict(Enum):
    """What the API shows of a request whose response was lost."""

    APPLIED = "applied"
    NOT_APPLIED = "not applied"
    """There is no trace of the request, and the time in which it could show is over."""
    TOO_EARLY = "too early"
    """There is no trace of the request yet."""
    UNCLEAR = "unclear"


def judge_ask(entry: JournalEntry, messages: Iterable[Message]) -> Verdict:
    """Return whether the messages of the customer show that the ask was applied.

    It was if a message of one of its channels was created at its time or later. A message without
    a time counts: in doubt nobody is asked again. A message whose ask has older messages does not
    count: it is a reminder of an earlier ask.
    """
    since = int((entry.intended_at or 0.0) - SKEW_SECONDS)
    channels = entry.channels.split(",")
    all_messages = list(messages)
    old = [message for message in all_messages if _is_older(message, since)]
    earlier_asks = {message.ask_id for message in old} - {None}
    for message in all_messages:
        is_ours = message.channel is None or message.channel in channels
        if is_ours and not _is_older(message, since) and message.ask_id not in earlier_asks:
            return Verdict.APPLIED
    return Verdict.NOT_APPLIED


def _is_older(message: Message, since: int) -> bool:
    return message.created_at is not None and message.created_at.timestamp() < since


def judge_charge(entry: JournalEntry, customer: Customer, *, has_dates: bool) -> Verdict:
    """Return whether the customer shows that the charge was applied.

    It was if the customer has exactly one charge more than before, and the last one is as new.

    Args:
        entry: The row, with what the API said before the charge.
        customer: The customer as it is now.
        has_dates: Whether charges have a day of their own, which need not be the latest.
    """
    before, after = entry.charges_before, customer.charges_count
    if before is None or after is None:
        return Verdict.UNCLEAR
    if after == before:
        return Verdict.NOT_APPLIED
    last = customer.last_charged_at.timestamp() if customer.last_charged_at else None
    is_new = last is not None and last >= int((entry.intended_at or 0.0) - SKEW_SECONDS)
    return Verdict.APPLIED if after == before + 1 and (is_new or has_dates) else Verdict.UNCLEAR
