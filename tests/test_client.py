"""The client: its settings, its views, the way out of the table, and its life."""

import asyncio
import gc
import json
import warnings
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from moregood_async import (
    BASE_URL,
    APIError,
    ClientClosed,
    ConfigurationError,
    Forbidden,
    Handler,
    InvalidRequest,
    MoreGoodClient,
    NotFound,
    Rate,
    Request,
    Response,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
)
from moregood_async.sandbox import DropAfterEffect, Redirect, Refuse, Sandbox
from tests.conftest import KEY, Reader, answered

# Settings --------------------------------------------------------------------------------------


async def test_key_and_base_url_come_from_the_environment(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the README's first lines have it."""
    async with sandbox.serve() as server:
        monkeypatch.setenv("MOREGOOD_API_KEY", KEY)
        monkeypatch.setenv("MOREGOOD_BASE_URL", server.base_url + "/")
        async with MoreGoodClient() as client:
            await client.customers.upsert(first_name="Ada", email="ada@example.com")
            assert f"<MoreGoodClient {server.base_url}>" == repr(client)
    assert 1 == sandbox.audit(KEY).customers


def test_what_is_given_outweighs_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """And without either, the vendor is asked."""
    assert f"<MoreGoodClient {BASE_URL}>" == repr(MoreGoodClient(KEY))
    monkeypatch.setenv("MOREGOOD_BASE_URL", "https://one.example/beacon")
    assert "<MoreGoodClient https://one.example/beacon>" == repr(MoreGoodClient(KEY))
    given = MoreGoodClient(KEY, base_url="https://two.example/beacon/")
    assert "<MoreGoodClient https://two.example/beacon>" == repr(given)


async def _far(_: Request) -> Response:
    return answered({"success": True, "data": {"id": 1}})


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"api_key": None}, "there is no API key"),
        ({"api_key": " "}, "there is no API key"),
        ({"api_key": "two words"}, "contains a blank"),
        ({"base_url": "http://api.example/beacon"}, "plain http://"),
        ({"base_url": "ftp://api.example"}, "must look like"),
        ({"attempt_timeout": 0}, "attempt_timeout"),
        ({"deadline": -1.0}, "deadline"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"transport": _far, "proxy": "http://proxy:1"}, "transport="),
        ({"transport": _far, "trust_env": True}, "transport="),
        ({"transport": _far, "session": object()}, "transport="),
    ],
    ids=lambda each: str(each) if isinstance(each, str) else "-".join(each),
)
def test_a_client_that_cannot_be_is_not_made(wrong: dict[str, Any], reason: str) -> None:
    """The reason says what to give instead."""
    given: dict[str, Any] = {"api_key": KEY, **wrong}
    with pytest.raises(ConfigurationError, match=reason):
        MoreGoodClient(**given)


def test_plain_http_to_another_machine_must_be_allowed() -> None:
    """The permission holds for views too."""
    client = MoreGoodClient(KEY, base_url="http://api.example/beacon", allow_http=True)
    view = client.with_options(base_url="http://other.example/beacon")
    assert "http://other.example/beacon" in repr(view)
    with pytest.raises(ConfigurationError, match="plain http://"):
        MoreGoodClient(KEY).with_options(base_url="http://other.example/beacon")


# Keys that rotate ------------------------------------------------------------------------------


async def test_an_async_key_is_asked_before_each_call(sandbox: Sandbox) -> None:
    """So it may rotate between any two."""
    asked = 0

    async def key() -> str:
        nonlocal asked
        asked += 1
        return KEY

    async with MoreGoodClient(key, transport=sandbox) as client:
        assert 0 == asked
        await client.customers.list()
        await client.customers.list()
    assert 2 == asked


