"""The paths below ``/__sandbox__/``, for tests in another process."""

from typing import Any

import pytest

from moregood_async.sandbox import Refuse, Sandbox, Throttle
from moregood_async.sandbox.control import FAULTS
from tests.sandbox.api import NOW, Api


async def run_command(
    sandbox: Sandbox, command: str, body: object = None, method: str = "POST"
) -> Any:
    return (await Api(sandbox, None).send(method, f"/__sandbox__/{command}", body)).json()


async def test_commands_have_the_names_and_parameters_of_the_methods() -> None:
    with Sandbox(now=NOW) as sandbox:
        api = Api(sandbox)
        await api.upsert_ada()
        advanced = await run_command(sandbox, "advance", {"days": 2})
        assert advanced["now"].startswith("2026-03-06T05:06")
        assert await run_command(sandbox, "people", {"seed": 3, "click": 0.0}) == {}
        clicked = await run_command(sandbox, "click", {"customer_id": 1, "score": 4})
        assert clicked == {"review_id": 1}
        assert await run_command(sandbox, "write", {"review_id": 1, "text": "Fine"}) == {}
        assert await run_command(sandbox, "mark", {"review_id": 1, "hidden": True}) == {}
        assert await run_command(sandbox, "unsubscribe", {"customer_id": 1}) == {}
        [review] = await api.list("/reviews")
        await api.post("/asks", email="ada@example.com", channels=["email"])
        [message] = await api.list("/messages")
    assert review["score"] == 4
    assert review["review"] == "Fine"
    assert review["is_hidden"] == 1
    assert message["failed_at"] is not None


async def test_faults_are_installed_by_name_and_removed_by_an_empty_list() -> None:
    with Sandbox() as sandbox:
        fault = {"fault": "Refuse", "status": 503, "body": "no", "on": ["customers.list"]}
        throttle = {"fault": "Throttle", "limit": 1, "per": 60, "kind": "bucket"}
        assert await run_command(sandbox, "faults", [fault, throttle]) == {"faults": 2}
        assert sandbox.faults == (
            Refuse(503, body=b"no", on=("customers.list",)),
            Throttle(1, per=60, kind="bucket"),
        )
        assert (await Api(sandbox).send("GET", "/customers")).body == b"no"
        assert await run_command(sandbox, "faults", []) == {"faults": 0}
        assert await Api(sandbox).status("GET", "/customers") == 200


def test_every_fault_of_the_package_has_a_name() -> None:
    assert set(FAULTS) == {
        *("CutBody", "Delay", "DropAfterEffect", "DropBeforeEffect", "Garbage", "Html"),
        *("Redirect", "Refuse", "Throttle"),
    }


INVALID_COMMANDS: list[tuple[str, str, Any, int]] = [
    ("POST", "advance", {"days": -1}, 400),
    ("POST", "advance", {"days": 1e300}, 400),
    ("POST", "advance", {"weeks": 1}, 400),
    ("POST", "advance", [1], 400),
    ("POST", "advance", b"{", 400),
    ("POST", "advance", b"[" * 99_999, 400),
    ("POST", "advance", b"\xff", 400),
    ("POST", "people", {"click": 2}, 400),
    ("POST", "click", {"customer_id": 1}, 404),
    ("POST", "click", {"customer_id": {}}, 404),
    ("POST", "click", {"customer_id": 2**70}, 400),
    ("POST", "click", {"customer_id": 1, "score": 9}, 400),
    ("POST", "write", {"review_id": 1, "text": None}, 400),
    ("POST", "faults", [{"fault": "Nothing"}], 404),
    ("POST", "faults", [{"fault": []}], 400),
    ("POST", "faults", [{"fault": "Delay", "seconds": "x"}], 400),
    ("POST", "faults", [{"fault": "Delay", "minutes": 1}], 400),
    ("POST", "faults", [{"fault": "Throttle", "limit": 1, "clock": "x"}], 400),
    ("POST", "faults", 5, 400),
    ("POST", "faults", [5], 400),
    ("POST", "audit", None, 404),
    ("GET", "advance", None, 404),
    ("GET", "nothing", None, 404),
    ("GET", "", None, 404),
]


@pytest.mark.parametrize(("method", "command", "body", "status"), INVALID_COMMANDS)
async def test_an_invalid_command_is_a_400_or_a_404_and_changes_nothing(
    method: str, command: str, body: object, status: int
) -> None:
    with Sandbox(now=NOW) as sandbox:
        response = await Api(sandbox, None).send(method, f"/__sandbox__/{command}", body)
        assert response.status == status
        assert list(response.json()) == ["message"]
        assert await Api(sandbox).status("POST", "/customers", {"first_name": "A"}) == 200
        assert sandbox.now.date() == NOW.date()


async def test_faults_do_not_hit_these_paths_and_the_audit_does_not_count_them() -> None:
    """Otherwise a fault could not be removed any more."""
    with Sandbox(faults=Refuse(500)) as sandbox:
        assert (await run_command(sandbox, "audit", method="GET"))["requests"] == {}
