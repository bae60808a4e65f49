"""One answer an operation; the operations table says which there are."""

from __future__ import annotations

from collections.abc import Callable

from moregood_async.sandbox.answers.asks import create_ask
from moregood_async.sandbox.answers.calls import Call
from moregood_async.sandbox.answers.charges import create_charge
from moregood_async.sandbox.answers.customers import list_customers, upsert_customer
from moregood_async.sandbox.answers.locations import create_location, update_location
from moregood_async.sandbox.answers.messages import customer_messages, list_messages
from moregood_async.sandbox.answers.reviews import customer_reviews, list_reviews
from moregood_async.wire import Response

ANSWERS: dict[str, Callable[[Call], Response]] = {
    "customers.upsert": upsert_customer,
    "customers.list": list_customers,
    "customers.reviews": customer_reviews,
    "customers.messages": customer_messages,
    "charges.create": create_charge,
    "asks.create": create_ask,
    "reviews.list": list_reviews,
    "messages.list": list_messages,
    "locations.create": create_location,
    "locations.update": update_location,
}
"""What answers an operation, by its name in `operations.OPERATIONS`."""
