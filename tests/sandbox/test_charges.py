"""Charges, and what the customer shows of them."""

from datetime import UTC, datetime

import pytest

from moregood_async.sandbox import Duplicate, Sandbox
from tests.sandbox.api import Api

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


async def test_a_charge_comes_back_as_it_was_stored() -> None:
    """Now, and in dollars, where nothing else was said."""
    with Sandbox(now=NOW) as sandbox:
        api = Api(sandbox)
        await api.customer()
        charge = await api.post("/charges", phone="415 555 0100", amount="4900")
    assert charge == {
        "id": 1,
        "email": "ada@example.com",
        "phone": "+1 415 555 0100",
        "amount": 4900,
        "currency": "USD",
        "charged_at": "2026-03-04T05:06:07.000000Z",
    }


async def test_charges_and_refunds_add_up(api: Api) -> None:
    """Count, sum, average and both dates; a whole average is written without a fraction."""
    await api.customer()
    seen: list[list[object]] = []
    for amount, day in ((100, "2024-02-02"), (-25, "2024-01-01"), (75, "2024-03-03")):
        await api.post("/charges", email="ada@example.com", amount=amount, charged_at=day)
        [ada] = await api.listed("/customers")
        seen.append([ada[f"charges_{name}"] for name in ("count", "sum", "avg")])
    assert seen == [[1, 100, 100], [2, 75, 37.5], [3, 150, 50]]
    assert b'"charges_avg":50,' in (await api.send("GET", "/customers")).body
    days = [datetime.fromtimestamp(ada[f"{name}_charged_at"], UTC) for name in ("first", "last")]
    assert [f"{day:%m-%d}" for day in days] == ["01-01", "03-03"]


async def test_a_charge_moves_the_default_location(api: Api) -> None:
    """And one without a location leaves it."""
    await api.customer()
    bay = await api.post("/locations", name="Bay")
    await api.post("/charges", email="ada@example.com", amount=1, location_slug="bay")
    await api.post("/charges", email="ada@example.com", amount=1)
    assert (await api.customer())["location_id"] == bay["id"]


@pytest.mark.parametrize(
    ("fields", "model"),
    [({"email": "bea@example.com"}, "Customer"), ({"location_slug": "moon"}, "Location")],
    ids=["customer", "location"],
)
async def test_what_is_unknown_is_a_404_and_nothing_is_charged(
    api: Api, fields: dict[str, object], model: str
) -> None:
    """The customer must exist first."""
    await api.customer()
    body = {"email": "ada@example.com", "amount": 1, **fields}
    response = await api.send("POST", "/charges", body)
    assert response.status == 404
    assert response.json() == {"message": f"No query results for model [App\\Models\\{model}]."}
    assert api.sandbox.audit().charges == 0


async def test_the_same_charge_twice_is_in_the_audit(api: Api) -> None:
    """Each counts; another amount, currency or date is another charge."""
    await api.customer()
    for changed in ({}, {}, {}, {"amount": 2}, {"currency": "EUR"}, {"charged_at": "2024-01-01"}):
        await api.post("/charges", **{"email": "ada@example.com", "amount": 1, **changed})
    audit = api.sandbox.audit()
    assert audit.charges == 6
    assert audit.duplicate_charges == (Duplicate(customer_id=1, times=3),)


async def test_sums_beyond_64_bits_are_kept_as_floats(api: Api) -> None:
    """As PHP would."""
    await api.customer()
    for _ in range(2):
        await api.post("/charges", email="ada@example.com", amount=2**63 - 1)
    [ada] = await api.listed("/customers")
    assert ada["charges_sum"] == pytest.approx(2.0**64)
