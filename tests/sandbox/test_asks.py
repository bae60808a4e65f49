"""Asks, their messages, and what becomes of them as time passes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moregood_async.sandbox import Duplicate, Sandbox
from tests.sandbox.api import Api

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
DAY = 86_400


@pytest.fixture
def api() -> Iterator[Api]:
    """A sandbox whose clock starts at a known time."""
    with Sandbox(now=NOW) as sandbox:
        yield Api(sandbox)


async def asked(api: Api, **fields: object) -> Any:
    await api.customer()
    body: dict[str, object] = {"email": "ada@example.com", "channels": ["email"], **fields}
    return await api.post("/asks", **body)


async def messages(api: Api) -> list[Any]:
    """The oldest first."""
    listed: list[Any] = await api.listed("/messages")
    return listed[::-1]


async def test_an_ask_sends_at_once(api: Api) -> None:
    """Its answer says when, and the message shows that it went out."""
    ask = await asked(api)
    [message] = await messages(api)
    now = int(NOW.timestamp())
    assert ask == {
        "id": 1,
        "email": "ada@example.com",
        "phone": "+1 415 555 0100",
        "scheduled_at": "2026-03-04T05:06:07.000000Z",
    }
    [ada] = await api.listed("/customers")
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


async def test_each_channel_has_a_request_and_its_reminders_three_days_apart(api: Api) -> None:
    """All with the ask's id; only the requests have gone out."""
    await asked(api, channels=["email", "sms"], reminders_count=2)
    listed = await messages(api)
    began = int(NOW.timestamp())
    assert [(each["template"]["slug"], each["scheduled_at"] - began) for each in listed] == [
        (f"{channel}-{kind}", days * DAY)
        for channel in ("email", "sms")
        for kind, days in (("request", 0), ("reminder", 3), ("reminder", 6))
    ]
    assert {each["ask_id"] for each in listed} == {1}
    assert [bool(each["sent_at"]) for each in listed] == [True, False, False] * 2


async def test_reminders_go_out_when_they_are_due(api: Api) -> None:
    """At their own time, however far the clock jumps."""
    await asked(api, reminders_count=3)
    api.sandbox.advance(days=6, hours=1)
    listed = await messages(api)
    assert [each["sent_at"] for each in listed] == [
        *(each["scheduled_at"] for each in listed[:3]),
        None,
    ]
    assert (api.sandbox.audit().messages, api.sandbox.audit().messages_sent) == (4, 3)


async def test_an_ask_for_later_waits(api: Api) -> None:
    """Until its date."""
    ask = await asked(api, asked_at="2026-03-10")
    assert ask["scheduled_at"] == "2026-03-10T00:00:00.000000Z"
    assert [each["sent_at"] for each in await messages(api)] == [None]
    api.sandbox.advance(days=7)
    [message] = await messages(api)
    assert message["sent_at"] == int(datetime(2026, 3, 10, tzinfo=UTC).timestamp())


async def test_a_date_that_has_passed_sends_at_once(api: Api) -> None:
    """As no date does."""
    assert (await asked(api, asked_at="2020-01-01"))["scheduled_at"].startswith("2026-03-04")
    assert (await messages(api))[0]["sent_at"] == int(NOW.timestamp())


async def test_the_customer_shows_when_they_were_asked(api: Api) -> None:
    """First and last."""
    await asked(api, asked_at="2026-03-10")
    await asked(api, asked_at="2026-03-08")
    [ada] = await api.listed("/customers")
    shown = [datetime.fromtimestamp(ada[f"{name}_asked_at"], UTC).day for name in ("first", "last")]
    assert shown == [8, 10]


@pytest.mark.parametrize(
    ("contact", "channel", "needed"),
    [({"phone": "415 555 0100"}, "email", "email"), ({"email": "a@b.c"}, "sms", "phone")],
    ids=["email", "sms"],
)
async def test_a_channel_needs_its_contact(
    api: Api, contact: dict[str, str], channel: str, needed: str
) -> None:
    """An email for an email, a phone for an SMS; nothing is scheduled."""
    await api.post("/customers", first_name="Ada", **contact)
    errors = await api.refused("/asks", **contact, channels=[channel])
    assert errors == {"channels.0": [f"The customer has no {needed} for the {channel} channel."]}
    assert api.sandbox.audit().asks == api.sandbox.audit().messages == 0


async def test_an_unknown_customer_cannot_be_asked(api: Api) -> None:
    """404."""
    body = {"email": "bea@example.com", "channels": ["email"]}
    response = await api.send("POST", "/asks", body)
    assert response.json() == {"message": "No query results for model [App\\Models\\Customer]."}


