"""``client.customers``."""

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
from moregood_async.resources.lists import listed
from moregood_async.session import SessionManager, value_of


class Customers:
    """The customers of the project."""

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    @overload
    async def upsert(self, customer: CustomerUpsert, /) -> Customer: ...

    @overload
    async def upsert(self, /, **fields: Unpack[CustomerFields]) -> Customer: ...

    async def upsert(self, customer: CustomerUpsert | None = None, /, **fields: Any) -> Customer:
        """Create a customer, or update the one with this email (first) or phone.

        Repeated freely after failures, since it ends in the same state; a customer with neither
        email nor phone is repeated only where nothing was sent, since each one sent is created.

        Raises:
            InvalidRequest: A field is wrong; nothing was sent.
            ValidationFailed: The API refused a field.
        """
        return await self._session.call(
            CUSTOMERS_UPSERT, value_of(CUSTOMERS_UPSERT, CustomerUpsert, customer, fields)
        )

    def upsert_many(
        self, customers: Items[CustomerUpsert | Mapping[str, Any]], *, ordered: bool = False
    ) -> Batch[CustomerUpsert | Mapping[str, Any], Customer]:
        """Upsert each value or mapping of fields, ``max_concurrency`` at a time.

        See `Batch`: nothing is sent before it is iterated, and a bad row stops no other.
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
        """All customers of the project. Their order is not documented."""
        return listed(
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
        """The reviews of one customer, by the customer's numeric id."""
        return listed(
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
        """The messages to one customer, by the customer's numeric id."""
        return listed(
            self._session,
            CUSTOMERS_MESSAGES,
            customer_id=customer_id,
            start_page=start_page,
            per_page=per_page,
            prefetch=prefetch,
        )

    async def _upsert_row(self, row: CustomerUpsert | Mapping[str, Any]) -> Customer:
        value = value_of(CUSTOMERS_UPSERT, CustomerUpsert, row, {})
        return await self._session.call(CUSTOMERS_UPSERT, value, priority="bulk")
