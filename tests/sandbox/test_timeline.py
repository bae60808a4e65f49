"""Messages and reminders as time passes, clicks, and unsubscribing."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.api import NOW, Api

DAY = 86_400


async def test_each_channel_has_a_request_and_reminders_three_days_apart(api: Api) -> None:
    """All messages have the ask's id. Only the requests are sent at once."""
    await api.ask_ada(channels=["email", "sms"], reminders_count=2)
    messages = await api.messages()
    start = int(NOW.timestamp())
    schedule = [(each["template"]["slug"], each["scheduled_at"] - start) for each in messages]
    assert schedule == [
        ("email-request", 0),
        ("email-reminder", 3 * DAY),
        ("email-reminder", 6 * DAY),
        ("sms-request", 0),
        ("sms-reminder", 3 * DAY),
        ("sms-reminder", 6 * DAY),
    ]
    assert {each["ask_id"] for each in messages} == {1}
    assert [bool(each["sent_at"]) for each in messages] == [True, False, False] * 2


async def test_reminders_are_sent_at_their_own_time_however_far_the_clock_jumps(api: Api) -> None:
    await api.ask_ada(reminders_count=3)
    api.sandbox.advance(days=6, hours=1)
    messages = await api.messages()
    assert [each["sent_at"] for each in messages] == [
        *(each["scheduled_at"] for each in messages[:3]),
        None,
    ]
    assert api.sandbox.audit().messages == 4
    assert api.sandbox.audit().messages_sent == 3


async def test_an_ask_with_a_date_is_sent_on_that_date(api: Api) -> None:
    ask = await api.ask_ada(asked_at="2026-03-10")
    assert ask["scheduled_at"] == "2026-03-10T00:00:00.000000Z"
    assert [each["sent_at"] for each in await api.messages()] == [None]
    api.sandbox.advance(days=7)
    [message] = await api.messages()
    assert message["sent_at"] == int(datetime(2026, 3, 10, tzinfo=UTC).timestamp())


async def test_an_ask_with_a_date_in_the_past_is_sent_at_once(api: Api) -> None:
    ask = await api.ask_ada(asked_at="2020-01-01")
    [message] = await api.messages()
    assert ask["scheduled_at"].startswith("2026-03-04")
    assert message["sent_at"] == int(NOW.timestamp())


async def test_a_click_cancels_the_reminders_of_every_channel(api: Api) -> None:
    """They are no longer listed, but the audit counts them."""
    await api.ask_ada(channels=["email", "sms"], reminders_count=1)
    review_id = api.sandbox.click(1, score=4)
    api.sandbox.advance(days=10)
    slugs = [each["template"]["slug"] for each in await api.messages()]
    assert slugs == ["email-request", "sms-request"]
    assert api.sandbox.audit().messages == 4
    assert api.sandbox.audit().messages_sent == 2
    [review] = await api.list("/customers/1/reviews")
    assert review["id"] == review_id
    assert review["score"] == 4
    assert review["review"] is None


async def test_a_click_is_in_the_last_message_and_opens_an_email(api: Api) -> None:
    await api.ask_ada(reminders_count=1)
    api.sandbox.advance(days=4)
    api.sandbox.click(1)
    clicked_at = int((NOW + timedelta(days=4)).timestamp())
    request, reminder = await api.messages()
    assert request["opened_at"] is None
    assert request["clicked_at"] is None
    assert reminder["opened_at"] == clicked_at
    assert reminder["clicked_at"] == clicked_at


async def test_a_click_in_an_sms_does_not_open_it(api: Api) -> None:
    """Nobody knows when an SMS is read."""
    await api.ask_ada(channels=["sms"])
    api.sandbox.click(1)
    [message] = await api.messages()
    assert message["opened_at"] is None
    assert message["clicked_at"] is not None


async def test_a_click_does_not_cancel_the_reminders_of_an_ask_for_later(api: Api) -> None:
    await api.ask_ada(reminders_count=1, asked_at="2026-04-01")
    api.sandbox.click(1)
    api.sandbox.advance(days=60)
    assert [bool(each["sent_at"]) for each in await api.messages()] == [True, True]


async def test_a_second_click_for_one_ask_changes_the_score_of_its_review(api: Api) -> None:
    """A click for the next ask is another review."""
    await api.ask_ada()
    first = api.sandbox.click(1, score=2)
    assert api.sandbox.click(1, score=5) == first
    api.sandbox.advance(days=1)
    await api.ask_ada()
    assert api.sandbox.click(1, score=3) != first
    assert [each["score"] for each in await api.list("/reviews")] == [3, 5]


async def test_messages_to_an_unsubscribed_customer_fail_with_a_reason(api: Api) -> None:
    await api.ask_ada(reminders_count=1)
    api.sandbox.unsubscribe(1)
    api.sandbox.advance(days=4)
    request, reminder = await api.messages()
    assert request["failed_at"] is None
    assert request["sent_at"] is not None
    assert reminder["failed_at"] == reminder["processed_at"] == reminder["scheduled_at"]
    assert reminder["sent_at"] is None
    assert reminder["delivered_at"] is None
    assert reminder["failed_reason"] == "The customer has unsubscribed."


async def test_a_message_that_was_due_before_an_unsubscription_is_sent(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if no request ran the timeline in between."""
    await api.ask_ada(asked_at="2026-03-05")
    later = (NOW + timedelta(days=9)).timestamp()
    monkeypatch.setattr(api.sandbox._clock, "now", lambda: later)
    api.sandbox.unsubscribe(1)
    assert [each["failed_at"] for each in await api.messages()] == [None]
