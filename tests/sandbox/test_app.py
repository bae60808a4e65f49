"""The order of the checks, from the route to the body."""

from moregood_async.sandbox import Sandbox, Throttle
from tests.sandbox.api import Api


async def test_the_key_is_checked_before_the_throttle_and_the_throttle_before_the_model() -> None:
    """The 401 does not count. After one request, even an unknown id is a 429."""
    with Sandbox(throttle=Throttle(1)) as sandbox:
        path = "/customers/99/reviews"
        assert await Api(sandbox, "wrong").statuses(1, path) == [401]
        assert await Api(sandbox).statuses(2, path) == [404, 429]


async def test_the_model_in_the_path_is_checked_before_the_body(api: Api) -> None:
    response = await api.send("PUT", "/locations/7", {"name": 5})
    assert response.status == 404
    assert response.json() == {
        "message": "No query results for model [App\\Models\\Location] 7",
    }
    assert b'\n    "message": ' in response.body  # pretty-printed
