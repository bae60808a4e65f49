"""What is sent again and what never: `design.md` section 3, cell by cell, on real sockets.

The counts are the server's. A client that had sent something twice might not know it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    APIError,
    AttemptTimedOut,
    BadRequest,
    Conflict,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    Forbidden,
    MoreGoodError,
    NoResponse,
    NotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
    ValidationFailed,
)
from moregood_async.operations import OPERATIONS
from moregood_async.sandbox import (
    Audit,
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
)
from moregood_async.sandbox.fault_chain import Chainable
from moregood_async.wire import Handler, Middleware, Request, Response
from tests.aiohttp_doubles import RawServer, free_port, http, saying
from tests.middleware.doubles import quick

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
ONCE = {"charges.create", "asks.create", "locations.create"}
WRITES = ONCE | {"customers.upsert", "locations.update"}
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
            yield Scene(sandbox, quick(client), before)


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
    phase: str = "answered"
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


def test_the_table_knows_every_operation() -> None:
    """A new one is told here whether it may be repeated."""
    assert {operation.name: operation.idempotent for operation in OPERATIONS} == {
        name: name not in ONCE for name in CALLS
    }
    assert {operation.name for operation in OPERATIONS if operation.method != "GET"} == WRITES


@each_operation
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_each_operation_through_each_fault(name: str, row: Row) -> None:
    """Sent again where that helps and does no harm; otherwise the error says what is known."""
    again = row.again and name not in ONCE
    async with scene(row.fault, attempt_timeout=0.15 if isinstance(row.fault, Late) else 30) as on:
        if again:
            await CALLS[name](on.client)
            assert (2, name in COUNTED_AS) == (on.requests(name), on.effects(name))
            return
        with pytest.raises(row.kind) as caught:
            await CALLS[name](on.client)
        took_effect = row.took_effect and name in COUNTED_AS
        assert (1, took_effect) == (on.requests(name), on.effects(name))
    error, unclear = caught.value, row.unclear and name in WRITES
    assert row.kind is type(error)
    assert (name, unclear) == (error.operation, error.may_have_applied)
    [attempt] = error.attempts
    assert (1, row.phase, unclear) == (attempt.number, attempt.phase, attempt.may_have_applied)
    assert attempt.outcome.startswith(row.says)
    assert unclear == ("It may have taken effect." in error.explain())
    assert unclear == ("It may have taken effect." in str(error))


@pytest.mark.parametrize(
    ("fault", "least"),
    [
        (Refuse(429, times=1), 0.25),
        (Refuse(429, {"Retry-After": "0"}, times=1), 1.0),
        (Refuse(503, {"Retry-After": "0"}, times=1), 1.0),
    ],
    ids=["429", "429, Retry-After 0", "503, Retry-After 0"],
)
async def test_every_operation_is_sent_again_after_it_was_told_to_wait(
    fault: Fault, least: float
) -> None:
    """A refusal for now did nothing, so even an ask is sent again; later than told at least."""

    async def outcome(name: str) -> tuple[int, int, bool]:
        async with scene(fault) as on:
            begun = time.monotonic()
            await CALLS[name](on.client)
            waited = time.monotonic() - begun >= least
            return on.requests(name), on.effects(name), waited

    outcomes = await asyncio.gather(*map(outcome, CALLS))
    assert {name: (2, int(name in COUNTED_AS), True) for name in CALLS} == dict(
        zip(CALLS, outcomes, strict=True)
    )


@each_operation
async def test_every_operation_is_sent_again_after_a_connection_that_did_not_come_about(
    name: str,
) -> None:
    """Nobody listens at first; nothing left, so it is safe for all of them."""
    port = free_port()
    with await furnished() as sandbox:
        before, server = sandbox.audit(), sandbox.serve(port=port)

        async def server_comes_up(seconds: float) -> None:
            await server.__aenter__()

        async with MoreGoodClient(KEY, base_url=f"http://127.0.0.1:{port}/beacon") as client:
            await CALLS[name](quick(client, sleep=server_comes_up))
            on = Scene(sandbox, client, before)
            assert (1, name in COUNTED_AS) == (on.requests(name), on.effects(name))
        await server.__aexit__(None, None, None)


@each_operation
async def test_a_server_that_never_comes_up_has_got_nothing(name: str) -> None:
    """All attempts are used, and the error is sure that nothing happened."""
    base_url = f"http://127.0.0.1:{free_port()}/beacon"
    async with MoreGoodClient(KEY, base_url=base_url) as client:
        with pytest.raises(ConnectionFailed) as caught:
            await CALLS[name](quick(client))
    error = caught.value
    assert ([1, 2, 3, 4], False) == ([each.number for each in error.attempts], error.sent)
    assert {("connecting", False)} == {
        (each.phase, each.may_have_applied) for each in error.attempts
    }
    assert not error.may_have_applied
    assert "it is safe to send again" in error.explain()


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ONCE])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Refuse(500), ServerError),
        (DropAfterEffect(), ConnectionLost),
        (CutBody(), ConnectionLost),
    ],
    ids=["500", "dropped", "cut short"],
)
async def test_repeating_ends(name: str, fault: Fault, kind: type[MoreGoodError]) -> None:
    """After ``max_attempts`` requests; however often an upsert arrived, there is one customer."""
    async with scene(fault, max_attempts=3) as on:
        with pytest.raises(kind) as caught:
            await CALLS[name](on.client)
        created = name == "customers.upsert" and kind is ConnectionLost
        assert (3, created) == (on.requests(name), on.effects(name))
    assert [1, 2, 3] == [attempt.number for attempt in caught.value.attempts]
    assert (name in WRITES) == caught.value.may_have_applied


async def test_one_call_can_meet_every_fault_that_may_be_repeated() -> None:
    """An upsert gets through whatever comes, and ends in the same state."""
    async with scene(
        Refuse(502, times=1),
        DropBeforeEffect(times=1),
        Html(504, times=1),
        Refuse(408, times=1),
        DropAfterEffect(times=1),
        max_attempts=6,
    ) as on:
        await CALLS["customers.upsert"](on.client)
        assert (6, 1) == (on.requests("customers.upsert"), on.effects("customers.upsert"))


# Once is enough


@pytest.mark.parametrize("seed", range(4))
async def test_no_call_ever_makes_two_asks(seed: int) -> None:
    """Through a storm of faults: the server's count lies within what the errors say."""
    storm = (
        DropBeforeEffect(probability=0.1, seed=seed),
        DropAfterEffect(probability=0.2, seed=seed + 100),
        CutBody(probability=0.1, seed=seed + 200),
        Refuse(500, probability=0.1, seed=seed + 300),
        Html(504, after_effect=True, probability=0.1, seed=seed + 400),
        Garbage(probability=0.1, seed=seed + 500),
    )
    async with scene() as on:
        emails = [f"customer{number}@example.com" for number in range(60)]
        people = ({"first_name": "A", "email": email} for email in emails)
        errors = [each.error async for each in on.client.customers.upsert_many(people)]
        assert [None] * 60 == errors
        on.sandbox.faults = storm
        batch = on.client.asks.create_many(
            {"email": email, "channels": ["email"]} for email in emails
        )
        async for result in batch:
            assert result.error is None or isinstance(result.error, MoreGoodError)
        audit, stats = on.sandbox.audit(), batch.stats
    assert () == audit.duplicate_asks
    assert stats.done <= audit.asks <= stats.done + stats.unknown
    assert 60 == audit.requests["asks.create"] == stats.done + stats.failed + stats.unknown
    assert min(stats.done, stats.unknown) > 0


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (DropAfterEffect(times=1), 1),
        (CutBody(times=1), 1),
        (Refuse(500, times=1), 1),
    ],
    ids=["dropped", "cut short", "500"],
)
async def test_a_customer_without_email_and_phone_is_not_upserted_twice(
    fault: Fault, requests: int
) -> None:
    """Nothing would match the second one to the first, so each would be a new customer."""
    async with scene(fault) as on:
        with pytest.raises(MoreGoodError) as caught:
            await on.client.customers.upsert(first_name="Nobody")
        assert requests == on.requests("customers.upsert")
        assert on.effects("customers.upsert") <= 1
    assert caught.value.may_have_applied


