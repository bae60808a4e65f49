"""The sandbox's own paths, for tests in another process; and the audit."""

from datetime import UTC, datetime
from typing import Any

import pytest

from moregood_async.sandbox import Audit, Refuse, Duplicate, Sandbox, Throttle
from moregood_async.sandbox.control import FAULTS
from tests.sandbox.api import Api

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


async def told(sandbox: Sandbox, command: str, body: object = None, method: str = "POST") -> Any:
    return (await Api(sandbox, None).send(method, f"/__sandbox__/{command}", body)).json()


async def test_the_audit_counts_effects_and_requests() -> None:
    """Of all projects without a key, of one with it; by the API and by the method."""
    with Sandbox(keys=["one", "two"]) as sandbox:
        for key in ("one", "two"):
            api = Api(sandbox, key)
            await api.customer()
            await api.post("/locations", name="Bay")
            for _ in range(2):
                await api.post("/asks", email="ada@example.com", channels=["email", "sms"])
                await api.post("/charges", email="ada@example.com", amount=1)
        await Api(sandbox, "one").send("GET", "/nothing")
        await Api(sandbox, "three").send("GET", "/customers")
        sandbox.click(1)
        whole = (await Api(sandbox, None).send("GET", "/__sandbox__/audit")).json()
        part = await Api(sandbox, "one").send("GET", "/__sandbox__/audit")
        assert whole == sandbox.audit().as_json() | {"requests": dict(sandbox.audit().requests)} | {
            f"duplicate_{name}": [{"customer_id": ident, "times": 2} for ident in (1, 2)]
            for name in ("asks", "charges")
        }
        assert sandbox.audit("one") == Audit(
            customers=1,
            charges=2,
            asks=2,
            messages=4,
            messages_sent=4,
            reviews=1,
            locations=1,
            requests={
                "customers.upsert": 1,
                "locations.create": 1,
                "asks.create": 2,
                "charges.create": 2,
                "other": 1,
            },
            throttled=0,
            duplicate_asks=(Duplicate(customer_id=1, times=2),),
            duplicate_charges=(Duplicate(customer_id=1, times=2),),
        )
        assert part.json()["requests"] == sandbox.audit("one").requests
        assert (whole["customers"], whole["requests"]["customers.list"]) == (2, 1)


async def test_an_audit_of_an_unknown_key_is_refused() -> None:
    """By the API with a 404."""
    with Sandbox() as sandbox:
        with pytest.raises(LookupError, match="no project"):
            sandbox.audit("wrong")
        assert (await Api(sandbox, "wrong").send("GET", "/__sandbox__/audit")).status == 404


async def test_the_audit_runs_the_clock_first() -> None:
    """What is due has been sent."""
    with Sandbox(now=NOW) as sandbox:
        api = Api(sandbox)
        await api.customer()
        await api.post("/asks", email="ada@example.com", channels=["email"], asked_at="2026-03-05")
        assert sandbox.audit().messages_sent == 0
        await told(sandbox, "advance", {"days": 1})
        assert sandbox.audit().messages_sent == 1


async def test_everything_that_can_be_done_to_it_can_be_told() -> None:
    """By the names of the methods and of their parameters."""
    with Sandbox(now=NOW) as sandbox:
        api = Api(sandbox)
        await api.customer()
        assert (await told(sandbox, "advance", {"days": 2}))["now"].startswith("2026-03-06T05:06")
        assert await told(sandbox, "people", {"seed": 3, "click": 0.0}) == {}
        assert await told(sandbox, "click", {"customer_id": 1, "score": 4}) == {"review_id": 1}
        assert await told(sandbox, "write", {"review_id": 1, "text": "Fine"}) == {}
        assert await told(sandbox, "mark", {"review_id": 1, "hidden": True}) == {}
        assert await told(sandbox, "unsubscribe", {"customer_id": 1}) == {}
        [review] = await api.listed("/reviews")
        await api.post("/asks", email="ada@example.com", channels=["email"])
        [message] = await api.listed("/messages")
    assert (review["score"], review["review"], review["is_hidden"]) == (4, "Fine", 1)
    assert message["failed_at"] is not None


async def test_faults_can_be_told_by_name() -> None:
    """With their fields; an empty list ends them."""
    with Sandbox() as sandbox:
        fault = {"fault": "Refuse", "status": 503, "body": "no", "on": ["customers.list"]}
        throttle = {"fault": "Throttle", "limit": 1, "per": 60, "kind": "bucket"}
        assert await told(sandbox, "faults", [fault, throttle]) == {"faults": 2}
        assert sandbox.faults == (
            Refuse(503, body=b"no", on=("customers.list",)),
            Throttle(1, per=60, kind="bucket"),
        )
        assert (await Api(sandbox).send("GET", "/customers")).body == b"no"
        assert await told(sandbox, "faults", []) == {"faults": 0}
        assert (await Api(sandbox).send("GET", "/customers")).status == 200


def test_every_fault_has_its_name() -> None:
    """Those that the package exports."""
    assert set(FAULTS) == {
        *("CutBody", "Delay", "DropAfterEffect", "DropBeforeEffect", "Garbage", "Html"),
        *("Redirect", "Refuse", "Throttle"),
    }


SENSELESS: list[tuple[str, str, Any, int]] = [
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


@pytest.mark.parametrize(("method", "command", "body", "status"), SENSELESS)
async def test_what_makes_no_sense_is_said_and_changes_nothing(
    method: str, command: str, body: object, status: int
) -> None:
    """400, or 404 where there is no such thing; the sandbox works on."""
    with Sandbox(now=NOW) as sandbox:
        response = await Api(sandbox, None).send(method, f"/__sandbox__/{command}", body)
        assert (response.status, list(response.json())) == (status, ["message"])
        assert (await Api(sandbox).send("POST", "/customers", {"first_name": "A"})).status == 200
        assert sandbox.now.date() == NOW.date()


async def test_faults_and_the_audit_leave_these_paths_alone() -> None:
    """Else nothing could be told any more."""
    with Sandbox(faults=Refuse(500)) as sandbox:
        assert (await told(sandbox, "audit", method="GET"))["requests"] == {}
