"""Charges. Each request adds one; a negative amount is a refund [D]."""

from __future__ import annotations

from moregood_async.sandbox import laravel
from moregood_async.sandbox.answers.calls import Call
from moregood_async.sandbox.dates import iso, unix_seconds
from moregood_async.sandbox.store import Row
from moregood_async.sandbox.validation import (
    Field,
    date,
    email,
    integer,
    size,
    string,
    validated,
    whole_number,
)
from moregood_async.wire import Response

_RULES = (
    Field("email", (string, email), without="phone"),
    Field("phone", (string,), without="email"),
    Field("amount", (integer,), required=True),
    Field("currency", (string, size(3))),
    Field("location_slug", (string,)),
    Field("charged_at", (date,)),
)
_CURRENCY = "USD"
_BIGGEST = 2**63 - 1


def create_charge(call: Call) -> Response:
    """POST charges. Without a currency it is US dollars [I]; without a date it is now [P]."""
    validated(call.fields, _RULES)
    customer = call.known_customer()
    location = call.location_slug()
    amount = whole_number(call.fields["amount"]) or 0
    sent_date = unix_seconds(call.fields.get("charged_at"))
    charged_at = call.now if sent_date is None else sent_date
    currency = call.fields.get("currency") or _CURRENCY
    ident = call.store.insert(
        "charges",
        project_id=call.project,
        customer_id=customer["id"],
        amount=amount,
        currency=currency,
        charged_at=charged_at,
        sent_date=sent_date,
    )
    _add_up(call, customer, amount, charged_at, location)
    return laravel.success(
        {
            "id": ident,
            "email": customer["email"],
            "phone": customer["phone"],
            "amount": amount,
            "currency": currency,
            "charged_at": iso(charged_at),
        }
    )


def _add_up(call: Call, customer: Row, amount: int, at: int, location: int | None) -> None:
    """Moves what the customer shows of all charges, and the default location [D]."""
    total = customer["charges_sum"] + amount
    first, last = customer["first_charged_at"], customer["last_charged_at"]
    call.store.update(
        "customers",
        customer["id"],
        charges_count=customer["charges_count"] + 1,
        charges_sum=total if abs(total) <= _BIGGEST else float(total),
        first_charged_at=at if first is None else min(first, at),
        last_charged_at=at if last is None else max(last, at),
        location_id=customer["location_id"] if location is None else location,
    )
