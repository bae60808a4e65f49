"""Customers: upserts and lists.

Inferred [I]: an absent or null field stays as it is; a customer without email and phone is
created anew each time; newest first; tags are kept without being looked up.
"""

from __future__ import annotations

import json
from hashlib import md5
from typing import Any

from moregood_async.sandbox import laravel
from moregood_async.sandbox.answers.calls import Call
from moregood_async.sandbox.answers.locations import shown_location
from moregood_async.sandbox.contacts import e164, email_key, formatted, phone_key
from moregood_async.sandbox.dates import unix_seconds
from moregood_async.sandbox.store import Row, Store
from moregood_async.sandbox.validation import (
    Field,
    array,
    boolean,
    date,
    email,
    longest,
    string,
    validated,
)
from moregood_async.wire import Response

_TEXTS = ("last_name", "company", "address1", "address2", "city", "state", "postal_code")
_RULES = (
    Field("first_name", (string,), required=True),
    *(Field(name, (string,)) for name in _TEXTS),
    Field("notes", (string, longest(5_000))),
    Field("email", (string, email)),
    Field("phone", (string,)),
    Field("signed_up_at", (date,)),
    Field("has_subscription", (boolean,)),
    Field("location_slug", (string,)),
    Field("tags", (array,), entries=(string,)),
)
_DAY = 86_400
_COLORS = ("#e57373", "#ba68c8", "#7986cb", "#4fc3f7", "#4db6ac", "#aed581", "#ffd54f", "#ff8a65")
_LINKS = "https://moregoodreviews.com/sandbox"


def upsert_customer(call: Call) -> Response:
    """POST customers: the one with this email, else with this phone, else a new one."""
    validated(call.fields, _RULES)
    given = _given(call)
    customer = call.matching_customer(given.get("email_key"), given.get("phone_key"))
    if customer is None:
        customer = _created(call, given)
    else:
        _change(call, customer, given)
    shown = shown_customer(call.store, customer)
    shown["location"] = _location(call, customer)
    return laravel.success(shown)


def list_customers(call: Call) -> Response:
    """GET customers, newest first."""
    store, project = call.store, call.project
    return call.listed(
        store.count("SELECT count(*) FROM customers WHERE project_id = ?", (project,)),
        lambda limit, offset: store.rows(
            "SELECT * FROM customers WHERE project_id = ? ORDER BY id DESC LIMIT ? OFFSET ?",
            (project, limit, offset),
        ),
        lambda row: shown_customer(store, row),
    )


def _given(call: Call) -> Row:
    """The columns that the request fills."""
    fields = call.fields
    given: Row = {}
    for name in ("first_name", *_TEXTS, "notes", "email", "phone"):
        value = fields.get(name)
        if value is not None:
            given[name] = value
    if "email" in given:
        given["email_key"] = email_key(given["email"])
    if "phone" in given:
        given["phone_e164"] = e164(given["phone"])
        given["phone_key"] = given["phone_e164"] or phone_key(given["phone"])
    if fields.get("signed_up_at") is not None:
        given["signed_up_at"] = unix_seconds(fields["signed_up_at"])
    if fields.get("has_subscription") is not None:
        given["has_subscription"] = int(fields["has_subscription"])
    if fields.get("location_slug") is not None:
        given["location_id"] = call.location_slug()
    if fields.get("tags") is not None:
        given["tags"] = json.dumps(fields["tags"])
    return given


_BLANK: Row = {
    **dict.fromkeys(("first_name", *_TEXTS, "notes", "email", "phone")),
    **dict.fromkeys(("phone_e164", "email_key", "phone_key", "location_id", "tags")),
    "has_subscription": 0,
}
_UNTOUCHED: Row = {
    "charges_count": 0,
    "charges_sum": 0,
    **dict.fromkeys(("first_charged_at", "last_charged_at", "first_asked_at", "last_asked_at")),
}


def _created(call: Call, given: Row) -> Row:
    now = call.now
    today = now - now % _DAY
    row = {
        **_BLANK,
        "project_id": call.project,
        "signed_up_at": today,
        "created_at": now,
        "updated_at": now,
        **given,
    }
    return {**row, **_UNTOUCHED, "id": call.store.insert("customers", **row)}


def _change(call: Call, customer: Row, given: Row) -> None:
    changed = {name: value for name, value in given.items() if customer[name] != value}
    if changed:
        changed["updated_at"] = call.now
        call.store.update("customers", customer["id"], **changed)
        customer.update(changed)


def _location(call: Call, customer: Row) -> Row | None:
    if customer["location_id"] is None:
        return None
    return shown_location(call.store, call.location_named(str(customer["location_id"])))


def full_name(row: Row) -> str:
    """First and last name, as far as there are any."""
    return " ".join(name for name in (row["first_name"], row["last_name"]) if name)


def color_of(ident: int) -> str:
    """The colour that stands for a customer."""
    return _COLORS[ident % len(_COLORS)]


def gravatar(address: str | None) -> str:
    """The picture's address that belongs to an email address."""
    digest = md5((address or "").encode(), usedforsecurity=False).hexdigest()
    return f"https://www.gravatar.com/avatar/{digest}?d=blank"


def _average(row: Row) -> Any:
    if not row["charges_count"]:
        return None
    average = row["charges_sum"] / row["charges_count"]
    return int(average) if average.is_integer() else average


def shown_customer(store: Store, row: Row) -> Row:
    """A customer as the API shows it; without ``location``, which only an upsert has."""
    ident = row["id"]
    uuid = store.uuid("customer", ident)
    return {
        "id": ident,
        "uuid": uuid,
        "name": full_name(row),
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "email": row["email"],
        "phone": row["phone"],
        "phone_e164": row["phone_e164"],
        "phone_formatted": formatted(row["phone_e164"]) or row["phone"],
        "company": row["company"],
        "notes": row["notes"],
        "lang": "en",
        "address1": row["address1"],
        "address2": row["address2"],
        "city": row["city"],
        "state": row["state"],
        "postal_code": row["postal_code"],
        "color": color_of(ident),
        "gravatar": gravatar(row["email_key"]),
        "has_subscription": row["has_subscription"],
        "is_validated": False,
        "validation": None,
        "location_id": row["location_id"],
        "charges_count": row["charges_count"],
        "charges_sum": row["charges_sum"],
        "charges_avg": _average(row),
        "first_charged_at": row["first_charged_at"],
        "last_charged_at": row["last_charged_at"],
        "first_asked_at": row["first_asked_at"],
        "last_asked_at": row["last_asked_at"],
        "signed_up_at": row["signed_up_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "review_link": f"{_LINKS}/r/{uuid}",
        "unsubscribe_link": f"{_LINKS}/u/{uuid}",
    }