async def test_a_customer_without_email_and_phone_is_sent_again_where_nothing_left() -> None:
    """A refused connection did no harm."""
    port = free_port()
    with await furnished() as sandbox:
        server = sandbox.serve(port=port)

        async def server_comes_up(seconds: float) -> None:
            await server.__aenter__()

        async with MoreGoodClient(KEY, base_url=f"http://127.0.0.1:{port}/beacon") as client:
            await quick(client, sleep=server_comes_up).customers.upsert(first_name="Nobody")
        assert 2 == sandbox.audit().customers
        await server.__aexit__(None, None, None)


async def test_an_ask_that_takes_effect_after_its_timeout_is_one_ask() -> None:
    """The slow server does it in the end; nobody has sent a second one meanwhile."""
    async with scene(Delay(0.2, times=1), attempt_timeout=0.1) as on:
        with pytest.raises(AttemptTimedOut) as caught:
            await CALLS["asks.create"](on.client)
        assert 0 == on.effects("asks.create")
        await asyncio.sleep(0.2)
        assert (1, 1) == (on.requests("asks.create"), on.effects("asks.create"))
    assert caught.value.may_have_applied


# What the error tells

STORIES = {
    "500": """\
ServerError: asks.create: 500 Server Error
- attempt 1: 500 (answered, … s, may have taken effect)
- It may have taken effect. Look at customers.messages(customer_id) before you send it again.""",
    "dropped after the effect": """\
ConnectionLost: asks.create: the connection was lost: ServerDisconnectedError Server disconnected
- attempt 1: the connection was lost: ServerDisconnectedError Server disconnected\
 (waiting, … s, may have taken effect)
- It may have taken effect. Look at customers.messages(customer_id) before you send it again.""",
    "timed out after sending": """\
AttemptTimedOut: asks.create: no response in time
- attempt 1: no response in time (waiting, … s, may have taken effect)
- It may have taken effect. Look at customers.messages(customer_id) before you send it again.
- Use attempt_timeout= to allow each attempt more time.""",
    "a web page": """\
UnexpectedResponse: asks.create: a 200 that is not JSON
- attempt 1: 200 (answered, … s, may have taken effect)
- It may have taken effect. Look at customers.messages(customer_id) before you send it again.
- Check that base_url points at the API itself and not at a web page or a proxy.""",
    "redirected": """\
UnexpectedResponse: asks.create: a redirect (302), which is never followed
- attempt 1: 302 (answered, … s, may have taken effect)
- It may have taken effect. Look at customers.messages(customer_id) before you send it again.
- Check that base_url points at the API itself and not at a web page or a proxy.""",
    "401": """\
Unauthorized: asks.create: 401 Unauthenticated.
- attempt 1: 401 (answered, … s)
- Check the project's secret key (api_key= or MOREGOOD_API_KEY).""",
}