async def test_the_same_ask_twice_is_in_the_audit(api: Api) -> None:
    """However the channels are ordered; another date is another ask."""
    for channels in (["email", "sms"], ["sms", "email"], ["sms"]):
        await asked(api, channels=channels)
    await asked(api, channels=["sms"], asked_at="2026-04-01")
    audit = api.sandbox.audit()
    assert (audit.asks, audit.duplicate_asks) == (4, (Duplicate(customer_id=1, times=2),))


async def test_a_click_stops_the_reminders(api: Api) -> None:
    """Of every channel; they are not listed any more, but the audit knows them."""
    await asked(api, channels=["email", "sms"], reminders_count=1)
    review = api.sandbox.click(1, score=4)
    api.sandbox.advance(days=10)
    listed = await messages(api)
    assert [each["template"]["slug"] for each in listed] == ["email-request", "sms-request"]
    assert (api.sandbox.audit().messages, api.sandbox.audit().messages_sent) == (4, 2)
    [shown] = await api.listed("/customers/1/reviews")
    assert (shown["id"], shown["score"], shown["review"]) == (review, 4, None)


async def test_a_click_opens_the_email_that_it_was_in(api: Api) -> None:
    """The last message that went out has ``opened_at`` and ``clicked_at``."""
    await asked(api, reminders_count=1)
    api.sandbox.advance(days=4)
    api.sandbox.click(1)
    clicked = int((NOW + timedelta(days=4)).timestamp())
    assert [(each["opened_at"], each["clicked_at"]) for each in await messages(api)] == [
        (None, None),
        (clicked, clicked),
    ]


async def test_an_sms_is_clicked_without_being_opened(api: Api) -> None:
    """Nobody knows when an SMS was read."""
    await asked(api, channels=["sms"])
    api.sandbox.click(1)
    [message] = await messages(api)
    assert message["opened_at"] is None
    assert message["clicked_at"] is not None


async def test_a_click_leaves_asks_of_the_future_alone(api: Api) -> None:
    """Their reminders still go out."""
    await asked(api, reminders_count=1, asked_at="2026-04-01")
    api.sandbox.click(1)
    api.sandbox.advance(days=60)
    assert [bool(each["sent_at"]) for each in await messages(api)] == [True, True]


async def test_a_second_click_in_one_ask_changes_its_score(api: Api) -> None:
    """And a click in the next ask is a review of its own."""
    await asked(api)
    first = api.sandbox.click(1, score=2)
    assert api.sandbox.click(1, score=5) == first
    api.sandbox.advance(days=1)
    await asked(api)
    assert api.sandbox.click(1, score=3) != first
    assert [each["score"] for each in await api.listed("/reviews")] == [3, 5]


async def test_the_unsubscribed_get_nothing(api: Api) -> None:
    """What is due from then on fails, with the reason."""
    await asked(api, reminders_count=1)
    api.sandbox.unsubscribe(1)
    api.sandbox.advance(days=4)
    request, reminder = await messages(api)
    assert (request["failed_at"], bool(request["sent_at"])) == (None, True)
    assert reminder["failed_at"] == reminder["processed_at"] == reminder["scheduled_at"]
    assert (reminder["sent_at"], reminder["delivered_at"]) == (None, None)
    assert reminder["failed_reason"] == "The customer has unsubscribed."


async def test_what_was_due_before_they_unsubscribed_had_gone_out(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where nobody had looked in between."""
    await asked(api, asked_at="2026-03-05")
    later = (NOW + timedelta(days=9)).timestamp()
    monkeypatch.setattr(api.sandbox._clock, "now", lambda: later)
    api.sandbox.unsubscribe(1)
    assert [each["failed_at"] for each in await messages(api)] == [None]


async def test_messages_of_one_customer_are_theirs_only(api: Api) -> None:
    """By the id in the path."""
    await asked(api)
    await api.post("/customers", first_name="Bea", email="bea@example.com")
    await api.post("/asks", email="bea@example.com", channels=["email"])
    lists = [await api.listed(f"/customers/{ident}/messages") for ident in (1, 2)]
    assert [[each["customer"]["name"] for each in listed] for listed in lists] == [["Ada"], ["Bea"]]


async def test_time_goes_forward_only(api: Api) -> None:
    """Not back, not by nothing that is a number, and not beyond the last year there is."""
    for days in (-1, float("nan"), float("inf"), 10_000_000):
        with pytest.raises((ValueError, OverflowError)):
            api.sandbox.advance(days=days)
    passed = api.sandbox.advance(days=1, hours=1, minutes=1, seconds=1) - NOW
    assert passed == api.sandbox.now - NOW == timedelta(seconds=90_061)


def test_a_clock_needs_a_time_zone() -> None:
    """A naive time would mean something else on each machine."""
    with pytest.raises(ValueError, match="time zone"):
        Sandbox(now=datetime(2026, 1, 1))
