"""From an operation and a value to a model or an error, with a handler instead of a server."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import attrs
import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    APIError,
    ConfigurationError,
    InvalidRequest,
    MoreGoodError,
    ServerError,
    UnexpectedResponse,
)
from moregood_async.models.customers import CustomerUpsert
from moregood_async.operations import CUSTOMERS_UPSERT
from moregood_async.privacy import Headers
from moregood_async.session import SessionManager
from moregood_async.wire import Handler, Request, Response
from tests.aiohttp_doubles import RawServer, http, saying

KEY = "canary-key"


def build_response(content: object = None, status: int = 200) -> Response:
    body = json.dumps({"success": True, "data": {"id": 1}} if content is None else content)
    return Response(status=status, headers=Headers({}), body=body.encode())


@attrs.define
class RecordingServer:
    """A server double: records each request and always returns the same response."""

    response: Response = attrs.Factory(build_response)
    requests: list[Request] = attrs.field(factory=list[Request])

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self.response


@pytest.fixture
def server() -> RecordingServer:
    return RecordingServer()


ClientOf = Callable[..., MoreGoodClient]


@pytest.fixture
async def client_of() -> AsyncIterator[ClientOf]:
    """Return a function that makes clients of a handler; they are closed after the test."""
    made: list[MoreGoodClient] = []

    def make(handler: Handler, api_key: Any = KEY, **options: Any) -> MoreGoodClient:
        base_url = "http://localhost/beacon"
        made.append(MoreGoodClient(api_key, transport=handler, base_url=base_url, **options))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


# What is sent


async def test_a_call_becomes_a_request(server: RecordingServer, client_of: ClientOf) -> None:
    """The operation and the value determine the method, the URL, the headers and the body."""
    await client_of(server).locations.update(7, city="Ghent")
    [request] = server.requests
    assert request.method == "PUT"
    assert request.url == "http://localhost/beacon/locations/7"
    assert request.body == b'{"city":"Ghent"}'
    assert request.headers.plain == {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    assert request.operation == "locations.update"
    assert request.idempotent
    assert request.attempt == 1
    assert request.attempt_timeout == 30.0


async def test_a_page_request_has_its_number_and_no_body(
    server: RecordingServer, client_of: ClientOf
) -> None:
    """The request has no Content-Type header."""
    server.response = build_response({"data": []})
    await client_of(server).customers.reviews(7, start_page=3, per_page=20).first_page()
    [request] = server.requests
    assert request.method == "GET"
    assert request.url == "http://localhost/beacon/customers/7/reviews?page=3&per_page=20"
    assert request.body is None
    assert set(request.headers.plain) == {"Authorization", "Accept"}


IDEMPOTENT_BY_CALL: dict[str, tuple[Callable[[MoreGoodClient], Awaitable[object]], bool]] = {
    "upsert by email": (lambda of: of.customers.upsert(first_name="A", email="a@b.c"), True),
    "upsert by phone": (lambda of: of.customers.upsert(first_name="A", phone="+14155550100"), True),
    "upsert by neither": (lambda of: of.customers.upsert(first_name="A"), False),
    "upsert by an empty email": (lambda of: of.customers.upsert(first_name="A", email=""), False),
    "ask": (lambda of: of.asks.create(email="a@b.c", channels=["email"]), False),
    "GET": (lambda of: of.request("GET", "x"), True),
    "POST": (lambda of: of.request("POST", "x"), False),
    "POST, idempotent": (lambda of: of.request("POST", "x", idempotent=True), True),
    "GET, not idempotent": (lambda of: of.request("GET", "x", idempotent=False), False),
}


@pytest.mark.parametrize(
    ("call", "idempotent"), IDEMPOTENT_BY_CALL.values(), ids=IDEMPOTENT_BY_CALL
)
async def test_each_request_knows_whether_it_is_idempotent(
    server: RecordingServer,
    client_of: ClientOf,
    call: Callable[[MoreGoodClient], Awaitable[object]],
    idempotent: bool,
) -> None:
    """The operation, the contacts of the customer or ``idempotent=`` decide it."""
    await call(client_of(server))
    assert [request.idempotent for request in server.requests] == [idempotent]


async def test_the_deadline_starts_with_the_call(
    server: RecordingServer, client_of: ClientOf
) -> None:
    """The session's clock counts. The rows of a batch have bulk priority. None is no deadline."""
    session = client_of(server, deadline=120.0)._session
    manager = SessionManager(session.connections, session.settings, clock=lambda: 500.0)
    value = CustomerUpsert(first_name="A")
    await manager.call(CUSTOMERS_UPSERT, value)
    await manager.call(CUSTOMERS_UPSERT, value, priority="bulk")
    endless = attrs.evolve(session.settings, deadline=None)
    await SessionManager(session.connections, endless).call(CUSTOMERS_UPSERT, value)
    assert [(request.deadline.at, request.priority) for request in server.requests] == [
        (620.0, "interactive"),
        (620.0, "bulk"),
        (math.inf, "interactive"),
    ]


