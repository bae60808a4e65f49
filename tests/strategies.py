"""Hypothesis strategies for what the API may plausibly send, and for what may be sent to it."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, TypeVar, cast, get_args, get_type_hints

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from moregood_async import (
    AddressValidation,
    Ask,
    AskCreate,
    Charge,
    ChargeCreate,
    Customer,
    CustomerUpsert,
    Engagement,
    Location,
    LocationCreate,
    LocationUpdate,
    Message,
    Photo,
    Rating,
    Recipient,
    Review,
    Reviewer,
    Source,
    Template,
)
from moregood_async.models.fields import SentValue
from moregood_async.privacy import Headers
from moregood_async.wire import Response
from tests.depth import scaled

T = TypeVar("T")

examples = settings(
    deadline=None,
    max_examples=scaled(25),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""The settings of every property: enough examples to find a fault in each run, and few enough."""

RESPONSE_MODELS: tuple[type[Any], ...] = (Customer, Review, Message, Location, Charge, Ask)
"""The models of responses."""

NESTED_MODELS: tuple[type[Any], ...] = (
    AddressValidation,
    Engagement,
    Photo,
    Rating,
    Recipient,
    Reviewer,
    Source,
    Template,
)
"""The models inside those."""

REQUEST_MODELS: tuple[type[SentValue], ...] = (
    CustomerUpsert,
    ChargeCreate,
    AskCreate,
    LocationCreate,
    LocationUpdate,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
"""Any text that JSON can carry."""

filled_texts = texts.filter(lambda text: bool(text.strip()))

ids = st.integers(0, 2**53)

times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=0)
)


