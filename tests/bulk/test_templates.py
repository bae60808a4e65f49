"""Templates: which ask and which charge a row has."""

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk import AskTemplate, ChargeTemplate
from moregood_async.errors import ConfigurationError, InvalidRequest
from moregood_async.models.customers import CustomerUpsert
from moregood_async.models.fields import UNSET, Channel

BOTH = CustomerUpsert(first_name="Ada", email="ada@example.com", phone="+1 415 555 0100")
EMAIL = CustomerUpsert(first_name="Bob", email="bob@example.com")
PHONE = CustomerUpsert(first_name="Cy", phone="+1 415 555 0101")
NEITHER = CustomerUpsert(first_name="Dee", email=" ")


# asks


@pytest.mark.parametrize(
    ("customer", "channels"),
    [(BOTH, ("email", "sms")), (EMAIL, ("email",)), (PHONE, ("sms",)), (NEITHER, ())],
    ids=["both", "email", "phone", "neither"],
)
def test_a_customer_is_reachable_by_email_with_an_email_and_by_sms_with_a_phone(
    customer: CustomerUpsert, channels: tuple[Channel, ...]
) -> None:
    template = AskTemplate(channels=["email", "sms"])
    assert template.reachable_channels(customer) == channels


@pytest.mark.parametrize(
    ("customer", "email", "phone"),
    [(BOTH, "ada@example.com", UNSET), (PHONE, UNSET, "+1 415 555 0101")],
    ids=["email", "phone"],
)
def test_an_ask_names_the_customer_by_email_or_else_by_phone(
    customer: CustomerUpsert, email: object, phone: object
) -> None:
    """The API finds the customer of an upsert by email first, and so its ask must too."""
    ask = AskTemplate(channels=["sms"], reminders_count=2).create(customer)
    assert ask is not None
    assert ask.email == email
    assert ask.phone == phone
    assert ask.reminders_count == 2


def test_a_customer_who_is_not_reachable_has_no_ask() -> None:
    assert AskTemplate(channels=["sms"]).create(EMAIL) is None


def test_an_ask_uses_the_channels_that_are_named() -> None:
    ask = AskTemplate(channels=["email", "sms"]).create(BOTH, ["sms"])
    assert ask is not None
    assert list(ask.channels) == ["sms"]


def test_without_a_number_of_reminders_the_project_decides() -> None:
    """The request has no field for it."""
    ask = AskTemplate(channels=["email"]).create(EMAIL)
    assert ask is not None
    assert ask.reminders_count is UNSET


@pytest.mark.parametrize(
    ("channels", "reminders"), [([], None), (["email", "email"], None), (["email"], 4)]
)
def test_a_template_of_an_ask_that_cannot_be_sent_is_refused_when_it_is_made(
    channels: list[str], reminders: int | None
) -> None:
    with pytest.raises(InvalidRequest):
        AskTemplate(channels=channels, reminders_count=reminders)  # type: ignore[arg-type]


# charges

TOTAL = ChargeTemplate(amount="Total", currency="USD")


@pytest.mark.parametrize(
    ("text", "currency", "units"),
    [
        ("49.90", "USD", 4990),
        ("49.9", "usd", 4990),
        ("49", "USD", 4900),
        ("0", "USD", 0),
        ("-12.50", "EUR", -1250),
        ("$1,234.50", "USD", 123450),
        ("€ 1,234,567.00", "EUR", 123456700),
        ("£3", "GBP", 300),
        ("5000", "JPY", 5000),
        ("¥5,000", "jpy", 5000),
        ("1.234", "KWD", 1234),
        ("10", "BHD", 10000),
        ("12.500", "USD", 1250),
        ("00012.50", "USD", 1250),
    ],
)
def test_an_amount_is_sent_in_the_lowest_unit_of_its_currency(
    text: str, currency: str, units: int
) -> None:
    assert TOTAL.to_minor_units(text, currency) == units


