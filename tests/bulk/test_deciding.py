"""What is done next for a row, and what an error means to it."""

from datetime import UTC, datetime, timedelta

import pytest

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.states import Event, State, Step
from moregood_async.bulk.options import JobOptions, OnUnknown
from moregood_async.bulk.run.actions import (
    FIRST_CHECK_SECONDS,
    MAX_ATTEMPTS,
    Action,
    already_asked,
    can_reconcile,
    classify_error,
    delay_after,
    error_name,
    next_action,
)
from moregood_async.errors import (
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    Forbidden,
    MoreGoodError,
    RateLimited,
    ServerError,
    Unauthorized,
    ValidationFailed,
)

NOW = 1_000.0
ORDERS = JobOptions(reconcile_after=60)


def entry(state: State, step: Step = Step.ASK, **known: object) -> JournalEntry:
    """A row in a state."""
    made = JournalEntry(0, 2, b"", step, state, channels="email")
    for name, value in known.items():
        setattr(made, name, value)
    return made


def moved(
    row: JournalEntry, orders: JobOptions = ORDERS, *, looks: int = 0, not_before: float = 0.0
) -> Action:
    """What is done for it now; None would be later."""
    return next_action(row, orders, now=NOW, looks=looks, not_before=not_before).move


@pytest.mark.parametrize("state", [State.READY, State.INTENDED])
def test_what_is_ready_is_sent_until_it_was_tried_often_enough(state: State) -> None:
    """Not before its rest is over."""
    assert Action.SEND is moved(entry(state))
    last = entry(state, attempts=MAX_ATTEMPTS - 1)
    assert (Action.SEND, NOW + 30) == next_action(
        last, ORDERS, now=NOW, looks=0, not_before=NOW + 30
    )
    assert Action.GIVE_UP is moved(entry(state, attempts=MAX_ATTEMPTS))


def test_an_ask_that_an_earlier_run_left_is_sent_after_a_check() -> None:
    """A charge or an upsert needs none."""

    def moves(row: JournalEntry) -> tuple[Action, float]:
        return next_action(row, ORDERS, now=NOW, looks=0, not_before=NOW + 5, is_fresh=False)

    assert (Action.CHECK, NOW + 5) == moves(entry(State.READY))
    assert (Action.SEND, NOW + 5) == moves(entry(State.READY, Step.UPSERT))
    assert (Action.SEND, NOW + 5) == moves(entry(State.READY, Step.CHARGE))
    assert Action.LOOK is moves(entry(State.UNKNOWN, lost_at=NOW))[0]


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.REJECTED])
def test_what_is_over_is_left(state: State) -> None:
    """Also where unknown ones are sent again."""
    assert Action.LEAVE is moved(entry(state))
    assert Action.LEAVE is moved(entry(state), JobOptions(on_unknown="resend"))


@pytest.mark.parametrize(
    ("on_unknown", "move"),
    [("reconcile", Action.LOOK), ("hold", Action.LEAVE), ("resend", Action.RESEND)],
)
def test_what_is_unknown_is_done_with_as_told(on_unknown: OnUnknown, move: Action) -> None:
    """Looked up by default."""
    orders = JobOptions(on_unknown=on_unknown)
    assert move is moved(entry(State.UNKNOWN, lost_at=0.0), orders)


def test_the_first_look_comes_soon_and_the_second_when_time_is_over() -> None:
    """Most lost requests have happened."""
    row = entry(State.UNKNOWN, lost_at=NOW)
    first = next_action(row, ORDERS, now=NOW, looks=0, not_before=0.0)
    second = next_action(row, ORDERS, now=NOW, looks=1, not_before=0.0)
    assert (Action.LOOK, NOW + FIRST_CHECK_SECONDS) == first
    assert (Action.LOOK, NOW + 60) == second
    quick = JobOptions(reconcile_after=0.25)
    assert NOW + 0.25 == next_action(row, quick, now=NOW, looks=0, not_before=0.0).due
    for looks in (0, 1):
        rested = next_action(row, ORDERS, now=NOW, looks=looks, not_before=NOW + 90)
        assert NOW + 90 == rested.due


def test_what_died_is_looked_at_at_once() -> None:
    """It may have left until a moment to come; that it happened can be seen before."""
    row = entry(State.UNKNOWN, lost_at=NOW + 9)
    row.intended_at = NOW - 50
    assert NOW >= next_action(row, ORDERS, now=NOW, looks=0, not_before=0.0).due
    assert NOW + 69 == next_action(row, ORDERS, now=NOW, looks=1, not_before=0.0).due


