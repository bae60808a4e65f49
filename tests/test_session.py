"""From an operation and a value to a model or an error, with a handler at the far end."""

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


def responding(content: object = None, status: int = 200) -> Response:
    body = json.dumps({"success": True, "data": {"id": 1}} if content is None else content)
    return Response(status=status, headers=Headers({}), body=body.encode())


@attrs.define
class Far:
    """A server double: records each request and always gives the same response."""

    answer: Response = attrs.Factory(responding)
    heard: list[Request] = attrs.field(factory=list[Request])

    async def __call__(self, request: Request) -> Response:
        self.heard.append(request)
        return self.answer


@pytest.fixture
def far() -> Far:
    return Far()


ClientOf = Callable[..., MoreGoodClient]


@pytest.fixture
async def client_of() -> AsyncIterator[ClientOf]:
    """Makes clients of a handler, and closes them with the test."""
    made: list[MoreGoodClient] = []

    def make(far: Handler, api_key: Any = KEY, **options: Any) -> MoreGoodClient:
        base_url = "http://localhost/beacon"
        made.append(MoreGoodClient(api_key, transport=far, base_url=base_url, **options))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


# What is sent


async def test_a_call_becomes_a_request(far: Far, client_of: ClientOf) -> None:
    """Method, address, headers and body out of the table's row and the value."""
    await client_of(far).locations.update(7, city="Ghent")
    [request] = far.heard
    assert ("PUT", "http://localhost/beacon/locations/7", b'{"city":"Ghent"}') == (
        request.method,
        request.url,
        request.body,
    )
    assert {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    } == request.headers.plain
    assert ("locations.update", True, 1, 30.0) == (
        request.operation,
        request.idempotent,
        request.attempt,
        request.attempt_timeout,
    )


async def test_a_page_request_has_its_number_and_no_body(far: Far, client_of: ClientOf) -> None:
    """Nor a Content-Type header."""
    far.answer = responding({"data": []})
    await client_of(far).customers.reviews(7, start_page=3, per_page=20).first_page()
    [request] = far.heard
    assert ("GET", "http://localhost/beacon/customers/7/reviews?page=3&per_page=20", None) == (
        request.method,
        request.url,
        request.body,
    )
    assert {"Authorization", "Accept"} == set(request.headers.plain)


