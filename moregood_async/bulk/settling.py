"""Whether an ask or a charge whose answer was lost has happened, by what the API shows.

Decisions only. An ask shows by its messages, which are created when it is accepted. A charge
cannot be read back; it shows by the customer's count of charges, where this job knows the count
before it and nobody else charges meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from moregood_async.bulk.journal.entry import Entry
from moregood_async.models.customers import Customer
from moregood_async.models.messages import Message

SKEW_SECONDS: Final = 2.0
"""By how much the clocks of the API's own machines may differ."""


class Verdict(Enum):
    """What the API shows."""

    HAPPENED = "happened"
    NOT = "not"
    """There is no trace of it: it has not happened, if there was time enough."""
    UNCLEAR = "unclear"


def ask_verdict(entry: Entry, messages: Iterable[Message]) -> Verdict:
    """An ask has happened where one of its channels has a message from then or later.

    A message without a time counts: when in doubt, nobody is asked again. One that belongs to
    an ask with messages from before does not, such as a reminder of that ask.
    """
    since = int((entry.intended_at or 0.0) - SKEW_SECONDS)
    channels = entry.channels.split(",")
    listed = list(messages)
    earlier = {
        message.ask_id
        for message in listed
        if message.created_at is not None and message.created_at.timestamp() < since
    }
    for message in listed:
        fits = message.channel is None or message.channel in channels
        is_old = message.created_at is not None and message.created_at.timestamp() < since
        of_another = message.ask_id is not None and message.ask_id in earlier
        if fits and not is_old and not of_another:
            return Verdict.HAPPENED
    return Verdict.NOT


def charge_verdict(entry: Entry, now: Customer, *, dated: bool) -> Verdict:
    """A charge has happened where the customer has exactly one more, and a newer last one.

    Args:
        entry: The row, with what the API said before the charge.
        now: The customer as the API has it now.
        dated: Whether charges carry a day of their own, which need not be the newest.
    """
    before, after = entry.charges_before, now.charges_count
    if before is None or after is None:
        return Verdict.UNCLEAR
    if after == before:
        return Verdict.NOT
    last = now.last_charged_at.timestamp() if now.last_charged_at else None
    newer = last is not None and last >= int((entry.intended_at or 0.0) - SKEW_SECONDS)
    if after == before + 1 and (newer or dated):
        return Verdict.HAPPENED
    return Verdict.UNCLEAR
