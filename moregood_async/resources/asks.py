"""``client.asks``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack, overload

from moregood_async.batch import Batch, Items
from moregood_async.models.asks import Ask, AskCreate, AskFields
from moregood_async.operations import ASKS_CREATE
from moregood_async.session import SessionManager, value_of


class Asks:
    """Review requests. Each call reaches a real person, so none is sent twice."""

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    @overload
    async def create(self, ask: AskCreate, /) -> Ask: ...

    @overload
    async def create(self, /, **fields: Unpack[AskFields]) -> Ask: ...

    async def create(self, ask: AskCreate | None = None, /, **fields: Any) -> Ask:
        """Schedule a review request to a customer who exists already.

        Repeated only where it provably did not happen. Otherwise the error's
        ``may_have_applied`` is True, and ``customers.messages(customer_id)`` tells.

        Raises:
            InvalidRequest: A field is wrong; nothing was sent.
            NotFound: There is no such customer.
            ValidationFailed: The customer has no address for a channel.
        """
        return await self._session.call(ASKS_CREATE, value_of(ASKS_CREATE, AskCreate, ask, fields))

    def create_many(
        self, asks: Items[AskCreate | Mapping[str, Any]], *, ordered: bool = False
    ) -> Batch[AskCreate | Mapping[str, Any], Ask]:
        """Schedule each value or mapping of fields, ``max_concurrency`` at a time; see `Batch`."""
        return Batch(
            asks,
            self._create_row,
            workers=self._session.settings.limits.max_concurrency,
            ordered=ordered,
        )

    async def _create_row(self, row: AskCreate | Mapping[str, Any]) -> Ask:
        value = value_of(ASKS_CREATE, AskCreate, row, {})
        return await self._session.call(ASKS_CREATE, value, priority="bulk")
