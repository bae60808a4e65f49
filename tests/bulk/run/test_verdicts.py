"""Whether a request whose response was lost was applied, by what the API shows."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.states import State, Step
from moregood_async.bulk.run.verdicts import SKEW_SECONDS, Verdict, judge_ask, judge_charge
from moregood_async.models.customers import Customer
from moregood_async.models.messages import Message
from tests.bulk.journal_entries import make_entry

INTENDED_AT = 1_800_000_000.0
OFFSETS = st.floats(-10_000, 10_000)


def make_ask(channels: str = "email", intended_at: float = INTENDED_AT) -> JournalEntry:
    """Return the entry of an ask whose response was lost."""
    return make_entry(
        step=Step.ASK,
        state=State.UNKNOWN,
        channels=channels,
        customer_id=1,
        intended_at=intended_at,
    )


def make_charge(charges_before: int | None) -> JournalEntry:
    """Return the entry of a charge whose response was lost."""
    return make_entry(
        step=Step.CHARGE,
        state=State.UNKNOWN,
        has_charge=True,
        charges_before=charges_before,
        intended_at=INTENDED_AT,
    )


def in_whole_seconds(seconds: float | None) -> datetime | None:
    """Return a time as the API writes it: without a fraction."""
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)


def make_message(
    created_at: float | None,
    channel: str | None = "email",
    ask_id: int | None = None,
    message_id: int = 1,
) -> Message:
    """Return a message of the customer."""
    return Message(
        id=message_id,
        ask_id=ask_id,
        channel=channel,
        created_at=in_whole_seconds(created_at),
    )


@given(OFFSETS)
def test_an_ask_was_applied_if_a_message_is_as_new(offset: float) -> None:
    """Within `SKEW_SECONDS` before the ask both verdicts are possible: times are whole seconds."""
    verdict = judge_ask(make_ask(), [make_message(INTENDED_AT + offset)])
    if offset >= 0:
        assert verdict is Verdict.APPLIED
    if offset < -SKEW_SECONDS - 1:
        assert verdict is Verdict.NOT_APPLIED


@given(st.floats(-900, 0), st.floats(0, 600))
def test_an_applied_ask_is_found_however_far_the_server_clock_is_behind(
    behind: float, later: float
) -> None:
    entry = make_ask(intended_at=INTENDED_AT + behind)
    assert judge_ask(entry, [make_message(INTENDED_AT + later)]) is Verdict.APPLIED


@given(st.lists(st.floats(-10_000, -SKEW_SECONDS - 1.001), max_size=8))
def test_older_messages_belong_to_other_asks(offsets: list[float]) -> None:
    messages = [make_message(INTENDED_AT + offset) for offset in offsets]
    assert judge_ask(make_ask(), messages) is Verdict.NOT_APPLIED


@given(st.permutations([-9_000.0, -500.0, 1.0, None]))
def test_the_order_of_the_messages_does_not_matter(offsets: list[float | None]) -> None:
    """In which order the API lists messages is undocumented."""
    times = [None if offset is None else INTENDED_AT + offset for offset in offsets]
    without_ask = [make_message(at, message_id=number) for number, at in enumerate(times)]
    of_old_ask = [make_message(at, ask_id=7, message_id=number) for number, at in enumerate(times)]
    assert judge_ask(make_ask(), without_ask) is Verdict.APPLIED
    assert judge_ask(make_ask(), of_old_ask) is Verdict.NOT_APPLIED


@pytest.mark.parametrize(
    ("channels", "channel", "verdict"),
    [
        ("email", "email", Verdict.APPLIED),
        ("email", "sms", Verdict.NOT_APPLIED),
        ("email,sms", "sms", Verdict.APPLIED),
        ("sms", None, Verdict.APPLIED),
    ],
)
def test_a_message_of_another_channel_belongs_to_another_ask(
    channels: str, channel: str | None, verdict: Verdict
) -> None:
    """A message without a channel counts for any ask."""
    assert judge_ask(make_ask(channels), [make_message(INTENDED_AT, channel)]) is verdict


def test_a_message_without_a_time_counts_as_a_trace_of_the_ask() -> None:
    """In doubt nobody is asked again."""
    assert judge_ask(make_ask(), [make_message(None)]) is Verdict.APPLIED
    assert judge_ask(make_ask(), []) is Verdict.NOT_APPLIED


def test_a_reminder_of_an_earlier_ask_is_no_trace_of_this_one() -> None:
    old = make_message(INTENDED_AT - 9_000, ask_id=3)
    reminder = make_message(INTENDED_AT + 5, ask_id=3, message_id=2)
    of_this_ask = make_message(INTENDED_AT + 5, ask_id=4, message_id=3)
    assert judge_ask(make_ask(), [reminder, old]) is Verdict.NOT_APPLIED
    assert judge_ask(make_ask(), [old, reminder, of_this_ask]) is Verdict.APPLIED


def make_customer(charges_count: int | None, last_charged_at: float | None) -> Customer:
    """Return the customer as the API describes it now."""
    return Customer(
        id=1, charges_count=charges_count, last_charged_at=in_whole_seconds(last_charged_at)
    )


@pytest.mark.parametrize(
    ("before", "after", "last_charged_at", "has_dates", "verdict"),
    [
        (0, 0, None, False, Verdict.NOT_APPLIED),
        (3, 3, INTENDED_AT - 99, False, Verdict.NOT_APPLIED),
        (0, 1, INTENDED_AT + 1, False, Verdict.APPLIED),
        (0, 1, INTENDED_AT - 99, False, Verdict.UNCLEAR),
        (0, 1, None, False, Verdict.UNCLEAR),
        (0, 1, INTENDED_AT - 99, True, Verdict.APPLIED),
        (0, 1, None, True, Verdict.APPLIED),
        (0, 2, INTENDED_AT + 1, False, Verdict.UNCLEAR),
        (0, 2, INTENDED_AT + 1, True, Verdict.UNCLEAR),
        (3, 2, INTENDED_AT + 1, False, Verdict.UNCLEAR),
        (None, 1, INTENDED_AT + 1, False, Verdict.UNCLEAR),
        (0, None, INTENDED_AT + 1, False, Verdict.UNCLEAR),
    ],
)
def test_a_charge_was_applied_if_there_is_exactly_one_more_and_the_last_is_as_new(
    before: int | None,
    after: int | None,
    last_charged_at: float | None,
    has_dates: bool,
    verdict: Verdict,
) -> None:
    """Anything else is unclear, and such a charge is never sent again by itself."""
    customer = make_customer(after, last_charged_at)
    assert judge_charge(make_charge(before), customer, has_dates=has_dates) is verdict


@given(st.integers(0, 50), st.integers(0, 50), OFFSETS, st.booleans())
def test_a_charge_was_not_applied_only_if_the_count_is_the_same(
    before: int, after: int, offset: float, has_dates: bool
) -> None:
    customer = make_customer(after, INTENDED_AT + offset)
    verdict = judge_charge(make_charge(before), customer, has_dates=has_dates)
    assert (verdict is Verdict.NOT_APPLIED) == (before == after)
    assert verdict is not Verdict.APPLIED or after == before + 1
