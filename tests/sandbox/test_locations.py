"""Locations: slugs, and what PUT changes."""

import pytest

from tests.sandbox.api import Api


async def test_a_location_has_every_field(api: Api) -> None:
    """Its display name falls back to its name, its address is one line."""
    bay = await api.post(
        "/locations",
        name="Bay & Sons",
        code="B-1",
        address1="1 Pier",
        city="Oakland",
        state="CA",
        postal_code="94601",
    )
    assert bay == {
        "id": 1,
        "uuid": bay["uuid"],
        "project_id": 1,
        "name": "Bay & Sons",
        "display_name": "Bay & Sons",
        "title": "Bay & Sons",
        "slug": "bay-sons",
        "code": "B-1",
        "address": "1 Pier, Oakland, CA 94601",
        "address1": "1 Pier",
        "address2": None,
        "city": "Oakland",
        "state": "CA",
        "postal_code": "94601",
    }


async def test_a_generated_slug_gets_a_number_where_it_is_taken(api: Api) -> None:
    """Counting from two."""
    made = [(await api.post("/locations", name=name))["slug"] for name in ("Bay", "bay", "Báy!")]
    assert made == ["bay", "bay-2", "bay-3"]


async def test_a_given_slug_that_is_taken_is_refused(api: Api) -> None:
    """On creating and on updating; one's own is fine."""
    taken = {"slug": ["The slug has already been taken."]}
    await api.post("/locations", name="Bay")
    await api.post("/locations", name="Hill", slug="up")
    assert await api.refused("/locations", name="Other", slug="bay") == taken
    assert await api.refused("/locations/2", "PUT", slug="bay") == taken
    assert (await api.put("/locations/2", slug="up"))["slug"] == "up"
    assert (await api.put("/locations/2", slug="down"))["slug"] == "down"


@pytest.mark.parametrize(
    ("sent", "changed"),
    [
        ({}, {}),
        ({"city": "Berkeley"}, {"city": "Berkeley", "address": "1 Pier, Berkeley"}),
        ({"display_name": None}, {"display_name": "Bay", "title": "Bay"}),
        ({"address1": ""}, {"address1": None, "address": "Oakland"}),
        ({"slug": None}, {}),
        ({"name": "Cove"}, {"name": "Cove"}),
    ],
    ids=["nothing", "one", "null", "blank", "slug", "name"],
)
async def test_put_changes_what_is_sent_and_nothing_else(
    api: Api, sent: dict[str, object], changed: dict[str, object]
) -> None:
    """Null clears, but a slug stays."""
    made = await api.post(
        "/locations", name="Bay", display_name="The Bay", address1="1 Pier", city="Oakland"
    )
    assert await api.put(f"/locations/{made['id']}", **sent) == {**made, **changed}


async def test_put_cannot_take_the_name_away(api: Api) -> None:
    """It is required where it is sent at all."""
    await api.post("/locations", name="Bay")
    assert await api.refused("/locations/1", "PUT", name=None) == {
        "name": ["The name field is required."]
    }
