"""`MoreGoodClient.request`: any path below the base URL."""

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
from tests.client.success_handler import respond_with_success
from tests.conftest import KEY, MakeClient, json_response


async def test_request_sends_json_query_and_headers(make_client: MakeClient) -> None:
    """The path is below the base URL, and the client adds its own headers."""
    requests = list[Request]()

    async def respond(request: Request) -> Response:
        requests.append(request)
        return json_response({"success": True, "data": [1]})

    client = make_client(respond)
    response = await client.request(
        "post",
        "/customers/7/tags",
        json={"tags": ["a b"], "none": None},
        query={"page": 2, "q": "a&b", "left_out": None},
        headers={"X-Trace": "t1"},
    )
    [request] = requests
    assert response.json() == {"success": True, "data": [1]}
    assert request.method == "POST"
    assert request.url == f"{BASE_URL}/customers/7/tags?page=2&q=a%26b"
    assert request.headers["x-trace"] == "t1"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == b'{"tags":["a b"],"none":null}'
    assert request.operation == "POST customers/7/tags"
    assert not request.idempotent
    await client.request("GET", "reviews")
    assert requests[1].body is None
    assert requests[1].idempotent
    assert "content-type" not in requests[1].headers
    await client.request("PUT", "x", json=None)
    assert requests[2].body == b"null"


async def test_the_headers_of_request_never_replace_the_key(make_client: MakeClient) -> None:
    """The client's own headers win, whatever their case."""
    requests = list[Request]()

    async def respond(request: Request) -> Response:
        requests.append(request)
        return json_response({"success": True})

    await make_client(respond).request("GET", "x", headers={"authorization": "Bearer other"})
    plain = {name.lower(): value for name, value in requests[0].headers.plain.items()}
    assert plain == {"authorization": f"Bearer {KEY}", "accept": "application/json"}
    assert len(requests[0].headers.plain) == 2


@pytest.mark.parametrize(
    ("method", "idempotent", "requests"),
    [("GET", None, 2), ("POST", None, 1), ("POST", True, 2), ("GET", False, 1), ("PUT", None, 1)],
)
async def test_request_is_retried_only_if_it_is_idempotent(
    sandbox: Sandbox, client: MoreGoodClient, method: str, idempotent: bool | None, requests: int
) -> None:
    """By default only methods that read are idempotent. The server counts the requests."""
    sandbox.faults = DropAfterEffect(times=1)
    path = "locations/1" if method == "PUT" else "customers"
    call = client.request(method, path, json={"first_name": "A"}, idempotent=idempotent)
    if requests == 1:
        with pytest.raises(Exception, match="connection") as lost:
            await call
        assert getattr(lost.value, "may_have_applied", None) == (method != "GET")
    else:
        assert (await call).status == 200
    assert sandbox.audit().requests.total() == requests  # type: ignore[attr-defined]


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
async def test_request_refuses_a_path_that_leaves_the_base_url(
    make_client: MakeClient, path: str
) -> None:
    """Otherwise the key could be sent to another host. A query has its own parameter."""
    sent = list[Request]()

    async def respond(request: Request) -> Response:
        sent.append(request)
        return json_response({"success": True})

    with pytest.raises(InvalidRequest, match="path") as caught:
        await make_client(respond).request("GET", path)
    assert [*caught.value.fields] == ["path"]
    assert sent == []


async def test_request_refuses_values_without_a_json_form(make_client: MakeClient) -> None:
    for value in (float("nan"), object(), "\ud83d"):
        with pytest.raises(InvalidRequest, match="json"):
            await make_client(respond_with_success).request("POST", "x", json=value)


@pytest.mark.parametrize(
    ("response", "error", "status"),
    [
        (json_response({"success": False, "code": 404, "message": "No."}), NotFound, 200),
        (json_response({"success": False, "message": "No."}), APIError, 200),
        (json_response({"success": False}), UnexpectedResponse, 200),
        (json_response({"message": "No."}, 403), Forbidden, 403),
        (json_response({}, 302, location="https://elsewhere.example"), UnexpectedResponse, 302),
    ],
    ids=["a code", "a message", "nothing else", "403", "a redirect"],
)
async def test_request_raises_an_error_for_a_response_without_success(
    make_client: MakeClient, response: Response, error: type[Exception], status: int
) -> None:
    """A response with status 200 can report an error."""

    async def respond(_: Request) -> Response:
        return response

    with pytest.raises(error) as caught:
        await make_client(respond).request("DELETE", "tags/1")
    assert getattr(caught.value, "operation", None) == "DELETE tags/1"
    assert getattr(caught.value, "status", None) == status


async def test_request_never_follows_a_redirect(sandbox: Sandbox, client: MoreGoodClient) -> None:
    """The target of the redirect gets no request, so it gets no key."""
    with Sandbox(keys=KEY) as elsewhere:
        async with elsewhere.serve() as server:
            sandbox.faults = Redirect(server.base_url + "/customers", 307)
            with pytest.raises(UnexpectedResponse, match="redirect"):
                await client.request("GET", "customers")
        assert dict(elsewhere.audit().requests) == {}


async def test_request_returns_the_response_unchanged(client: MoreGoodClient) -> None:
    """Its headers can be read in any case."""
    response = await client.request("OPTIONS", "customers")
    assert response.status == 200
    assert response.headers["ALLOW"] == "GET,HEAD,POST"
    assert response.body == b""
