"""``client.charges``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack, overload

from moregood_async.batch import Batch, Items
from moregood_async.models.charges import Charge, ChargeCreate, ChargeFields
from moregood_async.operations import CHARGES_CREATE
from moregood_async.session import SessionManager, value_of


class Charges:
    """What customers paid. Each call adds one charge, so none is sent twice."""

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    @overload
    async def create(self, charge: ChargeCreate, /) -> Charge: ...

    @overload
    async def create(self, /, **fields: Unpack[ChargeFields]) -> Charge: ...

    async def create(self, charge: ChargeCreate | None = None, /, **fields: Any) -> Charge:
        """Record a charge of a customer who exists already; a negative amount is a refund.

        Repeated only where it provably did not happen. Otherwise the error's
        ``may_have_applied`` is True, and the customer's ``charges_count`` tells.

        Raises:
            InvalidRequest: A field is wrong; nothing was sent.
            NotFound: There is no such customer or location.
        """
        return await self._session.call(
            CHARGES_CREATE, value_of(CHARGES_CREATE, ChargeCreate, charge, fields)
        )

    def create_many(
        self, charges: Items[ChargeCreate | Mapping[str, Any]], *, ordered: bool = False
    ) -> Batch[ChargeCreate | Mapping[str, Any], Charge]:
        """Record each value or mapping of fields, ``max_concurrency`` at a time; see `Batch`."""
        return Batch(
            charges,
            self._create_row,
            workers=self._session.settings.limits.max_concurrency,
            ordered=ordered,
        )

    async def _create_row(self, row: ChargeCreate | Mapping[str, Any]) -> Charge:
        value = value_of(CHARGES_CREATE, ChargeCreate, row, {})
        return await self._session.call(CHARGES_CREATE, value, priority="bulk")
