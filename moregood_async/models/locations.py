"""Locations: the places that a business has."""

from __future__ import annotations

from typing import Any, TypedDict

import attrs

from moregood_async.models.checks import check_filled, check_text
from moregood_async.models.fields import UNSET, SentValue, Unset, defer_checks


class _AddressFields(TypedDict, total=False):
    display_name: str | None
    slug: str | None
    code: str | None
    address1: str | None
    address2: str | None
    city: str | None
    state: str | None
    postal_code: str | None


class LocationFields(_AddressFields):
    """The fields of a `LocationCreate`, as keywords."""

    name: str


class LocationUpdateFields(_AddressFields, total=False):
    """The fields of a `LocationUpdate`, as keywords."""

    name: str


@attrs.frozen(kw_only=True, repr=False, field_transformer=defer_checks)
class LocationUpdate(SentValue):
    """Changes to a location. Fields that are left out stay as they are [D]; None becomes null."""

    name: str | Unset = attrs.field(default=UNSET, validator=check_filled)
    display_name: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    """The name that customers see; falls back to ``name`` [D]."""
    slug: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    """Unique in the project; generated from the name if left out [D]."""
    code: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    """The store code [D]."""
    address1: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    address2: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    city: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    state: str | Unset | None = attrs.field(default=UNSET, validator=check_text())
    postal_code: str | Unset | None = attrs.field(default=UNSET, validator=check_text())

    def problems(self) -> list[tuple[str, str]]:
        """Return a problem if no field is set."""
        if any(getattr(self, field.name) is not UNSET for field in attrs.fields(type(self))):
            return []
        return [("name", "an update needs at least one field")]


@attrs.frozen(kw_only=True, repr=False, field_transformer=defer_checks)
class LocationCreate(LocationUpdate):
    """A location to create; only ``name`` is required [D]."""

    name: str = attrs.field(validator=check_filled)


@attrs.define(kw_only=True)
class Location:
    """A location of the project [O]. Every field but ``id`` may be None [I]."""

    id: int
    uuid: str | None = None
    project_id: int | None = None
    name: str | None = None
    display_name: str | None = None
    title: str | None = None
    slug: str | None = None
    code: str | None = None
    address: str | None = None
    """The whole address in one line."""
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """Unknown fields, and values of an unexpected type, by name."""
