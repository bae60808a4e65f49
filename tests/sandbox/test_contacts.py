"""Phones: the E.164 form and the form for people."""

import pytest

from moregood_async.sandbox.contacts import format_phone, to_e164


@pytest.mark.parametrize(
    ("phone", "e164"),
    [
        ("415-555-0100", "+14155550100"),
        ("+1 (415) 555 0100 ext. 7", "+14155550100"),
        ("+49 30 901820", "+4930901820"),
        ("0049 30 901820", "+4930901820"),
        ("030901820", "+030901820"),
        ("555 01", None),
        ("+" + "1" * 16, None),
        ("call me", None),
        ("٤١٥٥٥٥٠١٠٠", None),
    ],
)
def test_a_phone_of_7_to_15_digits_has_an_e164_form(phone: str, e164: str | None) -> None:
    """Ten digits are a North American number."""
    assert to_e164(phone) == e164


@pytest.mark.parametrize("e164", ["+442079460018", "+1415555010", None])
def test_only_north_american_numbers_are_formatted(e164: str | None) -> None:
    assert format_phone(e164) == e164
