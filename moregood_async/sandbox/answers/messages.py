"""Messages: lists of what asks sent and will send, newest first. Cancelled ones are gone [I]."""

from __future__ import annotations

from moregood_async.sandbox.answers.calls import Call
from moregood_async.sandbox.answers.customers import color_of, full_name, gravatar
from moregood_async.sandbox.store import Row, Store
from moregood_async.wire import Response

_COLUMNS = """
    SELECT messages.*, customers.first_name, customers.last_name, customers.email_key
    FROM messages JOIN customers ON customers.id = messages.customer_id
"""
_TEMPLATES = {
    ("email", False): (1, "Email request", "email-request"),
    ("email", True): (2, "Email reminder", "email-reminder"),
    ("sms", False): (3, "SMS request", "sms-request"),
    ("sms", True): (4, "SMS reminder", "sms-reminder"),
}
_TIMES = (
    "scheduled_at",
    "created_at",
    "updated_at",
    "processed_at",
    "sent_at",
    "delivered_at",
    "opened_at",
    "clicked_at",
    "failed_at",
    "failed_reason",
)


def list_messages(call: Call) -> Response:
    """GET messages."""
    return _listed(call, "project_id", call.project)


def customer_messages(call: Call) -> Response:
    """GET customers/:id/messages."""
    return _listed(call, "customer_id", call.customer_named(call.ident)["id"])


def _listed(call: Call, column: str, owner: int) -> Response:
    store = call.store
    call.timeline.run(call.now)
    where = f"WHERE messages.{column} = ? AND messages.cancelled_at IS NULL"
    return call.listed(
        store.count(f"SELECT count(*) FROM messages {where}", (owner,)),  # noqa: S608
        lambda limit, offset: store.rows(
            f"{_COLUMNS} {where} ORDER BY messages.id DESC LIMIT ? OFFSET ?",
            (owner, limit, offset),
        ),
        lambda row: shown_message(store, row),
    )


def shown_message(store: Store, row: Row) -> Row:
    """A message as the API shows it."""
    ident, name, slug = _TEMPLATES[row["channel"], row["position"] > 0]
    customer = row["customer_id"]
    return {
        "id": row["id"],
        "uuid": store.uuid("message", row["id"]),
        "ask_id": row["ask_id"],
        "channel": row["channel"],
        "customer": {
            "id": customer,
            "uuid": store.uuid("customer", customer),
            "name": full_name(row),
            "color": color_of(customer),
            "gravatar": gravatar(row["email_key"]),
        },
        "template": {
            "id": ident,
            "uuid": store.uuid("template", ident),
            "name": name,
            "slug": slug,
            "channel": row["channel"],
        },
        **{name: row[name] for name in _TIMES},
    }
