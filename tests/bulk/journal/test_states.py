"""The state machine of a row: every transition, and every pair that is none."""

import re

import pytest

from moregood_async import bulk
from moregood_async.bulk.journal.states import (
    TRANSITIONS,
    Event,
    ImpossibleTransition,
    SkipReason,
    State,
    Step,
    next_state,
    next_step,
)

EXPECTED = {
    (State.READY, Event.INTEND): State.INTENDED,
    (State.READY, Event.SKIP): State.DONE,
    (State.READY, Event.GIVE_UP): State.FAILED,
    (State.READY, Event.REJECT): State.REJECTED,
    (State.INTENDED, Event.SUCCEED): State.DONE,
    (State.INTENDED, Event.FAIL): State.FAILED,
    (State.INTENDED, Event.LOSE): State.UNKNOWN,
    (State.INTENDED, Event.RECOVER): State.UNKNOWN,
    (State.INTENDED, Event.NOT_SENT): State.READY,
    (State.UNKNOWN, Event.APPLIED): State.DONE,
    (State.UNKNOWN, Event.NOT_APPLIED): State.READY,
    (State.UNKNOWN, Event.RESEND): State.READY,
    (State.FAILED, Event.RETRY): State.READY,
    (State.DONE, Event.REOPEN): State.READY,
}
PAIRS = [(state, event) for state in State for event in Event]


def name_of(member: object) -> str:
    """Return the name of a state or event, such as ``READY``."""
    return getattr(member, "name", str(member))


@pytest.mark.parametrize(("state", "event"), PAIRS, ids=name_of)
def test_each_pair_of_state_and_event_leads_where_it_should_or_raises(
    state: State, event: Event
) -> None:
    if (state, event) in EXPECTED:
        assert next_state(state, event) is EXPECTED[state, event]
    else:
        with pytest.raises(ImpossibleTransition, match=f"{event.name} in {state.name}"):
            next_state(state, event)


@pytest.mark.parametrize("event", [Event.LOSE, Event.RECOVER], ids=name_of)
def test_a_lost_idempotent_upsert_is_ready_and_never_unknown(event: Event) -> None:
    """It may be sent again."""
    assert next_state(State.INTENDED, event, idempotent=True) is State.READY


@pytest.mark.parametrize(("state", "event"), PAIRS, ids=name_of)
def test_an_idempotent_upsert_has_no_transition_that_others_have_not(
    state: State, event: Event
) -> None:
    if (state, event) not in EXPECTED:
        with pytest.raises(ImpossibleTransition):
            next_state(state, event, idempotent=True)
    elif event not in (Event.LOSE, Event.RECOVER):
        assert next_state(state, event, idempotent=True) is EXPECTED[state, event]


def test_only_proof_or_the_user_leads_from_intended_or_unknown_back_to_ready() -> None:
    back = {
        event
        for (state, event), after in TRANSITIONS.items()
        if after is State.READY and state in (State.INTENDED, State.UNKNOWN)
    }
    assert back == {Event.NOT_SENT, Event.NOT_APPLIED, Event.RESEND}


def test_intended_is_reached_only_from_ready_by_intend() -> None:
    before = [pair for pair, after in TRANSITIONS.items() if after is State.INTENDED]
    assert before == [(State.READY, Event.INTEND)]


def test_the_diagram_of_the_package_names_every_state_and_event_and_no_others() -> None:
    theory = bulk.__doc__ or ""
    diagram = theory[theory.index("(read)") : theory.index("`journal.states` has this table")]
    names = set(re.findall(r"[A-Z]{2,}(?:_[A-Z]+)*", diagram))
    states, events = (
        {state.name for pair in TRANSITIONS for state in (pair[0], TRANSITIONS[pair])},
        {event.name for _, event in TRANSITIONS},
    )
    assert names == states | events
    assert states == {state.name for state in State}
    assert events == {event.name for event in Event}


@pytest.mark.parametrize(
    ("state", "event", "after"),
    [
        ("READY", "INTEND", "INTENDED"),
        ("READY", "SKIP", "DONE"),
        ("READY", "GIVE_UP", "FAILED"),
        ("READY", "REJECT", "REJECTED"),
    ],
)
def test_the_arrows_from_ready_in_the_diagram_are_those_of_the_table(
    state: str, event: str, after: str
) -> None:
    arrows = re.findall(r"(READY) ──([A-Z_]+)──▶ ([A-Z]+)", bulk.__doc__ or "")
    assert (state, event, after) in arrows
    assert TRANSITIONS[State[state], Event(event.lower().replace("_", " "))] is State[after]
    assert len(arrows) == sum(before is State.READY for before, _ in TRANSITIONS)


def test_the_numbers_and_texts_that_journals_store_never_change() -> None:
    """A journal of today is read by later versions."""
    assert {state.name: int(state) for state in State} == {
        "READY": 0,
        "INTENDED": 1,
        "UNKNOWN": 2,
        "FAILED": 3,
        "DONE": 4,
        "REJECTED": 5,
    }
    assert {step.name: int(step) for step in Step} == {"UPSERT": 1, "CHARGE": 2, "ASK": 3}
    assert {reason.name: reason.value for reason in SkipReason} == {
        "UNREACHABLE": "unreachable",
        "OPTED_OUT": "opted out",
        "HELD": "held",
        "DUPLICATE": "duplicate",
        "SAME_CUSTOMER": "same customer",
        "ASKED_RECENTLY": "asked recently",
        "ASKED_MEANWHILE": "asked meanwhile",
        "MAX_ASKS": "max asks",
    }


@pytest.mark.parametrize(
    ("has_charge", "should_ask", "steps"),
    [
        (False, False, [Step.UPSERT]),
        (True, False, [Step.UPSERT, Step.CHARGE]),
        (False, True, [Step.UPSERT, Step.ASK]),
        (True, True, [Step.UPSERT, Step.CHARGE, Step.ASK]),
    ],
)
def test_a_row_has_an_upsert_then_its_charge_then_its_ask(
    has_charge: bool, should_ask: bool, steps: list[Step]
) -> None:
    step: Step | None = Step.UPSERT
    found: list[Step] = []
    while step is not None:
        found.append(step)
        step = next_step(step, has_charge=has_charge, should_ask=should_ask)
    assert found == steps
