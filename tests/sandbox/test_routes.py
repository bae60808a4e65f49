"""Paths and methods: 404, 405, HEAD and OPTIONS."""

import json

import attrs
import pytest

from moregood_async.sandbox import Sandbox
from tests.sandbox.api import HOST, Api, build_request


def pretty_error(message: str) -> bytes:
    return json.dumps({"message": message}, indent=4).encode()


@pytest.mark.parametrize(
    ("path", "shown_path"),
    [
        ("/nothing", "beacon/nothing"),
        ("/customers/1", "beacon/customers/1"),
        ("/Customers", "beacon/Customers"),
        ("//customers", "beacon//customers"),
        ("/customers//reviews", "beacon/customers//reviews"),
        ("/customers/{}/reviews/1", "beacon/customers/{}/reviews/1"),
        ("x", "beaconx"),
        ("", "beacon"),
    ],
)
@pytest.mark.parametrize("key", ["test-key", "wrong", None], ids=["right", "wrong", "none"])
async def test_an_unknown_path_is_a_404_whatever_the_key(
    sandbox: Sandbox, key: str | None, path: str, shown_path: str
) -> None:
    """The message names the path, and the JSON is pretty-printed."""
    response = await Api(sandbox, key).send("GET", path)
    assert response.status == 404
    assert response.body == pretty_error(f"The route {shown_path} could not be found.")


async def test_the_message_about_an_unknown_root_shows_a_slash(sandbox: Sandbox) -> None:
    root = attrs.evolve(build_request("GET", ""), url=f"{HOST}/")
    assert (await sandbox(root)).json() == {"message": "The route / could not be found."}


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/customers", "GET, HEAD, POST"),
        ("POST", "/reviews", "GET, HEAD"),
        ("GET", "/charges", "POST"),
        ("POST", "/locations/1", "PUT"),
    ],
)
async def test_a_wrong_method_is_a_405_without_a_key(
    sandbox: Sandbox, method: str, path: str, allow: str
) -> None:
    """The message and ``Allow`` list the methods."""
    response = await Api(sandbox, None).send(method, path)
    sentence = f"The {method} method is not supported for route beacon{path}."
    assert response.status == 405
    assert response.headers["allow"] == allow
    assert response.body == pretty_error(f"{sentence} Supported methods: {allow}.")


@pytest.mark.parametrize("path_id", ["99", "abc", "1.0", "-1", "9" * 30, "%00", "1%2F2", "{}x"])
async def test_an_unknown_id_is_a_404_that_names_the_model(api: Api, path_id: str) -> None:
    await api.upsert_ada()
    response = await api.send("GET", f"/customers/{path_id}/messages")
    assert response.status == 404
    assert response.json()["message"].startswith("No query results for model [App\\Models\\Cust")


@pytest.mark.parametrize("path", ["/reviews/", "/customers/1/reviews/", "/reviews?page=1"])
async def test_a_slash_at_the_end_is_accepted_without_a_redirect(api: Api, path: str) -> None:
    """The links of the paginator do not contain the slash."""
    await api.upsert_ada()
    bare_path = path.partition("?")[0].rstrip("/")
    assert (await api.get(path))["pagination"]["path"] == f"{HOST}/beacon{bare_path}"


async def test_head_has_the_status_and_headers_of_get_and_no_body(api: Api) -> None:
    get, head = [await api.send(method, "/customers") for method in ("GET", "HEAD")]
    assert head.status == 200
    assert head.body == b""
    assert dict(head.headers) == dict(get.headers)


@pytest.mark.parametrize(
    ("path", "allow"), [("/customers", "GET,HEAD,POST"), ("/locations/7", "PUT")]
)
async def test_options_is_an_empty_200_that_needs_no_key(
    sandbox: Sandbox, path: str, allow: str
) -> None:
    """``Allow`` has no spaces, unlike that of a 405."""
    response = await Api(sandbox, None).send("OPTIONS", path)
    assert response.status == 200
    assert response.body == b""
    assert response.headers["allow"] == allow
