"""``client.charges``: what customers paid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack, overload

from moregood_async.batch import Batch, Items
from moregood_async.models.charges import Charge, ChargeCreate, ChargeFields
from moregood_async.operations import CHARGES_CREATE
from moregood_async.resources.values import make_value
from moregood_async.session import SessionManager


class Charges:
    """What customers paid. Each call adds one charge, so none is sent twice.

    >>> import asyncio
    >>> from moregood_async import MoreGoodClient
    >>> from moregood_async.sandbox import Sandbox
    >>> async def main() -> None:
    ...     async with MoreGoodClient("test-key", transport=Sandbox()) as client:
    ...         ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    ...         await client.charges.create(email=ada.email, amount=4900, currency="USD")
    ...         await client.charges.create(email=ada.email, amount=-900, currency="USD")
    ...         [ada] = await client.customers.list().collect()
    ...         print(ada.charges_count, ada.charges_sum)
    >>> asyncio.run(main())
    2 4000
    """

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    @overload
    async def create(self, charge: ChargeCreate, /) -> Charge: ...

    @overload
    async def create(self, /, **fields: Unpack[ChargeFields]) -> Charge: ...

    async def create(self, charge: ChargeCreate | None = None, /, **fields: Any) -> Charge:
        """Record a charge of an existing customer, and return it.

        Pass a `ChargeCreate` or its fields. ``amount`` is in the lowest currency unit: 4900 is
        49.00 USD. A negative amount is a refund [D].

        Not idempotent: each call adds one charge [I]. One request is sent, and retried only if it
        certainly had no effect: no connection, a 429, or a 503 with ``Retry-After``. If the outcome
        is unclear (a lost connection, a timeout, a 408, a 5xx, or a response that is not
        understood), the error's ``may_have_applied`` is True, and the customer's ``charges_count``
        shows whether the charge was added.

        Raises:
            InvalidRequest: A field is wrong; nothing was sent.
            NotFound: No customer has this email or phone [I], or no location has this slug [P].
            ValidationFailed: The API refused a field.
            NoResponse: No response was received; check ``may_have_applied``.
            ServerError: The server failed; check ``may_have_applied``.
        """
        return await self._session.call(
            CHARGES_CREATE, make_value(CHARGES_CREATE, ChargeCreate, charge, fields)
        )

    def create_many(
        self, charges: Items[ChargeCreate | Mapping[str, Any]], *, ordered: bool = False
    ) -> Batch[ChargeCreate | Mapping[str, Any], Charge]:
        """Return a `Batch` that records one charge for each row.

        A row is a `ChargeCreate` or a mapping of its fields. Nothing is sent before the batch is
        run. Each row is one request and is retried as `create` is.

        Args:
            charges: The rows: any iterable or async iterable, of any length.
            ordered: Whether results come in the order of the rows, or as they complete.
        """
        return Batch(
            charges,
            self._create_row,
            workers=self._session.settings.limits.max_concurrency,
            ordered=ordered,
        )

    async def _create_row(self, row: ChargeCreate | Mapping[str, Any]) -> Charge:
        value = make_value(CHARGES_CREATE, ChargeCreate, row, {})
        return await self._session.call(CHARGES_CREATE, value, priority="bulk")