SENDING: dict[str, tuple[Callable[[MoreGoodClient], Awaitable[object]], bool]] = {
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


@pytest.mark.parametrize(("call", "idempotent"), SENDING.values(), ids=SENDING)
async def test_each_request_knows_whether_it_is_idempotent(
    far: Far,
    client_of: ClientOf,
    call: Callable[[MoreGoodClient], Awaitable[object]],
    idempotent: bool,
) -> None:
    """From the operations table, from the customer's contacts, or from ``idempotent=``."""
    await call(client_of(far))
    assert [idempotent] == [request.idempotent for request in far.heard]


async def test_the_deadline_starts_with_the_call(far: Far, client_of: ClientOf) -> None:
    """On the clock of the session; rows of a batch have bulk priority; None is no deadline."""
    session = client_of(far, deadline=120.0)._session
    manager = SessionManager(session.connections, session.settings, clock=lambda: 500.0)
    value = CustomerUpsert(first_name="A")
    await manager.call(CUSTOMERS_UPSERT, value)
    await manager.call(CUSTOMERS_UPSERT, value, priority="bulk")
    endless = attrs.evolve(session.settings, deadline=None)
    await SessionManager(session.connections, endless).call(CUSTOMERS_UPSERT, value)
    assert [(620.0, "interactive"), (620.0, "bulk"), (math.inf, "interactive")] == [
        (request.deadline.at, request.priority) for request in far.heard
    ]


@pytest.mark.parametrize("wrong", [True, -1, "7", "../7", 7.0, None], ids=repr)
async def test_an_id_must_be_an_int(far: Far, wrong: Any, client_of: ClientOf) -> None:
    """It stands in the address, so nothing else gets there."""
    client = client_of(far)
    with pytest.raises(InvalidRequest) as update:
        await client.locations.update(wrong, city="Ghent")
    with pytest.raises(InvalidRequest):
        await client.customers.reviews(wrong).collect()
    assert ("locations.update", ["location_id"]) == (
        update.value.operation,
        list(update.value.fields),
    )
    assert [] == far.heard


async def test_extra_headers_never_replace_the_clients(far: Far, client_of: ClientOf) -> None:
    """Neither Authorization nor Accept, in any case of letters."""
    await client_of(far).request(
        "GET", "x", headers={"authorization": "Basic x", "ACCEPT": "text/html", "X-Mine": "yes"}
    )
    [request] = far.heard
    assert (f"Bearer {KEY}", "application/json", "yes") == tuple(
        request.headers[name] for name in ("Authorization", "Accept", "X-Mine")
    )


async def test_personal_data_in_a_path_is_in_no_log_and_no_error(
    far: Far, caplog: pytest.LogCaptureFixture, client_of: ClientOf
) -> None:
    """The path of `client.request` can contain anything."""
    caplog.set_level(logging.DEBUG, logger="moregood_async")
    far.answer = responding({"message": "no"}, 404)
    with pytest.raises(MoreGoodError) as caught:
        await client_of(far).request("GET", "customers/ada@example.com/+14155550100")
    text = f"{caplog.text} {caught.value} {caught.value.explain()} {caught.value.operation}"
    assert 1 == len(far.heard)
    assert "ada@example.com" not in text
    assert "14155550100" not in text


# keys


async def test_an_async_key_is_called_before_each_call(far: Far, client_of: ClientOf) -> None:
    """A rotated key is used by the next call."""
    keys = iter(["one", "one", "two"])

    async def key() -> str:
        return next(keys)

    client = client_of(far, key)
    for _ in range(3):
        await client.request("GET", "x")
    assert ["Bearer one", "Bearer one", "Bearer two"] == [
        request.headers["authorization"] for request in far.heard
    ]


async def test_a_key_that_cannot_be_sent_is_a_configuration_error(
    far: Far, client_of: ClientOf
) -> None:
    """Nothing is sent, and the error does not contain the key."""

    async def key() -> str:
        return "line\nbreak"

    with pytest.raises(ConfigurationError) as caught:
        await client_of(far, key).request("GET", "x")
    assert ([], False) == (far.heard, "line" in str(caught.value).replace("line break", ""))


async def test_a_rotated_key_replaces_the_old_header() -> None:
    """One Authorization header on the wire, also beside headers of the caller."""
    keys = iter(["old", "new"])

    async def key() -> str:
        return next(keys)

    async with (
        RawServer(saying(http("401 No"), http())) as server,
        MoreGoodClient(key, base_url=server.url) as client,
    ):
        await client.request("POST", "x", json={}, headers={"X-Mine": "yes"})
    assert [["Bearer old"], ["Bearer new"]] == [
        received.all("Authorization") for received in server.received
    ]
    assert [["yes"], ["yes"]] == [received.all("X-Mine") for received in server.received]
    assert [["application/json"]] * 2 == [each.all("Content-Type") for each in server.received]


# middlewares


async def test_middlewares_wrap_each_attempt(far: Far, client_of: ClientOf) -> None:
    """The first is outermost; they run inside retry and pace and see each attempt's number."""
    events: list[str] = []
    answers = iter([responding({}, 401), responding()])

    def named(name: str) -> Any:
        async def middleware(request: Request, call_next: Handler) -> Response:
            events.append(f"{name} {request.attempt}")
            response = await call_next(request)
            events.append(f"{name} {response.status}")
            return response

        return middleware

    async def handler(_: Request) -> Response:
        return next(answers)

    keys = iter(["old", "new"])

    async def key() -> str:
        return next(keys)

    client = client_of(handler, key, middlewares=(named("outer"), named("inner")))
    await client.request("GET", "x")
    once = ["outer 1", "inner 1", "inner 401", "outer 401"]
    assert [*once, "outer 2", "inner 2", "inner 200", "outer 200"] == events


async def test_a_middleware_can_respond_without_a_request(far: Far, client_of: ClientOf) -> None:
    async def cached(request: Request, call_next: Handler) -> Response:
        return responding({"data": {"id": 42, "first_name": "Ada"}})

    customer = await client_of(far, middlewares=(cached,)).customers.upsert(first_name="Ada")
    assert (42, []) == (customer.id, far.heard)


async def test_an_error_of_a_middleware_is_raised_unchanged(far: Far, client_of: ClientOf) -> None:
    """And not retried."""

    async def broken(request: Request, call_next: Handler) -> Response:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await client_of(far, middlewares=(broken,)).request("GET", "x")
    assert [] == far.heard


async def test_a_slot_is_held_while_middlewares_run(far: Far, client_of: ClientOf) -> None:
    """A call that waits inside a middleware counts as in flight."""
    in_flight, most = 0, 0

    async def slow(request: Request, call_next: Handler) -> Response:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await asyncio.sleep(0.001)
        in_flight -= 1
        return await call_next(request)

    client = client_of(far, middlewares=(slow,), max_concurrency=2)
    await asyncio.gather(*(client.request("GET", "x") for _ in range(10)))
    assert (2, 10) == (most, len(far.heard))


# responses


@pytest.mark.parametrize(
    ("answer", "kind", "unclear"),
    [
        (responding({"success": False, "message": "no"}), APIError, False),
        (responding({"success": False, "code": 500}), ServerError, True),
        (responding({"success": False}), UnexpectedResponse, True),
        (responding([1]), UnexpectedResponse, True),
        (responding({"data": {"id": {}}}), UnexpectedResponse, True),
    ],
    ids=["no", "no, 500", "no, and nothing else", "a list", "no id"],
)
async def test_a_200_without_success_is_an_error_with_its_attempt(
    answer: Response, kind: type[MoreGoodError], unclear: bool, client_of: ClientOf
) -> None:
    """Unless the response says that it failed, a write may have been applied."""
    far = Far(answer)
    with pytest.raises(MoreGoodError) as caught:
        await client_of(far).customers.upsert(first_name="Ada", email="a@b.c")
    error = caught.value
    assert (kind, "customers.upsert", unclear) == (
        type(error),
        error.operation,
        error.may_have_applied,
    )
    assert [(1, "received", "200", unclear)] == [
        (each.number, each.phase, each.outcome, each.may_have_applied) for each in error.attempts
    ]
    assert 1 == len(far.heard)


async def test_a_read_with_an_unexpected_response_has_applied_nothing(client_of: ClientOf) -> None:
    with pytest.raises(UnexpectedResponse) as caught:
        await client_of(Far(responding({"data": "x"}))).reviews.list().first_page()
    assert ("reviews.list", False) == (caught.value.operation, caught.value.may_have_applied)


async def test_client_request_returns_the_response_unchanged(far: Far, client_of: ClientOf) -> None:
    """Error statuses are raised."""
    far.answer = responding({"anything": "goes"})
    assert far.answer is await client_of(far).request("POST", "/x", json={"a": 1})
    far.answer = responding({"message": "no"}, 422)
    with pytest.raises(APIError) as caught:
        await client_of(far).request("POST", "x", json={})
    assert ("POST x", 422) == (caught.value.operation, caught.value.status)
