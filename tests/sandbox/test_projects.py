"""Keys and projects: 401, 403, rotation, and the separation of projects."""

import pytest

from moregood_async.sandbox import Sandbox
from tests.sandbox.api import ADA, Api


@pytest.mark.parametrize(
    "authorization",
    ["", "bearer test-key", "Bearer wrong", "Token test-key", "Bearer  test-key", "Bearer \ud800"],
    ids=["none", "lower", "wrong", "scheme", "blanks", "surrogate"],
)
async def test_a_wrong_key_is_a_401_for_unknown_ids_and_invalid_bodies_too(
    sandbox: Sandbox, authorization: str
) -> None:
    """The JSON is compact, and there is no ``WWW-Authenticate``."""
    api = Api(sandbox, None)
    for method, path in (("GET", "/customers/99/reviews"), ("POST", "/customers")):
        response = await api.send(method, path, {}, {"Authorization": authorization})
        assert response.status == 401
        assert response.body == b'{"message":"Unauthenticated."}'
        assert "www-authenticate" not in response.headers


async def test_a_suspended_project_is_a_403_until_the_suspension_ends(api: Api) -> None:
    api.sandbox.suspend("test-key")
    suspended = await api.send("GET", "/customers")
    api.sandbox.suspend("test-key", suspended=False)
    assert suspended.status == 403
    assert suspended.json() == {"message": "This project is suspended."}
    assert await api.status("GET", "/customers") == 200


async def test_a_request_to_a_suspended_project_has_no_effect(api: Api) -> None:
    api.sandbox.suspend("test-key")
    assert await api.status("POST", "/customers", ADA) == 403
    assert api.sandbox.audit().customers == 0


async def test_a_rotated_key_is_a_401_and_the_new_key_opens_the_project(api: Api) -> None:
    await api.upsert_ada()
    api.sandbox.rotate_key("test-key", "new-key")
    assert await api.status("GET", "/customers") == 401
    assert len(await Api(api.sandbox, "new-key").list("/customers")) == 1


def test_an_unknown_key_or_one_in_use_cannot_be_rotated_or_suspended() -> None:
    with Sandbox(keys=["one", "two"]) as sandbox:
        with pytest.raises(LookupError, match="no project"):
            sandbox.rotate_key("three", "four")
        with pytest.raises(ValueError, match="already"):
            sandbox.rotate_key("one", "two")
        with pytest.raises(LookupError, match="no project"):
            sandbox.suspend("three")


async def test_projects_share_nothing() -> None:
    """One email in two projects is two customers; an id or a slug of the other is a 404."""
    with Sandbox(keys=["one", "two"]) as sandbox:
        one, two = Api(sandbox, "one"), Api(sandbox, "two")
        first, second = await one.upsert_ada(), await two.upsert_ada()
        await one.post("/locations", name="Bay", slug="bay")
        await one.post("/charges", email="ada@example.com", amount=5)
        assert first["id"] != second["id"]
        assert [each["id"] for each in await two.list("/customers")] == [second["id"]]
        assert await two.status("GET", f"/customers/{first['id']}/reviews") == 404
        assert await two.status("PUT", "/locations/1", {"name": "Mine"}) == 404
        assert await two.status("POST", "/customers", {**ADA, "location_slug": "bay"}) == 404
        assert sandbox.audit("one").charges == 1
        assert sandbox.audit("two").charges == 0
