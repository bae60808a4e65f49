"""The audit: effects, requests and duplicates."""

import pytest

from moregood_async.sandbox import Audit, Duplicate, Sandbox
from tests.sandbox.api import NOW, Api


async def fill_two_projects(sandbox: Sandbox) -> None:
    """Give the projects ``one`` and ``two`` the same customer, duplicate asks and charges."""
    for key in ("one", "two"):
        api = Api(sandbox, key)
        await api.upsert_ada()
        await api.post("/locations", name="Bay")
        for _ in range(2):
            await api.post("/asks", email="ada@example.com", channels=["email", "sms"])
            await api.post("/charges", email="ada@example.com", amount=1)
    await Api(sandbox, "one").send("GET", "/nothing")
    await Api(sandbox, "three").send("GET", "/customers")
    sandbox.click(1)


async def test_an_audit_with_a_key_covers_the_project_of_the_key() -> None:
    with Sandbox(keys=["one", "two"]) as sandbox:
        await fill_two_projects(sandbox)
        audit = sandbox.audit("one")
        response = await Api(sandbox, "one").send("GET", "/__sandbox__/audit")
    assert audit == Audit(
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
    assert response.json()["requests"] == audit.requests


async def test_an_audit_without_a_key_covers_all_projects() -> None:
    """The HTTP path returns the same figures as the method."""
    with Sandbox(keys=["one", "two"]) as sandbox:
        await fill_two_projects(sandbox)
        audit = sandbox.audit()
        response = (await Api(sandbox, None).send("GET", "/__sandbox__/audit")).json()
    duplicates = [{"customer_id": customer_id, "times": 2} for customer_id in (1, 2)]
    assert response == audit.as_json() | {
        "requests": dict(audit.requests),
        "duplicate_asks": duplicates,
        "duplicate_charges": duplicates,
    }
    assert audit.customers == 2
    assert audit.requests["customers.list"] == 1


async def test_an_audit_of_an_unknown_key_is_a_lookup_error_and_a_404() -> None:
    with Sandbox() as sandbox:
        with pytest.raises(LookupError, match="no project"):
            sandbox.audit("wrong")
        assert await Api(sandbox, "wrong").status("GET", "/__sandbox__/audit") == 404


async def test_an_audit_includes_messages_that_have_become_due() -> None:
    with Sandbox(now=NOW) as sandbox:
        api = Api(sandbox)
        await api.ask_ada(asked_at="2026-03-05")
        assert sandbox.audit().messages_sent == 0
        await api.send("POST", "/__sandbox__/advance", {"days": 1})
        assert sandbox.audit().messages_sent == 1


async def test_equal_asks_are_duplicates_whatever_the_order_of_their_channels(api: Api) -> None:
    """An ask with another date is a different ask."""
    for channels in (["email", "sms"], ["sms", "email"], ["sms"]):
        await api.ask_ada(channels=channels)
    await api.ask_ada(channels=["sms"], asked_at="2026-04-01")
    audit = api.sandbox.audit()
    assert audit.asks == 4
    assert audit.duplicate_asks == (Duplicate(customer_id=1, times=2),)


async def test_charges_with_equal_amount_currency_and_date_are_duplicates(api: Api) -> None:
    await api.upsert_ada()
    for changes in ({}, {}, {}, {"amount": 2}, {"currency": "EUR"}, {"charged_at": "2024-01-01"}):
        await api.post("/charges", **{"email": "ada@example.com", "amount": 1, **changes})
    audit = api.sandbox.audit()
    assert audit.charges == 6
    assert audit.duplicate_charges == (Duplicate(customer_id=1, times=3),)
