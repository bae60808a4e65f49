"""Who is asked, through what, and what tells people apart."""

import pytest

from moregood_async.bulk.contacts import (
    AskTemplate,
    contact_keys,
    contact_keys_of_customer,
    normalize_phone,
)
from moregood_async.errors import InvalidRequest
from moregood_async.models.customers import Customer, CustomerUpsert
from moregood_async.models.fields import UNSET

BOTH = CustomerUpsert(first_name="Ada", email="ada@example.com", phone="+1 415 555 0100")
EMAIL = CustomerUpsert(first_name="Bob", email="bob@example.com")
PHONE = CustomerUpsert(first_name="Cy", phone="+1 415 555 0101")
NEITHER = CustomerUpsert(first_name="Dee", email=" ")


def test_a_customer_is_asked_through_what_reaches_them() -> None:
    """An email for email, a phone for SMS."""
    template = AskTemplate(channels=["email", "sms"])
    reached = [template.reaches(customer) for customer in (BOTH, EMAIL, PHONE, NEITHER)]
    assert [("email", "sms"), ("email",), ("sms",), ()] == reached


def test_an_ask_names_the_customer_as_the_server_finds_them() -> None:
    """By the email, as the upsert did; by the phone where there is none."""
    template = AskTemplate(channels=["sms"], reminders_count=2)
    by_email, by_phone = template.ask(BOTH), template.ask(PHONE)
    assert by_email
    assert by_phone
    assert ("ada@example.com", UNSET) == (by_email.email, by_email.phone)
    assert (UNSET, "+1 415 555 0101") == (by_phone.email, by_phone.phone)
    assert 2 == by_email.reminders_count
    assert None is template.ask(EMAIL)
    chosen = AskTemplate(channels=["email", "sms"]).ask(BOTH, ["sms"])
    assert chosen
    assert ["sms"] == list(chosen.channels)


def test_without_reminders_the_project_decides() -> None:
    """Nothing is sent for them."""
    ask = AskTemplate(channels=["email"]).ask(EMAIL)
    assert ask
    assert UNSET is ask.reminders_count


@pytest.mark.parametrize(
    ("channels", "reminders"), [([], None), (["email", "email"], None), (["email"], 4)]
)
def test_a_template_that_no_ask_could_be_is_refused(
    channels: list[str], reminders: int | None
) -> None:
    """When it is made, and not at the first row."""
    with pytest.raises(InvalidRequest):
        AskTemplate(channels=channels, reminders_count=reminders)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+1 415 555 0100", "001 (415) 555-0100"),
        ("+1 415 555 0100", "14155550100"),
        ("415.555.0100 ext. 7", "415 555 0100x7"),
    ],
)
def test_a_phone_has_one_spelling(one: str, other: str) -> None:
    """Whatever stands between its digits."""
    assert normalize_phone(one) == normalize_phone(other)


def test_another_extension_is_another_phone() -> None:
    """A whole office has one number."""
    assert normalize_phone("415 555 0100 x7") != normalize_phone("415 555 0100 x8")
    assert normalize_phone("415 555 0100") != normalize_phone("415 555 0100 x8")


def test_people_are_told_by_email_and_phone() -> None:
    """In one spelling; who has neither is told by nothing."""
    spelled = CustomerUpsert(first_name="A", email=" ADA@Example.com", phone="001 415 555 0100")
    assert contact_keys(BOTH) == contact_keys(spelled)
    assert [] == contact_keys(NEITHER)
    assert contact_keys(BOTH) == [
        *contact_keys(CustomerUpsert(first_name="A", email="ada@example.com")),
        "phone 14155550100",
    ]


def test_a_customer_of_the_api_has_the_marks_of_the_file() -> None:
    """By its E.164 form, and as it was typed."""
    known = Customer(
        id=1, email="Ada@example.com ", phone="415 555 0100", phone_e164="+14155550100"
    )
    assert set(contact_keys(BOTH)) <= set(contact_keys_of_customer(known))
    assert [] == contact_keys_of_customer(Customer(id=1))
