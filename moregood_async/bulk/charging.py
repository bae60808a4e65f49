"""What each row's customer paid, read from the row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import attrs

from moregood_async.errors import ConfigurationError, InvalidRequest
from moregood_async.models.charges import ChargeCreate
from moregood_async.models.customers import CustomerUpsert

Unit = Literal["major", "minor"]

_AMOUNT = re.compile(r"-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?")
_SIGNS = re.compile(r"[$€£¥\s]")
_NO_CENTS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_MILLS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS: dict[str, int] = {
    **dict.fromkeys(_NO_CENTS.split(" "), 0),
    **dict.fromkeys(_MILLS.split(" "), 3),
}
"""Digits after the point, of currencies that have not two (ISO 4217)."""


@attrs.frozen(kw_only=True)
class ChargeTemplate:
    """Which columns say what a customer paid. A row with a blank amount gets no charge.

    >>> paid = ChargeTemplate(amount="Total", currency="USD")
    >>> paid.minor_units("$1,234.50", "USD"), paid.minor_units("5000", "JPY")
    (123450, 5000)

    Raises:
        ConfigurationError: There is neither a currency nor a column for it.
    """

    amount: str
    """The column of the amount; a negative one is a refund."""
    currency: str | None = None
    """The currency of all rows: three letters."""
    currency_column: str | None = None
    """The column of each row's currency, which wins where it is filled in."""
    charged_at: str | None = None
    """The column of the day; the API takes today where it is left out."""
    unit: Unit = "major"
    """Whether amounts are in dollars and cents (``major``), or already in cents (``minor``)."""

    def __attrs_post_init__(self) -> None:
        if not (self.currency or self.currency_column):
            raise ConfigurationError("a charge needs currency=, or currency_column=")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        named = (self.amount, self.currency_column, self.charged_at)
        return tuple(name for name in named if name)

    def check(self, columns: Sequence[str]) -> None:
        """Refuse columns that are not in the file.

        Raises:
            ConfigurationError: One is not there.
        """
        missing = [name for name in self.columns if columns and name not in columns]
        if missing:
            raise ConfigurationError(
                f'there is no column "{missing[0]}" to read charges from; '
                f"there are {', '.join(columns)}"
            )

    def charge(self, customer: CustomerUpsert, cells: Mapping[str, Any]) -> ChargeCreate | None:
        """The charge of a row, or None where its amount is blank.

        Raises:
            InvalidRequest: The amount cannot be read, or something about it is wrong.
        """
        told = _cell(cells, self.amount)
        if not told:
            return None
        currency = _cell(cells, self.currency_column) or self.currency or ""
        amount = self.minor_units(told, currency)
        fields: dict[str, Any] = {
            "email": customer.email,
            "phone": customer.phone,
            "amount": amount,
            "currency": currency.upper(),
        }
        day = _cell(cells, self.charged_at)
        return ChargeCreate.of(fields | ({"charged_at": day} if day else {}))

    def minor_units(self, told: str, currency: str) -> int:
        """An amount as the API takes it, in the currency's lowest unit.

        Raises:
            InvalidRequest: It is no amount, or finer than the currency.
        """
        bare = _SIGNS.sub("", told)
        if not _AMOUNT.fullmatch(bare):
            problem = "is an amount such as 49.90 (a point before the cents, commas only between"
            raise InvalidRequest({"amount": (f"{problem} thousands)",)})
        digits = 0 if self.unit == "minor" else _DIGITS.get(currency.upper(), 2)
        exact = Decimal(bare.replace(",", "")).scaleb(digits)
        if exact != exact.to_integral_value():
            raise InvalidRequest({"amount": (f"has more than {digits} digits after the point",)})
        return int(exact)


def _cell(cells: Mapping[str, Any], column: str | None) -> str:
    value = cells.get(column) if column else None
    return "" if value is None else str(value).strip()