def _json_values(integers: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    written = ["0", "1", "12", "-3.50", "2026-05-01", "2026-05-01T08:30:00Z", "null"]
    return st.recursive(
        st.none()
        | st.booleans()
        | integers
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts
        | st.sampled_from(written),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    )


json_values: st.SearchStrategy[Any] = _json_values(st.integers(-(2**70), 2**70))
"""Any JSON value."""

_exact_json_values = _json_values(st.integers(-(2**63), 2**63 - 1))
"""JSON values that every library reads exactly; orjson reads longer integers as floats."""

_PARTS: dict[Any, st.SearchStrategy[Any]] = {
    int: ids,
    str | None: st.none() | texts,
    int | None: st.none() | st.integers(-(2**53), 2**53),
    float | None: st.none() | st.floats(allow_nan=False, allow_infinity=False),
    bool | None: st.none() | st.booleans(),
    datetime | None: st.none() | times,
    list[str] | None: st.none() | st.lists(texts, max_size=3),
    dict[str, Any] | None: st.none() | st.dictionaries(texts, _exact_json_values, max_size=3),
}


def field_types(kind: type[Any]) -> dict[str, Any]:
    """Return the types of a model's fields by name, without ``extra``."""
    hints = get_type_hints(kind)
    return {a.name: hints[a.name] for a in attrs.fields(kind) if a.name != "extra"}


def _part(hint: Any) -> st.SearchStrategy[Any]:
    if hint in _PARTS:
        return _PARTS[hint]
    parts: tuple[type[Any], ...] = get_args(hint)
    [nested] = [part for part in parts if part is not type(None)]
    return st.none() | models(nested)


def models(kind: type[T]) -> st.SearchStrategy[T]:
    """Return models with a value of the right type in each field."""
    return st.builds(kind, **{name: _part(hint) for name, hint in field_types(kind).items()})


def as_json(value: Any) -> Any:
    """Return a model as the API would send it: times in unix seconds, nested models as objects."""
    kind = cast(Any, type(value))
    if attrs.has(kind):
        return {name: as_json(getattr(value, name)) for name in field_types(kind)}
    return int(value.timestamp()) if isinstance(value, datetime) else value


def model_objects(kind: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return JSON objects of models, some with fields dropped, added and of another type."""

    def damage(fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        names = st.sampled_from(sorted(fields))
        dropped = st.sets(names, max_size=3)
        changed = st.dictionaries(names | texts, json_values, max_size=3)
        return st.tuples(dropped, changed).map(
            lambda both: {k: v for k, v in fields.items() if k not in both[0]} | both[1]
        )

    whole = models(kind).map(lambda model: cast(dict[str, Any], as_json(model)))
    return whole | whole.flatmap(damage)


_ZONES = st.integers(-720, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))

date_likes: st.SearchStrategy[Any] = (
    st.dates(date(1900, 1, 1), date(2100, 1, 1))
    | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=_ZONES)
    | st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(date.isoformat)
)

_ADDRESSES = st.fixed_dictionaries(
    {"email": st.just("ada@example.com")}, optional={"phone": st.none() | texts}
)


def _both(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    return {**one, **two}


def _addressed(others: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(_both, _ADDRESSES, others)


request_fields: dict[type[SentValue], st.SearchStrategy[dict[str, Any]]] = {
    CustomerUpsert: st.fixed_dictionaries(
        {"first_name": filled_texts},
        optional={
            "last_name": st.none() | texts,
            "email": st.none() | texts,
            "notes": st.none() | texts,
            "signed_up_at": st.none() | date_likes,
            "has_subscription": st.none() | st.booleans(),
            "tags": st.none()
            | st.lists(filled_texts, max_size=3)
            | st.lists(filled_texts, max_size=3).map(tuple),
        },
    ),
    ChargeCreate: _addressed(
        st.fixed_dictionaries(
            {"amount": st.integers(-(2**63), 2**63 - 1)},
            optional={
                "currency": st.sampled_from(["USD", "eur", None]),
                "location_slug": st.none() | texts,
                "charged_at": st.none() | date_likes,
            },
        ),
    ),
    AskCreate: _addressed(
        st.fixed_dictionaries(
            {"channels": st.sampled_from([["email"], ("sms",), ["sms", "email"]])},
            optional={
                "reminders_count": st.none() | st.integers(0, 3),
                "asked_at": st.none() | date_likes,
            },
        ),
    ),
    LocationCreate: st.fixed_dictionaries(
        {"name": filled_texts}, optional={"slug": st.none() | texts, "city": st.none() | texts}
    ),
    LocationUpdate: st.fixed_dictionaries(
        {"slug": st.none() | texts}, optional={"name": filled_texts, "code": st.none() | texts}
    ),
}
"""For each request model, mappings of fields that make one."""

headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json", "text/html", ""]),
        "Retry-After": st.sampled_from(["0", "1.5", "-1", "nan", "soon"]) | st.text(max_size=30),
        "Date": st.just("Fri, 01 May 2026 08:30:00 GMT") | st.text(max_size=30),
        "X-RateLimit-Reset": st.text(max_size=20),
    },
)

envelopes: st.SearchStrategy[Any] = (
    st.fixed_dictionaries(
        {},
        optional={
            "success": st.booleans() | json_values,
            "code": st.integers(0, 700) | json_values,
            "message": texts | json_values,
            "errors": st.dictionaries(texts, st.lists(texts, max_size=2) | json_values, max_size=2)
            | json_values,
            "data": st.lists(st.fixed_dictionaries({"id": json_values}), max_size=2) | json_values,
            "pagination": st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(
                    ["current_page", "last_page", "total", "per_page", "next_page_url"],
                    json_values,
                ),
            )
            | json_values,
        },
    )
    | json_values
)
"""Envelopes of every known shape, and of shapes near them."""

bodies = (
    st.binary(max_size=60)
    | envelopes.map(lambda envelope: json.dumps(envelope).encode())
    | st.sampled_from([b"", b"<html></html>", b"[" * 2_000, b'{"data":', b"\xff", b"NaN", b"1e999"])
)

statuses = st.sampled_from([200, 200, 201, 204, 302, 400, 401, 403, 404, 422, 429, 500, 503]) | (
    st.integers(100, 999)
)


def make_response(body: bytes | object, status: int = 200, **named: str) -> Response:
    """Return a response: bytes stay as they are, anything else becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(
        status=status, headers=Headers(dict(_header_names(named))), body=content, seconds=0.25
    )


def _header_names(named: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in named.items()}


def _response_with(status: int, named: dict[str, str], body: bytes) -> Response:
    return make_response(body, status, **named)


responses = st.builds(_response_with, statuses, headers, bodies)
"""Any response at all."""