@pytest.mark.parametrize("wrong", [True, -1, "7", "../7", 7.0, None], ids=repr)
async def test_an_id_must_be_an_int(
    server: RecordingServer, wrong: Any, client_of: ClientOf
) -> None:
    """An id is part of the URL."""
    client = client_of(server)
    with pytest.raises(InvalidRequest) as update:
        await client.locations.update(wrong, city="Ghent")
    with pytest.raises(InvalidRequest):
        await client.customers.reviews(wrong).collect()
    assert update.value.operation == "locations.update"
    assert list(update.value.fields) == ["location_id"]
    assert server.requests == []


async def test_extra_headers_never_replace_the_clients(
    server: RecordingServer, client_of: ClientOf
) -> None:
    """Authorization and Accept stay the client's, whatever the case of the extra names."""
    await client_of(server).request(
        "GET", "x", headers={"authorization": "Basic x", "ACCEPT": "text/html", "X-Mine": "yes"}
    )
    [request] = server.requests
    assert tuple(request.headers[name] for name in ("Authorization", "Accept", "X-Mine")) == (
        f"Bearer {KEY}",
        "application/json",
        "yes",
    )


async def test_personal_data_in_a_path_is_in_no_log_and_no_error(
    server: RecordingServer, caplog: pytest.LogCaptureFixture, client_of: ClientOf
) -> None:
    """The path of `client.request` can contain anything."""
    caplog.set_level(logging.DEBUG, logger="moregood_async")
    server.response = build_response({"message": "no"}, 404)
    with pytest.raises(MoreGoodError) as caught:
        await client_of(server).request("GET", "customers/ada@example.com/+14155550100")
    text = f"{caplog.text} {caught.value} {caught.value.explain()} {caught.value.operation}"
    assert len(server.requests) == 1
    assert "ada@example.com" not in text
    assert "14155550100" not in text


# keys


async def test_an_async_key_is_called_before_each_call(
    server: RecordingServer, client_of: ClientOf
) -> None:
    """A rotated key is used by the next call."""
    keys = iter(["one", "one", "two"])

    async def key() -> str:
        return next(keys)

    client = client_of(server, key)
    for _ in range(3):
        await client.request("GET", "x")
    assert [request.headers["authorization"] for request in server.requests] == [
        "Bearer one",
        "Bearer one",
        "Bearer two",
    ]


async def test_a_key_that_cannot_be_sent_is_a_configuration_error(
    server: RecordingServer, client_of: ClientOf
) -> None:
    """Nothing is sent, and the error does not contain the key."""

    async def key() -> str:
        return "line\nbreak"

    with pytest.raises(ConfigurationError) as caught:
        await client_of(server, key).request("GET", "x")
    assert server.requests == []
    assert "line" not in str(caught.value).replace("line break", "")


async def test_a_rotated_key_replaces_the_old_header() -> None:
    """The request has one Authorization header, also beside headers of the caller."""
    keys = iter(["old", "new"])

    async def key() -> str:
        return next(keys)

    async with (
        RawServer(saying(http("401 No"), http())) as server,
        MoreGoodClient(key, base_url=server.url) as client,
    ):
        await client.request("POST", "x", json={}, headers={"X-Mine": "yes"})
    assert [received.all("Authorization") for received in server.received] == [
        ["Bearer old"],
        ["Bearer new"],
    ]
    assert [received.all("X-Mine") for received in server.received] == [["yes"], ["yes"]]
    assert [each.all("Content-Type") for each in server.received] == [["application/json"]] * 2


# middlewares


