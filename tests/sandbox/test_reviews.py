"""Reviews: from the click on a rating to the reply, and the people who give them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from moregood_async.sandbox import Sandbox
from moregood_async.sandbox.people import People
from tests.sandbox.api import Api

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def api() -> Iterator[Api]:
    """A sandbox whose clock starts at a known time."""
    with Sandbox(now=NOW) as sandbox:
        yield Api(sandbox)


async def test_a_review_is_there_from_the_click_and_its_text_is_an_update(api: Api) -> None:
    """By the customer's own link, without any ask."""
    ada = await api.customer(last_name="Lovelace")
    ident = api.sandbox.click(ada["id"], 5)
    [bare] = await api.listed("/reviews")
    api.sandbox.write(ident, "Good & <fast>")
    [written] = await api.listed("/reviews")
    assert (bare["id"], bare["review"], bare["review_html"]) == (ident, None, None)
    assert written == {
        "id": ident,
        "uuid": bare["uuid"],
        "score": 5,
        "rating": {
            "id": 5,
            "uuid": bare["rating"]["uuid"],
            "score": 5,
            "label": "Great",
            "color": "#43a047",
            "icon": "love",
            "image_link": None,
            "default_image_link": "https://moregoodreviews.com/sandbox/ratings/5.png",
        },
        "review": "Good & <fast>",
        "review_html": "<p>Good &amp; &lt;fast&gt;</p>",
        "reviewer": {
            "name": "Ada Lovelace",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "color": ada["color"],
            "photo": {"link": ada["gravatar"]},
        },
        "source": {"name": "More Good Reviews"},
        "has_reply": False,
        "is_hidden": 0,
        "is_duplicate": 0,
        "created_at": int(NOW.timestamp()),
    }


async def test_a_review_can_be_marked(api: Api) -> None:
    """Flags of the database are 0 and 1, computed ones booleans; it stays in the list."""
    await api.customer()
    api.sandbox.mark(api.sandbox.click(1), hidden=True, duplicate=True, reply=True)
    [review] = await api.listed("/reviews")
    marks = {name: review[name] for name in ("is_hidden", "is_duplicate", "has_reply")}
    assert marks == {"is_hidden": 1, "is_duplicate": 1, "has_reply": True}
    assert isinstance(marks["has_reply"], bool)


async def test_reviews_come_newest_first(api: Api) -> None:
    """By when they were made."""
    for number in range(3):
        await api.customer(email=f"{number}@example.com", phone=None)
    for customer in (2, 1, 3):
        api.sandbox.click(customer)
        api.sandbox.advance(hours=1)
    assert [each["id"] for each in await api.listed("/reviews")] == [3, 2, 1]
    assert [each["id"] for each in await api.listed("/customers/1/reviews")] == [2]


async def test_what_is_not_there_cannot_be_clicked_or_written(api: Api) -> None:
    """LookupError, and ValueError for a score that is none."""
    await api.customer()
    two_and_a_half: Any = 2.5
    for wrong in (
        lambda: api.sandbox.click(2),
        lambda: api.sandbox.write(1, "x"),
        lambda: api.sandbox.mark(1),
        lambda: api.sandbox.unsubscribe(2),
        lambda: api.sandbox.click(two_and_a_half),
    ):
        with pytest.raises(LookupError, match="no id"):
            wrong()
    for score in (0, 6, two_and_a_half):
        with pytest.raises(ValueError, match="from 1 to 5"):
            api.sandbox.click(1, score)
    with pytest.raises(TypeError, match="string"):
        api.sandbox.write(api.sandbox.click(1), two_and_a_half)


async def _crowd(api: Api, size: int, *, reverse: bool = False) -> None:
    numbers = range(size)
    for number in reversed(numbers) if reverse else numbers:
        email = f"{number}@example.com"
        await api.post("/customers", first_name=f"N{number}", email=email)
        await api.post("/asks", email=email, channels=["email"], reminders_count=2)


