"""The form of successes, and of errors for requests that do not expect JSON."""

import pytest

from moregood_async.sandbox import Sandbox
from tests.sandbox.api import ADA, HOST, Api


async def test_a_success_is_compact_json_in_the_envelope_as_php_writes_it(api: Api) -> None:
    """Slashes and characters outside ASCII are escaped; the content type has no charset."""
    response = await api.send("POST", "/locations", {"name": "Zoë/1"})
    assert response.body.startswith(rb'{"success":true,"code":200,"data":{"id":1,"uuid":"')
    assert rb'"name":"Zo\u00eb\/1"' in response.body
    assert dict(response.headers) == {
        "cache-control": "no-cache, private",
        "content-type": "application/json",
        "date": response.headers["date"],
    }


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
async def test_without_accept_an_error_is_a_redirect_or_a_page(
    sandbox: Sandbox, key: str, path: str, status: int, location: str | None
) -> None:
    """A 401 redirects to the login and a 422 to the front page; other errors are HTML."""
    response = await Api(sandbox, key).send("POST", path, {}, {"Accept": ""})
    assert response.status == status
    assert response.headers.get("location") == location
    assert response.body.startswith(b"<!DOCTYPE html>")


async def test_without_accept_a_422_redirects_to_the_referer(api: Api) -> None:
    headers = {"Accept": "", "Referer": "https://shop.example/form"}
    response = await api.send("POST", "/customers", {}, headers)
    assert response.headers["location"] == "https://shop.example/form"


async def test_without_accept_a_success_is_still_json(api: Api) -> None:
    response = await api.send("POST", "/customers", ADA, {"Accept": ""})
    assert response.json()["data"]["first_name"] == "Ada"
