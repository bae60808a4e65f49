"""Contact keys: what identifies a person, in one spelling."""

import pytest

from moregood_async.bulk.contacts import contact_keys, contact_keys_of_customer, normalize_phone
from moregood_async.models.customers import Customer, CustomerUpsert

ADA = CustomerUpsert(first_name="Ada", email="ada@example.com", phone="+1 415 555 0100")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+1 415 555 0100", "001 (415) 555-0100"),
        ("+1 415 555 0100", "14155550100"),
        ("415.555.0100 ext. 7", "415 555 0100x7"),
    ],
)
def test_a_phone_has_one_spelling_whatever_stands_between_its_digits(one: str, other: str) -> None:
    assert normalize_phone(one) == normalize_phone(other)


def test_another_extension_is_another_phone() -> None:
    """All people of an office share its number."""
    numbers = ["415 555 0100", "415 555 0100 x7", "415 555 0100 x8"]
    assert len(set(map(normalize_phone, numbers))) == 3


def test_a_person_is_identified_by_email_and_phone_in_one_spelling() -> None:
    spelled = CustomerUpsert(first_name="A", email=" ADA@Example.com", phone="001 415 555 0100")
    assert contact_keys(ADA) == ("email ada@example.com", "phone 14155550100")
    assert contact_keys(spelled) == contact_keys(ADA)


def test_a_person_without_one_contact_is_identified_by_the_other() -> None:
    by_email = CustomerUpsert(first_name="A", email="ada@example.com")
    by_phone = CustomerUpsert(first_name="A", email=" ", phone="+1 415 555 0100")
    assert contact_keys(by_email) == ("email ada@example.com",)
    assert contact_keys(by_phone) == ("phone 14155550100",)


def test_a_person_with_neither_email_nor_phone_is_identified_by_nothing() -> None:
    assert contact_keys(CustomerUpsert(first_name="Dee", email=" ")) == ()


def test_a_customer_of_the_api_has_the_contact_keys_of_its_row() -> None:
    """By the phone's E.164 form and as it was typed, so that a scan finds the rows' people."""
    customer = Customer(
        id=1, email="Ada@example.com ", phone="415 555 0100", phone_e164="+14155550100"
    )
    keys = ["email ada@example.com", "phone 14155550100", "phone 4155550100"]
    assert contact_keys_of_customer(customer) == keys
    assert set(contact_keys(ADA)) <= set(keys)


def test_two_equal_spellings_of_a_phone_are_one_contact_key() -> None:
    customer = Customer(
        id=1, email="A@example.com", phone="+1 415 555 0100", phone_e164="+14155550100"
    )
    assert contact_keys_of_customer(customer) == ["email a@example.com", "phone 14155550100"]


def test_a_customer_of_the_api_without_contacts_has_no_contact_keys() -> None:
    assert contact_keys_of_customer(Customer(id=1)) == []
