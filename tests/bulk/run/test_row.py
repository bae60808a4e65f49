"""How a record of the input becomes a row in work."""

from collections.abc import Mapping
from typing import Any

import pytest

from moregood_async.bulk import AskTemplate, ChargeTemplate, JournalMismatch, read_items
from moregood_async.bulk.importing.rows import MAY_HAVE_BEEN_ASKED
from moregood_async.bulk.journal.entry import JournalEntry
from moregood_async.bulk.journal.states import SkipReason, State, Step
from moregood_async.bulk.options import JobOptions
from moregood_async.bulk.run.row import RowTask, known_task, new_task
from moregood_async.models.fields import UNSET
from tests.bulk.importing.records import read_records
from tests.bulk.jobs import BOTH, EMAIL
from tests.bulk.journal_entries import make_entry

ADA = {"first_name": "Ada", "email": "Ada@example.com", "phone": "+1 415 555 0100"}
ADA_KEYS = ("email ada@example.com", "phone 14155550100")
ASK_BOTH = JobOptions(ask=BOTH)
PAID = JobOptions(ask=EMAIL, charge=ChargeTemplate(amount="paid", currency="USD"))


def make_task(fields: Mapping[str, Any], options: JobOptions) -> RowTask:
    """Return the task of a new row with index 7."""
    source = read_items([fields])
    [record] = read_records(source)
    return new_task(7, record, b"digest", source, options)


def without(*names: str) -> dict[str, str]:
    """Return Ada without some of her fields."""
    return {name: value for name, value in ADA.items() if name not in names}


def test_a_new_row_is_ready_for_its_upsert() -> None:
    task = make_task(ADA, ASK_BOTH)
    assert task.entry == JournalEntry(7, 1, b"digest", channels="email,sms")
    assert task.customer is not None
    assert task.customer.first_name == "Ada"
    assert task.contact_keys == ADA_KEYS
    assert task.claimed_keys == ADA_KEYS
    assert not task.is_fresh
    assert not task.is_counted


def test_a_row_without_email_and_phone_is_not_idempotent() -> None:
    """Each upsert of it creates another customer."""
    task = make_task(without("email", "phone"), JobOptions())
    assert task.entry.idempotent is False
    assert task.contact_keys == ()


@pytest.mark.parametrize(
    ("fields", "channels", "reason"),
    [
        (ADA, "email,sms", None),
        (without("phone"), "email", None),
        (without("email"), "sms", None),
        (without("email", "phone"), "email,sms", SkipReason.UNREACHABLE),
        (ADA | {"unsubscribed_at": "2026-01-01"}, "email,sms", SkipReason.OPTED_OUT),
        (ADA | {"email_opt_out": "yes"}, "sms", None),
        (
            without("phone") | {"email_opt_out": "yes"},
            "email,sms",
            SkipReason.OPTED_OUT,
        ),
        (ADA | {"error": f"{MAY_HAVE_BEEN_ASKED} reset"}, "email,sms", SkipReason.HELD),
    ],
)
def test_a_customer_is_asked_by_the_channels_that_are_reachable_and_allowed(
    fields: dict[str, str], channels: str, reason: SkipReason | None
) -> None:
    """A row that is not asked keeps the template's channels, so that a report counts it."""
    task = make_task(fields, ASK_BOTH)
    assert task.entry.channels == channels
    assert task.entry.not_asked_because is reason
    assert (task.ask is None) == (reason is not None)
    if task.ask is not None:
        assert ",".join(task.ask.channels) == channels


def test_a_job_without_an_ask_has_no_channels_and_no_reason() -> None:
    task = make_task(ADA | {"unsubscribed_at": "2026-01-01"}, JobOptions())
    assert task.entry.channels == ""
    assert task.entry.not_asked_because is None
    assert task.ask is None
    assert task.claimed_keys == ADA_KEYS


@pytest.mark.parametrize(
    ("fields", "template", "claimed"),
    [
        (ADA | {"unsubscribed_at": "2026-01-01"}, BOTH, ADA_KEYS),
        (ADA | {"error": f"{MAY_HAVE_BEEN_ASKED} reset"}, BOTH, ADA_KEYS),
        (without("phone"), AskTemplate(channels=["sms"]), ()),
        (without("email", "phone"), BOTH, ()),
    ],
    ids=["opted out", "held", "no contact for the channel", "no contact"],
)
def test_only_a_row_that_cannot_ask_its_person_claims_no_contact(
    fields: dict[str, str], template: AskTemplate, claimed: tuple[str, ...]
) -> None:
    """A later row may reach the person; but who has opted out once is not asked by any row."""
    assert make_task(fields, JobOptions(ask=template)).claimed_keys == claimed