@pytest.mark.parametrize("struck", STORIES)
async def test_an_error_tells_the_story_of_the_call(struck: str) -> None:
    """Operation, attempt, phase, time, effect, and what to do now; nobody's address."""
    async with scene(ROWS[struck].fault, attempt_timeout=0.15) as on:
        with pytest.raises(MoreGoodError) as caught:
            await CALLS["asks.create"](on.client)
    assert STORIES[struck] == re.sub(r"\d+\.\d\d s", "… s", caught.value.explain())


async def test_an_answer_that_is_not_http_is_told_with_its_attempts() -> None:
    """The one before it included; and it is not sent a third time."""
    async with (
        RawServer(saying(http("500 Oops"), b"SSH-2.0-OpenSSH\r\n\r\n")) as server,
        MoreGoodClient(KEY, base_url=f"{server.url}/beacon") as client,
    ):
        with pytest.raises(UnexpectedResponse) as caught:
            await quick(client).customers.upsert(first_name="Ada", email=ADA)
        assert 2 == len(server.received)
    assert [(1, "500", True), (2, "no HTTP", True)] == [
        (each.number, each.outcome, each.may_have_applied) for each in caught.value.attempts
    ]
    assert caught.value.may_have_applied


# Redirects


@each_operation
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(name: str, status: int) -> None:
    """Where it points, nobody ever calls: the key stays with the host it was meant for."""
    async with RawServer() as target, scene(Redirect(f"{target.url}/login", status)) as on:
        with pytest.raises(UnexpectedResponse, match="redirect"):
            await CALLS[name](on.client)
        assert (1, 0) == (on.requests(name), target.connections)


