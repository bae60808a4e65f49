"""What is checked before an operation, in which order, and how the answers are written."""

import json

import pytest

from moregood_async.sandbox import Sandbox, Throttle
from tests.sandbox.api import ADA, HOST, Api, request


def pretty(message: str) -> bytes:
    return json.dumps({"message": message}, indent=4).encode()


@pytest.mark.parametrize(
    ("path", "said"),
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
async def test_an_unknown_route_is_a_404_whatever_the_key(
    sandbox: Sandbox, key: str | None, path: str, said: str
) -> None:
    """Routes are looked up before keys; the sentence names the path, pretty-printed."""
    response = await Api(sandbox, key).send("GET", path)
    assert (404, pretty(f"The route {said} could not be found.")) == (
        response.status,
        response.body,
    )


async def test_the_root_is_a_route_that_is_not_there(sandbox: Sandbox) -> None:
    """Laravel calls it by its slash."""
    plain = request("GET", "")
    root = type(plain)(method="GET", url=f"{HOST}/", headers=plain.headers)
    assert (await sandbox(root)).json() == {"message": "The route / could not be found."}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/customers", "GET, HEAD, POST"),
        ("POST", "/reviews", "GET, HEAD"),
        ("GET", "/charges", "POST"),
        ("POST", "/locations/1", "PUT"),
    ],
)
async def test_a_wrong_method_is_a_405_without_a_key(
    sandbox: Sandbox, method: str, path: str, allowed: str
) -> None:
    """It says which methods there are, in the sentence and in ``Allow``."""
    response = await Api(sandbox, None).send(method, path)
    sentence = f"The {method} method is not supported for route beacon{path}. "
    assert response.status == 405
    assert response.headers["allow"] == allowed
    assert response.body == pretty(f"{sentence}Supported methods: {allowed}.")


@pytest.mark.parametrize(
    "authorization",
    ["", "bearer test-key", "Bearer wrong", "Token test-key", "Bearer  test-key", "Bearer \ud800"],
    ids=["none", "lower", "wrong", "scheme", "blanks", "surrogate"],
)
async def test_a_wrong_key_is_a_401_before_anything_of_the_project(
    sandbox: Sandbox, authorization: str
) -> None:
    """Even for an unknown id and a bad body: compact JSON and no ``WWW-Authenticate``."""
    api = Api(sandbox, None)
    for method, path in (("GET", "/customers/99/reviews"), ("POST", "/customers")):
        response = await api.send(method, path, {}, {"Authorization": authorization})
        assert (401, b'{"message":"Unauthenticated."}') == (response.status, response.body)
        assert "www-authenticate" not in response.headers


async def test_the_key_comes_before_the_throttle_and_the_throttle_before_the_model() -> None:
    """401 is not counted; then the limit is used up; then even an unknown id is a 429."""
    with Sandbox(throttle=Throttle(1)) as sandbox:
        paths = "/customers/99/reviews"
        assert (await Api(sandbox, "wrong").send("GET", paths)).status == 401
        answers = [(await Api(sandbox).send("GET", paths)).status for _ in range(2)]
    assert answers == [404, 429]


async def test_the_model_in_the_path_comes_before_the_body(api: Api) -> None:
    """A bad body for a location that is not there is a 404."""
    response = await api.send("PUT", "/locations/7", {"name": 5})
    assert (404, pretty("No query results for model [App\\Models\\Location] 7")) == (
        response.status,
        response.body,
    )


@pytest.mark.parametrize("ident", ["99", "abc", "1.0", "-1", "9" * 30, "%00", "1%2F2", "{}x"])
async def test_an_unknown_id_is_a_404_with_the_model(api: Api, ident: str) -> None:
    """Whatever was written for an id."""
    await api.customer()
    response = await api.send("GET", f"/customers/{ident}/messages")
    assert response.status == 404
    assert response.json()["message"].startswith("No query results for model [App\\Models\\Cust")


async def test_a_suspended_project_is_a_403_for_as_long_as_it_is(api: Api) -> None:
    """The key is right, and refused all the same."""
    api.sandbox.suspend("test-key")
    refused = await api.send("GET", "/customers")
    api.sandbox.suspend("test-key", suspended=False)
    assert (403, 200) == (refused.status, (await api.send("GET", "/customers")).status)
    assert refused.json() == {"message": "This project is suspended."}


