"""The generated readers: fields in any order, and names that are data."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moregood_async import Customer, Location, codec
from moregood_async.codec.readers import MAX_READERS, _Plan
from tests.codec.decoding import each_response_model, read, required_fields
from tests.strategies import field_types


@each_response_model
def test_fields_may_come_in_any_order(kind: type[Any]) -> None:
    """In more orders than have a reader of their own, with fields missing and unknown."""
    data = {**required_fields(kind), "unheard_of": [1]}
    data |= dict.fromkeys(field_types(kind).keys() - data.keys())
    names = sorted(data)
    expected = kind(**required_fields(kind), extra={"unheard_of": [1]})
    for turn in range(3 * MAX_READERS):
        shift = turn % len(names)
        rotated = [*names[shift:], *names[:shift]]
        some = [name for name in rotated if name in expected.extra or name in required_fields(kind)]
        for order in (rotated, rotated[::-1], some):
            assert read(kind, {name: data[name] for name in order}) == expected


def test_a_server_that_shuffles_its_fields_does_not_fill_the_memory() -> None:
    """Further orders are read field by field."""
    plan = _Plan(Location, codec._CONVERTER.get_structure_hook)
    readers = [plan.make_reader(("id", f"x{number}")) for number in range(MAX_READERS + 2)]
    assert len(plan.readers) == MAX_READERS
    for reader in readers[MAX_READERS:]:
        assert reader({"id": 1, "x": 2}) == Location(id=1, extra={"x": 2})


@pytest.mark.parametrize(
    "name",
    [
        "v0",
        "it",
        "order",
        "data",
        "last_seconds",
        "last_time",
        "model",
        "new",
        "",
        "a b",
        "'",
        '"',
        "\\",
        "\n",
        "x]; raise SystemExit; [y",
    ],
    ids=ascii,
)
def test_no_field_name_of_a_response_gets_into_the_source_of_a_reader(name: str) -> None:
    assert read(Location, {"id": 7, name: 1, "name": "Soho"}) == (
        Location(id=7, name="Soho", extra={name: 1})
    )


def test_equal_values_of_other_types_are_not_the_same_time() -> None:
    """1 == True == 1.0 in Python."""
    customer = read(
        Customer,
        {"id": 1, "signed_up_at": 1, "created_at": True, "updated_at": 1, "first_asked_at": 1.5},
    )
    second = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert customer.signed_up_at == customer.updated_at == second
    assert customer.created_at is None
    assert customer.first_asked_at == second + timedelta(seconds=0.5)
    assert customer.extra == {"created_at": True}
