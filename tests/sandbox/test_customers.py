"""Upserts: who is recognized, what changes, what comes back."""

import re
from datetime import UTC, datetime
from hashlib import md5

import pytest

from moregood_async.sandbox import Sandbox
from moregood_async.sandbox.contacts import format_phone, to_e164
from tests.sandbox.api import ADA, Api

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}")


async def test_a_new_customer_has_every_field() -> None:
    """What is not known is null; counts begin at nothing; signed up today."""
    with Sandbox(now=NOW) as sandbox:
        ada = await Api(sandbox).customer(last_name="Lovelace", city="London")
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
    "again",
    [
        {"email": " ADA@Example.com "},
        {"email": "", "phone": "(415) 555-0100"},
        {"email": None, "phone": "001 415 555 0100 x12"},
        {"email": "new@example.com", "phone": "4155550100"},
    ],
    ids=["case", "phone", "international", "another email"],
)
async def test_a_known_email_or_phone_updates(api: Api, again: dict[str, object]) -> None:
    """Whatever their spelling, and the id stays."""
    first = await api.customer()
    second = await api.post("/customers", first_name="Augusta", **again)
    assert (first["id"], "Augusta") == (second["id"], second["first_name"])
    assert api.sandbox.audit().customers == 1


async def test_email_is_looked_at_before_phone(api: Api) -> None:
    """Ada's email with Bea's phone is Ada, who has that phone now."""
    ada = await api.customer()
    bea = await api.post("/customers", first_name="Bea", phone="+44 20 7946 0018")
    both = await api.post(
        "/customers", first_name="Ada", email="ada@example.com", phone="+44 20 7946 0018"
    )
    assert both["id"] == ada["id"] != bea["id"]
    assert both["phone_e164"] == "+442079460018"


async def test_without_email_and_phone_each_upsert_creates(api: Api) -> None:
    """There is nothing to recognize them by."""
    ids = [(await api.post("/customers", first_name="Ada"))["id"] for _ in range(2)]
    assert ids == [1, 2]


async def test_what_is_not_sent_or_blank_stays(api: Api) -> None:
    """Absent, null and empty all leave the field as it was."""
    await api.customer(company="Analytical", notes="x", has_subscription=True, tags=["vip"])
    ada = await api.customer(company="", notes=None, phone="")
    kept = ("company", "notes", "has_subscription", "phone")
    assert [ada[name] for name in kept] == ["Analytical", "x", 1, "+1 415 555 0100"]


async def test_strings_are_trimmed(api: Api) -> None:
    """All kinds of blanks, at both ends."""
    ada = await api.customer(first_name=" \t\u3000Ada  Maria\u200b\n", city="\u00a0")
    assert ("Ada  Maria", None) == (ada["first_name"], ada["city"])


async def test_an_upsert_that_changes_nothing_does_not_touch_the_customer() -> None:
    """``updated_at`` moves with changes only."""
    with Sandbox(now=NOW) as sandbox:
        api = Api(sandbox)
        first = await api.customer()
        sandbox.advance(days=1)
        same = await api.customer()
        changed = await api.customer(city="Paris")
    assert same == first
    assert changed["updated_at"] == first["updated_at"] + 86_400
    assert changed["created_at"] == first["created_at"]


async def test_the_location_is_named_by_its_slug(api: Api) -> None:
    """It is shown whole in the upsert's answer, and by its id in lists."""
    bay = await api.post("/locations", name="Bay", city="Oakland")
    ada = await api.customer(location_slug="bay")
    assert (ada["location_id"], ada["location"]) == (bay["id"], bay)
    [listed] = await api.listed("/customers")
    assert listed == {name: value for name, value in ada.items() if name != "location"}


async def test_an_unknown_location_is_a_404_and_nobody_is_created(api: Api) -> None:
    """All or nothing."""
    response = await api.send("POST", "/customers", {**ADA, "location_slug": "moon"})
    assert response.status == 404
    assert response.json() == {"message": "No query results for model [App\\Models\\Location]."}
    assert api.sandbox.audit().customers == 0


async def test_customers_are_listed_newest_first(api: Api) -> None:
    """By their ids."""
    for number in range(3):
        await api.customer(email=f"{number}@example.com", phone=None)
    assert [each["id"] for each in await api.listed("/customers")] == [3, 2, 1]


async def test_the_seed_decides_the_uuids() -> None:
    """The same seed shows the same, another one something else."""
    seen: list[str] = []
    for seed in (1, 1, 2):
        with Sandbox(seed=seed) as sandbox:
            seen.append((await Api(sandbox).customer())["uuid"])
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("415-555-0100", "+14155550100"),
        ("+1 (415) 555 0100 ext. 7", "+14155550100"),
        ("+49 30 901820", "+4930901820"),
        ("0049 30 901820", "+4930901820"),
        ("030901820", "+030901820"),
        ("555 01", None),
        ("+" + "1" * 16, None),
        ("call me", None),
        ("٤١٥٥٥٥٠١٠٠", None),
    ],
)
def test_phones_in_e164(phone: str, number: str | None) -> None:
    """Ten digits are North American; too few or too many are no number."""
    assert to_e164(phone) == number


@pytest.mark.parametrize("number", ["+442079460018", "+1415555010", None])
def test_only_north_american_numbers_are_written_with_brackets(number: str | None) -> None:
    """All others stay as they are."""
    assert format_phone(number) == number


async def test_a_phone_that_is_no_number_is_kept_and_recognized(api: Api) -> None:
    """By its text."""
    first = await api.post("/customers", first_name="Ada", phone="Front desk")
    again = await api.post("/customers", first_name="Ada", phone="front desk ")
    assert first["id"] == again["id"]
    assert (first["phone_e164"], first["phone_formatted"]) == (None, "Front desk")
