"""`MoreGoodClient.request`: anything below the base URL."""

import pytest

from moregood_async import (
    BASE_URL,
    APIError,
    Forbidden,
    InvalidRequest,
    MoreGoodClient,
    NotFound,
    Request,
    Response,
    UnexpectedResponse,
)
from moregood_async.sandbox import DropAfterEffect, Redirect, Sandbox
from tests.client.far_side import _far
from tests.conftest import KEY, Reader, answered


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
