"""Every sentence of a 422, and which values pass."""

import json
from typing import Any

import pytest

from tests.sandbox.api import ADA, Api

EMAIL = {"email": "ada@example.com"}
ASK = {**EMAIL, "channels": ["email"]}
CHARGE = {**EMAIL, "amount": 5}


def must(path: str, base: dict[str, Any], field: str, value: Any, *sentences: str) -> Any:
    return pytest.param(
        path, {**base, field: value}, {field: list(sentences)}, id=f"{field}={value!r:.20}"
    )


TEXT = "The {} field must be a string."
MISSING = "The {} field is required."
WITHOUT = "The {} field is required when {} is not present."
BAD_DATE = "The {} field must be a valid date."

REFUSED: list[Any] = [
    must("/customers", ADA, "first_name", None, MISSING.format("first name")),
    must("/customers", ADA, "first_name", "  ", MISSING.format("first name")),
    must("/customers", ADA, "first_name", [], MISSING.format("first name")),
    must("/customers", ADA, "first_name", 5, TEXT.format("first name")),
    *(
        must("/customers", ADA, name, value, TEXT.format(name.replace("_", " ")))
        for name in ("last_name", "company", "address1", "address2", "city", "state", "phone")
        for value in (5, [], {"a": "b"}, True)
    ),
    must("/customers", ADA, "postal_code", 90210, TEXT.format("postal code")),
    must("/customers", ADA, "location_slug", 1.5, TEXT.format("location slug")),
    must(
        "/customers",
        ADA,
        "notes",
        "x" * 5001,
        "The notes field must not be greater than 5000 characters.",
    ),
    must("/customers", ADA, "notes", False, TEXT.format("notes")),
    must("/customers", ADA, "email", "ada", "The email field must be a valid email address."),
    must("/customers", ADA, "email", "ada@", "The email field must be a valid email address."),
    must("/customers", ADA, "email", "a b@c.d", "The email field must be a valid email address."),
    must(
        "/customers",
        ADA,
        "email",
        5,
        TEXT.format("email"),
        "The email field must be a valid email address.",
    ),
    *(
        must("/customers", ADA, "signed_up_at", value, BAD_DATE.format("signed up at"))
        for value in (
            1714521600,
            "1714521600",
            "tomorrow",
            "2024-02-30",
            "x",
            True,
            [],
            1.5,
            "\uff12024-05-01",
            "20241301",
            "2024-05-01 25:00",
        )
    ),
    *(
        must(
            "/customers",
            ADA,
            "has_subscription",
            value,
            "The has subscription field must be true or false.",
        )
        for value in ("true", "yes", 2, 1.0, [], {})
    ),
    must("/customers", ADA, "tags", "vip", "The tags field must be an array."),
    pytest.param(
        "/customers",
        {**ADA, "tags": ["vip", 5, None]},
        {"tags.1": [TEXT.format("tags.1")], "tags.2": [TEXT.format("tags.2")]},
        id="tags",
    ),
    pytest.param(
        "/charges",
        {},
        {
            "email": [WITHOUT.format("email", "phone")],
            "phone": [WITHOUT.format("phone", "email")],
            "amount": [MISSING.format("amount")],
        },
        id="empty charge",
    ),
    pytest.param(
        "/charges",
        {"email": [], "phone": {}, "amount": 5},
        {
            "email": [WITHOUT.format("email", "phone")],
            "phone": [WITHOUT.format("phone", "email")],
        },
        id="blank contacts",
    ),
    *(
        must("/charges", CHARGE, "amount", value, "The amount field must be an integer.")
        for value in (12.5, "12.5", "x", False, [1], 2**63, 10**30, "1e3")
    ),
    must("/charges", CHARGE, "currency", "US", "The currency field must be 3 characters."),
    must(
        "/charges",
        CHARGE,
        "currency",
        12,
        TEXT.format("currency"),
        "The currency field must be 3 characters.",
    ),
    must("/charges", CHARGE, "currency", 123, TEXT.format("currency")),
    must("/charges", CHARGE, "currency", ["U", "S", "D"], TEXT.format("currency")),
    must(
        "/charges",
        CHARGE,
        "currency",
        True,
        TEXT.format("currency"),
        "The currency field must be 3 characters.",
    ),
    must("/charges", CHARGE, "charged_at", 1714521600, BAD_DATE.format("charged at")),
    must("/charges", CHARGE, "location_slug", [1], TEXT.format("location slug")),
    pytest.param(
        "/asks",
        {},
        {
            "email": [WITHOUT.format("email", "phone")],
            "phone": [WITHOUT.format("phone", "email")],
            "channels": [MISSING.format("channels")],
        },
        id="empty ask",
    ),
    must("/asks", ASK, "channels", [], MISSING.format("channels")),
    must("/asks", ASK, "channels", "email", "The channels field must be an array."),
    pytest.param(
        "/asks",
        {**ASK, "channels": ["email", "fax", None, []]},
        {f"channels.{at}": [f"The selected channels.{at} is invalid."] for at in (1, 2, 3)},
        id="strange channels",
    ),
    pytest.param(
        "/asks",
        {**ASK, "channels": ["email", "email"]},
        {f"channels.{at}": [f"The channels.{at} field has a duplicate value."] for at in (0, 1)},
        id="channels twice",
    ),
    pytest.param(
        "/asks",
        {**ASK, "channels": {"a": "fax"}},
        {"channels.a": ["The selected channels.a is invalid."]},
        id="a map of channels",
    ),
    *(
        must(
            "/asks",
            ASK,
            "reminders_count",
            value,
            "The reminders count field must be between 0 and 3.",
        )
        for value in (4, -1, "4")
    ),
    must("/asks", ASK, "reminders_count", 1.5, "The reminders count field must be an integer."),
    must("/asks", ASK, "reminders_count", "x", "The reminders count field must be an integer."),
    must(
        "/asks",
        ASK,
        "reminders_count",
        "3.5",
        "The reminders count field must be an integer.",
        "The reminders count field must be between 0 and 3.",
    ),
    must("/asks", ASK, "reminders_count", False, "The reminders count field must be an integer."),
    must(
        "/asks",
        ASK,
        "reminders_count",
        "long",
        "The reminders count field must be an integer.",
        "The reminders count field must be between 0 and 3.",
    ),
    must("/asks", ASK, "reminders_count", [1], "The reminders count field must be an integer."),
    must("/asks", ASK, "asked_at", "soon", BAD_DATE.format("asked at")),
    must("/locations", {}, "code", 7, "The code field must be a string."),
]
REFUSED[-1] = pytest.param(
    "/locations",
    {"code": 7},
    {
        "name": [MISSING.format("name")],
        "code": [TEXT.format("code")],
    },
    id="a location without a name",
)