async def test_a_key_that_was_rotated_is_asked_for_again_after_a_401(sandbox: Sandbox) -> None:
    """Once; the call goes on with the new one."""
    keys = iter([KEY, "new-key", "new-key"])

    async def key() -> str:
        return next(keys)

    async with MoreGoodClient(key, transport=sandbox) as client:
        sandbox.rotate_key(KEY, "new-key")
        ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    assert (1, 1) == (ada.id, sandbox.audit("new-key").customers)


async def test_a_key_that_stays_wrong_is_not_tried_twice(sandbox: Sandbox) -> None:
    """The answer is the 401."""

    async def key() -> str:
        return "wrong"

    async with MoreGoodClient(key, transport=sandbox) as client:
        with pytest.raises(Unauthorized):
            await client.customers.list()
    assert 1 == sandbox.audit().requests["customers.list"]


async def test_an_async_key_that_is_none_is_refused_before_anything_is_sent(
    sandbox: Sandbox,
) -> None:
    """As a key in the settings would be."""

    async def key() -> str:
        return ""

    async with MoreGoodClient(key, transport=sandbox) as client:
        with pytest.raises(ConfigurationError, match="no API key"):
            await client.customers.list()
    assert {} == dict(sandbox.audit().requests)


# Views -----------------------------------------------------------------------------------------


async def test_twenty_projects_are_served_through_one_pool() -> None:
    """An agency: a view for each key, each with its own customers, over shared connections."""
    keys = [f"key-{number}" for number in range(20)]
    peers = set[object]()

    async def watched(request: Request, call_next: Handler) -> Response:
        peers.add(request.headers["authorization"])
        return await call_next(request)

    with Sandbox(keys=keys) as sandbox:
        sandbox.faults = [watched]
        async with (
            sandbox.serve() as server,
            MoreGoodClient(keys[0], base_url=server.base_url) as agency,
        ):
            views = [agency.with_options(api_key=key) for key in keys]
            await asyncio.gather(
                *(
                    view.customers.upsert(first_name="Ada", email=f"ada{turn}@example.com")
                    for turn in range(5)
                    for view in views
                )
            )
            assert 1 == len({id(view._session.connections) for view in [agency, *views]})
        assert [5] * 20 == [sandbox.audit(key).customers for key in keys]
    assert 20 == len(peers)


async def test_a_view_has_settings_of_its_own_and_the_rest_of_its_client(
    sandbox: Sandbox, client: MoreGoodClient
) -> None:
    """``max_attempts=1`` never repeats, which the server counts."""
    sandbox.faults = Refuse(500)
    once = client.with_options(max_attempts=1, deadline=None, attempt_timeout=5.0)
    with pytest.raises(ServerError):
        await once.customers.list()
    assert 1 == sandbox.audit().requests["customers.list"]
    assert repr(once).split()[1] == repr(client).split()[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempt_timeout": -1},
        {"deadline": 0},
        {"max_attempts": 0},
        {"api_key": ""},
        {"base_url": "nonsense"},
        {"api_key": "fresh", "max_concurrency": 0},
    ],
    ids=str,
)
def test_a_view_that_cannot_be_is_not_made(wrong: dict[str, Any]) -> None:
    """As with the client itself."""
    with pytest.raises(ConfigurationError):
        MoreGoodClient(KEY).with_options(**wrong)


async def test_a_keys_limits_are_those_that_it_was_first_given(sandbox: Sandbox) -> None:
    """Two views of one key cannot disagree on its pace."""
    async with MoreGoodClient(KEY, transport=sandbox, max_concurrency=3) as client:
        view = client.with_options(api_key="b", max_concurrency=9, max_rate=Rate(5, per=1.0))
        same = view.with_options(max_rate=Rate(5, per=1.0))
        assert view._session.settings.limits == same._session.settings.limits
        with pytest.raises(ConfigurationError, match="this key already has"):
            client.with_options(api_key="b", max_concurrency=4)
        with pytest.raises(ConfigurationError, match="this key already has"):
            client.with_options(max_concurrency=4)
        other = client.with_options(api_key="c")._session.settings.limits
        assert (3, None) == (other.max_concurrency, other.max_rate)


