"""The endpoints: one function for each operation, from an admitted request to its response."""

from __future__ import annotations

from collections.abc import Callable

from moregood_async.sandbox.endpoints.asks import create_ask
from moregood_async.sandbox.endpoints.calls import Call
from moregood_async.sandbox.endpoints.charges import create_charge
from moregood_async.sandbox.endpoints.customers import list_customers, upsert_customer
from moregood_async.sandbox.endpoints.locations import create_location, update_location
from moregood_async.sandbox.endpoints.messages import list_customer_messages, list_messages
from moregood_async.sandbox.endpoints.reviews import list_customer_reviews, list_reviews
from moregood_async.wire import Response

ENDPOINTS: dict[str, Callable[[Call], Response]] = {
    "customers.upsert": upsert_customer,
    "customers.list": list_customers,
    "customers.reviews": list_customer_reviews,
    "customers.messages": list_customer_messages,
    "charges.create": create_charge,
    "asks.create": create_ask,
    "reviews.list": list_reviews,
    "messages.list": list_messages,
    "locations.create": create_location,
    "locations.update": update_location,
}
"""The endpoints by the names of their operations in `operations.OPERATIONS`."""
