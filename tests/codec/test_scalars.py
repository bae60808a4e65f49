"""The scalar hooks: flags, times and numbers in every spelling."""

import time
from datetime import UTC, datetime

import pytest

from moregood_async import Customer, Review
from tests.codec.decoding import read


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (0, False),
        (1, True),
        ("0", False),
        ("1", True),
        (False, False),
        (True, True),
        (None, None),
    ],
    ids=repr,
)
def test_a_flag_of_the_database_or_of_php_is_a_boolean(data: object, expected: bool | None) -> None:
    review = read(Review, {"id": 1, "is_hidden": data})
    assert review.is_hidden is expected
    assert review.extra == {}


@pytest.mark.parametrize("wrong", [2, -1, "true", "yes", "", 1.0, []], ids=repr)
def test_a_value_that_is_no_flag_is_kept_in_extra(wrong: object) -> None:
    review = read(Review, {"id": 1, "is_hidden": wrong})
    assert review.is_hidden is None
    assert review.extra == {"is_hidden": wrong}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1_777_624_200, datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        (1_777_624_200.5, datetime(2026, 5, 1, 8, 30, 0, 500_000, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-05-01T08:30:00Z", datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        ("2026-05-01T08:30:00.000000Z", datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        ("2026-05-01T10:30:00+02:00", datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        ("2026-05-01 08:30:00", datetime(2026, 5, 1, 8, 30, tzinfo=UTC)),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
    ],
    ids=str,
)
def test_a_time_is_aware_and_in_utc(data: object, expected: datetime) -> None:
    """From unix seconds, or from ISO 8601, which is reported of some responses."""
    customer = read(Customer, {"id": 1, "created_at": data})
    assert customer.created_at == expected
    assert customer.created_at.tzinfo is UTC
    assert customer.extra == {}


@pytest.mark.skipif(
    not hasattr(time, "tzset"), reason="the time zone cannot be changed on this system"
)
def test_a_time_without_a_zone_is_in_utc_whatever_the_machines_zone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        customer = read(Customer, {"id": 1, "created_at": "2026-05-01 08:30:00"})
    time.tzset()
    assert customer.created_at == datetime(2026, 5, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [True, 1e18, -(10**18), 2**70, "1777624200", "soon", "", "0001-01-01T00:00:00+09:00", []],
    ids=repr,
)
def test_a_value_that_is_no_time_is_kept_in_extra(wrong: object) -> None:
    """Also a time beyond Python's calendar."""
    customer = read(Customer, {"id": 1, "created_at": wrong, "updated_at": 0})
    assert customer.created_at is None
    assert customer.extra == {"created_at": wrong}
    assert customer.updated_at == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "count", "total"),
    [
        (3, 3, 3),
        (3.0, 3, 3.0),
        ("3", 3, 3.0),
        ("-3", -3, -3.0),
        (5.5, None, 5.5),
        ("5.50", None, 5.5),
        (True, None, None),
        ("three", None, None),
        ("٣", None, None),
        ("--3", None, None),
        ("1e3", None, None),
        (".", None, None),
        ("", None, None),
        ("9" * 20, None, None),
        ([], None, None),
    ],
    ids=repr,
)
def test_a_number_may_be_written_as_text(
    data: object, count: int | None, total: float | None
) -> None:
    """MySQL sends sums and averages as text, and PHP whole floats as integers."""
    customer = read(Customer, {"id": 1, "charges_count": data, "charges_sum": data})
    assert customer.charges_count == count
    assert customer.charges_sum == total
    kept = {"charges_count": count, "charges_sum": total}
    assert customer.extra == {name: data for name, value in kept.items() if value is None}
