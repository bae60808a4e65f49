"""Who is asked, through what, and that nobody is asked twice."""

import pytest

from moregood_async.bulk.asking import AskTemplate, People
from moregood_async.errors import InvalidRequest
from moregood_async.models.customers import CustomerUpsert
from moregood_async.models.fields import UNSET

BOTH = CustomerUpsert(first_name="Ada", email="ada@example.com", phone="+1 415 555 0100")
EMAIL = CustomerUpsert(first_name="Bob", email="bob@example.com")
PHONE = CustomerUpsert(first_name="Cy", phone="+1 415 555 0101")
NEITHER = CustomerUpsert(first_name="Dee", email=" ")


def test_a_customer_is_asked_through_what_reaches_them() -> None:
    """An email for email, a phone for SMS."""
    template = AskTemplate(channels=["email", "sms"])
    reached = [template.reaches(customer) for customer in (BOTH, EMAIL, PHONE, NEITHER)]
    assert reached == [("email", "sms"), ("email",), ("sms",), ()]


def test_an_ask_names_the_customer_as_the_server_finds_them() -> None:
    """By the email, as the upsert did; by the phone where there is none."""
    template = AskTemplate(channels=["sms"], reminders_count=2)
    by_email, by_phone = template.ask(BOTH), template.ask(PHONE)
    assert by_email
    assert by_phone
    assert (by_email.email, by_email.phone) == ("ada@example.com", UNSET)
    assert (by_phone.email, by_phone.phone) == (UNSET, "+1 415 555 0101")
    assert by_email.reminders_count == 2
    assert template.ask(EMAIL) is None


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


def test_a_person_is_claimed_once() -> None:
    """By email, phone or the server's id; the line that repeats learns which it repeats."""
    people = People()
    assert people.claim(BOTH, 2, 17) == 2
    again = CustomerUpsert(first_name="Ada", email="ADA@example.com ")
    by_phone = CustomerUpsert(first_name="A", email="new@example.com", phone="001 (415) 555-0100")
    assert people.claim(again, 3) == 2
    assert people.claim(by_phone, 4) == 2
    assert people.claim(CustomerUpsert(first_name="A", email="new@example.com"), 5) == 2
    assert people.claim(EMAIL, 6, 17) == 2
    assert people.claim(PHONE, 7, 18) == 7


def test_customers_without_a_mark_are_never_the_same() -> None:
    """There is nothing to tell them by."""
    people = People()
    assert [people.claim(NEITHER, 2), people.claim(NEITHER, 3)] == [2, 3]
