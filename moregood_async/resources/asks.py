"""``client.asks``: review requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack, overload

from moregood_async.batch import Batch, Items
from moregood_async.models.asks import Ask, AskCreate, AskFields
from moregood_async.operations import ASKS_CREATE
from moregood_async.resources.values import make_value
from moregood_async.session import SessionManager


class Asks:
    """Review requests. Each one reaches a real person, so none is sent twice.

    >>> import asyncio
    >>> from moregood_async import MoreGoodClient
    >>> from moregood_async.sandbox import Sandbox
    >>> async def main() -> None:
    ...     async with MoreGoodClient("test-key", transport=Sandbox()) as client:
    ...         ada = await client.customers.upsert(first_name="Ada", email="ada@example.com")
    ...         await client.asks.create(email=ada.email, channels=["email"], reminders_count=2)
    ...         messages = await client.customers.messages(ada.id).collect()
    ...         print(len(messages), "messages are scheduled")
    >>> asyncio.run(main())
    3 messages are scheduled
    """

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    @overload
    async def create(self, ask: AskCreate, /) -> Ask: ...

    @overload
    async def create(self, /, **fields: Unpack[AskFields]) -> Ask: ...

    async def create(self, ask: AskCreate | None = None, /, **fields: Any) -> Ask:
        """Schedule a review request to an existing customer, and return it.

        Pass an `AskCreate` or its fields. The request makes one message for each channel and
        ``reminders_count`` reminders (0 to 3), which stop once the customer clicks a rating [D].
        ``asked_at`` sends it later; without it, it is sent at once [D].

        Not idempotent: the API has no idempotency key, and each call schedules messages to a real
        person [I]. One request is sent, and retried only if it certainly had no effect: no
        connection, a 429, or a 503 with ``Retry-After``. If the outcome is unclear (a lost
        connection, a timeout, a 408, a 5xx, or a response that is not understood), the error's
        ``may_have_applied`` is True, and ``client.customers.messages(customer_id)`` shows whether
        the ask exists.

        Raises:
            InvalidRequest: A field is wrong; nothing was sent.
            NotFound: No customer has this email or phone [I].
            ValidationFailed: The customer lacks the email or phone that a channel needs [D].
            NoResponse: No response was received; check ``may_have_applied``.
            ServerError: The server failed; check ``may_have_applied``.
        """
        return await self._session.call(
            ASKS_CREATE, make_value(ASKS_CREATE, AskCreate, ask, fields)
        )

    def create_many(
        self, asks: Items[AskCreate | Mapping[str, Any]], *, ordered: bool = False
    ) -> Batch[AskCreate | Mapping[str, Any], Ask]:
        """Return a `Batch` that schedules one review request for each row.

        A row is an `AskCreate` or a mapping of its fields. Nothing is sent before the batch is run.
        Each row is one request and is retried as `create` is.

        Args:
            asks: The rows: any iterable or async iterable, of any length.
            ordered: Whether results come in the order of the rows, or as they complete.
        """
        return Batch(
            asks,
            self._create_row,
            workers=self._session.settings.limits.max_concurrency,
            ordered=ordered,
        )

    async def _create_row(self, row: AskCreate | Mapping[str, Any]) -> Ask:
        value = make_value(ASKS_CREATE, AskCreate, row, {})
        return await self._session.call(ASKS_CREATE, value, priority="bulk")
