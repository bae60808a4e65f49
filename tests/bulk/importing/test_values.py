"""Values: what one cell, or one value of a JSON object, means in a field."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from moregood_async.bulk.importing.rows import Row
from moregood_async.bulk.importing.sources import read_items
from moregood_async.bulk.importing.values import parse_flag, parse_slugs
from tests.bulk.importing.records import read_rows


def parse(**values: Any) -> Row:
    """Return the row of one item with a first name and these values."""
    [row] = read_rows(read_items([{"first_name": "Ada", **values}]))
    return row


@pytest.mark.parametrize(
    ("key", "value", "field", "parsed"),
    [
        ("zip", 94110, "postal_code", "94110"),
        ("zip", 94110.0, "postal_code", "94110"),
        ("phone", 14155552671, "phone", "14155552671"),
        ("City", " Köln ", "city", "Köln"),
        ("company", Decimal("7.50"), "company", "7.50"),
        ("company", 1.5, "company", "1.5"),
        ("notes", UUID(int=1), "notes", "00000000-0000-0000-0000-000000000001"),
        ("notes", date(2024, 5, 1), "notes", "2024-05-01"),
        ("tags", ["vip", " ", "new", "vip"], "tags", ["vip", "new"]),
        ("tags", "vip;new", "tags", ["vip", "new"]),
        ("has_subscription", True, "has_subscription", True),
        ("has_subscription", 0, "has_subscription", False),
        ("has_subscription", "yes", "has_subscription", True),
        ("created", 1714559400, "signed_up_at", datetime(2024, 5, 1, 10, 30, tzinfo=UTC)),
        ("created", 1714559400000, "signed_up_at", datetime(2024, 5, 1, 10, 30, tzinfo=UTC)),
        ("created", date(2024, 5, 1), "signed_up_at", date(2024, 5, 1)),
        ("created", datetime(2024, 5, 1, 10, 30), "signed_up_at", date(2024, 5, 1)),
        (
            "created",
            datetime(2024, 5, 1, tzinfo=UTC),
            "signed_up_at",
            datetime(2024, 5, 1, tzinfo=UTC),
        ),
        ("created", "2024-05-01T10:30:00Z", "signed_up_at", "2024-05-01T10:30:00Z"),
    ],
)
def test_a_value_is_converted_to_the_type_of_its_field(
    key: str, value: object, field: str, parsed: object
) -> None:
    """Numbers and dates to text, words to flags, Unix seconds to times; the model accepts it."""
    row = parse(**{key: value})
    assert row.fields[field] == parsed
    row.customer()


@pytest.mark.parametrize("value", [None, "", " ", float("nan")], ids=repr)
def test_a_blank_value_is_left_out(value: object) -> None:
    """It does not clear the field on the server, and another key may fill the field."""
    assert parse(email=value, Mail="ada@example.com").fields["email"] == "ada@example.com"
    assert "tags" not in parse(tags=value).fields


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("city", True, "must be text, not true or false"),
        ("city", ["Köln"], "must be text, not a list"),
        ("address1", {"line1": "canary"}, "must be text, not an object"),
        ("city", b"canary", "must be text, not bytes"),
        ("city", object(), "must be text, not the type object"),
        ("city", "ca\0nary", "holds a NUL"),
        ("tags", [["canary"]], "must be text, not a list"),
        ("has_subscription", 2, "must be yes or no"),
        ("created", True, "must be text, not true or false"),
        ("created", 1e300, "is neither a date nor Unix seconds"),
    ],
)
def test_a_value_that_its_field_cannot_hold_is_a_problem_and_is_not_quoted(
    key: str, value: object, problem: str
) -> None:
    [[message]] = parse(**{key: value}).problems.values()
    assert problem in message
    assert "canary" not in message


@pytest.mark.parametrize("word", ["yes", "Y", "true", "T", "1", "on"])
def test_a_yes_is_true(word: str) -> None:
    """In any case and spelling."""
    assert parse_flag(word) is True


@pytest.mark.parametrize("word", ["no", "N", "False", "0", "off"])
def test_a_no_is_false(word: str) -> None:
    """In any case and spelling."""
    assert parse_flag(word) is False


def test_slugs_are_separated_by_commas_and_semicolons() -> None:
    """Each is listed once; blank ones are left out."""
    assert parse_slugs(" a ,; b c;a") == ["a", "b c"]
