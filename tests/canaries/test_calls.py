"""No call, failure or batch shows a key or a person."""

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
from tests.canaries.aviary import EMAIL, KEY, NAME, NOTES, PERSON, PHONE, REVIEW, Aviary
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


async def prepared(client: MoreGoodClient, sandbox: Sandbox) -> None:
    """The person is there, with a location, an ask and a review."""
    person = await client.customers.upsert(**PERSON)
    await client.locations.create(name="Main")
    await client.asks.create(email=EMAIL, channels=["email", "sms"])
    sandbox.write(sandbox.click(person.id), REVIEW)


def watched_by(aviary: Aviary) -> Callable[[Request, Handler], Any]:
    """A middleware that shows all that passes, as a user's might."""

    async def show(request: Request, call_next: Handler) -> Response:
        aviary.show(request, request.headers, request.deadline)
        response = await call_next(request)
        aviary.show(response)
        return response

    return show


@BY_CALL
async def test_a_call_that_works_shows_nobody(
    aviary: Aviary, canary_sandbox: Sandbox, canary_client: MoreGoodClient, call: Call
) -> None:
    """Neither its request, nor its answer, nor what it gives, nor the client."""
    await prepared(canary_client, canary_sandbox)
    view = canary_client.with_options(middlewares=(watched_by(aviary),))
    aviary.show(await call(view))
    aviary.show(view, canary_client, view.customers, view._session, view._session.settings)
    aviary.show(view._session.connections, view._session.connections.limits)
    aviary.refuse_canaries()


@pytest.mark.parametrize("call", IN_THE_URL.values(), ids=IN_THE_URL)
async def test_a_person_in_a_url_is_shown_nowhere(
    aviary: Aviary, canary_sandbox: Sandbox, canary_client: MoreGoodClient, call: Call
) -> None:
    """In the path or the query of `MoreGoodClient.request`, whether it works or not."""
    view = canary_client.with_options(middlewares=(watched_by(aviary),), max_attempts=2)
    for fault in ((), Refuse(500, times=1), Refuse(404), DropBeforeEffect(), Html()):
        canary_sandbox.faults = fault
        try:
            aviary.show(await call(view))
        except MoreGoodError as error:
            aviary.catch(error)
    aviary.refuse_canaries()


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
async def test_a_call_that_fails_shows_nobody(
    aviary: Aviary, canary_sandbox: Sandbox, canary_client: MoreGoodClient, fault: Fault | Throttle
) -> None:
    """Whatever the fault, and whichever the call."""
    await prepared(canary_client, canary_sandbox)
    view = canary_client.with_options(
        middlewares=(watched_by(aviary),), max_attempts=1, deadline=0.5, attempt_timeout=0.05
    )
    canary_sandbox.faults = fault
    failed = 0
    for call in CALLS.values():
        try:
            aviary.show(await call(view))
        except MoreGoodError as error:
            failed += 1
            aviary.catch(error)
    assert failed or isinstance(fault, Delay)  # a handler is not timed
    aviary.refuse_canaries()


async def test_a_repeated_call_shows_nobody(aviary: Aviary, canary_sandbox: Sandbox) -> None:
    """The log of a repeat has its reason, and the reason no person."""
    answers = iter(
        [
            json_response({"message": f"{EMAIL} is busy"}, 500),
            json_response({"message": f"{PHONE} is busy"}, 500),
        ]
    )

    async def moody(request: Request) -> Response:
        return next(answers, None) or await canary_sandbox(request)

    async with MoreGoodClient(KEY, transport=moody) as client:
        aviary.show(await client.customers.upsert(**PERSON))
    aviary.refuse_canaries()


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
def test_a_value_that_is_refused_shows_nobody(aviary: Aviary, make: Callable[[], Any]) -> None:
    """What was wrong is told by the field's name."""
    with pytest.raises(MoreGoodError) as refused:
        make()
    aviary.catch(refused.value)
    aviary.refuse_canaries()


