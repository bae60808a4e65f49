"""GET reviews, and the reviews of one customer."""

from tests.sandbox.api import NOW, Api


async def test_a_click_creates_a_review_and_its_text_is_an_update(api: Api) -> None:
    """The click is by the customer's own link, without an ask."""
    ada = await api.upsert_ada(last_name="Lovelace")
    review_id = api.sandbox.click(ada["id"], 5)
    [clicked] = await api.list("/reviews")
    api.sandbox.write(review_id, "Good & <fast>")
    [written] = await api.list("/reviews")
    assert clicked["id"] == review_id
    assert clicked["review"] is None
    assert clicked["review_html"] is None
    assert written == {
        "id": review_id,
        "uuid": clicked["uuid"],
        "score": 5,
        "rating": {
            "id": 5,
            "uuid": clicked["rating"]["uuid"],
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


async def test_flags_of_the_database_are_integers_and_computed_flags_are_booleans(api: Api) -> None:
    """A hidden duplicate stays in the list."""
    await api.upsert_ada()
    api.sandbox.mark(api.sandbox.click(1), hidden=True, duplicate=True, reply=True)
    [review] = await api.list("/reviews")
    flags = {name: review[name] for name in ("is_hidden", "is_duplicate", "has_reply")}
    assert flags == {"is_hidden": 1, "is_duplicate": 1, "has_reply": True}
    assert isinstance(flags["has_reply"], bool)


async def test_reviews_are_listed_newest_first(api: Api) -> None:
    await api.upsert_numbered(3)
    for customer_id in (2, 1, 3):
        api.sandbox.click(customer_id)
        api.sandbox.advance(hours=1)
    assert [each["id"] for each in await api.list("/reviews")] == [3, 2, 1]
    assert [each["id"] for each in await api.list("/customers/1/reviews")] == [2]
