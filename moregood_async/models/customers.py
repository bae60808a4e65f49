"""Customers: what is sent to create or update one, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Required, TypedDict

import attrs

from moregood_async.models.fields import (
    UNSET,
    DateLike,
    SentValue,
    Unset,
    filled,
    flag,
    gathered,
    given,
    moment,
    slugs,
    text,
)

NOTES_MOST = 5_000
"""Characters of ``notes`` that are kept (documented for the vendor's Project API)."""


class CustomerFields(TypedDict, total=False):
    """The fields of a `CustomerUpsert`, as keywords or as a row."""

    first_name: Required[str]
    last_name: str | None
    email: str | None
    phone: str | None
    company: str | None
    notes: str | None
    address1: str | None
    address2: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    signed_up_at: DateLike | None
    has_subscription: bool | None
    location_slug: str | None
    tags: Sequence[str] | None


@attrs.frozen(kw_only=True, repr=False, field_transformer=gathered)
class CustomerUpsert(SentValue):
    """A customer to create, or to update where the email (first) or the phone is known already.

    Only ``first_name`` is required. Fields left out stay as they are on the server; None is sent
    as null. A customer with neither email nor phone is created anew each time it is sent.
    """

    first_name: str = attrs.field(validator=filled)
    last_name: str | Unset | None = attrs.field(default=UNSET, validator=text())
    email: str | Unset | None = attrs.field(default=UNSET, validator=text())
    phone: str | Unset | None = attrs.field(default=UNSET, validator=text())
    """With its country code: +14155550100."""
    company: str | Unset | None = attrs.field(default=UNSET, validator=text())
    notes: str | Unset | None = attrs.field(default=UNSET, validator=text(NOTES_MOST))
    """Internal; at most 5,000 characters."""
    address1: str | Unset | None = attrs.field(default=UNSET, validator=text())
    address2: str | Unset | None = attrs.field(default=UNSET, validator=text())
    city: str | Unset | None = attrs.field(default=UNSET, validator=text())
    state: str | Unset | None = attrs.field(default=UNSET, validator=text())
    postal_code: str | Unset | None = attrs.field(default=UNSET, validator=text())
    signed_up_at: DateLike | Unset | None = attrs.field(default=UNSET, validator=moment)
    """Today where it is left blank."""
    has_subscription: bool | Unset | None = attrs.field(default=UNSET, validator=flag)
    location_slug: str | Unset | None = attrs.field(default=UNSET, validator=text())
    """The slug of an existing location."""
    tags: Sequence[str] | Unset | None = attrs.field(default=UNSET, validator=slugs)
    """Slugs of existing customer tags."""

    @property
    def idempotent(self) -> bool:
        """Whether the server can match it: without email and phone each sending creates one."""
        return given(self.email, self.phone)


@attrs.define(kw_only=True)
class Engagement:
    """What the address check found out about an address's use."""

    engaging: bool | None = None
    is_bot: bool | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class AddressValidation:
    """The result of the vendor's check of an email address."""

    address: str | None = attrs.field(default=None, repr=False)
    result: str | None = None
    risk: str | None = None
    reason: list[str] | None = None
    is_disposable_address: bool | None = None
    is_role_address: bool | None = None
    engagement: Engagement | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class Customer:
    """A customer of the project. Times are aware, in UTC; sums are in the lowest currency unit.

    Everything but ``id`` may be None. Fields that this version does not know, and values of a
    type that it does not expect, are in ``extra``. The ``repr`` shows nothing personal.
    """

    id: int
    uuid: str | None = None
    name: str | None = attrs.field(default=None, repr=False)
    first_name: str | None = attrs.field(default=None, repr=False)
    last_name: str | None = attrs.field(default=None, repr=False)
    email: str | None = attrs.field(default=None, repr=False)
    phone: str | None = attrs.field(default=None, repr=False)
    phone_e164: str | None = attrs.field(default=None, repr=False)
    phone_formatted: str | None = attrs.field(default=None, repr=False)
    company: str | None = attrs.field(default=None, repr=False)
    notes: str | None = attrs.field(default=None, repr=False)
    lang: str | None = attrs.field(default=None, repr=False)
    address1: str | None = attrs.field(default=None, repr=False)
    address2: str | None = attrs.field(default=None, repr=False)
    city: str | None = attrs.field(default=None, repr=False)
    state: str | None = attrs.field(default=None, repr=False)
    postal_code: str | None = attrs.field(default=None, repr=False)
    color: str | None = attrs.field(default=None, repr=False)
    gravatar: str | None = attrs.field(default=None, repr=False)
    has_subscription: bool | None = attrs.field(default=None, repr=False)
    is_validated: bool | None = attrs.field(default=None, repr=False)
    validation: AddressValidation | None = attrs.field(default=None, repr=False)
    location_id: int | None = attrs.field(default=None, repr=False)
    location: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """Only in the answer to an upsert."""
    charges_count: int | None = None
    charges_sum: float | None = None
    charges_avg: float | None = None
    first_charged_at: datetime | None = attrs.field(default=None, repr=False)
    last_charged_at: datetime | None = None
    first_asked_at: datetime | None = attrs.field(default=None, repr=False)
    last_asked_at: datetime | None = None
    signed_up_at: datetime | None = attrs.field(default=None, repr=False)
    created_at: datetime | None = attrs.field(default=None, repr=False)
    updated_at: datetime | None = attrs.field(default=None, repr=False)
    review_link: str | None = attrs.field(default=None, repr=False)
    unsubscribe_link: str | None = attrs.field(default=None, repr=False)
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
