"""The public types, checked by mypy and pyright, and never run.

A call that must not type-check is ignored with mypy's error code; both checkers complain if there
is no error to ignore.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, assert_type

from moregood_async import (
    UNSET,
    APIError,
    Ask,
    AskCreate,
    AskFields,
    Attempt,
    Batch,
    Charge,
    ChargeCreate,
    Customer,
    CustomerFields,
    CustomerUpsert,
    DeadlineExceeded,
    Handler,
    InvalidRequest,
    Location,
    LocationCreate,
    LocationUpdate,
    Message,
    Middleware,
    MoreGoodClient,
    MoreGoodError,
    Outcome,
    Page,
    Paginator,
    Rate,
    Request,
    Response,
    Result,
    Review,
)


async def current_key() -> str:
    """A function for `api_key`."""
    return "now"


async def respond(request: Request) -> Response:
    """A handler."""
    assert_type(request.body, bytes | None)
    return Response(status=200, headers={}, body=b"{}")


async def pass_on(request: Request, call_next: Handler) -> Response:
    """A middleware."""
    response = await call_next(request)
    assert_type(response, Response)
    return response


async def a_client_is_made_in_every_way() -> None:
    middleware: Middleware = pass_on
    async with MoreGoodClient() as client:
        assert_type(client, MoreGoodClient)
    MoreGoodClient("key", base_url=None, deadline=None, max_rate=Rate(60, per=60.0))
    MoreGoodClient(current_key, middlewares=(middleware,), transport=respond)
    view = client.with_options(api_key="another", attempt_timeout=5.0, deadline=None)
    assert_type(view, MoreGoodClient)
    view.with_options(api_key=current_key, max_rate=None)
    MoreGoodClient("key", "https://x")  # type: ignore[call-arg]
    MoreGoodClient(timeout=5)  # type: ignore[call-arg]
    MoreGoodClient(5)  # type: ignore[arg-type]
    MoreGoodClient(max_rate=60)  # type: ignore[arg-type]
    client.with_options(proxy="x")  # type: ignore[call-arg]
    _ = client.customer  # type: ignore[attr-defined]


async def an_upsert_takes_a_value_or_keywords(client: MoreGoodClient) -> None:
    assert_type(await client.customers.upsert(first_name="Ada"), Customer)
    ada = CustomerUpsert(first_name="Ada", email="ada@example.com", tags=("regular",), phone=None)
    assert_type(await client.customers.upsert(ada), Customer)
    row: CustomerFields = {"first_name": "Ada", "signed_up_at": date(2026, 5, 1)}
    assert_type(await client.customers.upsert(**row), Customer)
    await client.customers.upsert(first_name="Ada", notes=None, has_subscription=True, tags=["a"])
    await client.customers.upsert(frist_name="Ada")  # type: ignore[call-overload]
    await client.customers.upsert(email="a@b")  # type: ignore[call-overload]
    await client.customers.upsert(first_name=5)  # type: ignore[call-overload]
    await client.customers.upsert(first_name=None)  # type: ignore[call-overload]
    await client.customers.upsert(ada, notes="x")  # type: ignore[call-overload]
    await client.customers.upsert({"first_name": "A"})  # type: ignore[call-overload]
    await client.customers.upsert()  # type: ignore[call-overload]
    await client.customers.upsert("Ada")  # type: ignore[call-overload]


async def a_charge_takes_a_value_or_keywords(client: MoreGoodClient) -> None:
    assert_type(await client.charges.create(email="a@b", amount=4900, currency="USD"), Charge)
    refund = ChargeCreate(phone="+14155550100", amount=-4900, charged_at="2026-05-01")
    assert_type(await client.charges.create(refund), Charge)
    await client.charges.create(amount=49.0, email="a@b")  # type: ignore[call-overload]
    await client.charges.create(email="a@b")  # type: ignore[call-overload]
    await client.charges.create(ammount=1)  # type: ignore[call-overload]
    ChargeCreate(amount="4900", email="a@b")  # type: ignore[arg-type]


async def an_ask_takes_a_value_or_keywords(client: MoreGoodClient) -> None:
    assert_type(await client.asks.create(email="a@b", channels=["email"]), Ask)
    ask = AskCreate(phone="+14155550100", channels=("sms",), asked_at=datetime.now(UTC))
    assert_type(await client.asks.create(ask), Ask)
    row: AskFields = {"channels": ["email", "sms"], "reminders_count": 2}
    assert_type(await client.asks.create(**row), Ask)
    await client.asks.create(email="a@b", channels=["fax"])  # type: ignore[list-item]
    await client.asks.create(email="a@b")  # type: ignore[call-overload]
    await client.asks.create(channels=["sms"], reminder_count=2)  # type: ignore[call-overload]
    AskCreate(channels=5)  # type: ignore[arg-type]


async def a_location_takes_a_value_or_keywords(client: MoreGoodClient) -> None:
    assert_type(await client.locations.create(name="Soho"), Location)
    assert_type(await client.locations.create(LocationCreate(name="Soho", code="7")), Location)
    assert_type(await client.locations.update(7, name="Soho", city=None), Location)
    assert_type(await client.locations.update(7, LocationUpdate(slug="soho")), Location)
    await client.locations.create(slug="soho")  # type: ignore[call-overload]
    await client.locations.create(LocationUpdate(slug="soho"))  # type: ignore[call-overload]
    await client.locations.update(name="Soho")  # type: ignore[call-overload]
    await client.locations.update("7", name="Soho")  # type: ignore[call-overload]
    await client.locations.update(7, name=None)  # type: ignore[call-overload]
    await client.locations.update(7, nmae="Soho")  # type: ignore[call-overload]


async def lists_are_read_in_every_way(client: MoreGoodClient) -> None:
    customers = client.customers.list(start_page=2, per_page=50, prefetch=2)
    assert_type(customers, Paginator[Customer])
    assert_type(client.customers.reviews(1), Paginator[Review])
    assert_type(client.customers.messages(1), Paginator[Message])
    assert_type(client.reviews.list(), Paginator[Review])
    assert_type(client.messages.list(), Paginator[Message])
    async for customer in customers:
        assert_type(customer, Customer)
    async for page in client.reviews.list().pages():
        assert_type(page, Page[Review])
        assert_type(page.items, tuple[Review, ...])
        assert_type(page.total, int | None)
        assert_type(page.page, int)
        assert_type(page.last_page, int | None)
        assert_type(page.has_next, bool | None)
    assert_type(await customers, Page[Customer])
    assert_type(await customers.first_page(), Page[Customer])
    assert_type(customers.take(5), AsyncIterator[Customer])
    assert_type(await customers.collect(limit=5), list[Customer])
    async for customer_id, review in client.reviews.for_customers([1, 2]):
        assert_type((customer_id, review), tuple[int, Review])
    messages = client.messages.for_customers(range(5))
    assert_type(messages, AsyncGenerator[tuple[int, Message], None])
    client.customers.reviews("1")  # type: ignore[arg-type]
    client.customers.list(page=2)  # type: ignore[call-arg]
    client.reviews.for_customers(["1"])  # type: ignore[list-item]
    for _ in customers:  # type: ignore[attr-defined]
        pass


async def batches_have_a_result_for_each_row(
    client: MoreGoodClient, rows: Sequence[Mapping[str, Any]], stream: AsyncIterator[AskCreate]
) -> None:
    batch = client.customers.upsert_many(rows, ordered=True)
    assert_type(batch, Batch[CustomerUpsert | Mapping[str, Any], Customer])
    async for result in batch:
        assert_type(result, Result[CustomerUpsert | Mapping[str, Any], Customer])
        assert_type(result.value, Customer | None)
        assert_type(result.error, Exception | None)
        assert_type(result.outcome, Outcome)
        assert_type(result.index, int)
    assert_type(batch.stats.done, int)
    collected = await client.customers.upsert_many(rows).collect()
    assert_type(collected, list[Result[CustomerUpsert | Mapping[str, Any], Customer]])
    client.customers.upsert_many([CustomerUpsert(first_name="Ada"), {"first_name": "Bob"}])
    async for charged in client.charges.create_many([ChargeCreate(amount=1, email="a@b")]):
        assert_type(charged.value, Charge | None)
    async for asked in client.asks.create_many(stream):
        assert_type(asked.value, Ask | None)
    client.asks.create_many([ChargeCreate(amount=1)])  # type: ignore[list-item]
    client.asks.create_many(5)  # type: ignore[arg-type]
    for _ in batch:  # type: ignore[attr-defined]
        pass


async def any_other_request_is_sent_by_method_and_path(client: MoreGoodClient) -> None:
    response = await client.request("GET", "customers", query={"page": 1, "per_page": None})
    assert_type(response, Response)
    assert_type(response.body, bytes)
    await client.request("POST", "asks", json={"x": 1}, headers={"X": "1"}, idempotent=False)
    await client.request("GET")  # type: ignore[call-arg]
    await client.request("GET", "x", body=b"")  # type: ignore[call-arg]


def errors_have_typed_attributes(error: MoreGoodError) -> None:
    assert_type(error.operation, str)
    assert_type(error.attempts, tuple[Attempt, ...])
    assert_type(error.may_have_applied, bool)
    assert_type(error.explain(), str)
    if isinstance(error, APIError):
        assert_type(error.status, int)
        assert_type(error.retry_after, float | None)
        assert_type(error.fields, Mapping[str, tuple[str, ...]])
    if isinstance(error, InvalidRequest):
        assert_type(error.fields, Mapping[str, tuple[str, ...]])
    if isinstance(error, DeadlineExceeded):
        assert_type(error.retry_at, datetime | None)
    _ = error.status  # type: ignore[attr-defined]


def models_have_typed_fields(customer: Customer, review: Review, message: Message) -> None:
    assert_type(customer.id, int)
    assert_type(customer.email, str | None)
    assert_type(customer.has_subscription, bool | None)
    assert_type(customer.created_at, datetime | None)
    assert_type(customer.extra, dict[str, Any])
    assert_type(review.score, int | None)
    assert_type(message.opened_at, datetime | None)
    if review.reviewer and review.reviewer.photo:
        assert_type(review.reviewer.photo.link, str | None)
    _ = customer.frist_name  # type: ignore[attr-defined]
    CustomerUpsert(first_name="Ada", email=UNSET)
    CustomerUpsert(first_name=UNSET)  # type: ignore[arg-type]
    CustomerUpsert("Ada")  # type: ignore[call-arg]
