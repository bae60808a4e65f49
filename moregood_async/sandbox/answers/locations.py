"""Locations. A slug is unique in its project; a generated one gets a number where taken [I]."""

from __future__ import annotations

import re
import unicodedata

from moregood_async.sandbox import laravel
from moregood_async.sandbox.answers.calls import Call
from moregood_async.sandbox.laravel import Invalid
from moregood_async.sandbox.store import Row, Store
from moregood_async.sandbox.validation import Field, string, validated
from moregood_async.wire import Response

_ADDRESS = ("address1", "address2", "city", "state", "postal_code")
_COLUMNS = ("name", "display_name", "slug", "code", *_ADDRESS)
_OPTIONAL = tuple(Field(name, (string,)) for name in _COLUMNS[1:])
_CREATE = (Field("name", (string,), required=True), *_OPTIONAL)
_UPDATE = (Field("name", (string,), sometimes=True), *_OPTIONAL)


def create_location(call: Call) -> Response:
    """POST locations."""
    validated(call.fields, _CREATE)
    row = {name: call.fields.get(name) for name in _COLUMNS}
    row["slug"] = _free_slug(call, None)
    row["project_id"] = call.project
    row["id"] = call.store.insert("locations", **row)
    return laravel.success(shown_location(call.store, row))


def update_location(call: Call) -> Response:
    """PUT locations/:id: what is sent changes, null clears; the slug stays where it is null [I]."""
    row = call.location_named(call.ident)
    validated(call.fields, _UPDATE)
    given = {name: call.fields[name] for name in _COLUMNS if name in call.fields}
    if given.pop("slug", None) is not None:
        given["slug"] = _free_slug(call, row["id"])
    if given:
        call.store.update("locations", row["id"], **given)
    return laravel.success(shown_location(call.store, {**row, **given}))


def _free_slug(call: Call, own: int | None) -> str:
    """The slug that was sent, if nobody has it; else one made from the name."""
    sent = call.fields.get("slug")
    if sent is not None:
        if _taken(call, sent, own):
            raise Invalid({"slug": ["The slug has already been taken."]})
        return str(sent)
    stem = slug(call.fields["name"])
    free, number = stem, 1
    while _taken(call, free, own):
        number += 1
        free = f"{stem}-{number}"
    return free


def _taken(call: Call, slug: str, own: int | None) -> bool:
    return bool(
        call.store.count(
            "SELECT count(*) FROM locations WHERE project_id = ? AND slug = ? AND id IS NOT ?",
            (call.project, slug, own),
        )
    )


def slug(name: str) -> str:
    """A name as a slug; ``location`` where nothing of it is left.

    >>> slug("Café  São Paulo, 2nd"), slug("東京")
    ('cafe-sao-paulo-2nd', 'location')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "location"


def shown_location(store: Store, row: Row) -> Row:
    """A location as the API shows it."""
    return {
        "id": row["id"],
        "uuid": store.uuid("location", row["id"]),
        "project_id": row["project_id"],
        "name": row["name"],
        "display_name": row["display_name"] or row["name"],
        "title": row["display_name"] or row["name"],
        "slug": row["slug"],
        "code": row["code"],
        "address": _one_line(row),
        **{name: row[name] for name in _ADDRESS},
    }


def _one_line(row: Row) -> str:
    region = " ".join(part for part in (row["state"], row["postal_code"]) if part)
    parts = (row["address1"], row["address2"], row["city"], region)
    return ", ".join(part for part in parts if part)
