"""Whether what lost its answer has happened, by what the API shows."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.states import State, Step
from moregood_async.bulk.run.reconcile import SKEW_SECONDS, Verdict, judge_ask, judge_charge
from moregood_async.models.customers import Customer
from moregood_async.models.messages import Message

THEN = 1_800_000_000.0
OFFSETS = st.floats(-10_000, 10_000)


def ask(channels: str = "email", at: float = THEN) -> JournalEntry:
    """An ask that lost its answer."""
    made = JournalEntry(0, 2, b"", Step.ASK, State.UNKNOWN, channels=channels, customer=1)
    made.intended_at = at
    return made


def charge(before: int | None, at: float = THEN) -> JournalEntry:
    """A charge that lost its answer."""
    made = JournalEntry(0, 2, b"", Step.CHARGE, State.UNKNOWN, charges=True, charges_before=before)
    made.intended_at = at
    return made


def moment(seconds: float) -> datetime:
    """As the API tells it: whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC)


def message(
    at: float | None, channel: str | None = "email", ask_id: int | None = None, ident: int = 1
) -> Message:
    """One of a customer's messages."""
    created = None if at is None else moment(at)
    return Message(id=ident, ask_id=ask_id, channel=channel, created_at=created)


def customer(count: int | None, last: float | None) -> Customer:
    """What the API says of charges."""
    return Customer(
        id=1, charges_count=count, last_charged_at=None if last is None else moment(last)
    )


@given(OFFSETS)
def test_an_ask_shows_by_a_message_from_then_or_later(offset: float) -> None:
    """On whole seconds of the server's clock, whose machines may differ a little."""
    verdict = judge_ask(ask(), [message(THEN + offset)])
    if offset >= 0:
        assert Verdict.APPLIED is verdict
    if offset < -SKEW_SECONDS - 1:
        assert Verdict.NOT_APPLIED is verdict


@given(st.floats(-900, 0), st.floats(0, 600))
def test_an_ask_that_has_happened_is_never_missed(behind: float, later: float) -> None:
    """However far our reading of the server's clock is behind it."""
    row = ask(at=THEN + behind)
    assert Verdict.APPLIED is judge_ask(row, [message(THEN + later)])


@given(st.lists(st.floats(-10_000, -SKEW_SECONDS - 1.001), max_size=8))
def test_older_messages_are_of_others(offsets: list[float]) -> None:
    """In any order, by any channel of the ask."""
    assert Verdict.NOT_APPLIED is judge_ask(ask(), [message(THEN + offset) for offset in offsets])


@given(st.permutations([-9_000.0, -500.0, 1.0, None]))
def test_the_order_of_messages_is_nothing(offsets: list[float | None]) -> None:
    """The API's is not known."""
    messages = [message(None if at is None else THEN + at, ident=i) for i, at in enumerate(offsets)]
    assert Verdict.APPLIED is judge_ask(ask(), messages)
    of_old_asks = [
        message(None if at is None else THEN + at, ask_id=7, ident=i)
        for i, at in enumerate(offsets)
    ]
    assert Verdict.NOT_APPLIED is judge_ask(ask(), of_old_asks)


@pytest.mark.parametrize(
    ("channels", "channel", "verdict"),
    [
        ("email", "email", Verdict.APPLIED),
        ("email", "sms", Verdict.NOT_APPLIED),
        ("email,sms", "sms", Verdict.APPLIED),
        ("sms", None, Verdict.APPLIED),
    ],
)
def test_a_message_of_another_channel_is_of_another_ask(
    channels: str, channel: str | None, verdict: Verdict
) -> None:
    """One that does not say its channel counts."""
    assert verdict is judge_ask(ask(channels), [message(THEN, channel)])


def test_a_message_without_a_time_counts() -> None:
    """When in doubt, nobody is asked again."""
    assert Verdict.APPLIED is judge_ask(ask(), [message(None)])
    assert Verdict.NOT_APPLIED is judge_ask(ask(), [])


def test_a_reminder_of_an_earlier_ask_is_no_trace_of_this_one() -> None:
    """Even where it was created later."""
    old, reminder = message(THEN - 9_000, ask_id=3), message(THEN + 5, ask_id=3, ident=2)
    assert Verdict.NOT_APPLIED is judge_ask(ask(), [reminder, old])
    assert Verdict.APPLIED is judge_ask(ask(), [old, reminder, message(THEN + 5, ask_id=4)])


@pytest.mark.parametrize(
    ("before", "now", "last", "dated", "verdict"),
    [
        (0, 0, None, False, Verdict.NOT_APPLIED),
        (3, 3, THEN - 99, False, Verdict.NOT_APPLIED),
        (0, 1, THEN + 1, False, Verdict.APPLIED),
        (0, 1, THEN - 99, False, Verdict.UNCLEAR),
        (0, 1, None, False, Verdict.UNCLEAR),
        (0, 1, THEN - 99, True, Verdict.APPLIED),
        (0, 1, None, True, Verdict.APPLIED),
        (0, 2, THEN + 1, False, Verdict.UNCLEAR),
        (0, 2, THEN + 1, True, Verdict.UNCLEAR),
        (3, 2, THEN + 1, False, Verdict.UNCLEAR),
        (None, 1, THEN + 1, False, Verdict.UNCLEAR),
        (0, None, THEN + 1, False, Verdict.UNCLEAR),
    ],
)
def test_a_charge_shows_by_one_more_and_a_newer_last(
    before: int | None, now: int | None, last: float | None, dated: bool, verdict: Verdict
) -> None:
    """Anything else is unclear, and never sent again by itself."""
    assert verdict is judge_charge(charge(before), customer(now, last), has_dates=dated)


@given(st.integers(0, 50), st.integers(0, 50), OFFSETS, st.booleans())
def test_a_charge_is_only_taken_for_not_happened_where_the_count_is_the_same(
    before: int, now: int, offset: float, dated: bool
) -> None:
    """Whatever the times say."""
    verdict = judge_charge(charge(before), customer(now, THEN + offset), has_dates=dated)
    assert (verdict is Verdict.NOT_APPLIED) == (before == now)
    assert verdict is not Verdict.APPLIED or now == before + 1
