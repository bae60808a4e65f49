"""Dates and times as they are sent."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async import AskCreate, ChargeCreate, CustomerUpsert, DateLike
from moregood_async.models.dates import format_date
from moregood_async.models.fields import SentValue
from tests.models.values import problems_of
from tests.strategies import date_likes, examples

DATES: list[tuple[type[SentValue], str]] = [
    (CustomerUpsert, "signed_up_at"),
    (ChargeCreate, "charged_at"),
    (AskCreate, "asked_at"),
]

each_date = pytest.mark.parametrize(("kind", "name"), DATES, ids=[name for _, name in DATES])

TWO_HOURS_EAST = timezone(timedelta(hours=2))


class Stamp(datetime):
    """A datetime of another library."""


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (date(2026, 5, 1), "2026-05-01"),
        ("2026-05-01", "2026-05-01"),
        (" 2026-05-01\n", "2026-05-01"),
        ("20240501", "2024-05-01"),
        ("2026-W18-5", "2026-05-01"),
        (date(26, 5, 1), "0026-05-01"),
        (datetime(2026, 5, 1, 8, 30, tzinfo=UTC), "2026-05-01T08:30:00Z"),
        (datetime(2026, 5, 1, 8, 30, 1, 999_999, tzinfo=UTC), "2026-05-01T08:30:01Z"),
        (datetime(2026, 5, 1, 1, 30, tzinfo=TWO_HOURS_EAST), "2026-04-30T23:30:00Z"),
        (datetime(26, 5, 1, tzinfo=UTC), "0026-05-01T00:00:00Z"),
        (Stamp(2026, 5, 1, 8, 30, tzinfo=UTC), "2026-05-01T08:30:00Z"),
        ("2026-05-01T10:30:00+02:00", "2026-05-01T08:30:00Z"),
        ("2026-05-01 08:30:00Z", "2026-05-01T08:30:00Z"),
        ("2026-05-01T08:30:00.123456-07:00", "2026-05-01T15:30:00Z"),
        ("20260501T083000Z", "2026-05-01T08:30:00Z"),
    ],
    ids=str,
)
def test_a_date_is_sent_in_the_safe_form(value: DateLike, written: str) -> None:
    """`YYYY-MM-DD`, or UTC with a Z and whole seconds; Laravel drops offsets."""
    assert format_date(value) == written


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (datetime(2026, 5, 1, 8, 30), "has no time zone"),
        ("2026-05-01T08:30:00", "has no time zone"),
        ("2026-05-01 08:30", "has no time zone"),
        (1_777_624_200, "is a date, a datetime with a time zone"),
        (1.5, "is a date, a datetime with a time zone"),
        (True, "is a date, a datetime with a time zone"),
        ("1777624200", "is no ISO 8601 date"),
        ("tomorrow", "is no ISO 8601 date"),
        ("2024-02-30", "is no ISO 8601 date"),
        ("01/05/2026", "is no ISO 8601 date"),
        ("", "is no ISO 8601 date"),
        ("\ud83d", "is no ISO 8601 date"),
        (datetime(1, 1, 1, tzinfo=TWO_HOURS_EAST), "is out of range in UTC"),
    ],
    ids=ascii,
)
@each_date
def test_a_value_that_is_no_date_is_refused_with_a_reason(
    kind: type[SentValue], name: str, wrong: object, problem: str
) -> None:
    """Unix seconds too: Laravel's date rule does not take them."""
    assert problems_of(kind, **{name: wrong})[name][0].startswith(problem)


def test_the_problem_of_a_naive_time_says_what_to_use() -> None:
    [problem] = problems_of(AskCreate, asked_at=datetime(2026, 5, 1))["asked_at"]
    assert "datetime.now(UTC), or a date" in problem


@examples
@given(date_likes)
def test_a_formatted_date_is_the_same_moment(value: DateLike) -> None:
    """To the second."""
    written = format_date(value)
    if isinstance(value, datetime):
        assert value.astimezone(UTC).replace(microsecond=0) == datetime.fromisoformat(written)
    else:
        assert str(value) == written
    assert format_date(written) == written


@examples
@given(st.text())
def test_any_text_is_a_date_or_a_value_error(text: str) -> None:
    try:
        written = format_date(text)
    except ValueError:
        return
    assert format_date(written) == written
