"""Dates as PHP reads them and as Eloquent stores them."""

import pytest

from tests.sandbox.api import Api


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2024-05-01", 1714521600),
        ("2024/5/1", 1714521600),
        ("2024-05-01 10:00", 1714557600),
        ("2024-05-01T10:00:00Z", 1714557600),
        ("2024-05-01T10:00:00.999999Z", 1714557600),
        ("2024-05-01T10:00:00+02:00", 1714557600),
        ("2024-05-01T10:00:00-0700", 1714557600),
        ("05/01/2024", 1714521600),
        ("1 May 2024", 1714521600),
        ("May 1, 2024", 1714521600),
        ("Wed, 01 May 2024 10:00:00 +0200", 1714557600),
        ("20240501", 20240501),
        (20240501, 20240501),
    ],
)
async def test_a_date_is_stored_without_its_time_zone_and_its_fraction(
    api: Api, sent: object, stored: int
) -> None:
    """Eight digits pass as a date and are stored as unix seconds."""
    assert (await api.upsert_ada(signed_up_at=sent))["signed_up_at"] == stored
