"""POST charges, and the customer's figures."""

from datetime import UTC, datetime

import pytest

from tests.sandbox.api import Api


async def test_a_charge_is_in_us_dollars_and_at_the_current_time_by_default(api: Api) -> None:
    await api.upsert_ada()
    charge = await api.post("/charges", phone="415 555 0100", amount="4900")
    assert charge == {
        "id": 1,
        "email": "ada@example.com",
        "phone": "+1 415 555 0100",
        "amount": 4900,
        "currency": "USD",
        "charged_at": "2026-03-04T05:06:07.000000Z",
    }


async def test_charges_and_refunds_change_the_figures_of_the_customer(api: Api) -> None:
    """An average without a fraction is written as an integer."""
    await api.upsert_ada()
    figures: list[dict[str, object]] = []
    for amount, day in ((100, "2024-02-02"), (-25, "2024-01-01"), (75, "2024-03-03")):
        await api.post("/charges", email="ada@example.com", amount=amount, charged_at=day)
        [ada] = await api.list("/customers")
        figures.append({name: ada[f"charges_{name}"] for name in ("count", "sum", "avg")})
    assert figures == [
        {"count": 1, "sum": 100, "avg": 100},
        {"count": 2, "sum": 75, "avg": 37.5},
        {"count": 3, "sum": 150, "avg": 50},
    ]
    assert b'"charges_avg":50,' in (await api.send("GET", "/customers")).body
    assert datetime.fromtimestamp(ada["first_charged_at"], UTC) == datetime(2024, 1, 1, tzinfo=UTC)
    assert datetime.fromtimestamp(ada["last_charged_at"], UTC) == datetime(2024, 3, 3, tzinfo=UTC)


async def test_a_charge_with_a_location_sets_the_default_location(api: Api) -> None:
    """A charge without a location keeps the default."""
    await api.upsert_ada()
    bay = await api.post("/locations", name="Bay")
    await api.post("/charges", email="ada@example.com", amount=1, location_slug="bay")
    await api.post("/charges", email="ada@example.com", amount=1)
    assert (await api.upsert_ada())["location_id"] == bay["id"]


@pytest.mark.parametrize(
    ("fields", "model"),
    [({"email": "bea@example.com"}, "Customer"), ({"location_slug": "moon"}, "Location")],
    ids=["customer", "location"],
)
async def test_an_unknown_customer_or_location_is_a_404_without_a_charge(
    api: Api, fields: dict[str, object], model: str
) -> None:
    await api.upsert_ada()
    body = {"email": "ada@example.com", "amount": 1, **fields}
    response = await api.send("POST", "/charges", body)
    assert response.status == 404
    assert response.json() == {"message": f"No query results for model [App\\Models\\{model}]."}
    assert api.sandbox.audit().charges == 0


async def test_a_sum_of_more_than_64_bits_is_a_float(api: Api) -> None:
    await api.upsert_ada()
    for _ in range(2):
        await api.post("/charges", email="ada@example.com", amount=2**63 - 1)
    [ada] = await api.list("/customers")
    assert ada["charges_sum"] == pytest.approx(2.0**64)
