"""Operations, faults, and a sandbox with a client, which the tests of this folder share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    APIError,
    AttemptTimedOut,
    BadRequest,
    Conflict,
    ConnectionLost,
    Forbidden,
    MoreGoodError,
    NotFound,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
    ValidationFailed,
)
from moregood_async.sandbox import (
    Audit,
    CutBody,
    DropAfterEffect,
    DropBeforeEffect,
    Garbage,
    Html,
    Redirect,
    Refuse,
    Sandbox,
)
from moregood_async.sandbox.fault_chain import Chainable
from moregood_async.wire import Handler, Middleware, Request, Response
from tests.middleware.doubles import without_backoff

KEY = "canary-key"


ADA = "ada@example.com"


CALLS: Mapping[str, Callable[[MoreGoodClient], Awaitable[object]]] = {
    "customers.upsert": lambda client: client.customers.upsert(
        first_name="Grace", email="grace@example.com"
    ),
    "customers.list": lambda client: client.customers.list().collect(),
    "customers.reviews": lambda client: client.customers.reviews(1).collect(),
    "customers.messages": lambda client: client.customers.messages(1).collect(),
    "charges.create": lambda client: client.charges.create(email=ADA, amount=4900, currency="USD"),
    "asks.create": lambda client: client.asks.create(email=ADA, channels=["email"]),
    "reviews.list": lambda client: client.reviews.list().collect(),
    "messages.list": lambda client: client.messages.list().collect(),
    "locations.create": lambda client: client.locations.create(name="Harbour"),
    "locations.update": lambda client: client.locations.update(1, city="Ghent"),
}


COUNTED_AS = {
    "customers.upsert": "customers",
    "charges.create": "charges",
    "asks.create": "asks",
    "locations.create": "locations",
}
"""The field of `Audit` that counts the effects of an operation."""


@attrs.define
class Scene:
    """A sandbox with one customer and one location, and its client.

    Requests and effects are counted from `before`.
    """

    sandbox: Sandbox
    client: MoreGoodClient
    before: Audit

    def requests(self, name: str) -> int:
        """Return how many requests of an operation have reached the server."""
        return self.sandbox.audit().requests.get(name, 0) - self.before.requests.get(name, 0)

    def effects(self, name: str) -> int:
        """Return how often an operation took effect; 0 if its effects cannot be counted."""
        if name not in COUNTED_AS:
            return 0
        field = COUNTED_AS[name]
        count: int = getattr(self.sandbox.audit(), field) - getattr(self.before, field)
        return count


async def furnished_sandbox() -> Sandbox:
    """Return a sandbox that has the customer Ada and one location."""
    sandbox = Sandbox(keys=KEY)
    async with MoreGoodClient(KEY, transport=sandbox) as client:
        await client.customers.upsert(first_name="Ada", email=ADA)
        await client.locations.create(name="Market Square")
    return sandbox


@asynccontextmanager
async def scene(*faults: Middleware, **options: Any) -> AsyncGenerator[Scene]:
    """Serve a sandbox with these faults on a socket, and yield it with a client."""
    with await furnished_sandbox() as sandbox:
        before = sandbox.audit()
        sandbox.faults = faults
        async with (
            sandbox.serve() as server,
            MoreGoodClient(KEY, base_url=server.base_url, **options) as client,
        ):
            yield Scene(sandbox, without_backoff(client), before)


@attrs.define
class LateResponse(Chainable):
    """The first request takes effect at once; its response comes after the attempt timeout."""

    used: bool = False

    def fresh_copy(self) -> LateResponse:
        return LateResponse()

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        if not self.used:
            self.used = True
            await asyncio.sleep(0.3)
        return response


@attrs.frozen(kw_only=True)
class FaultCase:
    """A fault that a request meets once, and how the client must treat it."""

    fault: Chainable
    retried: bool
    """Whether an idempotent operation is retried."""
    error_class: type[MoreGoodError]
    """The error that is raised if the operation is not retried."""
    may_have_applied: bool = False
    """Whether a write may have taken effect, as far as the client can know."""
    took_effect: bool = False
    """Whether a write has taken effect at the server."""
    phase: str = "received"
    outcome: str
    """The start of the attempt's outcome in the error."""


