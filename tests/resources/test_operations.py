"""The ten operations end to end, over a socket and with the sandbox as a handler."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest

from moregood_async import (
    AskCreate,
    ChargeCreate,
    CustomerUpsert,
    InvalidRequest,
    LocationCreate,
    LocationUpdate,
    MoreGoodClient,
    NotFound,
    Request,
    Response,
    Unauthorized,
    ValidationFailed,
)
from moregood_async.operations import OPERATIONS
from moregood_async.sandbox import Sandbox
from tests.conftest import KEY, MakeClient, json_response

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["socket", "handler"])
async def on_both(request: pytest.FixtureRequest) -> AsyncIterator[tuple[MoreGoodClient, Sandbox]]:
    """A client of a sandbox whose clock stands at noon, over a socket and without one."""
    with Sandbox(keys=KEY, now=NOON) as sandbox:
        if request.param == "handler":
            async with MoreGoodClient(KEY, transport=sandbox) as client:
                yield client, sandbox
        else:
            async with (
                sandbox.serve() as server,
                MoreGoodClient(KEY, base_url=server.base_url) as client,
            ):
                yield client, sandbox


Both = tuple[MoreGoodClient, Sandbox]


async def call_everything(client: MoreGoodClient, sandbox: Sandbox) -> dict[str, Any]:
    """Call each operation; return the results by its name."""
    results: dict[str, Any] = {}
    results["locations.create"] = place = await client.locations.create(
        name="Old Town", city="Bern"
    )
    results["locations.update"] = await client.locations.update(place.id, code="B-1", city=None)
    results["customers.upsert"] = ada = await client.customers.upsert(
        first_name="Ada",
        last_name="Löve",
        email="Ada@example.com",
        phone="+14155550100",
        location_slug="old-town",
        has_subscription=True,
        signed_up_at=date(2026, 4, 1),
    )
    results["charges.create"] = await client.charges.create(
        email="ada@example.com", amount=4900, currency="USD", charged_at=NOON
    )
    results["asks.create"] = await client.asks.create(
        phone="+1 415 555 0100", channels=["email", "sms"], reminders_count=1
    )
    sandbox.advance(seconds=60)
    sandbox.write(sandbox.click(ada.id, 4), "Good work.")
    results["customers.list"] = await client.customers.list().collect()
    results["customers.reviews"] = await client.customers.reviews(ada.id).collect()
    results["customers.messages"] = await client.customers.messages(ada.id).collect()
    results["reviews.list"] = await client.reviews.list().collect()
    results["messages.list"] = await client.messages.list().collect()
    return results


async def test_each_operation_returns_what_the_server_holds(on_both: Both) -> None:
    results = await call_everything(*on_both)
    assert set(results) == {operation.name for operation in OPERATIONS}
    place, updated = results["locations.create"], results["locations.update"]
    assert place.name == "Old Town"
    assert place.slug == "old-town"
    assert place.city == "Bern"
    assert updated.id == place.id
    assert updated.name == "Old Town"
    assert updated.code == "B-1"
    assert updated.city is None
    ada = results["customers.upsert"]
    assert ada.first_name == "Ada"
    assert ada.last_name == "Löve"
    assert ada.phone_e164 == "+14155550100"
    assert ada.has_subscription is True
    assert ada.location_id == place.id
    assert ada.signed_up_at == datetime(2026, 4, 1, tzinfo=UTC)
    charge = results["charges.create"]
    assert charge.amount == 4900
    assert charge.currency == "USD"
    assert charge.charged_at == NOON
    [customer] = results["customers.list"]
    assert customer.id == ada.id
    assert customer.charges_count == 1
    assert customer.charges_sum == 4900
    [review] = results["reviews.list"]
    assert review.score == 4
    assert review.review == "Good work."
    assert review.is_hidden is False
    assert results["reviews.list"] == results["customers.reviews"]
    messages = results["messages.list"]
    assert {message.channel for message in messages} == {"email", "sms"}
    assert {message.ask_id for message in messages} == {results["asks.create"].id}
    assert sorted(results["customers.messages"], key=_id) == sorted(messages, key=_id)


def _id(row: Any) -> int:
    return int(row.id)


async def test_the_models_are_the_same_over_a_socket_and_without() -> None:
    """To the last field; only the links name another host."""
    results: list[dict[str, object]] = []
    for served in (False, True):
        with Sandbox(keys=KEY, now=NOON) as sandbox:
            async with sandbox.serve() as server:
                options: dict[str, Any] = {"transport": sandbox}
                if served:
                    options = {"base_url": server.base_url}
                async with MoreGoodClient(KEY, **options) as client:
                    models = await call_everything(client, sandbox)
                    results.append({name: _plain(each) for name, each in models.items()})
    assert results[1] == results[0]


def _plain(value: object) -> object:
    """Return a model as a dict, without what the real clock decides."""
    fields: tuple[attrs.Attribute[Any], ...] = getattr(value, "__attrs_attrs__", ())
    if fields:
        return {field.name: _plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, datetime):
        return value.replace(minute=0, second=0)
    if isinstance(value, list):
        return [*map(_plain, value)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return value


FORMS: list[tuple[str, type[Any], dict[str, Any]]] = [
    ("customers.upsert", CustomerUpsert, {"first_name": "Bob", "email": "bob@example.com"}),
    ("charges.create", ChargeCreate, {"email": "ada@example.com", "amount": 5, "currency": "EUR"}),
    ("asks.create", AskCreate, {"email": "ada@example.com", "channels": ["email"]}),
    ("locations.create", LocationCreate, {"name": "Harbour", "code": "H"}),
    ("locations.update", LocationUpdate, {"city": "Bern"}),
]


@pytest.fixture
async def method_named(on_both: Both) -> Callable[[str], Callable[..., Awaitable[Any]]]:
    """Finds a method that sends; its customer and its location exist."""
    client, _ = on_both
    await client.customers.upsert(first_name="Ada", email="ada@example.com")
    place = await client.locations.create(name="Old Town")

    def find(name: str) -> Callable[..., Awaitable[Any]]:
        noun, verb = name.split(".")
        method: Callable[..., Awaitable[Any]] = getattr(getattr(client, noun), verb)
        if name != "locations.update":
            return method
        return lambda *args, **fields: method(place.id, *args, **fields)

    return find


MethodNamed = Callable[[str], Callable[..., Awaitable[Any]]]


@pytest.mark.parametrize(("name", "kind", "fields"), FORMS, ids=[form[0] for form in FORMS])
async def test_fields_and_a_value_are_the_same_call(
    method_named: MethodNamed, name: str, kind: type[Any], fields: dict[str, Any]
) -> None:
    by_fields = await method_named(name)(**fields)
    by_value = await method_named(name)(kind(**fields))
    shown = [name for name in fields if hasattr(by_fields, name)]
    assert [getattr(by_value, each) for each in shown] == [
        getattr(by_fields, each) for each in shown
    ]


@pytest.mark.parametrize(("name", "kind", "fields"), FORMS, ids=[form[0] for form in FORMS])
async def test_a_value_and_fields_together_are_refused_before_sending(
    method_named: MethodNamed, on_both: Both, name: str, kind: type[Any], fields: dict[str, Any]
) -> None:
    before = on_both[1].audit().requests
    with pytest.raises(InvalidRequest, match="not both") as refused:
        await method_named(name)(kind(**fields), **fields)
    assert refused.value.operation == name
    assert [*refused.value.fields] == [*fields]
    assert on_both[1].audit().requests == before


@pytest.mark.parametrize(("name", "kind", "fields"), FORMS, ids=[form[0] for form in FORMS])
@pytest.mark.parametrize("wrong", [{}, {"nmae": "x"}, "text", 7], ids=repr)
async def test_a_wrong_value_is_refused_before_sending_with_its_operation(
    method_named: MethodNamed,
    on_both: Both,
    name: str,
    kind: type[Any],
    fields: dict[str, Any],
    wrong: Any,
) -> None:
    """No fields, a misspelt one, and values of other types."""
    before = on_both[1].audit().requests
    with pytest.raises(InvalidRequest) as refused:
        await (method_named(name)(wrong) if wrong != {} else method_named(name)())
    assert refused.value.operation == name
    assert not refused.value.may_have_applied
    assert on_both[1].audit().requests == before


NOT_FOUND: list[Callable[[MoreGoodClient], Awaitable[Any]]] = [
    lambda client: client.locations.update(9041, name="Nowhere"),
    lambda client: client.charges.create(email="no@example.com", amount=1, currency="USD"),
    lambda client: client.asks.create(email="no@example.com", channels=["email"]),
    lambda client: client.customers.reviews(9041).collect(),
    lambda client: client.customers.messages(9041).first_page(),
]


@pytest.mark.parametrize(
    "call",
    NOT_FOUND,
    ids=["locations.update", "charges.create", "asks.create", "reviews", "messages"],
)
async def test_an_unknown_customer_or_location_is_not_found_and_without_effect(
    on_both: Both, call: Callable[[MoreGoodClient], Awaitable[Any]]
) -> None:
    with pytest.raises(NotFound) as raised:
        await call(on_both[0])
    assert raised.value.status == 404
    assert raised.value.may_have_applied is False


async def test_the_servers_validation_errors_come_by_field(on_both: Both) -> None:
    """Only the server knows that a slug is taken."""
    client, sandbox = on_both
    await client.locations.create(name="Old Town", slug="old-town")
    with pytest.raises(ValidationFailed) as raised:
        await client.locations.create(name="Another", slug="old-town")
    assert [*raised.value.fields] == ["slug"]
    assert raised.value.operation == "locations.create"
    assert sandbox.audit().locations == 1


@pytest.mark.parametrize("wrong", ["7", True, 1.5, -1, None, "7/../8"], ids=repr)
@pytest.mark.parametrize("name", ["customers.reviews", "customers.messages", "locations.update"])
async def test_an_id_that_is_no_whole_number_is_refused_before_sending(
    on_both: Both, name: str, wrong: Any
) -> None:
    """It could name another path."""
    client, sandbox = on_both
    noun, verb = name.split(".")
    fields = {"city": "Bern"} if name == "locations.update" else {}
    with pytest.raises(InvalidRequest, match="whole number") as refused:
        await getattr(getattr(client, noun), verb)(wrong, **fields)
    assert refused.value.operation == name
    assert dict(sandbox.audit().requests) == {}


async def test_none_is_sent_as_null_and_a_field_that_is_left_out_is_not_sent(
    make_client: MakeClient,
) -> None:
    bodies = list[bytes | None]()

    async def respond(request: Request) -> Response:
        bodies.append(request.body)
        return json_response({"success": True, "data": {"id": 1}})

    await make_client(respond).customers.upsert(
        first_name="Ada", email="ada@example.com", city=None
    )
    assert [json.loads(body or b"") for body in bodies] == [
        {"first_name": "Ada", "email": "ada@example.com", "city": None}
    ]


async def test_a_wrong_key_is_unauthorized(on_both: Both) -> None:
    """The error says what to do, without the key."""
    client, sandbox = on_both
    with pytest.raises(Unauthorized) as raised:
        await client.with_options(api_key="another").customers.list()
    assert "MOREGOOD_API_KEY" in str(raised.value)
    sandbox.suspend(KEY)
    assert raised.value.status == 401
