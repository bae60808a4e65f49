"""The value that a method sends: a request model, or one made of keywords or of a row."""

from typing import Any

import pytest

from moregood_async import AskCreate, CustomerUpsert, InvalidRequest
from moregood_async.operations import ASKS_CREATE
from moregood_async.resources.values import make_value

FIELDS = {"email": "a@b.c", "channels": ["email"]}


def test_a_request_model_is_returned_as_it_is() -> None:
    ask = AskCreate(email="a@b.c", channels=["email"])
    assert make_value(ASKS_CREATE, AskCreate, ask, {}) is ask


def test_a_row_and_keywords_make_the_same_request_model() -> None:
    ask = AskCreate(email="a@b.c", channels=["email"])
    assert make_value(ASKS_CREATE, AskCreate, FIELDS, {}) == ask
    assert make_value(ASKS_CREATE, AskCreate, None, FIELDS) == ask


@pytest.mark.parametrize(
    ("value", "fields", "wrong"),
    [
        (AskCreate(email="a@b.c", channels=["email"]), {"email": "a@b.c"}, ["email"]),
        ({"email": "a@b.c", "channels": []}, {}, ["channels"]),
        (None, {"email": "a@b.c", "channels": ["fax"]}, ["channels"]),
        (CustomerUpsert(first_name="A"), {}, ["AskCreate"]),
        ("ada@example.com", {}, ["AskCreate"]),
    ],
    ids=["both", "a wrong row", "wrong keywords", "another model", "a string"],
)
def test_a_wrong_value_is_refused_with_its_operation_and_fields(
    value: Any, fields: Any, wrong: list[str]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        make_value(ASKS_CREATE, AskCreate, value, fields)
    assert caught.value.operation == "asks.create"
    assert list(caught.value.fields) == wrong