def test_a_value_shows_its_fields_and_nobody(aviary: Aviary) -> None:
    """What will be sent is named, not shown."""
    aviary.show(
        CustomerUpsert(**PERSON),
        AskCreate(email=EMAIL, phone=PHONE, channels=["email"]),
        ChargeCreate(email=EMAIL, phone=PHONE, amount=1),
    )
    aviary.refuse_canaries()


async def test_a_batch_shows_nobody(
    aviary: Aviary, canary_sandbox: Sandbox, canary_client: MoreGoodClient
) -> None:
    """Neither the batch, nor its results, nor their errors."""
    rows: list[Any] = [PERSON, {**PERSON, "first_name": ""}, {**PERSON, "tags": EMAIL}, EMAIL]
    canary_sandbox.faults = Refuse(422, probability=0.5, seed=3)
    batch = canary_client.customers.upsert_many(rows * 4)
    aviary.show(batch, batch.stats)
    async for result in batch:
        aviary.show(result)
        if result.error is not None:
            aviary.catch(result.error)
    aviary.show(batch, canary_client.customers.list(), canary_client.reviews.list().pages())
    aviary.refuse_canaries()


async def test_reading_for_many_shows_nobody(
    aviary: Aviary, canary_sandbox: Sandbox, canary_client: MoreGoodClient
) -> None:
    """What it gives, and the error that ends it."""
    await prepared(canary_client, canary_sandbox)
    pairs = list[Any]()
    with pytest.raises(MoreGoodError) as raised:
        await collect_into(pairs, canary_client.reviews.for_customers([1, 9041]))
    aviary.show(*pairs)
    aviary.catch(raised.value)
    aviary.refuse_canaries()


@pytest.mark.parametrize(
    "base_url",
    ["http://127.0.0.1:1/beacon", "http://no-such-host.localhost:1/beacon"],
    ids=["refused", "no host"],
)
async def test_an_unreachable_server_shows_nobody(aviary: Aviary, base_url: str) -> None:
    """The cause is aiohttp's own error, whose frames hold the header."""
    async with MoreGoodClient(KEY, base_url=base_url, max_attempts=2) as client:
        for call in CALLS.values():
            with pytest.raises(MoreGoodError) as raised:
                await call(client)
            aviary.catch(raised.value)
    aviary.refuse_canaries()


@pytest.mark.parametrize(
    "sent",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"garbage\r\n\r\n", b"", None],
    ids=["cut short", "not HTTP", "closed", "silent"],
)
async def test_a_server_that_is_none_shows_nobody(aviary: Aviary, sent: bytes | None) -> None:
    """On a raw socket: what aiohttp raises there is the cause."""
    served = asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if sent is None:
            await reader.read()  # until the client has had enough
        else:
            writer.write(sent)
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
                aviary.catch(raised.value)
                await served.acquire()
    aviary.refuse_canaries()


async def test_an_answer_that_is_cut_inside_shows_nobody(
    aviary: Aviary, make_client: MakeClient
) -> None:
    """Rows with odd types are read as far as they go; their ``repr`` shows no row."""
    row = {"id": 1, **PERSON, "validation": {"address": EMAIL}, "surprise": EMAIL}
    odd = {**row, "email": [EMAIL], "location": {"email": EMAIL}, "last_charged_at": EMAIL}
    nested = {"id": 1, "reviewer": {"name": NAME, "photo": {"link": EMAIL}}, "review": REVIEW}

    async def far(request: Request) -> Response:
        rows = [row, odd] if "customers" in request.url else [{**nested, "customer": row}]
        return json_response({"success": True, "data": rows})

    client = make_client(far)
    aviary.show(await client.customers.list().collect(), await client.reviews.list().collect())
    aviary.show(await client.messages.list().collect(), await client.customers.list())
    aviary.refuse_canaries()
