"""What comes back: its repr shows nobody, it pickles, and it names every field that is known."""

import copy
import pickle
from typing import Any

import attrs
import pytest

from moregood_async import (
    AddressValidation,
    Ask,
    Charge,
    Customer,
    Engagement,
    Message,
    Page,
    Photo,
    Rating,
    Recipient,
    Review,
    Reviewer,
    Source,
)
from moregood_async.models.pages import Pagination
from tests.strategies import ANSWERED, NESTED

CANARY = "canary"

SHOWN = {"id", "uuid", "ask_id", "channel", "currency", "color", "result", "risk", "reason"}
"""Fields of people's records that are no secret."""


def with_canaries(kind: type[Any]) -> Any:
    """A model with a canary in each text that may tell of a person."""
    hidden = {
        a.name: f"{CANARY}-{a.name}"
        for a in attrs.fields(kind)
        if a.name not in SHOWN and a.type in ("str | None", str | None)
    }
    required = {a.name: 1 for a in attrs.fields(kind) if a.default is attrs.NOTHING}
    return kind(**hidden, **required, extra={"secret": CANARY})


@pytest.mark.parametrize(
    "kind",
    [Customer, AddressValidation, Engagement, Review, Reviewer, Photo, Message, Recipient],
    ids=lambda kind: kind.__name__,
)
def test_an_answer_shows_nobody(kind: type[Any]) -> None:
    """A canary in every text, and what was unknown: none is in the repr."""
    model = with_canaries(kind)
    assert CANARY in str(attrs.asdict(model))
    assert CANARY not in repr(model)


@pytest.mark.parametrize("kind", [Ask, Charge], ids=lambda kind: kind.__name__)
def test_an_answer_to_an_ask_or_a_charge_shows_nobody(kind: type[Any]) -> None:
    """Neither the email nor the phone."""
    assert CANARY not in repr(kind(email=CANARY, phone=CANARY, extra={"x": CANARY}))


def test_what_stands_inside_an_answer_shows_nobody_either() -> None:
    """A reprs holds the reprs of its parts."""
    customer = Customer(
        id=1,
        validation=with_canaries(AddressValidation),
        location={"name": CANARY},
    )
    review = Review(
        id=2,
        reviewer=Reviewer(name=CANARY, photo=with_canaries(Photo)),
        rating=Rating(score=5),
        source=Source(name="Google"),
    )
    message = Message(id=3, customer=with_canaries(Recipient), failed_reason=CANARY)
    page = Page(items=(customer, review, message), page=1)
    shown = repr(page)
    assert CANARY not in shown
    assert all(each in shown for each in ("Customer(id=1", "Review(id=2", "Message(id=3"))


@pytest.mark.parametrize("kind", [*ANSWERED, *NESTED], ids=lambda kind: kind.__name__)
def test_an_answer_can_be_carried_and_compared(kind: type[Any]) -> None:
    """Into a process pool, a cache, a test."""
    model = with_canaries(kind)
    assert model == pickle.loads(pickle.dumps(model)) == copy.deepcopy(model)
    other = attrs.evolve(model, extra={})
    assert model != other


@pytest.mark.parametrize("kind", [*ANSWERED, *NESTED], ids=lambda kind: kind.__name__)
def test_an_answer_has_slots(kind: type[Any]) -> None:
    """A hundred thousand of them fit, and a misspelt name is an error."""
    model = with_canaries(kind)
    assert not hasattr(model, "__dict__")
    with pytest.raises(AttributeError):
        model.frist_name = "Ada"


@pytest.mark.parametrize("kind", [*ANSWERED, *NESTED], ids=lambda kind: kind.__name__)
def test_the_unknown_of_one_answer_is_not_anothers(kind: type[Any]) -> None:
    """Each has an ``extra`` of its own."""
    required = {a.name: 1 for a in attrs.fields(kind) if a.default is attrs.NOTHING}
    one, two = kind(**required), kind(**required)
    one.extra["x"] = 1
    assert two.extra == {}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, Pagination()),
        (None, Pagination()),
        ([], Pagination()),
        ("2", Pagination()),
        (
            {"current_page": 2, "last_page": 3, "total": 110, "per_page": 50, "from": 51},
            Pagination(current_page=2, last_page=3, total=110, per_page=50),
        ),
        (
            {"current_page": "2", "last_page": "3", "total": "0", "per_page": "50"},
            Pagination(current_page=2, last_page=3, total=0, per_page=50),
        ),
        (
            {"current_page": None, "last_page": -1, "total": True, "per_page": 5.5},
            Pagination(),
        ),
        (
            {"current_page": "٢", "last_page": "-3", "total": "9" * 16, "per_page": [50]},
            Pagination(),
        ),
        ({"next_page_url": "https://elsewhere.example/?page=2"}, Pagination(has_next_link=True)),
        ({"next_page_url": None}, Pagination(has_next_link=False)),
        ({"next_page_url": ""}, Pagination(has_next_link=False)),
        ({"next_page_url": False}, Pagination(has_next_link=False)),
    ],
    ids=[
        "empty",
        "null",
        "php's empty map",
        "text",
        "documented",
        "text of numbers",
        "odd numbers",
        "odd texts",
        "a next page",
        "none",
        "an empty link",
        "false",
    ],
)
def test_pagination_is_what_makes_sense_of_it(told: object, expected: Pagination) -> None:
    """And None for what does not."""
    assert Pagination.of(told) == expected
