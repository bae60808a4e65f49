"""No call, failure or batch leaks the API key or personal data."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from moregood_async import (
    AskCreate,
    ChargeCreate,
    CustomerUpsert,
    Handler,
    LocationCreate,
    LocationUpdate,
    MoreGoodClient,
    MoreGoodError,
    Request,
    Response,
)
from moregood_async.sandbox import (
    CutBody,
    Delay,
    DropAfterEffect,
    DropBeforeEffect,
    Fault,
    Garbage,
    Html,
    Redirect,
    Refuse,
    Sandbox,
    Throttle,
)
from tests.canaries.leak_detector import (
    EMAIL,
    KEY,
    NAME,
    NOTES,
    PERSON,
    PHONE,
    REVIEW,
    LeakDetector,
)
from tests.conftest import MakeClient, collect_into, json_response

Call = Callable[[MoreGoodClient], Any]


CALLS: dict[str, Call] = {
    "customers.upsert": lambda client: client.customers.upsert(**PERSON),
    "customers.list": lambda client: client.customers.list().collect(),
    "customers.reviews": lambda client: client.customers.reviews(1).collect(),
    "customers.messages": lambda client: client.customers.messages(1).collect(),
    "charges.create": lambda client: client.charges.create(
        email=EMAIL, phone=PHONE, amount=4900, currency="USD"
    ),
    "asks.create": lambda client: client.asks.create(email=EMAIL, phone=PHONE, channels=["email"]),
    "reviews.list": lambda client: client.reviews.list().collect(),
    "messages.list": lambda client: client.messages.list().collect(),
    "locations.create": lambda client: client.locations.create(name="Main", address1="1 Plain St"),
    "locations.update": lambda client: client.locations.update(1, city="Bern"),
    "request": lambda client: client.request("POST", "customers", json=PERSON),
}


IN_THE_URL: dict[str, Call] = {
    "query": lambda client: client.request(
        "GET", "customers", query={"email": EMAIL, "phone": PHONE}
    ),
    "path": lambda client: client.request("GET", f"customers/{EMAIL}/reviews"),
}


BY_CALL = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


async def create_person(client: MoreGoodClient, sandbox: Sandbox) -> None:
    """Create the person, with a location, an ask and a review."""
    person = await client.customers.upsert(**PERSON)
    await client.locations.create(name="Main")
    await client.asks.create(email=EMAIL, channels=["email", "sms"])
    sandbox.write(sandbox.click(person.id), REVIEW)


def recording_middleware(leaks: LeakDetector) -> Callable[[Request, Handler], Any]:
    """Return a middleware that records every request and response, as a user's might log them."""

    async def record(request: Request, call_next: Handler) -> Response:
        leaks.record(request, request.headers, request.deadline)
        response = await call_next(request)
        leaks.record(response)
        return response

    return record


@BY_CALL
async def test_a_successful_call_leaks_nothing(
    leaks: LeakDetector, canary_sandbox: Sandbox, canary_client: MoreGoodClient, call: Call
) -> None:
    """Neither the request, nor the response, nor the result, nor the client shows a canary."""
    await create_person(canary_client, canary_sandbox)
    view = canary_client.with_options(middlewares=(recording_middleware(leaks),))
    leaks.record(await call(view))
    leaks.record(view, canary_client, view.customers, view._session, view._session.settings)
    leaks.record(view._session.connections, view._session.connections.limits)
    leaks.assert_none()


@pytest.mark.parametrize("call", IN_THE_URL.values(), ids=IN_THE_URL)
async def test_personal_data_in_a_url_is_not_leaked(
    leaks: LeakDetector, canary_sandbox: Sandbox, canary_client: MoreGoodClient, call: Call
) -> None:
    """Neither results nor errors show the path or the query of `MoreGoodClient.request`."""
    view = canary_client.with_options(middlewares=(recording_middleware(leaks),), max_attempts=2)
    for fault in ((), Refuse(500, times=1), Refuse(404), DropBeforeEffect(), Html()):
        canary_sandbox.faults = fault
        try:
            leaks.record(await call(view))
        except MoreGoodError as error:
            leaks.record_error(error)
    leaks.assert_none()


