"""POST asks: schedule messages to a customer.

- The body has ``email`` or ``phone`` [D], ``channels`` [D], ``reminders_count`` from 0 to 3 [D] and
  ``asked_at`` [D]. ``channels`` is required [P] and has no channel twice [I]. ``reminders_count``
  is 0 by default [I].
- A customer needs an email for the channel ``email`` and a phone for ``sms`` [D]. The 422 and its
  sentence are the sandbox's own [I].
- Without ``asked_at``, or with null, the messages are sent at once [D]; so they are with a date in
  the past [I].
- The endpoint is not idempotent: each request schedules messages [I].
- The response has ``email``, ``phone`` and ``scheduled_at`` in ISO 8601 [O], and ``id`` [I]. The
  messages have this id as ``ask_id`` [O].
"""

from __future__ import annotations

from moregood_async.sandbox import laravel
from moregood_async.sandbox.dates import to_iso8601, to_unix_seconds
from moregood_async.sandbox.endpoints.calls import Call
from moregood_async.sandbox.laravel import ValidationFailed
from moregood_async.sandbox.rules import (
    array,
    between,
    date,
    email,
    integer,
    one_of,
    read_integer,
    string,
)
from moregood_async.sandbox.store import Row
from moregood_async.sandbox.validation import Field, array_entries, validate
from moregood_async.wire import Response

_RULES = (
    Field("email", (string, email), required_without="phone"),
    Field("phone", (string,), required_without="email"),
    Field(
        "channels",
        (array,),
        required=True,
        entry_rules=(one_of("email", "sms"),),
        has_distinct_entries=True,
    ),
    Field("reminders_count", (integer, between(0, 3))),
    Field("asked_at", (date,)),
)
_CONTACT_FOR_CHANNEL = {"email": "email", "sms": "phone"}


def create_ask(call: Call) -> Response:
    """Respond to ``POST asks``."""
    validate(call.fields, _RULES)
    customer = call.customer_in_body()
    channels = _usable_channels(call, customer)
    reminders_count = read_integer(call.fields.get("reminders_count")) or 0
    asked_at = to_unix_seconds(call.fields.get("asked_at"))
    scheduled_at = max(call.now, asked_at or 0)
    ask_id = call.store.insert(
        "asks",
        project_id=call.project,
        customer_id=customer["id"],
        channels=",".join(sorted(channels)),
        reminders_count=reminders_count,
        scheduled_at=scheduled_at,
        sent_date=asked_at,
    )
    _update_customer(call, customer, scheduled_at)
    call.timeline.schedule_ask(ask_id, customer, channels, reminders_count, scheduled_at, call.now)
    return laravel.success_response(
        {
            "id": ask_id,
            "email": customer["email"],
            "phone": customer["phone"],
            "scheduled_at": to_iso8601(scheduled_at),
        }
    )


def _usable_channels(call: Call, customer: Row) -> list[str]:
    """Return the channels of the body; the customer has the contact for each of them."""
    channels: dict[str, str] = dict(array_entries(call.fields["channels"]))
    errors = {
        f"channels.{key}": [
            f"The customer has no {_CONTACT_FOR_CHANNEL[channel]} for the {channel} channel."
        ]
        for key, channel in channels.items()
        if not customer[_CONTACT_FOR_CHANNEL[channel]]
    }
    if errors:
        raise ValidationFailed(errors)
    return list(channels.values())


def _update_customer(call: Call, customer: Row, at: int) -> None:
    first, last = customer["first_asked_at"], customer["last_asked_at"]
    call.store.update(
        "customers",
        customer["id"],
        first_asked_at=at if first is None else min(first, at),
        last_asked_at=at if last is None else max(last, at),
    )
