"""``client.locations``."""

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
from moregood_async.session import SessionManager, value_of


class Locations:
    """The places of the business. The API creates and updates them; it lists and deletes none."""

    def __init__(self, session: SessionManager) -> None:
        self._session = session

    @overload
    async def create(self, location: LocationCreate, /) -> Location: ...

    @overload
    async def create(self, /, **fields: Unpack[LocationFields]) -> Location: ...

    async def create(self, location: LocationCreate | None = None, /, **fields: Any) -> Location:
        """Create a location; only its name is required.

        Repeated only where it provably did not happen.

        Raises:
            InvalidRequest: A field is wrong; nothing was sent.
            ValidationFailed: The API refused a field, such as a slug that is taken.
        """
        return await self._session.call(
            LOCATIONS_CREATE, value_of(LOCATIONS_CREATE, LocationCreate, location, fields)
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
        """Change what is given of a location; repeated freely.

        Raises:
            InvalidRequest: A field is wrong, or none was given; nothing was sent.
            NotFound: There is no such location.
        """
        return await self._session.call(
            LOCATIONS_UPDATE,
            value_of(LOCATIONS_UPDATE, LocationUpdate, location, fields),
            path={"location_id": location_id},
        )
