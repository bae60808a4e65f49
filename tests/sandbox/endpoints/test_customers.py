"""POST customers and GET customers."""

import re
from datetime import UTC, datetime
from hashlib import md5

import pytest

from moregood_async.sandbox import Sandbox
from tests.sandbox.api import ADA, NOW, Api

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}")


async def test_a_new_customer_has_every_field(api: Api) -> None:
    """Unknown fields are null, and ``signed_up_at`` is today."""
    ada = await api.upsert_ada(last_name="Lovelace", city="London")
    now = int(NOW.timestamp())
    uuid = ada["uuid"]
    digest = md5(b"ada@example.com", usedforsecurity=False).hexdigest()
    assert UUID.fullmatch(uuid)
    assert ada == {
        "id": 1,
        "uuid": uuid,
        "name": "Ada Lovelace",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": "ada@example.com",
        "phone": "+1 415 555 0100",
        "phone_e164": "+14155550100",
        "phone_formatted": "(415) 555-0100",
        "company": None,
        "notes": None,
        "lang": "en",
        "address1": None,
        "address2": None,
        "city": "London",
        "state": None,
        "postal_code": None,
        "color": ada["color"],
        "gravatar": f"https://www.gravatar.com/avatar/{digest}?d=blank",
        "has_subscription": 0,
        "is_validated": False,
        "validation": None,
        "location_id": None,
        "location": None,
        "charges_count": 0,
        "charges_sum": 0,
        "charges_avg": None,
        "first_charged_at": None,
        "last_charged_at": None,
        "first_asked_at": None,
        "last_asked_at": None,
        "signed_up_at": int(datetime(2026, 3, 4, tzinfo=UTC).timestamp()),
        "created_at": now,
        "updated_at": now,
        "review_link": f"https://moregoodreviews.com/sandbox/r/{uuid}",
        "unsubscribe_link": f"https://moregoodreviews.com/sandbox/u/{uuid}",
    }
    assert re.fullmatch("#[0-9a-f]{6}", ada["color"])


@pytest.mark.parametrize(
    "contacts",
    [
        {"email": " ADA@Example.com "},
        {"email": "", "phone": "(415) 555-0100"},
        {"email": None, "phone": "001 415 555 0100 x12"},
        {"email": "new@example.com", "phone": "4155550100"},
    ],
    ids=["case", "phone", "international", "another email"],
)
async def test_a_known_email_or_phone_in_any_spelling_updates_the_customer(
    api: Api, contacts: dict[str, object]
) -> None:
    first = await api.upsert_ada()
    second = await api.post("/customers", first_name="Augusta", **contacts)
    assert second["id"] == first["id"]
    assert second["first_name"] == "Augusta"
    assert api.sandbox.audit().customers == 1


async def test_email_is_compared_before_phone(api: Api) -> None:
    """Ada's email with Bea's phone is Ada, with a new phone."""
    ada = await api.upsert_ada()
    bea = await api.post("/customers", first_name="Bea", phone="+44 20 7946 0018")
    both = await api.post(
        "/customers", first_name="Ada", email="ada@example.com", phone="+44 20 7946 0018"
    )
    assert both["id"] == ada["id"] != bea["id"]
    assert both["phone_e164"] == "+442079460018"


async def test_each_upsert_without_email_and_phone_creates_a_customer(api: Api) -> None:
    ids = [(await api.post("/customers", first_name="Ada"))["id"] for _ in range(2)]
    assert ids == [1, 2]


async def test_a_field_that_is_absent_null_or_empty_stays_as_it_is(api: Api) -> None:
    await api.upsert_ada(company="Analytical", notes="x", has_subscription=True, tags=["vip"])
    ada = await api.upsert_ada(company="", notes=None, phone="")
    kept = {name: ada[name] for name in ("company", "notes", "has_subscription", "phone")}
    assert kept == {
        "company": "Analytical",
        "notes": "x",
        "has_subscription": 1,
        "phone": "+1 415 555 0100",
    }


async def test_strings_are_trimmed_of_unicode_blanks_at_both_ends(api: Api) -> None:
    ada = await api.upsert_ada(first_name=" \t\u3000Ada  Maria\u200b\n", city="\u00a0")
    assert ada["first_name"] == "Ada  Maria"
    assert ada["city"] is None


async def test_updated_at_changes_only_if_a_field_changes(api: Api) -> None:
    first = await api.upsert_ada()
    api.sandbox.advance(days=1)
    same = await api.upsert_ada()
    changed = await api.upsert_ada(city="Paris")
    assert same == first
    assert changed["updated_at"] == first["updated_at"] + 86_400
    assert changed["created_at"] == first["created_at"]


async def test_an_upsert_responds_with_the_whole_location_of_a_slug(api: Api) -> None:
    """The list has the location's id only."""
    bay = await api.post("/locations", name="Bay", city="Oakland")
    ada = await api.upsert_ada(location_slug="bay")
    assert (ada["location_id"], ada["location"]) == (bay["id"], bay)
    [listed] = await api.list("/customers")
    assert listed == {name: value for name, value in ada.items() if name != "location"}


async def test_an_upsert_with_an_unknown_location_is_a_404_without_an_effect(api: Api) -> None:
    response = await api.send("POST", "/customers", {**ADA, "location_slug": "moon"})
    assert response.status == 404
    assert response.json() == {"message": "No query results for model [App\\Models\\Location]."}
    assert api.sandbox.audit().customers == 0


async def test_customers_are_listed_newest_first(api: Api) -> None:
    await api.upsert_numbered(3)
    assert [each["id"] for each in await api.list("/customers")] == [3, 2, 1]


async def test_the_seed_decides_the_uuids() -> None:
    uuids: list[str] = []
    for seed in (1, 1, 2):
        with Sandbox(seed=seed) as sandbox:
            uuids.append((await Api(sandbox).upsert_ada())["uuid"])
    assert uuids[0] == uuids[1] != uuids[2]


async def test_a_phone_that_is_not_a_number_is_stored_and_compared_as_text(api: Api) -> None:
    first = await api.post("/customers", first_name="Ada", phone="Front desk")
    again = await api.post("/customers", first_name="Ada", phone="front desk ")
    assert again["id"] == first["id"]
    assert first["phone_e164"] is None
    assert first["phone_formatted"] == "Front desk"