@pytest.mark.parametrize(
    "text",
    ["", "free", "12,50", "1,2345.00", "1.234,50", "1e3", "--1", "12.", ".5", "12.505", "NaN"],
)
def test_a_text_that_is_not_clearly_an_amount_is_refused(text: str) -> None:
    """A decimal comma taken for a thousands separator would record a hundredfold charge."""
    with pytest.raises(InvalidRequest) as refused:
        TOTAL.to_minor_units(text, "USD")
    assert list(refused.value.fields) == ["amount"]


def test_an_amount_with_more_digits_than_its_currency_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="more than 0 digits"):
        TOTAL.to_minor_units("10.5", "JPY")


def test_an_amount_in_minor_units_has_no_digits_after_the_point() -> None:
    in_cents = ChargeTemplate(amount="Total", currency="USD", unit="minor")
    assert in_cents.to_minor_units("1,050", "USD") == 1050
    with pytest.raises(InvalidRequest, match="more than 0 digits"):
        in_cents.to_minor_units("10.50", "USD")


@given(st.integers(-(10**12), 10**12), st.sampled_from([("USD", 2), ("JPY", 0), ("KWD", 3)]))
def test_every_amount_survives_being_written_with_or_without_commas(
    units: int, currency: tuple[str, int]
) -> None:
    name, digits = currency
    amount = Decimal(units).scaleb(-digits)
    assert TOTAL.to_minor_units(f"{amount:f}", name) == units
    assert TOTAL.to_minor_units(f"{amount:,f}", name) == units


@given(st.text(max_size=12))
def test_any_text_is_an_amount_or_an_invalid_request(text: str) -> None:
    with suppress(InvalidRequest):
        assert isinstance(TOTAL.to_minor_units(text, "USD"), int)


def test_a_charge_has_its_customer_amount_currency_and_date() -> None:
    """The currency of the row's own column is preferred."""
    template = ChargeTemplate(
        amount="Total", currency="usd", currency_column="Cur", charged_at="Day"
    )
    charge = template.create(EMAIL, {"Total": " 1250 ", "Cur": "jpy ", "Day": "2026-01-05"})
    assert charge is not None
    assert charge.email == "bob@example.com"
    assert charge.amount == 1250
    assert charge.currency == "JPY"
    assert "2026-01-05" in str(charge.charged_at)


def test_a_charge_whose_row_has_no_currency_has_the_currency_of_its_template() -> None:
    """Cells may be numbers, and columns may be missing."""
    template = ChargeTemplate(
        amount="Total", currency="usd", currency_column="Cur", charged_at="Day"
    )
    charge = template.create(EMAIL, {"Total": 12.5, "Cur": None})
    assert charge is not None
    assert charge.amount == 1250
    assert charge.currency == "USD"
    assert charge.charged_at is UNSET


@pytest.mark.parametrize("cells", [{}, {"Total": ""}, {"Total": "  "}, {"Total": None}])
def test_a_blank_amount_is_no_charge(cells: Mapping[str, object]) -> None:
    assert TOTAL.create(EMAIL, cells) is None


def test_a_charge_without_a_currency_is_refused() -> None:
    template = ChargeTemplate(amount="Total", currency_column="Cur")
    with pytest.raises(InvalidRequest):
        template.create(EMAIL, {"Total": "1"})


def test_a_template_without_any_currency_is_refused_when_it_is_made() -> None:
    with pytest.raises(ConfigurationError, match="currency"):
        ChargeTemplate(amount="Total")


def test_a_template_is_checked_against_the_columns_of_the_input() -> None:
    """An input without a header has any columns."""
    template = ChargeTemplate(amount="Total", currency="USD", charged_at="Day")
    assert template.columns == ("Total", "Day")
    template.check(["Day", "Total"])
    template.check([])
    with pytest.raises(ConfigurationError, match='no column "Day" to read charges from'):
        template.check(["Total"])