FAULTS: list[Fault | Throttle] = [
    *(Refuse(status) for status in (400, 401, 403, 404, 405, 408, 409, 422, 500, 502, 504)),
    Refuse(418, body=json.dumps({"message": f"{EMAIL} or {PHONE} is wrong"}).encode()),
    Refuse(422, body=json.dumps({"errors": {"email": [f"{EMAIL} is taken"]}}).encode()),
    Refuse(200, body=json.dumps({"success": False, "message": f"no {EMAIL}"}).encode()),
    Refuse(200, body=json.dumps({"success": False}).encode()),
    Refuse(200, body=json.dumps({"success": True, "data": EMAIL}).encode()),
    Refuse(200, body=json.dumps({"success": True, "data": [{"email": EMAIL}]}).encode()),
    Refuse(200, body=f"<p>{EMAIL}</p>".encode()),
    Refuse(429, {"Retry-After": "900"}),
    Refuse(503, {"Retry-After": "900"}),
    DropBeforeEffect(),
    DropAfterEffect(),
    CutBody(),
    Garbage(),
    Html(),
    Html(502),
    Redirect(f"https://elsewhere.example/?email={EMAIL}"),
    Delay(0.1),
    Throttle(1, per=900),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault!r:.60}")
async def test_a_failed_call_leaks_nothing(
    leaks: LeakDetector,
    canary_sandbox: Sandbox,
    canary_client: MoreGoodClient,
    fault: Fault | Throttle,
) -> None:
    """Every call of `CALLS` meets every fault of `FAULTS`."""
    await create_person(canary_client, canary_sandbox)
    view = canary_client.with_options(
        middlewares=(recording_middleware(leaks),),
        max_attempts=1,
        deadline=0.5,
        attempt_timeout=0.05,
    )
    canary_sandbox.faults = fault
    failed = 0
    for call in CALLS.values():
        try:
            leaks.record(await call(view))
        except MoreGoodError as error:
            failed += 1
            leaks.record_error(error)
    assert failed or isinstance(fault, Delay)  # a handler as transport has no timeout
    leaks.assert_none()


async def test_a_retried_call_leaks_nothing(leaks: LeakDetector, canary_sandbox: Sandbox) -> None:
    """The log has the reason of a retry, without the personal data of the response."""
    responses = iter(
        [
            json_response({"message": f"{EMAIL} is busy"}, 500),
            json_response({"message": f"{PHONE} is busy"}, 500),
        ]
    )

    async def respond(request: Request) -> Response:
        return next(responses, None) or await canary_sandbox(request)

    async with MoreGoodClient(KEY, transport=respond) as client:
        leaks.record(await client.customers.upsert(**PERSON))
    leaks.assert_none()


@pytest.mark.parametrize(
    "make",
    [
        lambda: CustomerUpsert.of({**PERSON, "first_name": " "}),
        lambda: CustomerUpsert.of({**PERSON, "notes": NOTES * 1000}),
        lambda: CustomerUpsert.of({**PERSON, "email": [EMAIL]}),
        lambda: CustomerUpsert(first_name=NAME, signed_up_at=EMAIL),
        lambda: CustomerUpsert(first_name=NAME, tags=EMAIL),
        lambda: CustomerUpsert.of({EMAIL: NAME, "first_name": NAME}),
        lambda: AskCreate.of({"email": EMAIL, "channels": [EMAIL, PHONE]}),
        lambda: AskCreate.of({"email": EMAIL, "channels": EMAIL}),
        lambda: AskCreate(email=EMAIL, channels=["sms"], asked_at=PHONE),
        lambda: ChargeCreate.of({"email": EMAIL, "amount": EMAIL, "currency": PHONE}),
        lambda: LocationCreate.of({"name": EMAIL, "slug": [PHONE]}),
        lambda: LocationUpdate(),
    ],
)
def test_an_invalid_value_leaks_nothing(leaks: LeakDetector, make: Callable[[], Any]) -> None:
    """The error names the field, and does not show its value."""
    with pytest.raises(MoreGoodError) as raised:
        make()
    leaks.record_error(raised.value)
    leaks.assert_none()


