"""Templates: the ask and the charge that a job makes for each row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

import attrs

from moregood_async.errors import ConfigurationError, InvalidRequest
from moregood_async.models.asks import AskCreate
from moregood_async.models.charges import ChargeCreate
from moregood_async.models.customers import CustomerUpsert
from moregood_async.models.fields import UNSET, Channel, has_text

Unit = Literal["major", "minor"]
"""``major``: amounts in dollars and cents, such as 49.90. ``minor``: in cents, such as 4990."""

_AMOUNT: Final = re.compile(r"-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?")
_CURRENCY_SIGNS: Final = re.compile(r"[$€£¥\s]")
_NO_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS: Final = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS: Final[dict[str, int]] = {
    **dict.fromkeys(_NO_DECIMALS.split(" "), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(" "), 3),
}
"""Digits after the point, of the currencies that do not have two (ISO 4217)."""


@attrs.frozen(kw_only=True)
class AskTemplate:
    """The review request that a job makes for each customer.

    >>> AskTemplate(channels=["email"], reminders_count=2)
    AskTemplate(channels=('email',), reminders_count=2)

    Raises:
        InvalidRequest: The channels or the number of reminders are wrong.
    """

    channels: Sequence[Channel] = attrs.field(converter=tuple[Channel, ...])
    """``email``, ``sms`` or both. A customer is asked by those that the row has a contact for."""
    reminders_count: int | None = None
    """Reminders for each channel, 0 to 3; None leaves the number to the project's settings."""

    def __attrs_post_init__(self) -> None:
        self._create(self.channels, email="checked@example.com", phone=None)

    def reachable_channels(self, customer: CustomerUpsert) -> tuple[Channel, ...]:
        """Return the channels that the customer has a contact for: an email, a phone for SMS.

        >>> template = AskTemplate(channels=["email", "sms"])
        >>> template.reachable_channels(CustomerUpsert(first_name="A", email="a@example.com"))
        ('email',)
        """
        contacts = {"email": customer.email, "sms": customer.phone}
        return tuple(channel for channel in self.channels if has_text(contacts[channel]))

    def create(
        self, customer: CustomerUpsert, channels: Sequence[Channel] | None = None
    ) -> AskCreate | None:
        """Return the ask of a customer, or None if there is no channel.

        Args:
            customer: The customer to ask.
            channels: The channels to use; by default all that the customer has a contact for.
        """
        channels = self.reachable_channels(customer) if channels is None else channels
        if not channels:
            return None
        if has_text(customer.email):
            return self._create(channels, email=str(customer.email), phone=None)
        return self._create(channels, email=None, phone=str(customer.phone))

    def _create(
        self, channels: Sequence[Channel], email: str | None, phone: str | None
    ) -> AskCreate:
        return AskCreate(
            channels=channels,
            email=email or UNSET,
            phone=phone or UNSET,
            reminders_count=UNSET if self.reminders_count is None else self.reminders_count,
        )


@attrs.frozen(kw_only=True)
class ChargeTemplate:
    """The columns from which a job reads each row's charge. A blank amount is no charge.

    >>> paid = ChargeTemplate(amount="Total", currency="USD")
    >>> paid.to_minor_units("$1,234.50", "USD"), paid.to_minor_units("5000", "JPY")
    (123450, 5000)

    Raises:
        ConfigurationError: There is neither ``currency`` nor ``currency_column``.
    """

    amount: str
    """The column of the amount. A negative amount is a refund."""
    currency: str | None = None
    """The currency of all rows: three letters."""
    currency_column: str | None = None
    """The column of each row's currency; ``currency`` stands in for its blank cells."""
    charged_at: str | None = None
    """The column of the day. Without one, the API takes the day of the request."""
    unit: Unit = "major"

    def __attrs_post_init__(self) -> None:
        if not (self.currency or self.currency_column):
            raise ConfigurationError("a charge template needs currency= or currency_column=")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the template reads."""
        named = (self.amount, self.currency_column, self.charged_at)
        return tuple(name for name in named if name)

    def check(self, columns: Sequence[str]) -> None:
        """Refuse to read from columns that the input does not have.

        Raises:
            ConfigurationError: A column is missing.
        """
        missing = [name for name in self.columns if columns and name not in columns]
        if missing:
            raise ConfigurationError(
                f'there is no column "{missing[0]}" to read charges from; '
                f"the columns are {', '.join(columns)}"
            )

    def create(self, customer: CustomerUpsert, cells: Mapping[str, Any]) -> ChargeCreate | None:
        """Return the charge of a row, or None if the amount is blank.

        Raises:
            InvalidRequest: A field of the charge is wrong.
        """
        text = _text(cells, self.amount)
        if not text:
            return None
        currency = _text(cells, self.currency_column) or self.currency or ""
        amount = self.to_minor_units(text, currency)
        fields: dict[str, Any] = {
            "email": customer.email,
            "phone": customer.phone,
            "amount": amount,
            "currency": currency.upper(),
        }
        day = _text(cells, self.charged_at)
        return ChargeCreate.of(fields | ({"charged_at": day} if day else {}))

    def to_minor_units(self, text: str, currency: str) -> int:
        """Return an amount in the currency's lowest unit, as the API wants it.

        Raises:
            InvalidRequest: The text is no amount, or has more digits than the currency.
        """
        bare = _CURRENCY_SIGNS.sub("", text)
        if not _AMOUNT.fullmatch(bare):
            problem = "is an amount such as 49.90 (a point before the cents, commas only between"
            raise InvalidRequest({"amount": (f"{problem} thousands)",)})
        digits = 0 if self.unit == "minor" else _DECIMALS.get(currency.upper(), 2)
        exact = Decimal(bare.replace(",", "")).scaleb(digits)
        if exact != exact.to_integral_value():
            raise InvalidRequest({"amount": (f"has more than {digits} digits after the point",)})
        return int(exact)


def _text(cells: Mapping[str, Any], column: str | None) -> str:
    value = cells.get(column) if column else None
    return "" if value is None else str(value).strip()
