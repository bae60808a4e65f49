"""POST customers (create or update) and GET customers.

- The body has ``first_name``, which is required [D], and optionally ``last_name``, ``company``,
  ``notes``, ``email``, ``phone``, ``address1``, ``address2``, ``city``, ``state``,
  ``postal_code``, ``signed_up_at``, ``has_subscription``, ``location_slug`` and ``tags`` [D].
- ``notes`` has at most 5,000 characters [P].
- A customer with the same email, or else with the same phone, is updated instead of created [D];
  email is compared before phone [P], in the forms of `contacts`. A customer without email and phone
  is created anew by each request [I].
- An empty string counts as not sent [O]. Fields that are absent or null stay as they are [I].
- ``signed_up_at`` is today by default [D].
- ``tags`` has the slugs of the project's tags [D]. The sandbox stores them without a check and
  shows them nowhere [I].
- ``updated_at`` changes only if a field changes [I].
- The response has the fields of `present_customer` and ``location`` [O]; the items of the list have
  no ``location`` [O]. ``charges_avg`` is an integer if it has no fraction [L]. ``lang`` is always
  ``en``, and ``validation`` is always null [I].
- The list has the newest customer first [I].
"""

from __future__ import annotations

import json
from hashlib import md5
from typing import Any

from moregood_async.sandbox import laravel
from moregood_async.sandbox.contacts import email_key, format_phone, phone_key, to_e164
from moregood_async.sandbox.dates import to_unix_seconds
from moregood_async.sandbox.endpoints.calls import Call
from moregood_async.sandbox.endpoints.locations import present_location
from moregood_async.sandbox.rules import array, boolean, date, email, max_length, string
from moregood_async.sandbox.store import Row, Store
from moregood_async.sandbox.validation import Field, validate
from moregood_async.wire import Response

_TEXT_FIELDS = ("last_name", "company", "address1", "address2", "city", "state", "postal_code")
_RULES = (
    Field("first_name", (string,), required=True),
    *(Field(name, (string,)) for name in _TEXT_FIELDS),
    Field("notes", (string, max_length(5_000))),
    Field("email", (string, email)),
    Field("phone", (string,)),
    Field("signed_up_at", (date,)),
    Field("has_subscription", (boolean,)),
    Field("location_slug", (string,)),
    Field("tags", (array,), entry_rules=(string,)),
)
_COPIED_FIELDS = ("first_name", *_TEXT_FIELDS, "notes", "email", "phone")
_DAY = 86_400
_COLORS = ("#e57373", "#ba68c8", "#7986cb", "#4fc3f7", "#4db6ac", "#aed581", "#ffd54f", "#ff8a65")
_LINKS = "https://moregoodreviews.com/sandbox"

_DEFAULTS: Row = {
    **dict.fromkeys(_COPIED_FIELDS),
    **dict.fromkeys(("phone_e164", "email_key", "phone_key", "location_id", "tags")),
    "has_subscription": 0,
}
_COMPUTED_DEFAULTS: Row = {
    "charges_count": 0,
    "charges_sum": 0,
    **dict.fromkeys(("first_charged_at", "last_charged_at", "first_asked_at", "last_asked_at")),
}
"""The columns that charges and asks fill later; the database has the same defaults."""


def upsert_customer(call: Call) -> Response:
    """Respond to ``POST customers``."""
    validate(call.fields, _RULES)
    columns = _columns_in_body(call)
    customer = call.find_customer(columns.get("email_key"), columns.get("phone_key"))
    if customer is None:
        customer = _create(call, columns)
    else:
        _update(call, customer, columns)
    data = present_customer(call.store, customer)
    data["location"] = _location_of(call, customer)
    return laravel.success_response(data)


def list_customers(call: Call) -> Response:
    """Respond to ``GET customers``."""
    store, project = call.store, call.project
    return call.list_page(
        store.fetch_count("SELECT count(*) FROM customers WHERE project_id = ?", (project,)),
        lambda limit, offset: store.fetch_rows(
            "SELECT * FROM customers WHERE project_id = ? ORDER BY id DESC LIMIT ? OFFSET ?",
            (project, limit, offset),
        ),
        lambda row: present_customer(store, row),
    )


def _columns_in_body(call: Call) -> Row:
    """Return the columns that the body sets, with their new values."""
    fields = {name: value for name, value in call.fields.items() if value is not None}
    columns: Row = {name: fields[name] for name in _COPIED_FIELDS if name in fields}
    if "email" in fields:
        columns["email_key"] = email_key(fields["email"])
    if "phone" in fields:
        columns["phone_e164"] = to_e164(fields["phone"])
        columns["phone_key"] = phone_key(fields["phone"])
    if "signed_up_at" in fields:
        columns["signed_up_at"] = to_unix_seconds(fields["signed_up_at"])
    if "has_subscription" in fields:
        columns["has_subscription"] = int(fields["has_subscription"])
    if "location_slug" in fields:
        columns["location_id"] = call.location_in_body()
    if "tags" in fields:
        columns["tags"] = json.dumps(fields["tags"])
    return columns


def _create(call: Call, columns: Row) -> Row:
    now = call.now
    row = {
        **_DEFAULTS,
        "project_id": call.project,
        "signed_up_at": now - now % _DAY,
        "created_at": now,
        "updated_at": now,
        **columns,
    }
    return {**row, **_COMPUTED_DEFAULTS, "id": call.store.insert("customers", **row)}


def _update(call: Call, customer: Row, columns: Row) -> None:
    changes = {name: value for name, value in columns.items() if customer[name] != value}
    if changes:
        changes["updated_at"] = call.now
        call.store.update("customers", customer["id"], **changes)
        customer.update(changes)


def _location_of(call: Call, customer: Row) -> Row | None:
    if customer["location_id"] is None:
        return None
    return present_location(call.store, call.fetch_location(customer["location_id"]))


def full_name(row: Row) -> str:
    """Return first and last name, without the missing ones."""
    return " ".join(name for name in (row["first_name"], row["last_name"]) if name)


def color_of(customer_id: int) -> str:
    """Return the colour of a customer's placeholder picture [I]."""
    return _COLORS[customer_id % len(_COLORS)]


def gravatar_url(email_key: str | None) -> str:
    """Return the URL of the picture for an email."""
    digest = md5((email_key or "").encode(), usedforsecurity=False).hexdigest()
    return f"https://www.gravatar.com/avatar/{digest}?d=blank"


def _average_charge(row: Row) -> Any:
    if not row["charges_count"]:
        return None
    average = row["charges_sum"] / row["charges_count"]
    return int(average) if average.is_integer() else average


def present_customer(store: Store, row: Row) -> Row:
    """Return a customer as the API shows it, without ``location``."""
    customer_id = row["id"]
    uuid = store.uuid("customer", customer_id)
    return {
        "id": customer_id,
        "uuid": uuid,
        "name": full_name(row),
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "email": row["email"],
        "phone": row["phone"],
        "phone_e164": row["phone_e164"],
        "phone_formatted": format_phone(row["phone_e164"]) or row["phone"],
        "company": row["company"],
        "notes": row["notes"],
        "lang": "en",
        "address1": row["address1"],
        "address2": row["address2"],
        "city": row["city"],
        "state": row["state"],
        "postal_code": row["postal_code"],
        "color": color_of(customer_id),
        "gravatar": gravatar_url(row["email_key"]),
        "has_subscription": row["has_subscription"],
        "is_validated": False,
        "validation": None,
        "location_id": row["location_id"],
        "charges_count": row["charges_count"],
        "charges_sum": row["charges_sum"],
        "charges_avg": _average_charge(row),
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
