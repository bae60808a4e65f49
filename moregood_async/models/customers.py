"""Customers: the values that create or update one, and the models of the responses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Required, TypedDict

import attrs

from moregood_async.models.checks import (
    check_date,
    check_filled,
    check_flag,
    check_slugs,
    check_text,
)
from moregood_async.models.dates import DateLike
from moregood_async.models.fields import UNSET, SentValue, Unset, defer_checks, has_text

NOTES_MAX_LENGTH = 5_000
"""Characters of ``notes`` that the server keeps [P]; longer notes are refused before sending."""


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


@attrs.frozen(kw_only=True, repr=False, field_transformer=defer_checks)
class CustomerUpsert(SentValue):
    """A customer to create, or to update if the project has one with the same email or phone [D].

    The email is matched first, then the phone [P]. Only ``first_name`` is required [D]. Fields
    that are left out stay as they are on the server [I]; None is sent as null. A customer with
    neither email nor phone is created again each time it is sent.
    """

    first_name: str = attrs.field(validator=check_filled)
    last_name: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    email: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    phone: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    """The full number with its country code: +14155550100 [P]."""
    company: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    notes: str | Unset | None = attrs.field(default=UNSET, validator=check_text(NOTES_MAX_LENGTH))
    """Internal notes, at most 5,000 characters [P]."""
    address1: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    address2: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    city: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    state: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    postal_code: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    signed_up_at: DateLike | Unset | None = attrs.field(default=UNSET, validator=check_date)
    """When the customer signed up; today, if left blank [D]."""
    has_subscription: bool | Unset | None = attrs.field(default=UNSET, validator=check_flag)
    location_slug: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    """The slug of an existing location [D]."""
    tags: Sequence[str] | Unset | None = attrs.field(default=UNSET, validator=check_slugs)
    """Slugs of existing customer tags [D]."""

    @property
    def idempotent(self) -> bool:
        """Whether an email or phone is there, by which the server finds the customer again."""
        return has_text(self.email, self.phone)


@attrs.define(kw_only=True)
class Engagement:
    """How an email address is used, as the vendor's check reports it [O]."""

    engaging: bool | None = None
    is_bot: bool | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


@attrs.define(kw_only=True)
class AddressValidation:
    """The result of the vendor's check of an email address [O]."""

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
    """A customer of the project [O].

    Every field but ``id`` may be None [I]. Times are aware, in UTC. The ``repr`` shows no personal
    data.
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
    """Only in the response to an upsert; lists leave it out [O]."""
    charges_count: int | None = None
    charges_sum: float | None = None
    """In the lowest currency unit."""
    charges_avg: float | None = None
    """In the lowest currency unit."""
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
    """Unknown fields, and values of an unexpected type, by name."""