# Deadlines


@pytest.mark.parametrize("status", [429, 503])
@each_operation
async def test_a_wait_longer_than_the_deadline_is_told_at_once(name: str, status: int) -> None:
    """With the time when the server takes requests again; nobody sleeps towards a certain end."""
    async with scene(Refuse(status, {"Retry-After": "300"})) as on:
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            await CALLS[name](on.client)
        assert time.monotonic() - begun < 2.0
        assert 1 == on.requests(name)
    error = caught.value
    assert error.retry_at is not None
    expected = datetime.now(UTC) + timedelta(seconds=301)
    assert abs(error.retry_at - expected) < timedelta(seconds=5)
    assert ([str(status)], False) == (
        [attempt.outcome for attempt in error.attempts],
        error.may_have_applied,
    )
    assert "The server takes requests again at " in error.explain()


async def test_one_deadline_is_over_all_attempts() -> None:
    """Each has its own time, and together they have the call's."""
    async with scene(Delay(5.0), attempt_timeout=0.1, deadline=0.25, max_attempts=10) as on:
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            await CALLS["customers.upsert"](on.client)
        took = time.monotonic() - begun
        assert 3 == on.requests("customers.upsert")
    assert 0.24 <= took < 1.0
    assert ([1, 2, 3], True) == (
        [attempt.number for attempt in caught.value.attempts],
        caught.value.may_have_applied,
    )


async def test_a_deadline_counts_the_time_in_which_the_key_was_fetched() -> None:
    """Nothing is sent for a call that is over before it began."""

    async def slow_key() -> str:
        await asyncio.sleep(0.05)
        return KEY

    with await furnished() as sandbox:
        before = sandbox.audit()
        async with (
            sandbox.serve() as server,
            MoreGoodClient(slow_key, base_url=server.base_url, deadline=0.02) as client,
        ):
            with pytest.raises(DeadlineExceeded) as caught:
                await CALLS["asks.create"](client)
        assert before == sandbox.audit()
    assert not caught.value.may_have_applied


