"""`JournalEntry`: what each event changes, and what a journal stores of it."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.journal.entry import COLUMNS, JournalEntry
from moregood_async.bulk.journal.states import Event, ImpossibleTransition, SkipReason, State, Step
from tests.bulk.journal_entries import make_entry


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({}, [Step.UPSERT]),
        ({"has_charge": True}, [Step.UPSERT, Step.CHARGE]),
        ({"channels": "email"}, [Step.UPSERT, Step.ASK]),
        ({"has_charge": True, "channels": "email"}, [Step.UPSERT, Step.CHARGE, Step.ASK]),
        ({"channels": "email", "skip_reason": SkipReason.HELD}, [Step.UPSERT]),
        ({"channels": "email", "duplicate_of": 0}, [Step.UPSERT]),
    ],
)
def test_an_entry_goes_through_its_steps_and_is_done(
    fields: dict[str, Any], steps: list[Step]
) -> None:
    entry = make_entry(1, **fields)
    found: list[Step] = []
    while entry.state is State.READY:
        found.append(entry.step)
        entry.intend(1.0)
        entry.succeed(2.0)
    assert found == steps
    assert entry.state is State.DONE
    assert entry.is_over
    assert entry.was_charged is entry.has_charge
    assert entry.was_asked is (Step.ASK in steps)


IMPOSSIBLE: dict[str, tuple[State, Callable[[JournalEntry], None]]] = {
    "reject": (State.DONE, lambda entry: entry.reject("new")),
    "intend": (State.DONE, lambda entry: entry.intend(9.0)),
    "succeed": (State.READY, lambda entry: entry.succeed(9.0)),
    "fail": (State.READY, lambda entry: entry.fail(Event.FAIL, "new", "New", 9.0)),
    "recover": (State.READY, lambda entry: entry.recover(9.0)),
    "reconcile_applied": (State.READY, lambda entry: entry.reconcile_applied(9.0)),
    "reconcile_not_applied": (State.READY, lambda entry: entry.reconcile_not_applied()),
    "resend": (State.INTENDED, lambda entry: entry.resend()),
    "give_up": (State.UNKNOWN, lambda entry: entry.give_up("new", "New")),
    "retry": (State.DONE, lambda entry: entry.retry()),
    "skip": (State.INTENDED, lambda entry: entry.skip(SkipReason.MAX_ASKS)),
    "reopen": (State.FAILED, lambda entry: entry.reopen()),
}


@pytest.mark.parametrize(
    ("name", "step"),
    [
        (name, step)
        for name in IMPOSSIBLE
        for step in (Step.CHARGE, Step.ASK)
        if name != "skip" or step is Step.ASK  # before its ask, a row that is skipped goes on
    ],
    ids=str,
)
def test_an_impossible_event_leaves_an_entry_as_it_was(name: str, step: Step) -> None:
    state, apply = IMPOSSIBLE[name]
    entry = make_entry(step=step, state=state, has_charge=True, channels="email", error="old")
    before = entry.values()
    with pytest.raises(ImpossibleTransition):
        apply(entry)
    assert entry.values() == before


def test_every_method_that_is_an_event_is_tested_for_an_impossible_one() -> None:
    no_events = {"mark_duplicate", "record_customer", "explain", "begin_run"}
    queries = {"values", "values_if_skipped", "from_values"}
    methods = {
        name
        for name, member in vars(JournalEntry).items()
        if not name.startswith("_") and (callable(member) or isinstance(member, classmethod))
    }
    assert methods - no_events - queries == set(IMPOSSIBLE)


def test_attempts_without_effect_are_counted_with_their_error() -> None:
    entry = make_entry(channels="email")
    for _ in range(2):
        entry.intend(1.0)
        entry.fail(Event.NOT_SENT, "no", "N", 2.0)
    assert entry.state is State.READY
    assert entry.attempts == 2
    assert entry.error == "no"
    assert entry.error_class == "N"


def test_the_next_step_begins_without_attempts_times_and_error() -> None:
    entry = make_entry(channels="email", attempts=2, error="no", error_class="N")
    entry.intend(5.0)
    entry.succeed(6.0)
    assert entry == make_entry(channels="email", step=Step.ASK)


def test_a_retry_begins_without_attempts_and_error() -> None:
    entry = make_entry(channels="email", step=Step.ASK, attempts=3, customer_id=4)
    entry.give_up("too often", "N")
    assert entry.state is State.FAILED
    assert entry.error == "too often"
    entry.retry()
    assert entry == make_entry(channels="email", step=Step.ASK, customer_id=4)


def test_a_refused_step_fails_with_its_error_and_no_time() -> None:
    entry = make_entry(step=Step.CHARGE, has_charge=True)
    entry.intend(5.0)
    entry.fail(Event.FAIL, "no such currency", "ValidationFailed currency", 6.0)
    assert entry.state is State.FAILED
    assert entry.error == "no such currency"
    assert entry.error_class == "ValidationFailed currency"
    assert entry.lost_at is None
    assert entry.attempts == 0


@pytest.mark.parametrize("step", [Step.CHARGE, Step.ASK])
def test_a_lost_charge_or_ask_is_unknown_from_a_time_on(step: Step) -> None:
    entry = make_entry(step=step, has_charge=True, channels="email")
    entry.intend(5.0)
    entry.fail(Event.LOSE, "reset", "ConnectionLost", 6.0)
    assert entry.state is State.UNKNOWN
    assert entry.intended_at == 5.0
    assert entry.lost_at == 6.0
    assert entry.error == "reset"
    assert not entry.is_over
    assert not entry.was_asked
    assert entry.was_charged is (step is Step.ASK)


def test_a_lost_idempotent_upsert_is_ready_after_one_more_attempt() -> None:
    entry = make_entry()
    entry.intend(None)
    entry.fail(Event.LOSE, "reset", "ConnectionLost", 6.0)
    assert entry == make_entry(attempts=1, error="reset", error_class="ConnectionLost")


def test_a_lost_upsert_that_is_not_idempotent_is_unknown() -> None:
    entry = make_entry(idempotent=False)
    entry.intend(5.0)
    entry.fail(Event.LOSE, "reset", "ConnectionLost", 6.0)
    assert entry.state is State.UNKNOWN
    assert entry.lost_at == 6.0


def test_recovering_makes_an_ask_unknown_and_an_idempotent_upsert_ready() -> None:
    """Recovering is no attempt."""
    ask, upsert = make_entry(step=Step.ASK, channels="email"), make_entry()
    ask.intend(5.0)
    upsert.intend(None)
    for entry in (ask, upsert):
        entry.recover(15.0)
        assert "the process ended" in entry.error
        assert entry.attempts == 0
    assert ask.state is State.UNKNOWN
    assert ask.lost_at == 15.0
    assert upsert.state is State.READY
    assert upsert.lost_at is None


def make_unknown(step: Step) -> JournalEntry:
    """Return the entry of a charge or ask whose response was lost."""
    return make_entry(
        step=step,
        state=State.UNKNOWN,
        has_charge=True,
        channels="email",
        intended_at=5.0,
        lost_at=6.0,
        error="reset",
        error_class="ConnectionLost",
    )


def test_an_applied_charge_is_followed_by_the_ask() -> None:
    entry = make_unknown(Step.CHARGE)
    entry.reconcile_applied(9.0)
    expected = make_entry(step=Step.ASK, has_charge=True, channels="email", charged_at=9.0)
    assert entry == expected
    assert entry.was_charged


def test_an_applied_ask_is_the_end_of_its_row() -> None:
    entry = make_unknown(Step.ASK)
    entry.reconcile_applied(9.0)
    assert entry.state is State.DONE
    assert entry.was_asked
    assert entry.error == ""


def test_a_step_that_was_not_applied_is_ready_after_one_more_attempt() -> None:
    entry = make_unknown(Step.ASK)
    entry.reconcile_not_applied()
    assert entry.state is State.READY
    assert entry.attempts == 1
    assert entry.error == "reset"
    assert entry.error_class == "ConnectionLost"


def test_a_step_that_is_sent_again_at_the_users_risk_is_ready_without_an_error() -> None:
    entry = make_unknown(Step.ASK)
    entry.resend()
    assert entry.state is State.READY
    assert entry.error == ""
    assert entry.attempts == 0


def test_a_row_that_stays_unknown_can_explain_why() -> None:
    entry = make_unknown(Step.ASK)
    entry.explain("the API does not show it")
    assert entry.state is State.UNKNOWN
    assert entry.error == "the API does not show it"


def test_a_rejected_row_is_over_with_its_problem() -> None:
    entry = make_entry()
    entry.reject("email: is no address")
    assert entry.state is State.REJECTED
    assert entry.is_over
    assert entry.error == "email: is no address"
    assert entry.error_class == "InvalidRequest"


def test_a_customer_that_is_skipped_at_the_ask_keeps_the_charge_and_can_be_reopened() -> None:
    entry = make_entry(channels="email", has_charge=True, step=Step.ASK)
    entry.skip(SkipReason.MAX_ASKS)
    assert entry.state is State.DONE
    assert entry.step is Step.ASK
    assert entry.not_asked_because is SkipReason.MAX_ASKS
    assert entry.was_charged
    assert not entry.was_asked
    entry.reopen()
    assert entry == make_entry(channels="email", has_charge=True, step=Step.ASK)
    assert entry.should_ask


def test_a_customer_that_is_skipped_before_the_ask_is_still_saved_and_charged() -> None:
    entry = make_entry(channels="email", has_charge=True)
    entry.intend(1.0)
    entry.skip(SkipReason.ASKED_RECENTLY)
    entry.succeed(2.0)
    assert entry.step is Step.CHARGE
    entry.intend(3.0)
    entry.succeed(4.0)
    assert entry.step is Step.CHARGE
    assert entry.state is State.DONE
    assert entry.was_charged
    assert entry.not_asked_because is SkipReason.ASKED_RECENTLY


def test_a_duplicate_keeps_its_earliest_original_and_is_not_asked() -> None:
    entry = make_entry(9, channels="email")
    assert entry.not_asked_because is None
    for original in (5, 3, 7):
        entry.mark_duplicate(original)
    assert entry.duplicate_of == 3
    assert entry.not_asked_because is SkipReason.DUPLICATE
    assert not entry.should_ask


def test_another_skip_reason_of_a_duplicate_is_preferred() -> None:
    entry = make_entry(9, channels="email", duplicate_of=3, skip_reason=SkipReason.OPTED_OUT)
    assert entry.not_asked_because is SkipReason.OPTED_OUT


def test_without_an_ask_there_is_no_reason_why_nobody_is_asked() -> None:
    entry = make_entry(9, duplicate_of=3)
    assert entry.not_asked_because is None
    assert not entry.should_ask


def test_the_customer_is_kept_for_reconciling() -> None:
    entry = make_entry()
    entry.record_customer(17, 2, 40.0, 50.0)
    assert entry == make_entry(
        customer_id=17, charges_before=2, last_charged_before=40.0, saved_at=50.0
    )


def test_a_new_run_counts_attempts_from_zero() -> None:
    entry = make_entry(attempts=3, error="no")
    entry.begin_run()
    assert entry == make_entry(error="no")


TIMES = st.none() | st.floats(0, 2e9)
ENTRIES = st.builds(
    JournalEntry,
    row_index=st.integers(0, 10**9),
    line=st.integers(1, 10**9),
    digest=st.binary(max_size=16),
    step=st.sampled_from(Step),
    state=st.sampled_from(State),
    idempotent=st.booleans(),
    has_charge=st.booleans(),
    channels=st.sampled_from(["", "email", "sms", "email,sms"]),
    skip_reason=st.none() | st.sampled_from(SkipReason),
    duplicate_of=st.none() | st.integers(0, 10**9),
    customer_id=st.none() | st.integers(1, 2**62),
    intended_at=TIMES,
    lost_at=TIMES,
    charges_before=st.none() | st.integers(0, 1_000),
    last_charged_before=TIMES,
    saved_at=TIMES,
    charged_at=TIMES,
    error=st.text(max_size=9),
    error_class=st.text(max_size=9),
    warning=st.text(max_size=9),
    attempts=st.integers(0, 9),
)


def as_sqlite_returns(value: object) -> object:
    """Return a value as a column of SQLite has it: booleans and enums are plain numbers."""
    return int(value) if isinstance(value, bool | int) else value


@given(ENTRIES)
def test_an_entry_survives_the_journals_table(entry: JournalEntry) -> None:
    restored = JournalEntry.from_values(tuple(map(as_sqlite_returns, entry.values())))
    assert restored == entry
    assert type(restored.step) is Step
    assert type(restored.state) is State
    assert type(restored.idempotent) is bool
    assert type(restored.has_charge) is bool
    assert type(restored.skip_reason) in (SkipReason, type(None))


@given(ENTRIES)
def test_the_values_of_an_entry_are_in_the_order_of_the_columns(entry: JournalEntry) -> None:
    assert dict(zip(COLUMNS, entry.values(), strict=True)) == attrs.asdict(entry)


@pytest.mark.parametrize("step", [Step.UPSERT, Step.ASK], ids=lambda step: step.name)
def test_the_values_of_a_skip_are_those_after_it_and_the_entry_stays_as_it_was(
    step: Step,
) -> None:
    entry = make_entry(step=step, channels="email", error="no", error_class="N")
    before = entry.values()
    values = entry.values_if_skipped(SkipReason.SAME_CUSTOMER)
    assert entry.values() == before
    entry.skip(SkipReason.SAME_CUSTOMER)
    assert entry.values() == values


def test_the_repr_of_an_entry_has_no_hash() -> None:
    assert "digest" not in repr(make_entry())