def _told(reviews: list[Any]) -> dict[str, Any]:
    return {each["reviewer"]["name"]: (each["score"], each["review"]) for each in reviews}


async def test_people_open_click_and_write_as_time_passes(api: Api) -> None:
    """About as many as the shares say; nobody clicks before they got something."""
    api.sandbox.people(seed=1, open=0.5, click=0.5, write=0.5)
    await _crowd(api, 33)
    assert api.sandbox.audit().reviews == 0
    api.sandbox.advance(days=30)
    reviews = await api.listed("/reviews?per_page=100")
    messages = await api.listed("/messages?per_page=100")
    clicked = [each for each in messages if each["clicked_at"]]
    assert 8 <= len(reviews) == len(clicked) <= 25
    assert 0 < sum(bool(each["review"]) for each in reviews) < len(reviews)
    assert all(each["sent_at"] <= each["opened_at"] <= each["clicked_at"] for each in clicked)
    assert len({each["score"] for each in reviews}) > 1


async def test_the_seed_and_the_person_decide_and_not_the_order() -> None:
    """The same people behave the same, whoever was asked first, and another seed otherwise."""
    seen: list[dict[str, Any]] = []
    for seed, reverse in ((1, False), (1, True), (2, False)):
        with Sandbox(now=NOW) as sandbox:
            api = Api(sandbox)
            sandbox.people(seed=seed)
            await _crowd(api, 40, reverse=reverse)
            sandbox.advance(days=30)
            seen.append(_told(await api.listed("/reviews?per_page=100")))
    assert seen[0] == seen[1] != seen[2]


async def test_people_react_to_what_they_got_before_they_came_to_life(api: Api) -> None:
    """From that moment on; and calling them the same again changes nothing."""
    await _crowd(api, 10)
    api.sandbox.people(click=1, write=1)
    api.sandbox.advance(hours=12)
    api.sandbox.people(click=1, write=1)
    api.sandbox.advance(days=30)
    reviews = await api.listed("/reviews")
    assert len(reviews) == 10
    assert all(each["review"] for each in reviews)


async def test_other_people_replace_those_before(api: Api) -> None:
    """What had not happened yet does not happen."""
    api.sandbox.people(click=1)
    await _crowd(api, 5)
    api.sandbox.people(click=0, open=0)
    api.sandbox.advance(days=30)
    audit = api.sandbox.audit()
    assert (audit.reviews, audit.messages_sent) == (0, 15)


async def test_a_click_by_hand_is_not_clicked_again(api: Api) -> None:
    """One review an ask, whoever came first."""
    api.sandbox.people(click=1, write=1)
    await _crowd(api, 5)
    for customer in range(1, 6):
        api.sandbox.click(customer, 1)
    api.sandbox.advance(days=30)
    assert [each["score"] for each in await api.listed("/reviews")] == [1] * 5


async def test_an_open_after_a_click_does_not_move_it(api: Api) -> None:
    """The first opening counts."""
    api.sandbox.people(open=1, click=0)
    await _crowd(api, 5)
    api.sandbox.click(1)
    [before, *_] = [each for each in await api.listed("/customers/1/messages") if each["opened_at"]]
    api.sandbox.advance(days=2)
    [after, *_] = [each for each in await api.listed("/customers/1/messages") if each["opened_at"]]
    assert after["opened_at"] == before["opened_at"]


async def test_people_survive_a_restart(tmp_path: Path) -> None:
    """With what they were about to do."""
    file = tmp_path / "sandbox.sqlite"
    with Sandbox(db=file, now=NOW) as sandbox:
        sandbox.people(click=1, write=1)
        await _crowd(Api(sandbox), 5)
    with Sandbox(db=file) as sandbox:
        sandbox.people(click=1, write=1)
        sandbox.advance(days=30)
        assert sandbox.audit().reviews == 5


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("name", ["open", "click", "write"])
def test_shares_are_from_nought_to_one(name: str, share: float) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match=f"{name} is a share"):
        People(**{name: share})  # type: ignore[arg-type]