def test_a_row_with_an_amount_has_a_charge_of_its_customer() -> None:
    task = make_task(ADA | {"paid": "12.50"}, PAID)
    assert task.entry.has_charge
    assert task.charge is not None
    assert task.charge.email == "Ada@example.com"
    assert task.charge.amount == 1250


def test_a_row_with_a_blank_amount_has_no_charge() -> None:
    task = make_task(ADA | {"paid": " "}, PAID)
    assert task.entry.has_charge is False
    assert task.charge is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        (ADA | {"first_name": ""}, "first_name"),
        (ADA | {"paid": "free"}, "amount: is an amount such as 49.90"),
        (without("email", "phone") | {"paid": "5"}, "email"),
    ],
    ids=["no name", "no amount", "a charge of nobody"],
)
def test_a_row_that_cannot_be_sent_is_rejected_and_claims_nothing(
    fields: dict[str, str], named: str
) -> None:
    task = make_task(fields, PAID)
    assert task.entry.state is State.REJECTED
    assert task.entry.is_over
    assert named in task.entry.error
    assert task.entry.error_class == "InvalidRequest"
    assert task.customer is None
    assert task.claimed_keys == ()


def test_a_row_keeps_the_warnings_of_its_cells() -> None:
    task = make_task(ADA | {"phone": "12"}, ASK_BOTH)
    assert "phone" in task.entry.warning
    assert task.entry.channels == "email"


def test_the_repr_of_a_row_in_work_has_no_personal_data() -> None:
    shown = repr(make_task(ADA | {"paid": "12.50"}, PAID)).lower()
    assert "ada" not in shown
    assert "4155550100" not in shown
    assert "1250" not in shown


KNOWN_SOURCE = read_items([ADA | {"paid": "12.50"}])
[KNOWN_RECORD] = read_records(KNOWN_SOURCE)


def test_a_known_row_goes_on_with_its_entry_and_counts_its_attempts_anew() -> None:
    entry = make_entry(
        step=Step.CHARGE, has_charge=True, channels="email", customer_id=4, attempts=3
    )
    task = known_task(entry, KNOWN_RECORD, KNOWN_SOURCE, PAID)
    assert task.entry is entry
    assert entry.attempts == 0
    assert entry.customer_id == 4
    assert task.charge is not None
    assert task.ask is not None
    assert task.contact_keys == ADA_KEYS
    assert not task.is_fresh


def test_a_known_row_is_asked_by_the_channels_of_its_entry() -> None:
    """They were decided when it was registered."""
    entry = make_entry(step=Step.ASK, channels="sms")
    task = known_task(entry, KNOWN_RECORD, KNOWN_SOURCE, ASK_BOTH)
    assert task.ask is not None
    assert list(task.ask.channels) == ["sms"]
    assert task.ask.email == "Ada@example.com"
    assert task.ask.phone is UNSET


@pytest.mark.parametrize("known", [{"duplicate_of": 0}, {"skip_reason": SkipReason.HELD}])
def test_a_known_row_that_is_not_asked_has_no_ask(known: dict[str, Any]) -> None:
    entry = make_entry(1, channels="email", **known)
    assert known_task(entry, KNOWN_RECORD, KNOWN_SOURCE, ASK_BOTH).ask is None


@pytest.mark.parametrize(
    ("step", "state", "is_counted"),
    [
        (Step.ASK, State.UNKNOWN, True),
        (Step.ASK, State.READY, False),
        (Step.CHARGE, State.UNKNOWN, False),
    ],
)
def test_only_an_ask_that_may_have_been_applied_counts_towards_max_asks(
    step: Step, state: State, is_counted: bool
) -> None:
    entry = make_entry(step=step, state=state, has_charge=True, channels="email")
    assert known_task(entry, KNOWN_RECORD, KNOWN_SOURCE, PAID).is_counted is is_counted


def test_a_known_row_that_cannot_be_sent_any_more_is_refused_with_its_line() -> None:
    """Such as after an upgrade whose checks are stricter; the row is not rejected silently."""
    source = read_items([ADA | {"first_name": ""}])
    [record] = read_records(source)
    with pytest.raises(JournalMismatch, match=r"row 8 \(line 9\) could be sent") as refused:
        known_task(make_entry(7), record, source, ASK_BOTH)
    assert "nothing was sent for this row" in str(refused.value)
    assert "Ada" not in str(refused.value)
