"""The Beacon API as a table: one row an operation.

A new endpoint is one row here, one method in ``resources/``, one answer in ``sandbox/`` and one
test; a completeness test names the one that was forgotten.
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
    """One thing that the API does."""

    name: str
    """The resource and its method: ``customers.upsert``."""
    method: str
    path: str
    """Below the base URL, its parameters in braces."""
    response_model: type[T]
    """What comes back: one of it, or pages of it where ``paginated``."""
    request_model: type[SentValue] | None = None
    paginated: bool = False
    idempotent: bool
    """Whether a second request ends in the same state as the first."""
    verify_hint: str = ""
    """How to find out whether an unanswered one took effect."""


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
"""Every operation, in the order of the documentation."""