async def test_closing_a_view_closes_nothing(sandbox: Sandbox, client: MoreGoodClient) -> None:
    """The connections are its client's."""
    async with client.with_options(max_attempts=1) as view:
        await view.customers.list()
    await view.aclose()
    await view.customers.list()
    await client.customers.list()
    assert 3 == sandbox.audit().requests["customers.list"]


async def test_closing_the_client_closes_its_views(client: MoreGoodClient) -> None:
    """What is sent after it raises, and nothing leaves."""
    view = client.with_options(max_attempts=1)
    await client.aclose()
    await client.aclose()
    for closed in (client, view):
        with pytest.raises(ClientClosed, match="nothing was sent"):
            await closed.customers.list()
        with pytest.raises(ClientClosed):
            async with closed:
                raise AssertionError


# Middlewares and transports --------------------------------------------------------------------


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


# Anything else: request() ----------------------------------------------------------------------


async def test_request_sends_json_query_and_headers(reader: Reader) -> None:
    """Below the base URL, with the client's own headers beside."""
    got = list[Request]()

    async def far(request: Request) -> Response:
        got.append(request)
        return answered({"success": True, "data": [1]})

    client = reader(far)
    response = await client.request(
        "post",
        "/customers/7/tags",
        json={"tags": ["a b"], "none": None},
        query={"page": 2, "q": "a&b", "left_out": None},
        headers={"X-Trace": "t1"},
    )
    [request] = got
    assert {"success": True, "data": [1]} == response.json()
    assert ("POST", f"{BASE_URL}/customers/7/tags?page=2&q=a%26b") == (request.method, request.url)
    assert ("t1", f"Bearer {KEY}") == (request.headers["x-trace"], request.headers["authorization"])
    assert b'{"tags":["a b"],"none":null}' == request.body
    assert ("POST customers/7/tags", False) == (request.operation, request.idempotent)
    await client.request("GET", "reviews")
    assert (None, True) == (got[1].body, got[1].idempotent)
    assert "content-type" not in got[1].headers
    await client.request("PUT", "x", json=None)
    assert b"null" == got[2].body


async def test_request_cannot_send_another_key(reader: Reader) -> None:
    """The client's own headers win, whatever the case of the given ones."""
    got = list[Request]()

    async def far(request: Request) -> Response:
        got.append(request)
        return answered({"success": True})

    await reader(far).request("GET", "x", headers={"authorization": "Bearer other"})
    plain = {name.lower(): value for name, value in got[0].headers.plain.items()}
    assert {"authorization": f"Bearer {KEY}", "accept": "application/json"} == plain
    assert 2 == len(got[0].headers.plain)


@pytest.mark.parametrize(
    ("method", "idempotent", "requests"),
    [("GET", None, 2), ("POST", None, 1), ("POST", True, 2), ("GET", False, 1), ("PUT", None, 1)],
)
async def test_request_is_repeated_as_told(
    sandbox: Sandbox, client: MoreGoodClient, method: str, idempotent: bool | None, requests: int
) -> None:
    """By default only what reads; counted at the server."""
    sandbox.faults = DropAfterEffect(times=1)
    path = "locations/1" if method == "PUT" else "customers"
    call = client.request(method, path, json={"first_name": "A"}, idempotent=idempotent)
    if requests == 1:
        with pytest.raises(Exception, match="connection") as lost:
            await call
        assert getattr(lost.value, "may_have_applied", None) == (method != "GET")
    else:
        assert 200 == (await call).status
    assert requests == sandbox.audit().requests.total()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path",
    [
        "https://elsewhere.example/steal",
        "//elsewhere.example/steal",
        "../project/customers",
        "customers/../../project",
        "customers/..",
        "customers/%2e%2E/%2e./%2e%2e/project",
        "./customers",
        "customers\\..\\x",
        "cust omers",
        "customers\r\nX-Evil: 1",
        "customers?page=1",
        "customers#x",
    ],
)
async def test_request_refuses_a_path_that_leaves_the_base_url(reader: Reader, path: str) -> None:
    """The key goes nowhere else; a query has its own parameter."""
    sent = list[Request]()

    async def far(request: Request) -> Response:
        sent.append(request)
        return answered({"success": True})

    with pytest.raises(InvalidRequest, match="path") as refused:
        await reader(far).request("GET", path)
    assert ["path"] == [*refused.value.fields]
    assert [] == sent


