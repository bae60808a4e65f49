"""GET messages, and the messages of one customer."""

from tests.sandbox.api import NOW, Api


async def test_a_sent_message_has_every_field(api: Api) -> None:
    await api.ask_ada()
    [message] = await api.messages()
    [ada] = await api.list("/customers")
    now = int(NOW.timestamp())
    assert message == {
        "id": 1,
        "uuid": message["uuid"],
        "ask_id": 1,
        "channel": "email",
        "customer": {name: ada[name] for name in ("id", "uuid", "name", "color", "gravatar")},
        "template": {
            "id": 1,
            "uuid": message["template"]["uuid"],
            "name": "Email request",
            "slug": "email-request",
            "channel": "email",
        },
        **dict.fromkeys(("scheduled_at", "created_at", "updated_at", "processed_at"), now),
        **dict.fromkeys(("sent_at", "delivered_at"), now),
        **dict.fromkeys(("opened_at", "clicked_at", "failed_at", "failed_reason")),
    }


async def test_the_messages_of_a_customer_are_those_of_the_id_in_the_path(api: Api) -> None:
    await api.ask_ada()
    await api.post("/customers", first_name="Bea", email="bea@example.com")
    await api.post("/asks", email="bea@example.com", channels=["email"])
    lists = [await api.list(f"/customers/{customer_id}/messages") for customer_id in (1, 2)]
    names = [[each["customer"]["name"] for each in messages] for messages in lists]
    assert names == [["Ada"], ["Bea"]]
