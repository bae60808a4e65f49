"""What the API may plausibly send, and what may be sent to it, as hypothesis strategies."""

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
"""For every property: enough to find what is wrong, soon enough to be run each time."""

ANSWERED: tuple[type[Any], ...] = (Customer, Review, Message, Location, Charge, Ask)
"""What operations give."""

NESTED: tuple[type[Any], ...] = (
    AddressValidation,
    Engagement,
    Photo,
    Rating,
    Recipient,
    Reviewer,
    Source,
    Template,
)
"""What stands inside those."""

SENT: tuple[type[SentValue], ...] = (
    CustomerUpsert,
    ChargeCreate,
    AskCreate,
    LocationCreate,
    LocationUpdate,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
"""Any text that JSON carries."""

filled_texts = texts.filter(lambda text: bool(text.strip()))

ids = st.integers(0, 2**53)

times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda time: time.replace(microsecond=0)
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from(["0", "1", "12", "-3.50", "2026-05-01", "2026-05-01T08:30:00Z", "null"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
"""Anything that JSON can say."""

_PARTS: dict[Any, st.SearchStrategy[Any]] = {
    int: ids,
    str | None: st.none() | texts,
    int | None: st.none() | st.integers(-(2**53), 2**53),
    float | None: st.none() | st.floats(allow_nan=False, allow_infinity=False),
    bool | None: st.none() | st.booleans(),
    datetime | None: st.none() | times,
    list[str] | None: st.none() | st.lists(texts, max_size=3),
    dict[str, Any] | None: st.none() | st.dictionaries(texts, json_values, max_size=3),
}


def part_kinds(kind: type[Any]) -> dict[str, Any]:
    """The types of a model's fields by name, without ``extra``."""
    hints = get_type_hints(kind)
    return {a.name: hints[a.name] for a in attrs.fields(kind) if a.name != "extra"}


def _part(hint: Any) -> st.SearchStrategy[Any]:
    if hint in _PARTS:
        return _PARTS[hint]
    parts: tuple[type[Any], ...] = get_args(hint)
    [nested] = [part for part in parts if part is not type(None)]
    return st.none() | models(nested)


def models(kind: type[T]) -> st.SearchStrategy[T]:
    """Models whose every field holds something that fits it."""
    return st.builds(kind, **{name: _part(hint) for name, hint in part_kinds(kind).items()})


def as_answered(value: Any) -> Any:
    """A model as the API would answer it: times as unix seconds, parts as objects."""
    kind = cast(Any, type(value))
    if attrs.has(kind):
        return {name: as_answered(getattr(value, name)) for name in part_kinds(kind)}
    return int(value.timestamp()) if isinstance(value, datetime) else value


def answers(kind: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The JSON of models, with fields dropped, added and retyped."""

    def spoilt(told: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        names = st.sampled_from(sorted(told))
        dropped = st.sets(names, max_size=3)
        changed = st.dictionaries(names | texts, json_values, max_size=3)
        return st.tuples(dropped, changed).map(
            lambda both: {k: v for k, v in told.items() if k not in both[0]} | both[1]
        )

    whole = models(kind).map(lambda model: cast(dict[str, Any], as_answered(model)))
    return whole | whole.flatmap(spoilt)


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


sent_fields: dict[type[SentValue], st.SearchStrategy[dict[str, Any]]] = {
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
"""For each sent value, mappings of fields that make one."""

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
"""Answers of every known shape, and of shapes near them."""

bodies = (
    st.binary(max_size=60)
    | envelopes.map(lambda said: json.dumps(said).encode())
    | st.sampled_from([b"", b"<html></html>", b"[" * 2_000, b'{"data":', b"\xff", b"NaN", b"1e999"])
)

statuses = st.sampled_from([200, 200, 201, 204, 302, 400, 401, 403, 404, 422, 429, 500, 503]) | (
    st.integers(100, 999)
)


def answer(body: bytes | object, status: int = 200, **named: str) -> Response:
    """An answer: bytes as they are, anything else as JSON."""
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, headers=Headers(dict(_spelt(named))), body=said, seconds=0.25)


def _spelt(named: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in named.items()}


def _answer_with(status: int, named: dict[str, str], body: bytes) -> Response:
    return answer(body, status, **named)


responses = st.builds(_answer_with, statuses, headers, bodies)
"""Any answer at all."""
