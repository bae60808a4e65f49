"""Charges: what a customer paid, or got back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Required, TypedDict

import attrs

from moregood_async.models.checks import (
    check_amount,
    check_currency,
    check_date,
    check_text,
    contact_problems,
)
from moregood_async.models.dates import DateLike
from moregood_async.models.fields import UNSET, SentValue, Unset, defer_checks


class ChargeFields(TypedDict, total=False):
    """The fields of a `ChargeCreate`, as keywords or as a row."""

    amount: Required[int]
    email: str | None
    phone: str | None
    currency: str | None
    location_slug: str | None
    charged_at: DateLike | None


@attrs.frozen(kw_only=True, repr=False, field_transformer=defer_checks)
class ChargeCreate(SentValue):
    """A charge of an existing customer, who is named by email or phone [D]."""

    amount: int = attrs.field(validator=check_amount)
    """In the lowest currency unit: 4900 for 49.00 USD. Negative for a refund [D]. Required [P]."""
    email: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    phone: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    currency: str | Unset | None = attrs.field(default=UNSET, validator=check_currency)
    """Three letters, such as USD [D]."""
    location_slug: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    """The slug of an existing location, which becomes the customer's default location [D]."""
    charged_at: DateLike | Unset | None = attrs.field(default=UNSET, validator=check_date)
    """When the customer paid; now, if left out [P]."""

    def problems(self) -> list[tuple[str, str]]:
        """Return a problem if neither email nor phone names the customer."""
        return contact_problems(self.email, self.phone)


@attrs.define(kw_only=True)
class Charge:
    """A recorded charge.

    The response to a charge is undocumented, so every field may be None; the fields are those of a
    third party's schema [O], and ``id`` is a guess [I].
    """

    id: int | None = None
    email: str | None = attrs.field(default=None, repr=False)
    phone: str | None = attrs.field(default=None, repr=False)
    amount: int | None = None
    """In the lowest currency unit."""
    currency: str | None = None
    charged_at: datetime | None = None
    """Aware, in UTC."""
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """Unknown fields, and values of an unexpected type, by name."""
