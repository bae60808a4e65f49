"""POST charges: record a charge of a customer.

- The body has ``email`` or ``phone`` [D]; ``amount``, an integer in the lowest unit of the currency
  [D] that is required [P]; ``currency`` with three letters [D]; ``location_slug`` [D]; and
  ``charged_at`` [D].
- A negative amount is a refund [D].
- The currency is ``USD`` by default [I]. ``charged_at`` is now by default [P].
- The customer must exist [D].
- A location in the body becomes the customer's default location [D].
- The endpoint is not idempotent: each request adds a charge [I].
- A charge changes ``charges_count``, ``charges_sum``, ``charges_avg``, ``first_charged_at`` and
  ``last_charged_at`` of the customer [D]. A sum of more than 64 bits becomes a float, as in PHP
  [I].
- The response has ``email``, ``phone``, ``amount``, ``currency`` and ``charged_at`` in ISO 8601
  [O], and ``id`` [I].
"""

from __future__ import annotations

from moregood_async.sandbox import laravel
from moregood_async.sandbox.dates import to_iso8601, to_unix_seconds
from moregood_async.sandbox.endpoints.calls import Call
from moregood_async.sandbox.rules import (
    PHP_INT_MAX,
    date,
    email,
    exact_length,
    integer,
    read_integer,
    string,
)
from moregood_async.sandbox.store import Row
from moregood_async.sandbox.validation import Field, validate
from moregood_async.wire import Response

_RULES = (
    Field("email", (string, email), required_without="phone"),
    Field("phone", (string,), required_without="email"),
    Field("amount", (integer,), required=True),
    Field("currency", (string, exact_length(3))),
    Field("location_slug", (string,)),
    Field("charged_at", (date,)),
)
_DEFAULT_CURRENCY = "USD"


def create_charge(call: Call) -> Response:
    """Respond to ``POST charges``."""
    validate(call.fields, _RULES)
    customer = call.customer_in_body()
    location_id = call.location_in_body()
    amount = read_integer(call.fields["amount"]) or 0
    sent_date = to_unix_seconds(call.fields.get("charged_at"))
    charged_at = call.now if sent_date is None else sent_date
    currency = call.fields.get("currency") or _DEFAULT_CURRENCY
    charge_id = call.store.insert(
        "charges",
        project_id=call.project,
        customer_id=customer["id"],
        amount=amount,
        currency=currency,
        charged_at=charged_at,
        sent_date=sent_date,
    )
    _update_customer(call, customer, amount, charged_at, location_id)
    return laravel.success_response(
        {
            "id": charge_id,
            "email": customer["email"],
            "phone": customer["phone"],
            "amount": amount,
            "currency": currency,
            "charged_at": to_iso8601(charged_at),
        }
    )


def _update_customer(
    call: Call, customer: Row, amount: int, at: int, location_id: int | None
) -> None:
    total = customer["charges_sum"] + amount
    first, last = customer["first_charged_at"], customer["last_charged_at"]
    call.store.update(
        "customers",
        customer["id"],
        charges_count=customer["charges_count"] + 1,
        charges_sum=total if abs(total) <= PHP_INT_MAX else float(total),
        first_charged_at=at if first is None else min(first, at),
        last_charged_at=at if last is None else max(last, at),
        location_id=customer["location_id"] if location_id is None else location_id,
    )
