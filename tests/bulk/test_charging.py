"""What each row's customer paid: amounts, currencies, days."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.bulk.templates import ChargeTemplate
from moregood_async.errors import ConfigurationError, InvalidRequest
from moregood_async.models.customers import CustomerUpsert

ADA = CustomerUpsert(first_name="Ada", email="ada@example.com")
TOTAL = ChargeTemplate(amount="Total", currency="USD")


@pytest.mark.parametrize(
    ("told", "currency", "units"),
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
def test_amounts_become_the_lowest_unit(told: str, currency: str, units: int) -> None:
    """Of the currency: cents, none, or thousandths."""
    assert units == TOTAL.to_minor_units(told, currency)


@pytest.mark.parametrize(
    "told",
    ["", "free", "12,50", "1,2345.00", "1.234,50", "1e3", "--1", "12.", ".5", "12.505", "NaN"],
)
def test_what_is_no_amount_is_refused_and_not_guessed(told: str) -> None:
    """A decimal comma would be a hundred times too much."""
    with pytest.raises(InvalidRequest) as refused:
        TOTAL.to_minor_units(told, "USD")
    assert ["amount"] == list(refused.value.fields)


def test_what_is_finer_than_the_currency_is_refused() -> None:
    """There is no half a yen."""
    with pytest.raises(InvalidRequest, match="more than 0 digits"):
        TOTAL.to_minor_units("10.5", "JPY")
    in_cents = ChargeTemplate(amount="Total", currency="USD", unit="minor")
    assert 1050 == in_cents.to_minor_units("1,050", "USD")
    with pytest.raises(InvalidRequest, match="more than 0 digits"):
        in_cents.to_minor_units("10.50", "USD")


@given(st.integers(-(10**12), 10**12), st.sampled_from([("USD", 2), ("JPY", 0), ("KWD", 3)]))
def test_every_amount_survives_being_written(units: int, currency: tuple[str, int]) -> None:
    """With commas between thousands or without; nothing is rounded."""
    name, digits = currency
    amount = Decimal(units).scaleb(-digits)
    assert units == TOTAL.to_minor_units(f"{amount:f}", name)
    assert units == TOTAL.to_minor_units(f"{amount:,f}", name)


@given(st.text(max_size=12))
def test_any_cell_is_an_amount_or_an_invalid_request(told: str) -> None:
    """Never another error."""
    with suppress(InvalidRequest):
        assert isinstance(TOTAL.to_minor_units(told, "USD"), int)


def test_a_charge_names_its_customer_and_what_was_paid() -> None:
    """The column of a currency wins where it is filled in."""
    template = ChargeTemplate(
        amount="Total", currency="usd", currency_column="Cur", charged_at="Day"
    )
    charge = template.charge(ADA, {"Total": " 1250 ", "Cur": "jpy ", "Day": "2026-01-05"})
    assert charge is not None
    assert ("ada@example.com", 1250, "JPY") == (charge.email, charge.amount, charge.currency)
    assert "2026-01-05" in str(charge.charged_at)
    plain = template.charge(ADA, {"Total": 12.5, "Cur": None})
    assert plain is not None
    assert (1250, "USD") == (plain.amount, plain.currency)


@pytest.mark.parametrize("cells", [{}, {"Total": ""}, {"Total": "  "}, {"Total": None}])
def test_a_blank_amount_is_no_charge(cells: dict[str, object]) -> None:
    """And no error."""
    assert None is TOTAL.charge(ADA, cells)


def test_a_row_without_a_currency_is_refused() -> None:
    """Where none is said for all."""
    template = ChargeTemplate(amount="Total", currency_column="Cur")
    with pytest.raises(InvalidRequest):
        template.charge(ADA, {"Total": "1"})


def test_a_template_needs_a_currency_and_its_columns() -> None:
    """Told before anything is read."""
    with pytest.raises(ConfigurationError, match="currency"):
        ChargeTemplate(amount="Total")
    template = ChargeTemplate(amount="Total", currency="USD", charged_at="Day")
    assert ("Total", "Day") == template.columns
    template.check(["Day", "Total"])
    template.check([])
    with pytest.raises(ConfigurationError, match='no column "Day" to read charges from'):
        template.check(["Total"])