def test_the_repr_of_a_request_model_leaks_nothing(leaks: LeakDetector) -> None:
    """The ``repr`` names the fields, and does not show their values."""
    leaks.record(
        CustomerUpsert(**PERSON),
        AskCreate(email=EMAIL, phone=PHONE, channels=["email"]),
        ChargeCreate(email=EMAIL, phone=PHONE, amount=1),
    )
    leaks.assert_none()


async def test_a_batch_leaks_nothing(
    leaks: LeakDetector, canary_sandbox: Sandbox, canary_client: MoreGoodClient
) -> None:
    """Neither the batch, nor its results, nor their errors show a canary."""
    rows: list[Any] = [PERSON, {**PERSON, "first_name": ""}, {**PERSON, "tags": EMAIL}, EMAIL]
    canary_sandbox.faults = Refuse(422, probability=0.5, seed=3)
    batch = canary_client.customers.upsert_many(rows * 4)
    leaks.record(batch, batch.stats)
    async for result in batch:
        leaks.record(result)
        if result.error is not None:
            leaks.record_error(result.error)
    leaks.record(batch, canary_client.customers.list(), canary_client.reviews.list().pages())
    leaks.assert_none()


async def test_reading_reviews_of_several_customers_leaks_nothing(
    leaks: LeakDetector, canary_sandbox: Sandbox, canary_client: MoreGoodClient
) -> None:
    """Neither the results nor the error that ends the iteration show a canary."""
    await create_person(canary_client, canary_sandbox)
    pairs = list[Any]()
    with pytest.raises(MoreGoodError) as raised:
        await collect_into(pairs, canary_client.reviews.for_customers([1, 9041]))
    leaks.record(*pairs)
    leaks.record_error(raised.value)
    leaks.assert_none()


@pytest.mark.parametrize(
    "base_url",
    ["http://127.0.0.1:1/beacon", "http://no-such-host.localhost:1/beacon"],
    ids=["refused", "unknown host"],
)
async def test_the_error_of_an_unreachable_server_leaks_nothing(
    leaks: LeakDetector, base_url: str
) -> None:
    """The cause is an error of aiohttp, whose frames hold the Authorization header."""
    async with MoreGoodClient(KEY, base_url=base_url, max_attempts=2) as client:
        for call in CALLS.values():
            with pytest.raises(MoreGoodError) as raised:
                await call(client)
            leaks.record_error(raised.value)
    leaks.assert_none()


@pytest.mark.parametrize(
    "response",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"garbage\r\n\r\n", b"", None],
    ids=["truncated", "not HTTP", "closed", "silent"],
)
async def test_the_error_of_an_invalid_response_leaks_nothing(
    leaks: LeakDetector, response: bytes | None
) -> None:
    """A raw socket sends bytes for which aiohttp raises an error, which becomes the cause."""
    served = asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if response is None:
            await reader.read()  # until the client closes the connection
        else:
            writer.write(response)
        writer.close()
        served.release()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        base_url = f"http://127.0.0.1:{port}/beacon"
        async with MoreGoodClient(
            KEY, base_url=base_url, max_attempts=1, attempt_timeout=0.2
        ) as client:
            for name in ("customers.upsert", "asks.create", "reviews.list"):
                with pytest.raises(MoreGoodError) as raised:
                    await CALLS[name](client)
                leaks.record_error(raised.value)
                await served.acquire()
    leaks.assert_none()


async def test_rows_with_unexpected_types_leak_nothing(
    leaks: LeakDetector, make_client: MakeClient
) -> None:
    """Rows are decoded as far as possible; their ``repr`` does not show the undecoded values."""
    row = {"id": 1, **PERSON, "validation": {"address": EMAIL}, "surprise": EMAIL}
    odd = {**row, "email": [EMAIL], "location": {"email": EMAIL}, "last_charged_at": EMAIL}
    nested = {"id": 1, "reviewer": {"name": NAME, "photo": {"link": EMAIL}}, "review": REVIEW}

    async def respond(request: Request) -> Response:
        rows = [row, odd] if "customers" in request.url else [{**nested, "customer": row}]
        return json_response({"success": True, "data": rows})

    client = make_client(respond)
    leaks.record(await client.customers.list().collect(), await client.reviews.list().collect())
    leaks.record(await client.messages.list().collect(), await client.customers.list())
    leaks.assert_none()
