"""Objects to models: whatever the API may plausibly send is read, and nothing is lost."""

import json
from typing import Any

import pytest
from hypothesis import given

from moregood_async import Charge, Customer, Location, Message, Review, UnexpectedResponse, codec
from moregood_async.envelope import model_of
from tests.codec.decoding import (
    EVERY_TYPE,
    each_field,
    each_kind,
    each_response_model,
    read,
    required_fields,
)
from tests.strategies import (
    as_json,
    examples,
    field_types,
    json_values,
    make_response,
    model_objects,
    models,
)


@each_field
def test_a_field_of_any_type_is_read_or_kept_in_extra(kind: type[Any], name: str) -> None:
    """The other fields are not affected."""
    for value in EVERY_TYPE:
        data = {**required_fields(kind), name: value, "unheard_of": value}
        decoded = codec.loads(json.dumps(data).encode())
        if name == "id" and name in required_fields(kind) and not _is_an_id(decoded[name]):
            with pytest.raises(codec.DecodeError, match=f"a {kind.__name__} without its id"):
                codec.decode(kind, decoded)
            continue
        model = codec.decode(kind, decoded)
        expected = {"unheard_of": decoded["unheard_of"]}
        if value is not None and getattr(model, name) is None:
            expected[name] = decoded[name]
        assert model.extra == expected


def _is_an_id(value: Any) -> bool:
    return type(value) is int or (type(value), value) in [(float, 2.0), (str, "0"), (str, "1")]


@pytest.mark.parametrize("kind", [Customer, Review, Message, Location], ids=lambda k: k.__name__)
def test_an_object_without_its_id_is_a_decode_error(kind: type[Any]) -> None:
    with pytest.raises(codec.DecodeError, match=f"a {kind.__name__} without its id"):
        codec.decode(kind, {})
    assert codec.decode(kind, {"id": 1}) == kind(id=1)


def test_a_rounded_number_is_no_id(json_library: str) -> None:
    """A number of 30 digits is rounded by orjson and read whole by the standard library."""
    body = b'{"id": 123456789012345678901234567890}'
    if json_library == "orjson":
        with pytest.raises(codec.DecodeError):
            codec.decode(Location, codec.loads(body))
    else:
        expected = Location(id=123456789012345678901234567890)
        assert codec.decode(Location, codec.loads(body)) == expected


@each_kind
@pytest.mark.parametrize("wrong", [None, [], [{"id": 1}], "text", 1, True, 1.5], ids=repr)
def test_a_value_that_is_no_object_is_a_decode_error_that_names_the_model(
    kind: type[Any], wrong: object
) -> None:
    with pytest.raises(codec.DecodeError, match=f"no object where a {kind.__name__} belongs"):
        codec.decode(kind, wrong)


@each_response_model
def test_a_model_survives_json(kind: type[Any]) -> None:
    @examples
    @given(models(kind))
    def holds(model: Any) -> None:
        assert read(kind, as_json(model)) == model

    holds()


@each_response_model
def test_a_damaged_object_is_read_and_loses_nothing(kind: type[Any]) -> None:
    """Fields are dropped, added and of other types; only a missing id is an error."""

    @examples
    @given(model_objects(kind))
    def holds(data: dict[str, Any]) -> None:
        try:
            model = read(kind, data)
        except codec.DecodeError:
            model = None
        if model is None:
            assert "id" in required_fields(kind)
            return
        lost = [
            name
            for name, value in data.items()
            if value is not None
            and name not in model.extra
            and (name not in field_types(kind) or getattr(model, name) is None)
        ]
        assert lost == []
        assert [name for name in model.extra if name not in data] == []

    holds()


@each_response_model
def test_a_damaged_response_is_a_model_or_an_unexpected_response(kind: type[Any]) -> None:
    @examples
    @given(model_objects(kind) | json_values)
    def holds(data: Any) -> None:
        try:
            model = model_of(kind, make_response({"success": True, "data": data}))
        except UnexpectedResponse as error:
            assert error.status == 200  # noqa: PT017
        else:
            assert isinstance(model, kind)

    holds()


@pytest.mark.parametrize("empty", [None, [], {}], ids=repr)
def test_a_nested_model_may_be_missing_in_every_way(empty: object) -> None:
    """Null, or an empty map, which PHP writes as a list."""
    review = read(Review, {"id": 1, "reviewer": empty, "source": empty})
    if empty == {}:
        assert review.reviewer is not None
        assert review.reviewer.photo is None
    else:
        assert review.reviewer is None
        assert review.source is None
    assert review.extra == ({"reviewer": [], "source": []} if empty == [] else {})
    assert read(Review, {"id": 1}).reviewer is None


def test_a_wrong_value_in_a_nested_model_is_in_the_extra_of_that_model() -> None:
    review = read(
        Review,
        {
            "id": 1,
            "score": 5,
            "reviewer": {"name": ["Ada"], "last_name": "Lovelace", "photo": {"link": 7, "w": 80}},
        },
    )
    assert review.extra == {}
    assert review.score == 5
    assert review.reviewer.last_name == "Lovelace"
    assert review.reviewer.extra == {"name": ["Ada"]}
    assert review.reviewer.photo.extra == {"link": 7, "w": 80}


def test_unknown_fields_are_kept_under_their_names() -> None:
    """Even one that is called `extra`."""
    charge = read(Charge, {"extra": 1, "tax": {"rate": 20}, "amount": "much", "currency": "USD"})
    assert charge == (
        Charge(currency="USD", extra={"extra": 1, "tax": {"rate": 20}, "amount": "much"})
    )


def test_decoding_does_not_change_the_object() -> None:
    data: dict[str, Any] = {"id": 1, "email": 5, "unheard_of": []}
    codec.decode(Customer, data)
    assert data == {"id": 1, "email": 5, "unheard_of": []}


def test_a_list_is_decoded_as_its_objects_are() -> None:
    """One wrong row is an error: the list would be short without it."""
    rows: list[object] = [{"id": 1, "email": 5}, {"email": "a@b", "id": "2"}]
    assert tuple(codec.decode(Customer, row) for row in rows) == codec.decode_all(Customer, rows)
    for wrong in (None, dict[str, Any](), "text"):
        with pytest.raises(codec.DecodeError):
            codec.decode_all(Customer, [*rows, wrong])