async def test_an_attempts_clock_starts_with_its_slot() -> None:
    """Two thousand at once queue longer than an attempt may take, and not one times out."""

    async def slow(_: object, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(http())

    async with (
        RawServer(slow) as server,
        MoreGoodClient(
            KEY, base_url=server.url, attempt_timeout=2.5, max_attempts=1, deadline=None
        ) as client,
    ):
        begun = time.monotonic()
        answers = await asyncio.gather(*(client.request("GET", "reviews") for _ in range(2_000)))
        assert time.monotonic() - begun > 2.6
    assert {200} == {answer.status for answer in answers}
    assert (2_000, 32) == (len(server.received), server.connections)


# The shared budget


async def test_a_broken_server_is_not_stormed() -> None:
    """Three hundred calls that could be tried four times each: 300 requests, and 100 repeats."""
    async with scene(Refuse(500)) as on:
        results = await asyncio.gather(
            *(on.client.request("GET", "reviews") for _ in range(300)), return_exceptions=True
        )
        assert 400 == on.requests("reviews.list")
    assert {ServerError} == {type(result) for result in results}


# Keys that are rotated


@pytest.fixture
def keys() -> list[str]:
    """What the user's vault says, one after the other, the last for ever."""
    return ["old-key", KEY]


def vault(keys: list[str]) -> Callable[[], Awaitable[str]]:
    async def key() -> str:
        return keys.pop(0) if len(keys) > 1 else keys[0]

    return key


@each_operation
async def test_after_a_401_the_key_is_asked_for_again_and_the_call_repeated_once(
    name: str, keys: list[str]
) -> None:
    """A refused key did nothing, so it is safe for all of them."""
    with await furnished() as sandbox:
        before = sandbox.audit()
        async with (
            sandbox.serve() as server,
            MoreGoodClient(vault(keys), base_url=server.base_url) as client,
        ):
            await CALLS[name](client)
        on = Scene(sandbox, client, before)
        assert (2, name in COUNTED_AS) == (on.requests(name), on.effects(name))


@pytest.mark.parametrize(
    ("given", "requests"),
    [(["old-key", "older-key", KEY], 2), (["old-key"], 1)],
    ids=["another wrong one", "the same one"],
)
async def test_a_key_that_stays_wrong_is_not_tried_for_ever(
    given: list[str], requests: int
) -> None:
    """Once more, and only where the vault gives another one."""
    with await furnished() as sandbox:
        async with (
            sandbox.serve() as server,
            MoreGoodClient(vault(given), base_url=server.base_url) as client,
        ):
            with pytest.raises(Unauthorized) as caught:
                await CALLS["asks.create"](client)
        assert requests == sandbox.audit().requests["asks.create"]
    assert [(number + 1, "401") for number in range(requests)] == [
        (each.number, each.outcome) for each in caught.value.attempts
    ]


async def test_what_happened_with_the_old_key_is_not_forgotten(keys: list[str]) -> None:
    """The upsert that was lost before the key was rotated may have been done."""
    answers = saying(http("500 Oops"), http("401 No"), b"")
    async with (
        RawServer(answers) as server,
        MoreGoodClient(vault(keys), base_url=server.url, max_attempts=2) as client,
    ):
        with pytest.raises(ConnectionLost) as caught:
            await quick(client).customers.upsert(first_name="Ada", email=ADA)
        assert ["Bearer old-key"] * 2 + [f"Bearer {KEY}"] * 2 == [
            value for received in server.received for value in received.all("Authorization")
        ]
    assert [1, 2, 3, 4] == [attempt.number for attempt in caught.value.attempts]
    assert caught.value.may_have_applied


async def test_an_answer_after_a_rotation_is_told_with_its_attempts(keys: list[str]) -> None:
    """`UnexpectedResponse` is the second one's, and the first is in its story."""
    async with (
        RawServer(saying(http("401 No"), http(body=b"<html>"))) as server,
        MoreGoodClient(vault(keys), base_url=server.url) as client,
    ):
        with pytest.raises(UnexpectedResponse) as caught:
            await CALLS["asks.create"](client)
    assert [(1, "401", False), (2, "200", True)] == [
        (each.number, each.outcome, each.may_have_applied) for each in caught.value.attempts
    ]


# Patience


async def test_a_refusal_at_the_end_is_the_calls_answer() -> None:
    """429 again and again: the server's own words, after the attempts that were allowed."""
    async with scene(Refuse(429), max_attempts=1) as on:
        with pytest.raises(RateLimited) as caught:
            await CALLS["asks.create"](on.client)
        assert (1, 0) == (on.requests("asks.create"), on.effects("asks.create"))
    assert not caught.value.may_have_applied
    assert not isinstance(caught.value, NoResponse)
