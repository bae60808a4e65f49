"""Middlewares, transports and sessions of the user."""

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
from tests.conftest import KEY, answered


async def test_middlewares_stand_in_their_order_around_each_attempt(
    sandbox: Sandbox,
) -> None:
    """The first is the outermost, and each sees every attempt."""
    seen = list[str]()

    def named(name: str) -> Callable[[Request, Handler], Any]:
        async def middleware(request: Request, call_next: Handler) -> Response:
            seen.append(f"{name} {request.operation} {request.attempt}")
            response = await call_next(request)
            seen.append(f"{name} {response.status}")
            return response

        return middleware

    sandbox.faults = Refuse(500, times=1)
    middlewares = (named("outer"), named("inner"))
    async with MoreGoodClient(KEY, transport=sandbox, middlewares=middlewares) as client:
        await client.customers.list()
    attempts = [("1", "500"), ("2", "200")]
    assert [
        line
        for number, status in attempts
        for line in (
            f"outer customers.list {number}",
            f"inner customers.list {number}",
            f"inner {status}",
            f"outer {status}",
        )
    ] == seen


async def test_a_middleware_may_change_the_request_and_answer_itself(sandbox: Sandbox) -> None:
    """Headers added are sent; what it answers is taken for the server's."""
    import attrs

    from moregood_async.privacy import Headers

    seen = list[str | None]()

    async def signed(request: Request, call_next: Handler) -> Response:
        if request.operation == "reviews.list":
            return answered({"message": "Not here."}, 403)
        headers = Headers({**request.headers, "X-Signed": "yes"})
        return await call_next(attrs.evolve(request, headers=headers))

    async def watched(request: Request, call_next: Handler) -> Response:
        seen.append(request.headers.get("x-signed"))
        return await call_next(request)

    sandbox.faults = [watched]
    async with (
        sandbox.serve() as server,
        MoreGoodClient(KEY, base_url=server.base_url, middlewares=(signed,)) as client,
    ):
        await client.customers.list()
        with pytest.raises(Forbidden, match="Not here"):
            await client.reviews.list()
    assert ["yes"] == seen
    assert 0 == sandbox.audit().requests["reviews.list"]


async def test_a_transport_double_answers_instead_of_the_network() -> None:
    """It gets the request as it would have been sent."""
    got = list[Request]()

    async def far(request: Request) -> Response:
        got.append(request)
        return answered({"success": True, "data": {"id": 7, "score": 5}})

    async with MoreGoodClient(KEY, transport=far) as client:
        customer = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    [request] = got
    assert 7 == customer.id
    assert ("POST", f"{BASE_URL}/customers") == (request.method, request.url)
    assert ("customers.upsert", 1, True) == (request.operation, request.attempt, request.idempotent)
    assert {"first_name": "Ada", "email": "ada@example.com"} == json.loads(request.body or b"")
    assert {
        "authorization": f"Bearer {KEY}",
        "accept": "application/json",
        "content-type": "application/json",
    } == dict(request.headers)


async def test_a_session_of_the_users_is_used_and_never_closed(sandbox: Sandbox) -> None:
    """Whoever brought it closes it."""
    async with sandbox.serve() as server, aiohttp.ClientSession() as session:
        async with MoreGoodClient(KEY, base_url=server.base_url, session=session) as client:
            await client.customers.list()
        assert not session.closed
    assert 1 == sandbox.audit().requests["customers.list"]
