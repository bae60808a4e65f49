"""Simulated customers, who open emails, click ratings and write texts."""

from pathlib import Path
from typing import Any

import pytest

from moregood_async.sandbox import Sandbox
from moregood_async.sandbox.people import People
from tests.sandbox.api import NOW, Api


async def ask_crowd(api: Api, size: int, *, reverse: bool = False) -> None:
    """Upsert customers ``N0``, ``N1`` and so on, and ask each by email with two reminders."""
    numbers = range(size)
    for number in reversed(numbers) if reverse else numbers:
        email = f"{number}@example.com"
        await api.post("/customers", first_name=f"N{number}", email=email)
        await api.post("/asks", email=email, channels=["email"], reminders_count=2)


def reviews_by_name(reviews: list[Any]) -> dict[str, Any]:
    return {each["reviewer"]["name"]: (each["score"], each["review"]) for each in reviews}


async def test_people_open_click_and_write_at_about_their_rates_as_time_passes(api: Api) -> None:
    """Nobody clicks before a message is sent."""
    api.sandbox.people(seed=1, open=0.5, click=0.5, write=0.5)
    await ask_crowd(api, 33)
    assert api.sandbox.audit().reviews == 0
    api.sandbox.advance(days=30)
    reviews = await api.list("/reviews?per_page=100")
    messages = await api.list("/messages?per_page=100")
    clicked = [each for each in messages if each["clicked_at"]]
    assert 8 <= len(reviews) == len(clicked) <= 25
    assert 0 < sum(bool(each["review"]) for each in reviews) < len(reviews)
    assert all(each["sent_at"] <= each["opened_at"] <= each["clicked_at"] for each in clicked)
    assert len({each["score"] for each in reviews}) > 1


async def test_reviews_depend_on_the_seed_and_not_on_the_order_of_the_requests() -> None:
    reviews: list[dict[str, Any]] = []
    for seed, reverse in ((1, False), (1, True), (2, False)):
        with Sandbox(now=NOW) as sandbox:
            api = Api(sandbox)
            sandbox.people(seed=seed)
            await ask_crowd(api, 40, reverse=reverse)
            sandbox.advance(days=30)
            reviews.append(reviews_by_name(await api.list("/reviews?per_page=100")))
    assert reviews[0] == reviews[1] != reviews[2]


async def test_people_react_to_messages_that_were_sent_before(api: Api) -> None:
    """A second call with the same rates changes nothing."""
    await ask_crowd(api, 10)
    api.sandbox.people(click=1, write=1)
    api.sandbox.advance(hours=12)
    api.sandbox.people(click=1, write=1)
    api.sandbox.advance(days=30)
    reviews = await api.list("/reviews")
    assert len(reviews) == 10
    assert all(each["review"] for each in reviews)


async def test_other_people_replace_the_previous_ones_and_their_plans(api: Api) -> None:
    api.sandbox.people(click=1)
    await ask_crowd(api, 5)
    api.sandbox.people(click=0, open=0)
    api.sandbox.advance(days=30)
    audit = api.sandbox.audit()
    assert audit.reviews == 0
    assert audit.messages_sent == 15


async def test_a_person_does_not_click_again_after_a_click_by_the_test(api: Api) -> None:
    """Each ask has one review."""
    api.sandbox.people(click=1, write=1)
    await ask_crowd(api, 5)
    for customer_id in range(1, 6):
        api.sandbox.click(customer_id, 1)
    api.sandbox.advance(days=30)
    assert [each["score"] for each in await api.list("/reviews")] == [1] * 5


async def test_a_person_does_not_change_the_time_of_an_earlier_opening(api: Api) -> None:
    async def first_opened_at() -> Any:
        messages = await api.list("/customers/1/messages")
        return next(each["opened_at"] for each in messages if each["opened_at"])

    api.sandbox.people(open=1, click=0)
    await ask_crowd(api, 5)
    api.sandbox.click(1)
    before = await first_opened_at()
    api.sandbox.advance(days=2)
    assert await first_opened_at() == before


async def test_people_and_their_plans_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.sqlite"
    with Sandbox(db=file, now=NOW) as sandbox:
        sandbox.people(click=1, write=1)
        await ask_crowd(Api(sandbox), 5)
    with Sandbox(db=file) as sandbox:
        sandbox.people(click=1, write=1)
        sandbox.advance(days=30)
        assert sandbox.audit().reviews == 5


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("name", ["open", "click", "write"])
def test_a_share_outside_0_to_1_is_refused(name: str, share: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is a share"):
        People(**{name: share})  # type: ignore[arg-type]
