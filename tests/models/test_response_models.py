"""Response models: a repr that shows no personal data, slots, pickle and copy."""

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
from tests.strategies import NESTED_MODELS, RESPONSE_MODELS

CANARY = "canary"

SHOWN = {"id", "uuid", "ask_id", "channel", "currency", "color", "result", "risk", "reason"}
"""Fields that hold no personal data."""


def with_canaries(kind: type[Any]) -> Any:
    """Return a model with a canary in each field that may hold personal data."""
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
def test_the_repr_of_a_model_shows_no_personal_data(kind: type[Any]) -> None:
    model = with_canaries(kind)
    assert CANARY in str(attrs.asdict(model))
    assert CANARY not in repr(model)


@pytest.mark.parametrize("kind", [Ask, Charge], ids=lambda kind: kind.__name__)
def test_the_repr_of_an_ask_or_a_charge_shows_no_personal_data(kind: type[Any]) -> None:
    assert CANARY not in repr(kind(email=CANARY, phone=CANARY, extra={"x": CANARY}))


def test_the_repr_of_nested_models_shows_no_personal_data() -> None:
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


@pytest.mark.parametrize("kind", [*RESPONSE_MODELS, *NESTED_MODELS], ids=lambda kind: kind.__name__)
def test_a_model_survives_pickle_and_copy_and_compares_by_its_fields(kind: type[Any]) -> None:
    model = with_canaries(kind)
    assert model == pickle.loads(pickle.dumps(model)) == copy.deepcopy(model)
    other = attrs.evolve(model, extra={})
    assert model != other


@pytest.mark.parametrize("kind", [*RESPONSE_MODELS, *NESTED_MODELS], ids=lambda kind: kind.__name__)
def test_a_model_has_slots(kind: type[Any]) -> None:
    """A hundred thousand of them fit, and a misspelt name is an error."""
    model = with_canaries(kind)
    assert not hasattr(model, "__dict__")
    with pytest.raises(AttributeError):
        model.frist_name = "Ada"


@pytest.mark.parametrize("kind", [*RESPONSE_MODELS, *NESTED_MODELS], ids=lambda kind: kind.__name__)
def test_each_model_has_an_extra_of_its_own(kind: type[Any]) -> None:
    required = {a.name: 1 for a in attrs.fields(kind) if a.default is attrs.NOTHING}
    one, two = kind(**required), kind(**required)
    one.extra["x"] = 1
    assert two.extra == {}
