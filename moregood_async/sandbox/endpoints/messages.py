"""GET messages and GET customers/:id/messages.

- The list has sent and scheduled messages, the newest id first [I]. Cancelled messages are not
  listed [I].
- The items have the fields of `present_message` [O]. Times are unix seconds, and
  ``processed_at`` to ``failed_reason`` are null until they happen [O].
- The templates are the sandbox's own [I].
"""

from __future__ import annotations

from moregood_async.sandbox.endpoints.calls import Call
from moregood_async.sandbox.endpoints.customers import color_of, full_name, gravatar_url
from moregood_async.sandbox.store import Row, Store
from moregood_async.wire import Response

_SELECT = """
    SELECT messages.*, customers.first_name, customers.last_name, customers.email_key
    FROM messages JOIN customers ON customers.id = messages.customer_id
"""
_TEMPLATES = {
    ("email", False): (1, "Email request", "email-request"),
    ("email", True): (2, "Email reminder", "email-reminder"),
    ("sms", False): (3, "SMS request", "sms-request"),
    ("sms", True): (4, "SMS reminder", "sms-reminder"),
}
_COPIED_FIELDS = (
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
    """Respond to ``GET messages``."""
    return _list(call, "project_id", call.project)


def list_customer_messages(call: Call) -> Response:
    """Respond to ``GET customers/:id/messages``."""
    return _list(call, "customer_id", call.customer_in_path()["id"])


def _list(call: Call, column: str, owner_id: int) -> Response:
    store = call.store
    call.timeline.run_until(call.now)
    where = f"WHERE messages.{column} = ? AND messages.cancelled_at IS NULL"
    return call.list_page(
        store.fetch_count(f"SELECT count(*) FROM messages {where}", (owner_id,)),  # noqa: S608
        lambda limit, offset: store.fetch_rows(
            f"{_SELECT} {where} ORDER BY messages.id DESC LIMIT ? OFFSET ?",
            (owner_id, limit, offset),
        ),
        lambda row: present_message(store, row),
    )


def present_message(store: Store, row: Row) -> Row:
    """Return a message as the API shows it."""
    template_id, name, slug = _TEMPLATES[row["channel"], row["position"] > 0]
    customer_id = row["customer_id"]
    return {
        "id": row["id"],
        "uuid": store.uuid("message", row["id"]),
        "ask_id": row["ask_id"],
        "channel": row["channel"],
        "customer": {
            "id": customer_id,
            "uuid": store.uuid("customer", customer_id),
            "name": full_name(row),
            "color": color_of(customer_id),
            "gravatar": gravatar_url(row["email_key"]),
        },
        "template": {
            "id": template_id,
            "uuid": store.uuid("template", template_id),
            "name": name,
            "slug": slug,
            "channel": row["channel"],
        },
        **{name: row[name] for name in _COPIED_FIELDS},
    }