def server_failure(status: int, error_class: type[APIError] = ServerError) -> FaultCase:
    return FaultCase(
        fault=Refuse(status, times=1),
        retried=True,
        may_have_applied=True,
        error_class=error_class,
        outcome=str(status),
    )


def refusal(status: int, error_class: type[APIError]) -> FaultCase:
    return FaultCase(
        fault=Refuse(status, times=1), retried=False, error_class=error_class, outcome=str(status)
    )


def unexpected_response(fault: Chainable, *, took_effect: bool, outcome: str = "200") -> FaultCase:
    return FaultCase(
        fault=fault,
        retried=False,
        may_have_applied=True,
        took_effect=took_effect,
        error_class=UnexpectedResponse,
        outcome=outcome,
    )


FAULT_CASES: Mapping[str, FaultCase] = {
    "408": server_failure(408, APIError),
    "500": server_failure(500),
    "502": server_failure(502),
    "503 without Retry-After": server_failure(503),
    "504": server_failure(504),
    "507": server_failure(507),
    "a proxy's 502 page": FaultCase(
        fault=Html(502, times=1),
        retried=True,
        may_have_applied=True,
        error_class=ServerError,
        outcome="502",
    ),
    "a proxy's 504 page after the effect": FaultCase(
        fault=Html(504, after_effect=True, times=1),
        retried=True,
        may_have_applied=True,
        took_effect=True,
        error_class=ServerError,
        outcome="504",
    ),
    "dropped before the effect": FaultCase(
        fault=DropBeforeEffect(times=1),
        retried=True,
        may_have_applied=True,
        error_class=ConnectionLost,
        phase="waiting",
        outcome="the connection was lost: ServerDisconnectedError Server disconnected",
    ),
    "dropped after the effect": FaultCase(
        fault=DropAfterEffect(times=1),
        retried=True,
        may_have_applied=True,
        took_effect=True,
        error_class=ConnectionLost,
        phase="waiting",
        outcome="the connection was lost: ServerDisconnectedError Server disconnected",
    ),
    "truncated": FaultCase(
        fault=CutBody(times=1),
        retried=True,
        may_have_applied=True,
        took_effect=True,
        error_class=ConnectionLost,
        phase="reading",
        outcome="the response was cut short: ClientPayloadError",
    ),
    "timed out after sending": FaultCase(
        fault=LateResponse(),
        retried=True,
        may_have_applied=True,
        took_effect=True,
        error_class=AttemptTimedOut,
        phase="waiting",
        outcome="no response in time",
    ),
    "garbage": unexpected_response(Garbage(times=1), took_effect=True),
    "an array instead of an object": unexpected_response(
        Garbage(times=1, body=b"[]"), took_effect=True
    ),
    "an empty body": unexpected_response(Garbage(times=1, body=b""), took_effect=True),
    "success: false and nothing else": unexpected_response(
        Garbage(times=1, body=b'{"success":false}'), took_effect=True
    ),
    "a web page": unexpected_response(Html(200, times=1), took_effect=False),
    "redirected": unexpected_response(
        Redirect("https://elsewhere.invalid/", times=1), took_effect=False, outcome="302"
    ),
    "redirected permanently": unexpected_response(
        Redirect("https://elsewhere.invalid/", 308, times=1), took_effect=False, outcome="308"
    ),
    "400": refusal(400, BadRequest),
    "401": refusal(401, Unauthorized),
    "403": refusal(403, Forbidden),
    "404": refusal(404, NotFound),
    "409": refusal(409, Conflict),
    "413": refusal(413, APIError),
    "422": refusal(422, ValidationFailed),
}


each_operation = pytest.mark.parametrize("name", CALLS)