def test_a_row_that_does_not_know_when_it_was_lost_was_lost_now() -> None:
    """So that time enough passes."""
    row = entry(State.UNKNOWN)
    assert NOW + 60 == next_action(row, ORDERS, now=NOW, looks=1, not_before=0.0).due


@pytest.mark.parametrize(
    ("row", "settles"),
    [
        (entry(State.UNKNOWN), True),
        (entry(State.UNKNOWN, Step.CHARGE), False),
        (entry(State.UNKNOWN, Step.CHARGE, charges_before=0), True),
        (entry(State.UNKNOWN, Step.UPSERT), False),
    ],
    ids=["ask", "charge without a count", "charge", "customer without email or phone"],
)
def test_only_what_shows_at_the_api_can_reconcile(row: JournalEntry, settles: bool) -> None:
    """The rest is left to people."""
    assert settles is can_reconcile(row, ORDERS)
    assert (Action.LOOK if settles else Action.LEAVE) is moved(row)
    assert not can_reconcile(row, JobOptions(on_unknown="hold"))


def applied(error: MoreGoodError) -> MoreGoodError:
    """The same error of a write that may have taken effect."""
    error.may_have_applied = True
    return error


@pytest.mark.parametrize(
    ("error", "event", "is_final"),
    [
        (ConnectionFailed("x", phase="connecting", seconds=0.0, sent=False), Event.NOT_SENT, False),
        (applied(ConnectionLost("x", phase="waiting", seconds=0.0, sent=True)), Event.LOSE, False),
        (ServerError("x", status=503), Event.NOT_SENT, False),
        (applied(ServerError("x", status=500)), Event.LOSE, False),
        (RateLimited("x", status=429), Event.NOT_SENT, False),
        (ValidationFailed("x", status=422), Event.FAIL, False),
        (MoreGoodError("x"), Event.FAIL, False),
        (applied(MoreGoodError("x")), Event.LOSE, False),
        (Unauthorized("x", status=401), Event.NOT_SENT, True),
        (Forbidden("x", status=403), Event.NOT_SENT, True),
        (applied(Forbidden("x", status=403)), Event.LOSE, False),
        (ConfigurationError("x"), Event.NOT_SENT, True),
        (RuntimeError("odd"), Event.LOSE, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_an_error_means_what_it_proves(error: Exception, event: Event, is_final: bool) -> None:
    """What may have happened is never taken for what has not."""
    ending = classify_error(error)
    assert (event, is_final) == (ending.event, ending.is_final)


def test_errors_of_a_kind_have_class_and_fields_in_common() -> None:
    """And not what they say of one row."""
    of_email = ValidationFailed("a", status=422, fields={"phone": ("x",), "email": ("y",)})
    assert "ValidationFailed email phone" == error_name(of_email)
    assert error_name(ServerError("a", status=500)) == error_name(ServerError("b", status=500))
    assert "KeyError" == error_name(KeyError("ada"))


def test_rests_grow() -> None:
    """And then stay."""
    rests = [delay_after(tries) for tries in range(1, 8)]
    assert sorted(rests) == rests
    assert rests[0] > 0
    assert rests[2] == rests[-1]


@pytest.mark.parametrize(
    ("asked_at", "why"),
    [
        (None, ""),
        (NOW - 61.0, ""),
        (NOW - 60.0, ""),
        (NOW - 59.0, "recent"),
        (NOW - 10.5, "recent"),
        (NOW - 10.0, "meanwhile"),
        (NOW + 5.0, "meanwhile"),
    ],
)
def test_who_was_asked_already_is_not_asked(asked_at: float | None, why: str) -> None:
    """Since the job began by whatever, and not long ago where that is said."""
    at = None if asked_at is None else datetime.fromtimestamp(asked_at, UTC)
    orders = JobOptions(not_asked_within=timedelta(seconds=60))
    assert why == already_asked(at, orders, now=NOW, since=NOW - 10.0)
    meanwhile = why if why == "meanwhile" else ""
    assert meanwhile == already_asked(at, JobOptions(), now=NOW, since=NOW - 10.0)
    assert ("recent" if why else "") == already_asked(at, orders, now=NOW, since=None)
    assert not already_asked(at, JobOptions(), now=NOW, since=None)
