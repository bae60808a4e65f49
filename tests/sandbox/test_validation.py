"""The sentences of a 422, and the values that pass."""

import json
from typing import Any

import pytest

from tests.sandbox.api import ADA, Api

EMAIL = {"email": "ada@example.com"}
BASES: dict[str, dict[str, Any]] = {
    "/customers": ADA,
    "/charges": {**EMAIL, "amount": 5},
    "/asks": {**EMAIL, "channels": ["email"]},
    "/locations": {"name": "Bay"},
}
TEXT_FIELDS = (
    "last_name",
    "company",
    "address1",
    "address2",
    "city",
    "state",
    "postal_code",
    "phone",
)
NOT_STRINGS: list[Any] = [5, 1.5, True, [], {"a": "b"}]
NOT_DATES: list[Any] = [
    *(1714521600, "1714521600", "20241301", 1.5, True, [], "x", "tomorrow"),
    *("2024-02-30", "2024-05-01 25:00", "\uff12024-05-01"),
]
NOT_INTEGERS: list[Any] = [12.5, "12.5", "x", False, [1], 2**63, 10**30, "1e3"]

ONE_FIELD: list[tuple[str, str, list[Any], list[str]]] = [
    ("/customers", "first_name", [None, "  ", [], {}], ["The first name field is required."]),
    ("/customers", "first_name", [5], ["The first name field must be a string."]),
    *(
        ("/customers", name, NOT_STRINGS, [f"The {name.replace('_', ' ')} field must be a string."])
        for name in (*TEXT_FIELDS, "location_slug")
    ),
    ("/customers", "notes", [False], ["The notes field must be a string."]),
    (
        "/customers",
        "notes",
        ["x" * 5001],
        ["The notes field must not be greater than 5000 characters."],
    ),
    (
        "/customers",
        "email",
        ["ada", "ada@", "a b@c.d", "a@b@c", ".a@b"],
        ["The email field must be a valid email address."],
    ),
    (
        "/customers",
        "email",
        [5, []],
        ["The email field must be a string.", "The email field must be a valid email address."],
    ),
    ("/customers", "signed_up_at", NOT_DATES, ["The signed up at field must be a valid date."]),
    (
        "/customers",
        "has_subscription",
        ["true", "yes", 2, 1.0, [], {}],
        ["The has subscription field must be true or false."],
    ),
    ("/customers", "tags", ["vip"], ["The tags field must be an array."]),
    ("/charges", "amount", [None, []], ["The amount field is required."]),
    ("/charges", "amount", NOT_INTEGERS, ["The amount field must be an integer."]),
    ("/charges", "currency", ["US"], ["The currency field must be 3 characters."]),
    ("/charges", "currency", [123, ["U", "S", "D"]], ["The currency field must be a string."]),
    (
        "/charges",
        "currency",
        [12, True, []],
        ["The currency field must be a string.", "The currency field must be 3 characters."],
    ),
    ("/charges", "charged_at", [1714521600], ["The charged at field must be a valid date."]),
    ("/charges", "location_slug", [[1]], ["The location slug field must be a string."]),
    ("/asks", "channels", [None, "", [], {}], ["The channels field is required."]),
    ("/asks", "channels", ["email", 5], ["The channels field must be an array."]),
    (
        "/asks",
        "reminders_count",
        [4, -1, "4"],
        ["The reminders count field must be between 0 and 3."],
    ),
    (
        "/asks",
        "reminders_count",
        [1.5, "x", "1.5", False, [1]],
        ["The reminders count field must be an integer."],
    ),
    (
        "/asks",
        "reminders_count",
        [3.5, "3.5", "long"],
        [
            "The reminders count field must be an integer.",
            "The reminders count field must be between 0 and 3.",
        ],
    ),
    ("/asks", "asked_at", ["soon"], ["The asked at field must be a valid date."]),
    ("/locations", "name", [None], ["The name field is required."]),
    ("/locations", "slug", [5], ["The slug field must be a string."]),
]
WITHOUT_CONTACT = {
    "email": ["The email field is required when phone is not present."],
    "phone": ["The phone field is required when email is not present."],
}
UNKNOWN_CHANNELS: list[Any] = ["email", "fax", None, []]
ONE_INVALID_FIELD: list[Any] = [
    pytest.param(path, {**BASES[path], name: value}, {name: sentences}, id=f"{name}={value!r:.20}")
    for path, name, values, sentences in ONE_FIELD
    for value in values
]
INVALID: list[Any] = [
    *ONE_INVALID_FIELD,
    pytest.param(
        "/customers",
        {**ADA, "tags": ["vip", 5]},
        {"tags.1": ["The tags.1 field must be a string."]},
        id="tags",
    ),
    pytest.param(
        "/charges",
        {},
        {**WITHOUT_CONTACT, "amount": ["The amount field is required."]},
        id="an empty charge",
    ),
    pytest.param(
        "/charges", {"email": [], "phone": {}, "amount": 5}, WITHOUT_CONTACT, id="blank contacts"
    ),
    pytest.param(
        "/asks",
        {},
        {**WITHOUT_CONTACT, "channels": ["The channels field is required."]},
        id="an empty ask",
    ),
    pytest.param(
        "/asks",
        {**EMAIL, "channels": UNKNOWN_CHANNELS},
        {f"channels.{key}": [f"The selected channels.{key} is invalid."] for key in (1, 2, 3)},
        id="unknown channels",
    ),
    pytest.param(
        "/asks",
        {**EMAIL, "channels": ["email", "email"]},
        {f"channels.{key}": [f"The channels.{key} field has a duplicate value."] for key in (0, 1)},
        id="channels twice",
    ),
    pytest.param(
        "/asks",
        {**EMAIL, "channels": {"a": "fax"}},
        {"channels.a": ["The selected channels.a is invalid."]},
        id="a map of channels",
    ),
]


