"""The Beacon API as a table, with one row for each operation [D].

A new endpoint needs one row in this table, one method in ``resources/``, one response in
``sandbox/`` and one test. A completeness test names the missing one.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import attrs

from moregood_async.models.asks import Ask, AskCreate
from moregood_async.models.charges import Charge, ChargeCreate
from moregood_async.models.customers import Customer, CustomerUpsert
from moregood_async.models.fields import SentValue
from moregood_async.models.locations import Location, LocationCreate, LocationUpdate
from moregood_async.models.messages import Message
from moregood_async.models.reviews import Review

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Operation(Generic[T]):
    """One operation of the API."""

    name: str
    """The resource and its method: ``customers.upsert``."""
    method: str
    """The HTTP method."""
    path: str
    """The path below the base URL, without a trailing slash; parameters stand in braces."""
    response_model: type[T]
    """The model of the response's data, or of each item if the operation is paginated."""
    request_model: type[SentValue] | None = None
    """The model of the request body; None if there is no body."""
    paginated: bool = False
    """Whether the response is one page of a list."""
    idempotent: bool
    """Whether two requests end in the same state as one, so that a retry does no harm."""
    verify_hint: str = ""
    """How to find out whether a request without a response took effect."""


CUSTOMERS_UPSERT = Operation(
    name="customers.upsert",
    method="POST",
    path="customers",
    request_model=CustomerUpsert,
    response_model=Customer,
    idempotent=True,
    verify_hint="Sending it again ends in the same state.",
)
CUSTOMERS_LIST = Operation(
    name="customers.list",
    method="GET",
    path="customers",
    response_model=Customer,
    paginated=True,
    idempotent=True,
)
CUSTOMERS_REVIEWS = Operation(
    name="customers.reviews",
    method="GET",
    path="customers/{customer_id}/reviews",
    response_model=Review,
    paginated=True,
    idempotent=True,
)
CUSTOMERS_MESSAGES = Operation(
    name="customers.messages",
    method="GET",
    path="customers/{customer_id}/messages",
    response_model=Message,
    paginated=True,
    idempotent=True,
)
CHARGES_CREATE = Operation(
    name="charges.create",
    method="POST",
    path="charges",
    request_model=ChargeCreate,
    response_model=Charge,
    idempotent=False,
    verify_hint="Look at the customer's charges_count before you send it again.",
)
ASKS_CREATE = Operation(
    name="asks.create",
    method="POST",
    path="asks",
    request_model=AskCreate,
    response_model=Ask,
    idempotent=False,
    verify_hint="Look at customers.messages(customer_id) before you send it again.",
)
REVIEWS_LIST = Operation(
    name="reviews.list",
    method="GET",
    path="reviews",
    response_model=Review,
    paginated=True,
    idempotent=True,
)
MESSAGES_LIST = Operation(
    name="messages.list",
    method="GET",
    path="messages",
    response_model=Message,
    paginated=True,
    idempotent=True,
)
LOCATIONS_CREATE = Operation(
    name="locations.create",
    method="POST",
    path="locations",
    request_model=LocationCreate,
    response_model=Location,
    idempotent=False,
    verify_hint="Look at the locations in the vendor's console before you send it again.",
)
LOCATIONS_UPDATE = Operation(
    name="locations.update",
    method="PUT",
    path="locations/{location_id}",
    request_model=LocationUpdate,
    response_model=Location,
    idempotent=True,
    verify_hint="Sending it again ends in the same state.",
)

OPERATIONS: tuple[Operation[Any], ...] = (
    CUSTOMERS_UPSERT,
    CUSTOMERS_LIST,
    CUSTOMERS_REVIEWS,
    CUSTOMERS_MESSAGES,
    CHARGES_CREATE,
    ASKS_CREATE,
    REVIEWS_LIST,
    MESSAGES_LIST,
    LOCATIONS_CREATE,
    LOCATIONS_UPDATE,
)
"""Every operation, in the order of the vendor's documentation."""
