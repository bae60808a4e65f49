"""Charges: what a customer paid, or got back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Required, TypedDict

import attrs

from moregood_async.models.fields import (
    UNSET,
    DateLike,
    SentValue,
    Unset,
    currency_code,
    gathered,
    lowest_unit,
    moment,
    reachable,
    text,
)


class ChargeFields(TypedDict, total=False):
    """The fields of a `ChargeCreate`, as keywords or as a row."""

    amount: Required[int]
    email: str | None
    phone: str | None
    currency: str | None
    location_slug: str | None
    charged_at: DateLike | None


@attrs.frozen(kw_only=True, repr=False, field_transformer=gathered)
class ChargeCreate(SentValue):
    """A charge of a customer who exists already, named by email or phone."""

    amount: int = attrs.field(validator=lowest_unit)
    """In the lowest currency unit: 4900 for 49.00 USD. Negative for a refund."""
    email: str | Unset | None = attrs.field(default=UNSET, validator=text())
    phone: str | Unset | None = attrs.field(default=UNSET, validator=text())
    currency: str | Unset | None = attrs.field(default=UNSET, validator=currency_code)
    """Three letters: USD."""
    location_slug: str | Unset | None = attrs.field(default=UNSET, validator=text())
    """Becomes the customer's default location."""
    charged_at: DateLike | Unset | None = attrs.field(default=UNSET, validator=moment)
    """Now, where it is left out."""

    def problems(self) -> list[tuple[str, str]]:
        """It names its customer."""
        return reachable(self.email, self.phone)


@attrs.define(kw_only=True)
class Charge:
    """A recorded charge, as far as the API answers with it; everything may be None."""

    id: int | None = None
    email: str | None = attrs.field(default=None, repr=False)
    phone: str | None = attrs.field(default=None, repr=False)
    amount: int | None = None
    """In the lowest currency unit."""
    currency: str | None = None
    charged_at: datetime | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
