"""Decisions about one row: what is done next, and what an error means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.states import Event, SkipReason, State, Step
from moregood_async.bulk.options import JobOptions, OnUnknown
from moregood_async.bulk.run.actions import (
    DELAYS_SECONDS,
    FIRST_CHECK_SECONDS,
    MAX_ATTEMPTS,
    Action,
    ErrorClass,
    NextAction,
    already_asked,
    can_reconcile,
    classify_error,
    delay_after,
    error_name,
    next_action,
)
from moregood_async.bulk.run.row import RowTask
from moregood_async.errors import (
    AttemptTimedOut,
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    Drained,
    Forbidden,
    MoreGoodError,
    RateLimited,
    ServerError,
    Unauthorized,
    ValidationFailed,
)
from tests.bulk.journal_entries import make_entry

NOW = 1_000.0
OPTIONS = JobOptions(reconcile_after=60)


def make_task(state: State, step: Step = Step.ASK, **fields: Any) -> RowTask:
    """Return a row in work, whose customer was read in this run."""
    return RowTask(make_entry(step=step, state=state, channels="email", **fields), is_fresh=True)


@pytest.mark.parametrize("state", [State.READY, State.INTENDED])
def test_a_row_is_sent_until_its_step_was_attempted_too_often(state: State) -> None:
    tried = make_task(state, attempts=MAX_ATTEMPTS - 1)
    given_up = make_task(state, attempts=MAX_ATTEMPTS)
    assert next_action(tried, OPTIONS, NOW) == NextAction(Action.SEND, 0.0)
    assert next_action(given_up, OPTIONS, NOW) == NextAction(Action.GIVE_UP, NOW)


@pytest.mark.parametrize("state", [State.READY, State.INTENDED])
def test_a_row_is_not_sent_before_its_delay_is_over(state: State) -> None:
    task = make_task(state, attempts=1)
    task.not_before = NOW + 30
    assert next_action(task, OPTIONS, NOW) == NextAction(Action.SEND, NOW + 30)


@pytest.mark.parametrize(
    ("step", "action"),
    [
        (Step.ASK, Action.CHECK_ASKED),
        (Step.CHARGE, Action.SEND),
        (Step.UPSERT, Action.SEND),
    ],
)
def test_only_an_ask_of_an_earlier_run_is_sent_after_its_customer_was_read(
    step: Step, action: Action
) -> None:
    """Something else may have asked the customer between the runs."""
    task = make_task(State.READY, step)
    task.is_fresh, task.not_before = False, NOW + 5
    assert next_action(task, OPTIONS, NOW) == NextAction(action, NOW + 5)


def test_an_unknown_ask_of_an_earlier_run_is_reconciled_and_not_checked() -> None:
    task = make_task(State.UNKNOWN, lost_at=NOW)
    task.is_fresh = False
    assert next_action(task, OPTIONS, NOW).action is Action.RECONCILE


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.REJECTED])
@pytest.mark.parametrize("on_unknown", ["reconcile", "hold", "resend"])
def test_a_row_that_is_over_is_left(state: State, on_unknown: OnUnknown) -> None:
    options = JobOptions(on_unknown=on_unknown)
    assert next_action(make_task(state), options, NOW).action is Action.LEAVE


@pytest.mark.parametrize(
    ("on_unknown", "action"),
    [("reconcile", Action.RECONCILE), ("hold", Action.LEAVE), ("resend", Action.RESEND)],
)
def test_on_unknown_decides_about_a_row_that_is_unknown(
    on_unknown: OnUnknown, action: Action
) -> None:
    task = make_task(State.UNKNOWN, lost_at=0.0)
    assert next_action(task, JobOptions(on_unknown=on_unknown), NOW).action is action


def test_an_unknown_row_is_reconciled_by_default() -> None:
    task = make_task(State.UNKNOWN, lost_at=0.0)
    assert next_action(task, JobOptions(), NOW).action is Action.RECONCILE


def test_the_first_check_is_soon_and_the_second_after_reconcile_after() -> None:
    """Most requests whose response was lost were applied, and show at once."""
    first, second = make_task(State.UNKNOWN, lost_at=NOW), make_task(State.UNKNOWN, lost_at=NOW)
    second.checks = 1
    expected = NextAction(Action.RECONCILE, NOW + FIRST_CHECK_SECONDS)
    assert next_action(first, OPTIONS, NOW) == expected
    assert next_action(second, OPTIONS, NOW) == NextAction(Action.RECONCILE, NOW + 60)


def test_the_first_check_is_not_later_than_reconcile_after() -> None:
    task = make_task(State.UNKNOWN, lost_at=NOW)
    assert next_action(task, JobOptions(reconcile_after=0.25), NOW).due == NOW + 0.25


@pytest.mark.parametrize("checks", [0, 1])
def test_a_check_waits_until_the_delay_after_a_failed_check_is_over(checks: int) -> None:
    task = make_task(State.UNKNOWN, lost_at=NOW)
    task.checks, task.not_before = checks, NOW + 90
    assert next_action(task, OPTIONS, NOW).due == NOW + 90


def test_a_request_of_a_process_that_ended_is_checked_at_once() -> None:
    """It may have been sent until ``lost_at``, which is still to come; its effect shows before."""
    task = make_task(State.UNKNOWN, intended_at=NOW - 50, lost_at=NOW + 9)
    assert next_action(task, OPTIONS, NOW).due <= NOW
    task.checks = 1
    assert next_action(task, OPTIONS, NOW).due == NOW + 69


def test_an_unknown_row_without_a_time_counts_as_lost_now() -> None:
    """So that the whole of ``reconcile_after`` passes before it is taken as not applied."""
    task = make_task(State.UNKNOWN)
    task.checks = 1
    assert next_action(task, OPTIONS, NOW).due == NOW + 60


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (make_entry(step=Step.ASK, state=State.UNKNOWN), True),
        (make_entry(step=Step.CHARGE, state=State.UNKNOWN), False),
        (make_entry(step=Step.CHARGE, state=State.UNKNOWN, charges_before=0), True),
        (make_entry(step=Step.UPSERT, state=State.UNKNOWN), False),
    ],
    ids=["ask", "charge without a count", "charge", "customer without email or phone"],
)
def test_a_row_can_be_reconciled_only_if_the_api_shows_its_request(
    entry: JournalEntry, expected: bool
) -> None:
    action = Action.RECONCILE if expected else Action.LEAVE
    assert can_reconcile(entry, OPTIONS) is expected
    assert next_action(RowTask(entry), OPTIONS, NOW).action is action
    assert can_reconcile(entry, JobOptions(on_unknown="hold")) is False


def maybe_applied(error: MoreGoodError) -> MoreGoodError:
    """Return the error of a write that may have taken effect."""
    error.may_have_applied = True
    return error


@pytest.mark.parametrize(
    ("error", "event", "is_fatal"),
    [
        (ConnectionFailed("x", phase="connecting", seconds=0.0, sent=False), Event.NOT_SENT, False),
        (AttemptTimedOut("x", phase="connecting", seconds=0.0, sent=False), Event.NOT_SENT, False),
        (DeadlineExceeded("x"), Event.NOT_SENT, False),
        (
            maybe_applied(ConnectionLost("x", phase="waiting", seconds=0.0, sent=True)),
            Event.LOSE,
            False,
        ),
        (Drained("x"), Event.NOT_SENT, False),
        (ServerError("x", status=503), Event.NOT_SENT, False),
        (maybe_applied(ServerError("x", status=500)), Event.LOSE, False),
        (RateLimited("x", status=429), Event.NOT_SENT, False),
        (ValidationFailed("x", status=422), Event.FAIL, False),
        (MoreGoodError("x"), Event.FAIL, False),
        (maybe_applied(MoreGoodError("x")), Event.LOSE, False),
        (Unauthorized("x", status=401), Event.NOT_SENT, True),
        (Forbidden("x", status=403), Event.NOT_SENT, True),
        (maybe_applied(Forbidden("x", status=403)), Event.LOSE, False),
        (ConfigurationError("x"), Event.NOT_SENT, True),
        (RuntimeError("odd"), Event.LOSE, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_an_error_means_no_more_than_it_proves(
    error: Exception, event: Event, is_fatal: bool
) -> None:
    """A request that may have been applied is never taken for one that was not."""
    assert classify_error(error) == ErrorClass(event, type(error).__name__, is_fatal)


def test_an_error_class_is_the_type_and_the_refused_fields() -> None:
    """It has nothing of the one row, so that errors of many rows can be counted together."""
    refused = ValidationFailed("a", status=422, fields={"phone": ("x",), "email": ("y",)})
    assert error_name(refused) == "ValidationFailed email phone"
    assert error_name(ServerError("a", status=500)) == error_name(ServerError("b", status=500))
    assert error_name(KeyError("ada")) == "KeyError"


def test_delays_grow_to_a_limit_and_are_never_zero() -> None:
    delays = [delay_after(attempts) for attempts in range(1, 8)]
    assert delays == sorted(delays)
    assert delays[0] > 0
    assert delays[2:] == [DELAYS_SECONDS[-1]] * 5


RECENTLY, MEANWHILE = SkipReason.ASKED_RECENTLY, SkipReason.ASKED_MEANWHILE


@pytest.mark.parametrize(
    ("asked_at", "reason"),
    [
        (None, None),
        (NOW - 61.0, None),
        (NOW - 60.0, None),
        (NOW - 59.0, RECENTLY),
        (NOW - 10.5, RECENTLY),
        (NOW - 10.0, MEANWHILE),
        (NOW + 5.0, MEANWHILE),
    ],
)
def test_a_customer_who_was_asked_already_is_not_asked(
    asked_at: float | None, reason: SkipReason | None
) -> None:
    """The job began at ``NOW - 10``: an ask since then counts with any options."""
    at = None if asked_at is None else datetime.fromtimestamp(asked_at, UTC)
    within = JobOptions(not_asked_within=timedelta(seconds=60))
    began_at = NOW - 10.0
    only_meanwhile = reason if reason is MEANWHILE else None
    assert already_asked(at, within, now=NOW, began_at=began_at) is reason
    assert already_asked(at, JobOptions(), now=NOW, began_at=began_at) is only_meanwhile


@pytest.mark.parametrize(
    ("asked_at", "reason"),
    [(None, None), (NOW - 60.0, None), (NOW - 59.0, RECENTLY), (NOW + 5.0, RECENTLY)],
)
def test_before_a_job_began_only_not_asked_within_counts(
    asked_at: float | None, reason: SkipReason | None
) -> None:
    at = None if asked_at is None else datetime.fromtimestamp(asked_at, UTC)
    within = JobOptions(not_asked_within=timedelta(seconds=60))
    assert already_asked(at, within, now=NOW, began_at=None) is reason
    assert already_asked(at, JobOptions(), now=NOW, began_at=None) is None