async def test_middlewares_wrap_each_attempt(server: RecordingServer, client_of: ClientOf) -> None:
    """The first is outermost; they run inside retry and pace and see each attempt's number."""
    events: list[str] = []
    responses = iter([build_response({}, 401), build_response()])

    def named(name: str) -> Any:
        async def middleware(request: Request, call_next: Handler) -> Response:
            events.append(f"{name} {request.attempt}")
            response = await call_next(request)
            events.append(f"{name} {response.status}")
            return response

        return middleware

    async def handler(_: Request) -> Response:
        return next(responses)

    keys = iter(["old", "new"])

    async def key() -> str:
        return next(keys)

    client = client_of(handler, key, middlewares=(named("outer"), named("inner")))
    await client.request("GET", "x")
    once = ["outer 1", "inner 1", "inner 401", "outer 401"]
    assert events == [*once, "outer 2", "inner 2", "inner 200", "outer 200"]


async def test_a_middleware_can_respond_without_a_request(
    server: RecordingServer, client_of: ClientOf
) -> None:
    async def cached(request: Request, call_next: Handler) -> Response:
        return build_response({"data": {"id": 42, "first_name": "Ada"}})

    customer = await client_of(server, middlewares=(cached,)).customers.upsert(first_name="Ada")
    assert customer.id == 42
    assert server.requests == []


async def test_an_error_of_a_middleware_is_raised_unchanged(
    server: RecordingServer, client_of: ClientOf
) -> None:
    """The call is not retried."""

    async def broken(request: Request, call_next: Handler) -> Response:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await client_of(server, middlewares=(broken,)).request("GET", "x")
    assert server.requests == []


async def test_a_slot_is_held_while_middlewares_run(
    server: RecordingServer, client_of: ClientOf
) -> None:
    """A call that waits inside a middleware counts as in flight."""
    in_flight, max_in_flight = 0, 0

    async def slow(request: Request, call_next: Handler) -> Response:
        nonlocal in_flight, max_in_flight
        in_flight += 1
        max_in_flight = max(max_in_flight, in_flight)
        await asyncio.sleep(0.001)
        in_flight -= 1
        return await call_next(request)

    client = client_of(server, middlewares=(slow,), max_concurrency=2)
    await asyncio.gather(*(client.request("GET", "x") for _ in range(10)))
    assert max_in_flight == 2
    assert len(server.requests) == 10


# responses


@pytest.mark.parametrize(
    ("response", "error_class", "may_have_applied"),
    [
        (build_response({"success": False, "message": "no"}), APIError, False),
        (build_response({"success": False, "code": 500}), ServerError, True),
        (build_response({"success": False}), UnexpectedResponse, True),
        (build_response([1]), UnexpectedResponse, True),
        (build_response({"data": {"id": {}}}), UnexpectedResponse, True),
    ],
    ids=["no", "no, 500", "no, and nothing else", "a list", "no id"],
)
async def test_a_200_without_success_is_an_error_with_its_attempt(
    response: Response,
    error_class: type[MoreGoodError],
    may_have_applied: bool,
    client_of: ClientOf,
) -> None:
    """A write may have applied unless the response reports a failure."""
    server = RecordingServer(response)
    with pytest.raises(MoreGoodError) as caught:
        await client_of(server).customers.upsert(first_name="Ada", email="a@b.c")
    error = caught.value
    assert type(error) is error_class
    assert error.operation == "customers.upsert"
    assert error.may_have_applied == may_have_applied
    assert [
        (each.number, each.phase, each.outcome, each.may_have_applied) for each in error.attempts
    ] == [(1, "received", "200", may_have_applied)]
    assert len(server.requests) == 1


async def test_a_read_with_an_unexpected_response_has_applied_nothing(client_of: ClientOf) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        await client_of(RecordingServer(build_response({"data": "x"}))).reviews.list().first_page()
    assert caught.value.operation == "reviews.list"
    assert not caught.value.may_have_applied


async def test_client_request_returns_the_response_unchanged(
    server: RecordingServer, client_of: ClientOf
) -> None:
    """An error status raises an error."""
    server.response = build_response({"anything": "goes"})
    assert await client_of(server).request("POST", "/x", json={"a": 1}) is server.response
    server.response = build_response({"message": "no"}, 422)
    with pytest.raises(APIError) as caught:
        await client_of(server).request("POST", "x", json={})
    assert caught.value.operation == "POST x"
    assert caught.value.status == 422