@pytest.mark.parametrize(("path", "body", "errors"), INVALID)
async def test_an_invalid_value_is_a_422_with_laravels_sentences_and_no_effect(
    api: Api, path: str, body: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    await api.upsert_ada()
    assert await api.errors(path, **body) == errors
    audit = api.sandbox.audit()
    assert audit.customers == 1
    assert audit.charges == 0
    assert audit.asks == 0
    assert audit.locations == 0


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/customers", "email", "a@b"),
        ("/customers", "email", "zoë@müller.example"),
        ("/customers", "email", '"a b"@example.com'),
        ("/customers", "email", "ada@[127.0.0.1]"),
        ("/customers", "has_subscription", "0"),
        ("/customers", "has_subscription", 1),
        ("/customers", "tags", []),
        ("/customers", "tags", {"a": "vip"}),
        ("/customers", "notes", "x" * 5000),
        ("/customers", "unknown", {"anything": [1]}),
        ("/charges", "amount", "12"),
        ("/charges", "amount", 12.0),
        ("/charges", "amount", True),
        ("/charges", "amount", -(2**63)),
        ("/charges", "currency", None),
        ("/asks", "reminders_count", "3"),
        ("/asks", "reminders_count", None),
        ("/asks", "channels", {"a": "sms"}),
        ("/asks", "asked_at", ""),
    ],
)
async def test_an_unusual_value_that_laravel_accepts_is_a_200(
    api: Api, path: str, field: str, value: object
) -> None:
    await api.upsert_ada()
    response = await api.send("POST", path, {**BASES[path], field: value})
    assert response.status == 200, response.body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"first_name": 5}, "The first name field must be a string."),
        (
            {"first_name": 5, "city": 5},
            "The first name field must be a string. (and 1 more error)",
        ),
        (
            {"city": 5, "email": 5},
            "The first name field is required. (and 3 more errors)",
        ),
    ],
    ids=["one", "two", "four"],
)
async def test_the_message_is_the_first_sentence_and_the_number_of_further_errors(
    api: Api, body: dict[str, Any], message: str
) -> None:
    """The JSON is compact."""
    response = await api.send("POST", "/customers", body)
    expected = {"message": message, "errors": response.json()["errors"]}
    assert response.body == json.dumps(expected, separators=(",", ":")).encode()
