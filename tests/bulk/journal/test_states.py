"""The states of a row: every arrow, and every pair that cannot be."""

import re

import pytest

from moregood_async.bulk import states
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.states import (
    Event,
    ImpossibleTransition,
    State,
    Step,
    next_state,
    next_step,
)

ARROWS = {
    (State.READY, Event.INTEND): State.INTENDED,
    (State.READY, Event.REJECT): State.REJECTED,
    (State.READY, Event.FAIL): State.FAILED,
    (State.INTENDED, Event.SUCCEED): State.DONE,
    (State.INTENDED, Event.FAIL): State.FAILED,
    (State.INTENDED, Event.LOSE): State.UNKNOWN,
    (State.INTENDED, Event.RECOVER): State.UNKNOWN,
    (State.INTENDED, Event.NOT_SENT): State.READY,
    (State.UNKNOWN, Event.SUCCEED): State.DONE,
    (State.UNKNOWN, Event.NOT_APPLIED): State.READY,
    (State.FAILED, Event.RETRY): State.READY,
    (State.DONE, Event.REOPEN): State.READY,
}
PAIRS = [(state, event) for state in State for event in Event]


def named(pair: object) -> str:
    """Such as ``READY-INTEND``."""
    return getattr(pair, "name", str(pair))


@pytest.mark.parametrize(("state", "event"), PAIRS, ids=named)
def test_each_pair_leads_where_it_is_written_or_nowhere(state: State, event: Event) -> None:
    """What is not written down is a defect, and changes nothing."""
    if (state, event) in ARROWS:
        assert ARROWS[state, event] is next_state(state, event)
    else:
        with pytest.raises(ImpossibleTransition, match=f"{event.name} in {state.name}"):
            next_state(state, event)


@pytest.mark.parametrize("event", [Event.LOSE, Event.RECOVER], ids=named)
def test_an_upsert_that_converges_is_never_unknown(event: Event) -> None:
    """It may be sent again."""
    assert State.READY is next_state(State.INTENDED, event, idempotent=True)
    with pytest.raises(ImpossibleTransition):
        next_state(State.READY, event, idempotent=True)


def test_nothing_but_proof_leads_from_a_promise_to_another_try() -> None:
    """From INTENDED and UNKNOWN, only that nothing has happened leads back to READY."""
    back = {event for state, event in ARROWS if ARROWS[state, event] is State.READY and state < 3}
    assert {Event.NOT_SENT, Event.NOT_APPLIED} == back


def test_the_drawing_agrees_with_the_table() -> None:
    """Each state and event of the table stands in the module's docstring, and no other."""
    told = set(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)?\b", states.__doc__ or ""))
    names = {state.name for state in State} | {event.name for event in Event}
    assert names == told - {"API"}


def test_the_numbers_in_journals_stay() -> None:
    """A journal of today is read tomorrow."""
    assert [0, 1, 2, 3, 4, 5] == [
        State.READY,
        State.INTENDED,
        State.UNKNOWN,
        State.FAILED,
        State.DONE,
        State.REJECTED,
    ]
    assert [1, 2, 3] == [Step.UPSERT, Step.CHARGE, Step.ASK]


@pytest.mark.parametrize(
    ("charges", "asks", "steps"),
    [
        (False, False, [Step.UPSERT]),
        (True, False, [Step.UPSERT, Step.CHARGE]),
        (False, True, [Step.UPSERT, Step.ASK]),
        (True, True, [Step.UPSERT, Step.CHARGE, Step.ASK]),
    ],
)
def test_steps_come_in_their_order(charges: bool, asks: bool, steps: list[Step]) -> None:
    """Those that are wanted; an entry goes through them and is done."""
    entry = JournalEntry(0, 2, b"", charges=charges, channels="email" if asks else "")
    gone: list[Step] = []
    while entry.state is State.READY:
        gone.append(entry.step)
        entry.becomes(Event.INTEND).becomes(Event.SUCCEED)
    assert (steps, State.DONE) == (gone, entry.state)
    assert None is next_step(steps[-1], charges=charges, asks=asks)


def test_an_impossible_event_leaves_an_entry_as_it_was() -> None:
    """Nothing of it is written down."""
    entry = JournalEntry(0, 2, b"", state=State.DONE, error="as it was")
    before = entry.values()
    with pytest.raises(ImpossibleTransition):
        entry.becomes(Event.INTEND, error="new")
    assert before == entry.values()


def test_tries_count_what_was_in_vain_and_begin_anew_with_each_step() -> None:
    """A retry begins anew too."""
    entry = JournalEntry(0, 2, b"", channels="email")
    for _ in range(2):
        entry.becomes(Event.INTEND).becomes(Event.NOT_SENT, error="no", kind="K")
    assert (2, "no", "K") == (entry.tries, entry.error, entry.kind)
    entry.becomes(Event.INTEND)
    entry.intended_at, entry.lost_at = 5.0, 6.0
    entry.becomes(Event.SUCCEED)
    assert (Step.ASK, 0, "") == (entry.step, entry.tries, entry.error)
    times: list[float | None] = [entry.intended_at, entry.lost_at]
    assert [None, None] == times
    entry.becomes(Event.INTEND).becomes(Event.FAIL)
    entry.tries = 3
    assert 0 == entry.becomes(Event.RETRY).tries


def test_an_entry_survives_the_table() -> None:
    """As it was written, kinds included."""
    entry = JournalEntry(
        7, 9, b"d", Step.ASK, State.UNKNOWN, False, True, "email,sms", "", 3, 17, 1.5
    )
    assert entry == JournalEntry.of(tuple(map(_as_sqlite, entry.values())))


def _as_sqlite(value: object) -> object:
    return int(value) if isinstance(value, bool | int) else value


def test_who_goes_unasked_is_done_with_what_came_before() -> None:
    """And can be asked after all."""
    entry = JournalEntry(0, 2, b"", channels="email", charges=True)
    entry.becomes(Event.INTEND).becomes(Event.SUCCEED)
    entry.becomes(Event.INTEND).becomes(Event.SUCCEED)
    assert (Step.CHARGE, State.DONE) == (entry.goes_unasked("cap").step, entry.state)
    assert (Step.ASK, State.READY, "") == (
        entry.asked_after_all().step,
        entry.state,
        entry.skip_reason,
    )
