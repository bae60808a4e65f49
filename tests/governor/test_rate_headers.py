"""The rate limit headers of a response: valid, missing and malformed."""

from __future__ import annotations

import pytest

from moregood_async.governor.rate_headers import Allowance, read_allowance, retry_delay
from moregood_async.privacy import Headers
from moregood_async.wire import Response
from tests.governor.servers import make_response


def test_limit_and_remaining_make_an_allowance() -> None:
    assert read_allowance(make_response(limit=60, remaining=59)) == Allowance(60, 59)


def test_header_names_are_case_insensitive() -> None:
    """Laravel's HTML error pages have them in lower case."""
    headers = Headers({"x-ratelimit-limit": "5", "X-RATELIMIT-REMAINING": "4"})
    assert read_allowance(Response(status=500, headers=headers, body=b"")) == Allowance(5, 4)


def test_a_negative_remaining_is_read() -> None:
    """Laravel's counter is not atomic: -3 was seen."""
    assert read_allowance(make_response(limit=5, remaining=-3)) == Allowance(5, -3)


@pytest.mark.parametrize(
    ("limit", "remaining"),
    [
        pytest.param(None, None, id="neither"),
        pytest.param(60, None, id="only the limit"),
        pytest.param(None, 59, id="only what is left"),
        pytest.param("many", 59, id="a word for the limit"),
        pytest.param(60, "some", id="a word for what is left"),
        pytest.param("", "", id="empty"),
        pytest.param("60.5", "59", id="a fraction"),
        pytest.param("60, 1000;w=3600", "59", id="two limits in one"),
        pytest.param("inf", "nan", id="no numbers"),
        pytest.param(0, 0, id="a limit of 0"),
        pytest.param(-1, -1, id="a limit below 0"),
        pytest.param(60, 61, id="more left than the limit"),
        pytest.param("9" * 5000, "1", id="more digits than Python reads"),
    ],
)
def test_missing_or_invalid_headers_are_no_allowance(limit: object, remaining: object) -> None:
    assert read_allowance(make_response(limit=limit, remaining=remaining)) is None


def test_a_limit_of_one_is_an_allowance() -> None:
    assert read_allowance(make_response(limit=1, remaining=1)) == Allowance(1, 1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry_after": 7}, 7.0, id="seconds"),
        pytest.param({"retry_after": "0"}, 0.0, id="0"),
        pytest.param({"retry_after": "1.5"}, 1.5, id="a fraction"),
        pytest.param({"retry_after": -5}, 0.0, id="below 0"),
        pytest.param({"retry_after": 1e9}, None, id="thirty years"),
        pytest.param({"retry_after": "soon"}, None, id="a word"),
        pytest.param({"retry_after": "nan"}, None, id="no number"),
        pytest.param({"retry_after": "inf"}, None, id="infinite"),
        pytest.param({"retry_after": "1e400"}, None, id="beyond floats"),
        pytest.param({"retry_after": ""}, None, id="empty"),
        pytest.param({}, None, id="nothing"),
        pytest.param(
            {
                "retry_after": "Wed, 01 Jan 2030 00:01:00 GMT",
                "date": "Wed, 01 Jan 2030 00:00:00 GMT",
            },
            60.0,
            id="a date",
        ),
        pytest.param(
            {"retry_after": "Wed, 01 Jan 2020 00:00:00 GMT"}, 0.0, id="a date that is over"
        ),
        pytest.param(
            {"reset": 1893456005, "date": "Tue, 01 Jan 2030 00:00:00 GMT"}, 5.0, id="only a reset"
        ),
        pytest.param(
            {"retry_after": 2, "reset": 1893456005, "date": "Tue, 01 Jan 2030 00:00:00 GMT"},
            2.0,
            id="Retry-After before the reset",
        ),
        pytest.param(
            {"retry_after": "soon", "reset": 1893456005, "date": "Tue, 01 Jan 2030 00:00:00 GMT"},
            5.0,
            id="the reset where Retry-After makes no sense",
        ),
    ],
)
def test_the_retry_delay_is_read_from_retry_after_or_else_the_reset(
    headers: dict[str, object], seconds: float | None
) -> None:
    assert retry_delay(make_response(429, **headers)) == seconds
