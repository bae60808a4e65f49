"""POST asks. The messages of an ask are in ``test_messages`` and ``test_timeline``."""

from datetime import UTC, datetime

import pytest

from tests.sandbox.api import Api


async def test_the_response_of_an_ask_has_contacts_and_an_iso_8601_time(api: Api) -> None:
    assert await api.ask_ada() == {
        "id": 1,
        "email": "ada@example.com",
        "phone": "+1 415 555 0100",
        "scheduled_at": "2026-03-04T05:06:07.000000Z",
    }


async def test_the_customer_has_the_times_of_the_first_and_the_last_ask(api: Api) -> None:
    await api.ask_ada(asked_at="2026-03-10")
    await api.ask_ada(asked_at="2026-03-08")
    [ada] = await api.list("/customers")
    assert datetime.fromtimestamp(ada["first_asked_at"], UTC).day == 8
    assert datetime.fromtimestamp(ada["last_asked_at"], UTC).day == 10


@pytest.mark.parametrize(
    ("contact", "channel", "missing"),
    [({"phone": "415 555 0100"}, "email", "email"), ({"email": "a@b.c"}, "sms", "phone")],
    ids=["email", "sms"],
)
async def test_a_channel_without_its_contact_is_a_422_and_schedules_nothing(
    api: Api, contact: dict[str, str], channel: str, missing: str
) -> None:
    await api.post("/customers", first_name="Ada", **contact)
    errors = await api.errors("/asks", **contact, channels=[channel])
    assert errors == {"channels.0": [f"The customer has no {missing} for the {channel} channel."]}
    assert api.sandbox.audit().asks == 0
    assert api.sandbox.audit().messages == 0


async def test_an_ask_for_an_unknown_customer_is_a_404(api: Api) -> None:
    response = await api.send("POST", "/asks", {"email": "bea@example.com", "channels": ["email"]})
    assert response.status == 404
    assert response.json() == {"message": "No query results for model [App\\Models\\Customer]."}
