"""Scenes: what the tests of this folder share."""

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


@attrs.define
class Scene:
    """A sandbox with one customer and one location in it, a client, and what happens there."""

    sandbox: Sandbox
    client: MoreGoodClient
    before: Audit

    def requests(self, name: str) -> int:
        """How often an operation has reached the server."""
        return self.sandbox.audit().requests.get(name, 0) - self.before.requests.get(name, 0)

    def effects(self, name: str) -> int:
        """How often it took effect; 0 for those that leave nothing to be counted."""
        if name not in COUNTED_AS:
            return 0
        what = COUNTED_AS[name]
        count: int = getattr(self.sandbox.audit(), what) - getattr(self.before, what)
        return count


async def furnished() -> Sandbox:
    """A sandbox with Ada and one location."""
    sandbox = Sandbox(keys=KEY)
    async with MoreGoodClient(KEY, transport=sandbox) as near:
        await near.customers.upsert(first_name="Ada", email=ADA)
        await near.locations.create(name="Market Square")
    return sandbox


@asynccontextmanager
async def scene(*faults: Middleware, **options: Any) -> AsyncGenerator[Scene]:
    """The sandbox on a socket behind these faults, and a client of it."""
    with await furnished() as sandbox:
        before = sandbox.audit()
        sandbox.faults = faults
        async with (
            sandbox.serve() as server,
            MoreGoodClient(KEY, base_url=server.base_url, **options) as client,
        ):
            yield Scene(sandbox, without_backoff(client), before)


@attrs.define
class Late(Chainable):
    """The first request takes effect at once; its answer comes when nobody waits for it."""

    used: bool = False

    def fresh_copy(self) -> Late:
        return Late()

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        response = await call_next(request)
        if not self.used:
            self.used = True
            await asyncio.sleep(0.3)
        return response


@attrs.frozen(kw_only=True)
class Row:
    """What strikes a request once, and what must come of it."""

    fault: Chainable
    again: bool
    """Whether what does no harm is sent again."""
    kind: type[MoreGoodError]
    """What is raised where it is not sent again."""
    unclear: bool = False
    """Whether a write may have taken effect, as far as the client can know."""
    took_effect: bool = False
    """Whether it has, as the server knows."""
    phase: str = "received"
    says: str
    """The attempt's outcome in the error's story."""


def failed(status: int, kind: type[APIError] = ServerError) -> Row:
    return Row(fault=Refuse(status, times=1), again=True, unclear=True, kind=kind, says=str(status))


def said_no(status: int, kind: type[APIError]) -> Row:
    return Row(fault=Refuse(status, times=1), again=False, kind=kind, says=str(status))


def misunderstood(fault: Chainable, *, took_effect: bool, says: str = "200") -> Row:
    return Row(
        fault=fault,
        again=False,
        unclear=True,
        took_effect=took_effect,
        kind=UnexpectedResponse,
        says=says,
    )


ROWS: Mapping[str, Row] = {
    "408": failed(408, APIError),
    "500": failed(500),
    "502": failed(502),
    "503 without a wait": failed(503),
    "504": failed(504),
    "507": failed(507),
    "a proxy's 502 page": Row(
        fault=Html(502, times=1), again=True, unclear=True, kind=ServerError, says="502"
    ),
    "a proxy's 504 page after the effect": Row(
        fault=Html(504, after_effect=True, times=1),
        again=True,
        unclear=True,
        took_effect=True,
        kind=ServerError,
        says="504",
    ),
    "dropped before the effect": Row(
        fault=DropBeforeEffect(times=1),
        again=True,
        unclear=True,
        kind=ConnectionLost,
        phase="waiting",
        says="the connection was lost: ServerDisconnectedError Server disconnected",
    ),
    "dropped after the effect": Row(
        fault=DropAfterEffect(times=1),
        again=True,
        unclear=True,
        took_effect=True,
        kind=ConnectionLost,
        phase="waiting",
        says="the connection was lost: ServerDisconnectedError Server disconnected",
    ),
    "cut short": Row(
        fault=CutBody(times=1),
        again=True,
        unclear=True,
        took_effect=True,
        kind=ConnectionLost,
        phase="reading",
        says="the response was cut short: ClientPayloadError",
    ),
    "timed out after sending": Row(
        fault=Late(),
        again=True,
        unclear=True,
        took_effect=True,
        kind=AttemptTimedOut,
        phase="waiting",
        says="no response in time",
    ),
    "garbage": misunderstood(Garbage(times=1), took_effect=True),
    "no object": misunderstood(Garbage(times=1, body=b"[]"), took_effect=True),
    "nothing at all": misunderstood(Garbage(times=1, body=b""), took_effect=True),
    "success: false and nothing else": misunderstood(
        Garbage(times=1, body=b'{"success":false}'), took_effect=True
    ),
    "a web page": misunderstood(Html(200, times=1), took_effect=False),
    "redirected": misunderstood(
        Redirect("https://elsewhere.invalid/", times=1), took_effect=False, says="302"
    ),
    "redirected for good": misunderstood(
        Redirect("https://elsewhere.invalid/", 308, times=1), took_effect=False, says="308"
    ),
    "400": said_no(400, BadRequest),
    "401": said_no(401, Unauthorized),
    "403": said_no(403, Forbidden),
    "404": said_no(404, NotFound),
    "409": said_no(409, Conflict),
    "413": said_no(413, APIError),
    "422": said_no(422, ValidationFailed),
}


each_operation = pytest.mark.parametrize("name", CALLS)
