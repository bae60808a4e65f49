"""Middlewares, handlers as transports, and sessions of the caller."""

import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from moregood_async import (
    BASE_URL,
    Forbidden,
    Handler,
    MoreGoodClient,
    Request,
    Response,
)
from moregood_async.sandbox import Refuse, Sandbox
from tests.conftest import KEY, json_response


async def test_middlewares_wrap_each_attempt_in_their_order(
    sandbox: Sandbox,
) -> None:
    """The first middleware is the outermost."""
    events = list[str]()

    def recording_middleware(name: str) -> Callable[[Request, Handler], Any]:
        async def middleware(request: Request, call_next: Handler) -> Response:
            events.append(f"{name} {request.operation} {request.attempt}")
            response = await call_next(request)
            events.append(f"{name} {response.status}")
            return response

        return middleware

    sandbox.faults = Refuse(500, times=1)
    middlewares = (recording_middleware("outer"), recording_middleware("inner"))
    async with MoreGoodClient(KEY, transport=sandbox, middlewares=middlewares) as client:
        await client.customers.list()
    attempts = [("1", "500"), ("2", "200")]
    assert events == [
        line
        for number, status in attempts
        for line in (
            f"outer customers.list {number}",
            f"inner customers.list {number}",
            f"inner {status}",
            f"outer {status}",
        )
    ]


async def test_a_middleware_can_change_the_request_or_respond_itself(sandbox: Sandbox) -> None:
    """The client treats the response of a middleware like one of the server."""
    import attrs

    from moregood_async.privacy import Headers

    signatures = list[str | None]()

    async def sign(request: Request, call_next: Handler) -> Response:
        if request.operation == "reviews.list":
            return json_response({"message": "Not allowed."}, 403)
        headers = Headers({**request.headers, "X-Signed": "yes"})
        return await call_next(attrs.evolve(request, headers=headers))

    async def record_signature(request: Request, call_next: Handler) -> Response:
        signatures.append(request.headers.get("x-signed"))
        return await call_next(request)

    sandbox.faults = [record_signature]
    async with (
        sandbox.serve() as server,
        MoreGoodClient(KEY, base_url=server.base_url, middlewares=(sign,)) as client,
    ):
        await client.customers.list()
        with pytest.raises(Forbidden, match="Not allowed"):
            await client.reviews.list()
    assert signatures == ["yes"]
    assert sandbox.audit().requests["reviews.list"] == 0


async def test_a_handler_can_replace_the_network() -> None:
    """The handler gets the request that would have been sent."""
    requests = list[Request]()

    async def respond(request: Request) -> Response:
        requests.append(request)
        return json_response({"success": True, "data": {"id": 7, "score": 5}})

    async with MoreGoodClient(KEY, transport=respond) as client:
        customer = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    [request] = requests
    assert customer.id == 7
    assert request.method == "POST"
    assert request.url == f"{BASE_URL}/customers"
    assert request.operation == "customers.upsert"
    assert request.attempt == 1
    assert request.idempotent
    assert json.loads(request.body or b"") == {"first_name": "Ada", "email": "ada@example.com"}
    assert dict(request.headers) == {
        "authorization": f"Bearer {KEY}",
        "accept": "application/json",
        "content-type": "application/json",
    }


async def test_a_session_of_the_caller_is_used_and_never_closed(sandbox: Sandbox) -> None:
    async with sandbox.serve() as server, aiohttp.ClientSession() as session:
        async with MoreGoodClient(KEY, base_url=server.base_url, session=session) as client:
            await client.customers.list()
        assert not session.closed
    assert sandbox.audit().requests["customers.list"] == 1