async def test_a_suspended_project_stores_nothing(api: Api) -> None:
    """A 403 has no effect."""
    api.sandbox.suspend("test-key")
    assert (await api.send("POST", "/customers", ADA)).status == 403
    assert api.sandbox.audit().customers == 0


async def test_a_rotated_key_is_dead_at_once(api: Api) -> None:
    """The new one opens the same project."""
    await api.customer()
    api.sandbox.rotate_key("test-key", "new-key")
    assert (await api.send("GET", "/customers")).status == 401
    assert len(await Api(api.sandbox, "new-key").listed("/customers")) == 1


def test_keys_that_are_not_there_or_taken_cannot_be_rotated() -> None:
    """Both are said."""
    with Sandbox(keys=["one", "two"]) as sandbox:
        with pytest.raises(LookupError, match="no project"):
            sandbox.rotate_key("three", "four")
        with pytest.raises(ValueError, match="already"):
            sandbox.rotate_key("one", "two")
        with pytest.raises(LookupError, match="no project"):
            sandbox.suspend("three")


@pytest.mark.parametrize("path", ["/reviews/", "/customers/1/reviews/", "/reviews?page=1"])
async def test_a_slash_at_the_end_is_answered_in_place(api: Api, path: str) -> None:
    """And it is not in the paginator's links."""
    await api.customer()
    bare = f"{HOST}/beacon{path.partition('?')[0].rstrip('/')}"
    assert (await api.get(path))["pagination"]["path"] == bare


async def test_head_is_answered_as_get_without_a_body(api: Api) -> None:
    """The same status and headers."""
    get, head = [await api.send(method, "/customers") for method in ("GET", "HEAD")]
    assert (200, b"") == (head.status, head.body)
    assert dict(head.headers) == dict(get.headers)


@pytest.mark.parametrize(
    ("path", "allowed"), [("/customers", "GET,HEAD,POST"), ("/locations/7", "PUT")]
)
async def test_options_needs_no_key(sandbox: Sandbox, path: str, allowed: str) -> None:
    """An empty 200 that names the methods, without blanks."""
    response = await Api(sandbox, None).send("OPTIONS", path)
    assert (200, b"", allowed) == (response.status, response.body, response.headers["allow"])


async def test_a_success_is_written_as_php_writes_it(api: Api) -> None:
    """Compact, slashes and all that is not ASCII escaped, in the envelope, no charset."""
    response = await api.send("POST", "/locations", {"name": "Zoë/1"})
    assert response.body.startswith(rb'{"success":true,"code":200,"data":{"id":1,"uuid":"')
    assert rb'"name":"Zo\u00eb\/1"' in response.body
    assert dict(response.headers) == {
        "cache-control": "no-cache, private",
        "content-type": "application/json",
        "date": response.headers["date"],
    }


@pytest.mark.parametrize(
    ("accept", "ajax", "json_wanted"),
    [
        ("application/json", False, True),
        ("application/json, text/plain, */*", False, True),
        ("application/vnd.api+json", False, True),
        ("text/html;q=0.5, application/json", False, True),
        ("APPLICATION/JSON", False, True),
        ("*/*", True, True),
        ("", True, True),
        ("", False, False),
        ("*/*", False, False),
        ("text/html, application/json", False, False),
        ("application/json;q=0.1, text/html", False, False),
        ("application/json;q=x, text/html", False, False),
        ("text/html", True, False),
    ],
)
async def test_only_who_asks_for_json_first_gets_errors_in_it(
    api: Api, accept: str, ajax: bool, json_wanted: bool
) -> None:
    """The first type decides; an XMLHttpRequest that takes anything gets JSON too."""
    headers = {"Accept": accept, "X-Requested-With": "XMLHttpRequest" if ajax else ""}
    response = await api.send("GET", "/nothing", headers=headers)
    assert response.status == 404
    kind = "application/json" if json_wanted else "text/html; charset=UTF-8"
    assert response.headers["content-type"] == kind


