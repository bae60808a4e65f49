"""POST locations and PUT locations/:id.

- The body has ``name``, which is required to create a location [D], and optionally
  ``display_name``, ``slug``, ``code``, ``address1``, ``address2``, ``city``, ``state`` and
  ``postal_code`` [D]. PUT takes any subset [D]; a ``name`` that is sent must not be empty [I].
- PUT changes the fields that are sent; null clears a field, except the slug, which stays [I].
- A slug is unique in its project and is generated if it is left out [D]. The generated slug is the
  name in lower case with hyphens, and has a number from 2 on if the slug exists [I]. A slug that is
  sent and exists already is a 422 [I].
- ``display_name`` falls back to ``name`` [D]. ``address`` is the address on one line [O].
- The API has no list, no GET and no DELETE of locations [D].
"""

from __future__ import annotations

import re
import unicodedata

from moregood_async.sandbox import laravel
from moregood_async.sandbox.endpoints.calls import Call
from moregood_async.sandbox.laravel import ValidationFailed
from moregood_async.sandbox.rules import string
from moregood_async.sandbox.store import Row, Store
from moregood_async.sandbox.validation import Field, validate
from moregood_async.wire import Response

_ADDRESS = ("address1", "address2", "city", "state", "postal_code")
_COLUMNS = ("name", "display_name", "slug", "code", *_ADDRESS)
_OPTIONAL = tuple(Field(name, (string,)) for name in _COLUMNS[1:])
_CREATE_RULES = (Field("name", (string,), required=True), *_OPTIONAL)
_UPDATE_RULES = (Field("name", (string,), required_if_sent=True), *_OPTIONAL)


def create_location(call: Call) -> Response:
    """Respond to ``POST locations``."""
    validate(call.fields, _CREATE_RULES)
    row = {name: call.fields.get(name) for name in _COLUMNS}
    row["slug"] = _choose_slug(call, None)
    row["project_id"] = call.project
    row["id"] = call.store.insert("locations", **row)
    return laravel.success_response(present_location(call.store, row))


def update_location(call: Call) -> Response:
    """Respond to ``PUT locations/:id``."""
    row = call.location_in_path()
    validate(call.fields, _UPDATE_RULES)
    changes = {name: call.fields[name] for name in _COLUMNS if name in call.fields}
    if changes.pop("slug", None) is not None:
        changes["slug"] = _choose_slug(call, row["id"])
    if changes:
        call.store.update("locations", row["id"], **changes)
    return laravel.success_response(present_location(call.store, {**row, **changes}))


def _choose_slug(call: Call, location_id: int | None) -> str:
    """Return the slug in the body, or else a free one made from the name."""
    sent = call.fields.get("slug")
    if sent is not None:
        if _is_taken(call, sent, location_id):
            raise ValidationFailed({"slug": ["The slug has already been taken."]})
        return str(sent)
    stem = to_slug(call.fields["name"])
    slug, number = stem, 1
    while _is_taken(call, slug, location_id):
        number += 1
        slug = f"{stem}-{number}"
    return slug


def _is_taken(call: Call, slug: str, location_id: int | None) -> bool:
    """Whether a location of the project other than ``location_id`` has the slug."""
    return bool(
        call.store.fetch_count(
            "SELECT count(*) FROM locations WHERE project_id = ? AND slug = ? AND id IS NOT ?",
            (call.project, slug, location_id),
        )
    )


def to_slug(name: str) -> str:
    """Return a name as a slug, or ``location`` if no character of the name fits into a slug.

    >>> to_slug("Café  São Paulo, 2nd"), to_slug("東京")
    ('cafe-sao-paulo-2nd', 'location')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "location"


def present_location(store: Store, row: Row) -> Row:
    """Return a location as the API shows it."""
    return {
        "id": row["id"],
        "uuid": store.uuid("location", row["id"]),
        "project_id": row["project_id"],
        "name": row["name"],
        "display_name": row["display_name"] or row["name"],
        "title": row["display_name"] or row["name"],
        "slug": row["slug"],
        "code": row["code"],
        "address": _address_line(row),
        **{name: row[name] for name in _ADDRESS},
    }


def _address_line(row: Row) -> str:
    region = " ".join(part for part in (row["state"], row["postal_code"]) if part)
    parts = (row["address1"], row["address2"], row["city"], region)
    return ", ".join(part for part in parts if part)