@pytest.mark.parametrize(("path", "body", "errors"), REFUSED)
async def test_a_bad_value_is_refused_in_laravels_words(
    api: Api, path: str, body: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    """Every field with every sentence, and nothing takes effect."""
    await api.customer()
    assert await api.refused(path, **body) == errors
    audit = api.sandbox.audit()
    assert (audit.customers, audit.charges, audit.asks, audit.locations) == (1, 0, 0, 0)


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
async def test_an_odd_value_that_laravel_takes_is_taken(
    api: Api, path: str, field: str, value: object
) -> None:
    """``a@b``, ``"12"``, ``12.0``, ``true``: none of them is a 422."""
    await api.customer()
    base = {"/customers": ADA, "/charges": CHARGE, "/asks": ASK}[path]
    response = await api.send("POST", path, {**base, field: value})
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
async def test_the_message_is_the_first_sentence_and_how_many_more(
    api: Api, body: dict[str, Any], message: str
) -> None:
    """As Laravel 10 counts them, compact."""
    response = await api.send("POST", "/customers", body)
    told = {"message": message, "errors": response.json()["errors"]}
    assert response.body == json.dumps(told, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2024-05-01", 1714521600),
        ("2024/5/1", 1714521600),
        ("2024-05-01 10:00", 1714557600),
        ("2024-05-01T10:00:00Z", 1714557600),
        ("2024-05-01T10:00:00.999999Z", 1714557600),
        ("2024-05-01T10:00:00+02:00", 1714557600),
        ("2024-05-01T10:00:00-0700", 1714557600),
        ("05/01/2024", 1714521600),
        ("1 May 2024", 1714521600),
        ("May 1, 2024", 1714521600),
        ("Wed, 01 May 2024 10:00:00 +0200", 1714557600),
        ("20240501", 20240501),
        (20240501, 20240501),
    ],
)
async def test_dates_are_stored_as_php_and_eloquent_do(api: Api, sent: object, stored: int) -> None:
    """Offsets and microseconds are dropped; eight digits are taken for unix seconds."""
    assert (await api.customer(signed_up_at=sent))["signed_up_at"] == stored
