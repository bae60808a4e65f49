"""POST locations and PUT locations/:id."""

import pytest

from tests.sandbox.api import Api


async def test_a_new_location_has_every_field(api: Api) -> None:
    """The display name falls back to the name, and the address is one line."""
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


async def test_a_generated_slug_has_a_number_if_the_slug_exists(api: Api) -> None:
    slugs = [(await api.post("/locations", name=name))["slug"] for name in ("Bay", "bay", "Báy!")]
    assert slugs == ["bay", "bay-2", "bay-3"]


async def test_a_sent_slug_that_exists_is_a_422_on_create_and_on_update(api: Api) -> None:
    """A location can keep its own slug."""
    taken = {"slug": ["The slug has already been taken."]}
    await api.post("/locations", name="Bay")
    await api.post("/locations", name="Hill", slug="up")
    assert await api.errors("/locations", name="Other", slug="bay") == taken
    assert await api.errors("/locations/2", "PUT", slug="bay") == taken
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
async def test_put_changes_only_the_fields_that_are_sent(
    api: Api, sent: dict[str, object], changed: dict[str, object]
) -> None:
    """Null clears a field, but not the slug."""
    location = await api.post(
        "/locations", name="Bay", display_name="The Bay", address1="1 Pier", city="Oakland"
    )
    assert await api.put(f"/locations/{location['id']}", **sent) == {**location, **changed}


async def test_put_with_an_empty_name_is_a_422(api: Api) -> None:
    await api.post("/locations", name="Bay")
    assert await api.errors("/locations/1", "PUT", name=None) == {
        "name": ["The name field is required."]
    }
