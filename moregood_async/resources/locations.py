"""``client.locations``: the places of the business."""

from __future__ import annotations

from typing import Any, Unpack, overload

from moregood_async.models.locations import (
    Location,
    LocationCreate,
    LocationFields,
    LocationUpdate,
    LocationUpdateFields,
)
from moregood_async.operations import LOCATIONS_CREATE, LOCATIONS_UPDATE
from moregood_async.resources.values import make_value
from moregood_async.session import SessionManager


class Locations:
    """The places of the business. The API creates and updates them; it cannot list them [D].

    >>> import asyncio
    >>> from moregood_async import MoreGoodClient
    >>> from moregood_async.sandbox import Sandbox
    >>> async def main() -> None:
    ...     async with MoreGoodClient("test-key", transport=Sandbox()) as client:
    ...         soho = await client.locations.create(name="Soho", city="London")
    ...         soho = await client.locations.update(soho.id, code="S-1")
    ...         print(soho.slug, soho.code, soho.city)
    >>> asyncio.run(main())
    soho S-1 London
    """

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    @overload
    async def create(self, location: LocationCreate, /) -> Location: ...

    @overload
    async def create(self, /, **fields: Unpack[LocationFields]) -> Location: ...

    async def create(self, location: LocationCreate | None = None, /, **fields: Any) -> Location:
        """Create a location, and return it.

        Pass a `LocationCreate` or its fields; only ``name`` is required [D]. Keep the returned
        ``id``: `update` needs it, and the API has no list of locations.

        Not idempotent. One request is sent, and retried only if it certainly had no effect: no
        connection, a 429, or a 503 with ``Retry-After``. If the outcome is unclear (a lost
        connection, a timeout, a 408, a 5xx, or a response that is not understood), the error's
        ``may_have_applied`` is True, and the vendor's console shows whether the location exists.

        Raises:
            InvalidRequest: A field is wrong; nothing was sent.
            ValidationFailed: The API refused a field, such as a slug that is taken [I].
            NoResponse: No response was received; check ``may_have_applied``.
            ServerError: The server failed; check ``may_have_applied``.
        """
        return await self._session.call(
            LOCATIONS_CREATE, make_value(LOCATIONS_CREATE, LocationCreate, location, fields)
        )

    @overload
    async def update(self, location_id: int, location: LocationUpdate, /) -> Location: ...

    @overload
    async def update(
        self, location_id: int, /, **fields: Unpack[LocationUpdateFields]
    ) -> Location: ...

    async def update(
        self, location_id: int, location: LocationUpdate | None = None, /, **fields: Any
    ) -> Location:
        """Change some fields of a location, and return the whole location.

        Pass a `LocationUpdate` or its fields. Fields that are left out stay as they are [D]; None
        is sent as null. Idempotent: one request is sent, and retried after every failure that may
        pass.

        Raises:
            InvalidRequest: A field is wrong, or there is none; nothing was sent.
            NotFound: There is no such location.
            ValidationFailed: The API refused a field, such as a slug that is taken [I].
        """
        return await self._session.call(
            LOCATIONS_UPDATE,
            make_value(LOCATIONS_UPDATE, LocationUpdate, location, fields),
            path={"location_id": location_id},
        )
