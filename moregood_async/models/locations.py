"""Locations: the places that a business has."""

from __future__ import annotations

from typing import Any, TypedDict

import attrs

from moregood_async.models.fields import UNSET, SentValue, Unset, filled, gathered, text


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


@attrs.frozen(kw_only=True, repr=False, field_transformer=gathered)
class LocationUpdate(SentValue):
    """Changes to a location: only what is given changes, None clears."""

    name: str | Unset = attrs.field(default=UNSET, validator=filled)
    display_name: str | Unset | None = attrs.field(default=UNSET, validator=text())
    """``name``, where it is empty."""
    slug: str | Unset | None = attrs.field(default=UNSET, validator=text())
    """Unique in the project; made from the name where it is left out."""
    code: str | Unset | None = attrs.field(default=UNSET, validator=text())
    """The store code."""
    address1: str | Unset | None = attrs.field(default=UNSET, validator=text())
    address2: str | Unset | None = attrs.field(default=UNSET, validator=text())
    city: str | Unset | None = attrs.field(default=UNSET, validator=text())
    state: str | Unset | None = attrs.field(default=UNSET, validator=text())
    postal_code: str | Unset | None = attrs.field(default=UNSET, validator=text())

    def problems(self) -> list[tuple[str, str]]:
        """It changes something."""
        if any(getattr(self, field.name) is not UNSET for field in attrs.fields(type(self))):
            return []
        return [("name", "nothing was given to change")]


@attrs.frozen(kw_only=True, repr=False, field_transformer=gathered)
class LocationCreate(LocationUpdate):
    """A location to create; only ``name`` is required."""

    name: str = attrs.field(validator=filled)


@attrs.define(kw_only=True)
class Location:
    """A location of the project; everything but ``id`` may be None."""

    id: int
    uuid: str | None = None
    project_id: int | None = None
    name: str | None = None
    display_name: str | None = None
    title: str | None = None
    slug: str | None = None
    code: str | None = None
    address: str | None = None
    """In one line."""
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
