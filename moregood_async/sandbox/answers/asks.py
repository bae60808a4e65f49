"""Asks: each schedules messages to a customer, by every channel that it names."""

from __future__ import annotations

from moregood_async.sandbox import laravel
from moregood_async.sandbox.answers.calls import Call
from moregood_async.sandbox.dates import iso, unix_seconds
from moregood_async.sandbox.laravel import Invalid
from moregood_async.sandbox.store import Row
from moregood_async.sandbox.validation import (
    Field,
    array,
    between,
    date,
    email,
    entries_of,
    integer,
    one_of,
    string,
    validated,
    whole_number,
)
from moregood_async.wire import Response

_RULES = (
    Field("email", (string, email), without="phone"),
    Field("phone", (string,), without="email"),
    Field("channels", (array,), required=True, entries=(one_of("email", "sms"),), distinct=True),
    Field("reminders_count", (integer, between(0, 3))),
    Field("asked_at", (date,)),
)
_NEEDED = {"email": "email", "sms": "phone"}


def create_ask(call: Call) -> Response:
    """POST asks. A date that has passed sends at once, as no date does [I]."""
    validated(call.fields, _RULES)
    customer = call.known_customer()
    channels = _channels(call, customer)
    reminders = whole_number(call.fields.get("reminders_count")) or 0
    sent_date = unix_seconds(call.fields.get("asked_at"))
    scheduled_at = max(call.now, sent_date or 0)
    ident = call.store.insert(
        "asks",
        project_id=call.project,
        customer_id=customer["id"],
        channels=",".join(sorted(channels)),
        reminders_count=reminders,
        scheduled_at=scheduled_at,
        sent_date=sent_date,
    )
    _note(call, customer, scheduled_at)
    call.timeline.schedule(ident, customer, channels, reminders, scheduled_at, call.now)
    return laravel.success(
        {
            "id": ident,
            "email": customer["email"],
            "phone": customer["phone"],
            "scheduled_at": iso(scheduled_at),
        }
    )


def _channels(call: Call, customer: Row) -> list[str]:
    """The channels, each of which the customer can be reached by [D]; its sentence is inferred."""
    held = [(key, channel) for key, channel in entries_of(call.fields["channels"]) if channel]
    errors = {
        f"channels.{key}": [f"The customer has no {_NEEDED[channel]} for the {channel} channel."]
        for key, channel in held
        if not customer[_NEEDED[channel]]
    }
    if errors:
        raise Invalid(errors)
    return [channel for _, channel in held]


def _note(call: Call, customer: Row, at: int) -> None:
    first, last = customer["first_asked_at"], customer["last_asked_at"]
    call.store.update(
        "customers",
        customer["id"],
        first_asked_at=at if first is None else min(first, at),
        last_asked_at=at if last is None else max(last, at),
    )