@pytest.mark.parametrize(
    ("key", "path", "status", "location"),
    [
        ("wrong", "/customers", 302, f"{HOST}/login"),
        ("test-key", "/customers", 302, HOST),
        ("test-key", "/charges/1", 404, None),
        ("test-key", "/reviews", 405, None),
    ],
    ids=["401", "422", "404", "405"],
)
async def test_without_accept_errors_are_redirects_or_pages(
    sandbox: Sandbox, key: str, path: str, status: int, location: str | None
) -> None:
    """401 sends to the login, 422 to the front page; all others are HTML with their status."""
    response = await Api(sandbox, key).send("POST", path, {}, {"Accept": ""})
    assert (status, location) == (response.status, response.headers.get("location"))
    assert response.body.startswith(b"<!DOCTYPE html>")


async def test_without_accept_a_422_goes_back_where_it_came_from(api: Api) -> None:
    """The ``Referer``, where there is one."""
    headers = {"Accept": "", "Referer": "https://shop.example/form"}
    response = await api.send("POST", "/customers", {}, headers)
    assert response.headers["location"] == "https://shop.example/form"


async def test_without_accept_a_success_is_json_all_the_same(api: Api) -> None:
    """Only errors change their shape."""
    response = await api.send("POST", "/customers", ADA, {"Accept": ""})
    assert response.json()["data"]["first_name"] == "Ada"


@pytest.mark.parametrize("kind", ["", "text/plain"])
async def test_json_without_its_content_type_is_not_read(api: Api, kind: str) -> None:
    """It is as if nothing was sent, so what is required is missing."""
    response = await api.send("POST", "/customers", ADA, {"Content-Type": kind})
    assert response.json()["errors"] == {"first_name": ["The first name field is required."]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'["first_name"]',
        b'"first_name"',
        b"null",
        b'{"first_name": "Ada", "x": NaN}',
        b'{"first_name": "Ada", "x": "\xff"}',
        b'{"first_name": "Ada", "x": "\\ud83d"}',
        b'\xef\xbb\xbf{"first_name": "Ada"}',
        b'{"first_name": "Ada", "x": ' + b"[" * 512 + b"]" * 512 + b"}",
        b'{"first_name": "Ada", "x": ' + b"[" * 99_999,
    ],
    ids=[
        *("none", "broken", "list", "full list", "string", "null", "nan", "utf-8", "surrogate"),
        *("bom", "too deep", "far too deep"),
    ],
)
async def test_a_body_that_cannot_be_read_counts_as_empty(api: Api, body: bytes) -> None:
    """Never a 400: what is required is missing."""
    response = await api.send("POST", "/customers", body)
    assert (422, {"first_name": ["The first name field is required."]}) == (
        response.status,
        response.json()["errors"],
    )


@pytest.mark.parametrize(
    "extra",
    [b"[" * 511 + b"]" * 511, b'"\\ud83d\\ude00"', b"[[]," * 300 + b"1" + b"]" * 300, b"1e999"],
    ids=["deep", "pair", "many", "huge"],
)
async def test_a_body_at_the_edge_is_read(api: Api, extra: bytes) -> None:
    """As deep as PHP goes, and whole surrogate pairs."""
    response = await api.send("POST", "/customers", b'{"first_name":"Ada","x":' + extra + b"}")
    assert response.status == 200


async def test_forms_are_read_too(api: Api) -> None:
    """With arrays in brackets, numbered or not; the last of two counts."""
    await api.customer()
    form = b"email=x&email=ada%40example.com&channels[]=email&channels[7]=sms&reminders_count=1"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await api.send("POST", "/asks", form, kind)
    assert response.status == 200
    assert len(await api.listed("/messages")) == 4


async def test_projects_know_nothing_of_each_other() -> None:
    """One email in two projects is two customers; ids of the other are a 404."""
    with Sandbox(keys=["one", "two"]) as sandbox:
        one, two = Api(sandbox, "one"), Api(sandbox, "two")
        first, second = await one.customer(), await two.customer()
        await one.post("/locations", name="Bay", slug="bay")
        await one.post("/charges", email="ada@example.com", amount=5)
        assert first["id"] != second["id"]
        assert [each["id"] for each in await two.listed("/customers")] == [second["id"]]
        assert (await two.send("GET", f"/customers/{first['id']}/reviews")).status == 404
        assert (await two.send("PUT", "/locations/1", {"name": "Mine"})).status == 404
        assert (await two.send("POST", "/customers", {**ADA, "location_slug": "bay"})).status == 404
        assert (sandbox.audit("one").charges, sandbox.audit("two").charges) == (1, 0)
