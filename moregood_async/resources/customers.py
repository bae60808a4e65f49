"""``client.customers``: the customers of a project, and what belongs to one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack, overload

from moregood_async.batch import Batch, Items
from moregood_async.models.customers import Customer, CustomerFields, CustomerUpsert
from moregood_async.models.messages import Message
from moregood_async.models.reviews import Review
from moregood_async.operations import (
    CUSTOMERS_LIST,
    CUSTOMERS_MESSAGES,
    CUSTOMERS_REVIEWS,
    CUSTOMERS_UPSERT,
)
from moregood_async.pagination import Paginator
from moregood_async.resources.lists import make_paginator
from moregood_async.resources.values import make_value
from moregood_async.session import SessionManager


class Customers:
    """The customers of the project.

    >>> import asyncio
    >>> from moregood_async import MoreGoodClient
    >>> from moregood_async.sandbox import Sandbox
    >>> async def main() -> None:
    ...     async with MoreGoodClient("test-key", transport=Sandbox()) as client:
    ...         ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    ...         await client.customers.upsert(first_name="Ada", email=ada.email, city="Bern")
    ...         async for customer in client.customers.list():
    ...             print(customer.first_name, customer.city)
    >>> asyncio.run(main())
    Ada Bern
    """

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    @overload
    async def upsert(self, customer: CustomerUpsert, /) -> Customer: ...

    @overload
    async def upsert(self, /, **fields: Unpack[CustomerFields]) -> Customer: ...

    async def upsert(self, customer: CustomerUpsert | None = None, /, **fields: Any) -> Customer:
        """Create a customer, or update the one with the same email or phone, and return it.

        Pass a `CustomerUpsert` or its fields; only ``first_name`` is required [D]. The email is
        matched first, then the phone [P]. Fields that are left out stay as they are [I]; None is
        sent as null.

        Idempotent with an email or phone, so it is retried after every failure that may pass: no
        connection, a lost connection, a timeout, 408, 429 and 5xx. A customer with neither is
        created again by each request, and is retried as `Charges.create` is.

        Raises:
            InvalidRequest: A field is wrong; nothing was sent.
            ValidationFailed: The API refused a field.
        """
        return await self._session.call(
            CUSTOMERS_UPSERT, make_value(CUSTOMERS_UPSERT, CustomerUpsert, customer, fields)
        )

    def upsert_many(
        self, customers: Items[CustomerUpsert | Mapping[str, Any]], *, ordered: bool = False
    ) -> Batch[CustomerUpsert | Mapping[str, Any], Customer]:
        """Return a `Batch` that upserts one customer for each row.

        A row is a `CustomerUpsert` or a mapping of its fields. Nothing is sent before the batch is
        run. Each row is one request and is retried as `upsert` is. Rows are sent side by side, so
        two rows of the same customer can be applied in either order.

        Args:
            customers: The rows: any iterable or async iterable, of any length.
            ordered: Whether results come in the order of the rows, or as they complete.
        """
        return Batch(
            customers,
            self._upsert_row,
            workers=self._session.settings.limits.max_concurrency,
            ordered=ordered,
        )

    def list(
        self, *, start_page: int = 1, per_page: int | None = None, prefetch: int = 0
    ) -> Paginator[Customer]:
        """Return all customers of the project, in an order that the API does not document.

        Nothing is sent before the `Paginator` is read; then each page is one request, which is
        retried.

        Args:
            start_page: The first page to read, counted from 1.
            per_page: Customers on a page; the server's default is 50 [D], its maximum is unknown,
                and it may ignore the number [O].
            prefetch: Pages to request ahead of the one that is read.

        Raises:
            InvalidRequest: An argument is no whole number, or too small.
        """
        return make_paginator(
            self._session,
            CUSTOMERS_LIST,
            start_page=start_page,
            per_page=per_page,
            prefetch=prefetch,
        )

    def reviews(
        self,
        customer_id: int,
        *,
        start_page: int = 1,
        per_page: int | None = None,
        prefetch: int = 0,
    ) -> Paginator[Review]:
        """Return the reviews of one customer, by the customer's numeric id [O].

        Sends, retries and takes its arguments as `list` does. Reading it raises `NotFound` if
        there is no such customer.
        """
        return make_paginator(
            self._session,
            CUSTOMERS_REVIEWS,
            customer_id=customer_id,
            start_page=start_page,
            per_page=per_page,
            prefetch=prefetch,
        )

    def messages(
        self,
        customer_id: int,
        *,
        start_page: int = 1,
        per_page: int | None = None,
        prefetch: int = 0,
    ) -> Paginator[Message]:
        """Return the messages to one customer, by the customer's numeric id [O].

        Sends, retries and takes its arguments as `list` does. Reading it raises `NotFound` if
        there is no such customer.
        """
        return make_paginator(
            self._session,
            CUSTOMERS_MESSAGES,
            customer_id=customer_id,
            start_page=start_page,
            per_page=per_page,
            prefetch=prefetch,
        )

    async def _upsert_row(self, row: CustomerUpsert | Mapping[str, Any]) -> Customer:
        value = make_value(CUSTOMERS_UPSERT, CustomerUpsert, row, {})
        return await self._session.call(CUSTOMERS_UPSERT, value, priority="bulk")
