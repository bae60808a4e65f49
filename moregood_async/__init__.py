"""The async Python client for More Good Reviews' Beacon API.

>>> import asyncio
>>> from moregood_async import MoreGoodClient
>>> from moregood_async.sandbox import Sandbox
>>> async def main() -> None:
...     async with MoreGoodClient("test-key", transport=Sandbox()) as client:
...         ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
...         print(ada.id)
>>> asyncio.run(main())
1
"""

from moregood_async._version import __version__
from moregood_async.batch import Batch, BatchStats, Outcome, Result
from moregood_async.client import MoreGoodClient
from moregood_async.config import BASE_URL, Rate
from moregood_async.errors import (
    APIError,
    Attempt,
    AttemptTimedOut,
    BadRequest,
    ClientClosed,
    ConfigurationError,
    Conflict,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    Drained,
    Forbidden,
    InvalidRequest,
    MoreGoodError,
    NoResponse,
    NotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
    ValidationFailed,
)
from moregood_async.governor.state import PaceState
from moregood_async.models.asks import Ask, AskCreate, AskFields
from moregood_async.models.charges import Charge, ChargeCreate, ChargeFields
from moregood_async.models.customers import (
    AddressValidation,
    Customer,
    CustomerFields,
    CustomerUpsert,
    Engagement,
)
from moregood_async.models.dates import DateLike
from moregood_async.models.fields import UNSET, Channel, Unset
from moregood_async.models.locations import (
    Location,
    LocationCreate,
    LocationFields,
    LocationUpdate,
    LocationUpdateFields,
)
from moregood_async.models.messages import Message, Recipient, Template
from moregood_async.models.pages import Page
from moregood_async.models.reviews import Photo, Rating, Review, Reviewer, Source
from moregood_async.pagination import Paginator
from moregood_async.privacy import Headers
from moregood_async.resources.asks import Asks
from moregood_async.resources.charges import Charges
from moregood_async.resources.customers import Customers
from moregood_async.resources.locations import Locations
from moregood_async.resources.messages import Messages
from moregood_async.resources.reviews import Reviews
from moregood_async.wire import (
    Deadline,
    Drain,
    Handler,
    HTTPSession,
    Middleware,
    Priority,
    Request,
    Response,
)

__all__ = [
    "APIError",
    "AddressValidation",
    "Ask",
    "AskCreate",
    "AskFields",
    "Asks",
    "Attempt",
    "AttemptTimedOut",
    "BASE_URL",
    "BadRequest",
    "Batch",
    "BatchStats",
    "Channel",
    "Charge",
    "ChargeCreate",
    "ChargeFields",
    "Charges",
    "ClientClosed",
    "ConfigurationError",
    "Conflict",
    "ConnectionFailed",
    "ConnectionLost",
    "Customer",
    "CustomerFields",
    "CustomerUpsert",
    "Customers",
    "DateLike",
    "Deadline",
    "DeadlineExceeded",
    "Drain",
    "Drained",
    "Engagement",
    "Forbidden",
    "HTTPSession",
    "Handler",
    "Headers",
    "InvalidRequest",
    "Location",
    "LocationCreate",
    "LocationFields",
    "LocationUpdate",
    "LocationUpdateFields",
    "Locations",
    "Message",
    "Messages",
    "Middleware",
    "MoreGoodClient",
    "MoreGoodError",
    "NoResponse",
    "NotFound",
    "Outcome",
    "PaceState",
    "Page",
    "Paginator",
    "Photo",
    "Priority",
    "Rate",
    "RateLimited",
    "Rating",
    "Recipient",
    "Request",
    "Response",
    "Result",
    "Review",
    "Reviewer",
    "Reviews",
    "ServerError",
    "Source",
    "Template",
    "UNSET",
    "Unauthorized",
    "UnexpectedResponse",
    "Unset",
    "ValidationFailed",
    "__version__",
]