async def test_request_refuses_what_json_cannot_carry(reader: Reader) -> None:
    """Before anything is sent."""
    for odd in (float("nan"), object(), "\ud83d"):
        with pytest.raises(InvalidRequest, match="json"):
            await reader(_far).request("POST", "x", json=odd)


@pytest.mark.parametrize(
    ("answer", "error", "status"),
    [
        (answered({"success": False, "code": 404, "message": "No."}), NotFound, 200),
        (answered({"success": False, "message": "No."}), APIError, 200),
        (answered({"success": False}), UnexpectedResponse, 200),
        (answered({"message": "No."}, 403), Forbidden, 403),
        (answered({}, 302, location="https://elsewhere.example"), UnexpectedResponse, 302),
    ],
    ids=["a code", "a message", "nothing else", "403", "a redirect"],
)
async def test_request_raises_what_is_a_refusal(
    reader: Reader, answer: Response, error: type[Exception], status: int
) -> None:
    """Also where it comes as a 200."""

    async def far(_: Request) -> Response:
        return answer

    with pytest.raises(error) as raised:
        await reader(far).request("DELETE", "tags/1")
    assert ("DELETE tags/1", status) == (
        getattr(raised.value, "operation", None),
        getattr(raised.value, "status", None),
    )


async def test_request_never_follows_a_redirect(sandbox: Sandbox, client: MoreGoodClient) -> None:
    """The other place gets no request, so it gets no key."""
    with Sandbox(keys=KEY) as elsewhere:
        async with elsewhere.serve() as server:
            sandbox.faults = Redirect(server.base_url + "/customers", 307)
            with pytest.raises(UnexpectedResponse, match="redirect"):
                await client.request("GET", "customers")
        assert {} == dict(elsewhere.audit().requests)


async def test_request_gives_the_answer_as_it_came(client: MoreGoodClient) -> None:
    """Status, headers whatever their case, and the bytes."""
    response = await client.request("OPTIONS", "customers")
    assert (200, "GET,HEAD,POST", b"") == (
        response.status,
        response.headers["ALLOW"],
        response.body,
    )


# Life ------------------------------------------------------------------------------------------


def test_one_client_serves_two_runs_one_after_the_other(sandbox: Sandbox) -> None:
    """Each loop has connections of its own, closed with it."""
    with sandbox.serve_in_thread() as server:
        client = MoreGoodClient(KEY, base_url=server.base_url)
        for _ in range(2):
            asyncio.run(_one(client))
        asyncio.run(client.aclose())
    assert 2 == sandbox.audit().requests["customers.list"]


async def _one(client: MoreGoodClient) -> None:
    await client.customers.list()


def test_a_forgotten_client_warns_with_the_line_where_it_was_made(sandbox: Sandbox) -> None:
    """A `ResourceWarning`, once it is gone."""

    async def forget() -> None:
        client = MoreGoodClient(KEY, transport=sandbox)
        await client.customers.list()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(forget())
        gc.collect()
    told = [str(each.message) for each in caught if each.category is ResourceWarning]
    line = forget.__code__.co_firstlineno + 1
    assert [f"a MoreGoodClient made at {__file__}:{line} was never closed"] == [
        message.partition(":")[0] + ":" + message.split(":")[1] for message in told
    ]


def test_a_client_that_was_never_used_needs_no_closing() -> None:
    """It has nothing open."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MoreGoodClient(KEY)
        gc.collect()
