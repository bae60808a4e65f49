"""Requests, responses, their reprs, and the waits that a server asks for."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.errors import Attempt
from moregood_async.privacy import Headers
from moregood_async.wire import (
    MAX_WAIT_SECONDS,
    Deadline,
    Request,
    Response,
    json_of,
    query_string,
    rate_reset,
    retry_after,
)
from tests.strategies import examples, make_response

NOW = datetime(2026, 5, 1, 8, 30, tzinfo=UTC)
SERVERS_NOW = NOW + timedelta(hours=3)  # one of the two clocks is wrong
THE_SERVERS_DATE = "Fri, 01 May 2026 11:30:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("3", 3.0),
        (" 3 ", 3.0),
        ("1.5", 1.5),
        ("1e2", 100.0),
        ("-5", 0.0),
        ("2592000", MAX_WAIT_SECONDS),
        ("2592001", None),
        ("1e308", None),
        ("9" * 400, None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("", None),
        ("soon", None),
        ("3 seconds", None),
        ("3, 4", None),
        ("Fri, 01 May 2026 11:30:07 GMT", 7.0),
        ("Friday, 01-May-26 11:30:07 GMT", 7.0),
        ("Fri May  1 11:30:07 2026", 7.0),
        ("Fri, 01 May 2026 13:30:07 +0200", 7.0),
        ("Fri, 01 May 2026 11:30:07 -0000", 7.0),
        ("Fri, 01 May 2026 11:29:00 GMT", 0.0),
        ("Fri, 01 May 2099 11:30:07 GMT", None),
        ("Fri, 99 May 2026 11:30:07 GMT", None),
        ("Fri, 01 May 99999 11:30:07 GMT", None),
        ("Fri, 01 May 2026 11:30:07 +999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """A date is relative to the response's Date header; anything else is None."""
    response = make_response(b"", 429, retry_after=value, date=THE_SERVERS_DATE)
    assert retry_after(response, NOW) == seconds


def test_without_a_header_retry_after_is_none() -> None:
    assert retry_after(make_response(b"", 429), NOW) is None


@pytest.mark.parametrize(
    "date", [{}, {"date": "today"}, {"date": ""}], ids=["none", "odd", "empty"]
)
def test_without_a_date_header_retry_after_uses_the_local_clock(date: dict[str, str]) -> None:
    response = make_response(b"", 429, retry_after="Fri, 01 May 2026 08:30:07 GMT", **date)
    assert retry_after(response, NOW) == 7.0


def test_the_default_clock_is_the_system_clock() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    seconds = retry_after(make_response(b"", 429, retry_after=soon))
    assert seconds is not None
    assert 50 < seconds <= 60
    reset = rate_reset(
        make_response(b"", 429, X_RateLimit_Reset=str(int(datetime.now(UTC).timestamp())))
    )
    assert reset is not None
    assert reset <= 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (str(int(SERVERS_NOW.timestamp()) + 7), 7.0),
        (str(int(SERVERS_NOW.timestamp()) - 7), 0.0),
        (str(SERVERS_NOW.timestamp() + 0.5), 0.5),
        ("0", 0.0),
        ("99999999999", None),
        ("nan", None),
        ("", None),
        ("Fri, 01 May 2026 11:30:07 GMT", None),
    ],
)
def test_the_rate_reset_is_unix_seconds(value: str, seconds: float | None) -> None:
    """It is relative to the response's Date header, as Laravel sends it."""
    response = make_response(b"", 429, X_RateLimit_Reset=value, date=THE_SERVERS_DATE)
    assert rate_reset(response, NOW) == seconds


def test_without_a_header_the_rate_reset_is_none() -> None:
    assert rate_reset(make_response(b"", 200), NOW) is None


@examples
@given(
    value=st.text() | st.floats().map(str) | st.from_regex(r"\w+, \d+ \w+ \d+ [\d:]+ [\w+-]+"),
    date=st.text() | st.just(THE_SERVERS_DATE),
)
def test_any_header_value_is_none_or_a_wait_within_bounds(value: str, date: str) -> None:
    response = make_response(b"", 429, retry_after=value, X_RateLimit_Reset=value, date=date)
    for seconds in (retry_after(response, NOW), rate_reset(response, NOW)):
        assert seconds is None or 0 <= seconds <= MAX_WAIT_SECONDS


def a_request(method: str = "POST") -> Request:
    """Return a request that contains canaries (secrets to search for)."""
    return Request(
        method=method,
        url="https://example.com/beacon/asks",
        headers=Headers({"Authorization": "Bearer canary-key", "Accept": "application/json"}),
        body=b'{"email":"canary@example.com"}',
        operation="asks.create",
    )


def test_the_repr_of_a_request_has_neither_key_nor_body() -> None:
    """The repr has the size of the body."""
    shown = repr(a_request())
    assert "canary" not in shown
    assert "body=<30 bytes>" in shown
    assert "'authorization': '***'" in shown
    assert "asks.create" in shown


def test_the_repr_of_a_request_has_no_query_and_no_personal_path() -> None:
    url = "https://example.com/beacon/customers/canary@example.com?q=canary"
    shown = repr(attrs.evolve(a_request("GET"), url=url))
    assert "url='https:***'" in shown
    assert "url='https://example.com/beacon/asks'" in repr(a_request())
    assert "canary" not in shown


def test_the_repr_of_a_request_without_a_body_has_none() -> None:
    assert "body=None" in repr(attrs.evolve(a_request("GET"), body=None))


def test_the_repr_of_a_response_has_neither_cookie_nor_body() -> None:
    """The headers of this response are a plain mapping."""
    attempt = Attempt(1, "received", 0.5, "200", may_have_applied=False)
    response = Response(
        status=200,
        headers={"Set-Cookie": "canary", "From": "canary@example.com", "Retry-After": "3"},
        body=b"canary",
        attempts=(attempt,),
    )
    shown = repr(response)
    assert "canary" not in shown
    assert "body=<6 bytes>" in shown
    assert "{'Set-Cookie': '***', 'From': '***', 'Retry-After': '3'}" in shown
    assert repr(attempt) in shown


@pytest.mark.parametrize(
    ("method", "writes"),
    [("GET", False), ("HEAD", False), ("OPTIONS", False), ("POST", True), ("PUT", True)],
)
def test_only_safe_methods_do_not_write(method: str, writes: bool) -> None:
    assert writes is a_request(method).writes


def test_the_defaults_of_a_request() -> None:
    """No time limits, not idempotent, first attempt, interactive priority."""
    request = a_request()
    assert request.deadline.at == math.inf
    assert request.attempt_timeout == math.inf
    assert not request.idempotent
    assert request.attempt == 1
    assert request.priority == "interactive"
    assert a_request().deadline is not request.deadline


def test_a_deadline_can_be_extended() -> None:
    deadline = Deadline(10.0)
    deadline.extend(2.5)
    assert deadline.at == 12.5
    assert repr(deadline) == "Deadline(12.500)"


def test_a_response_reads_its_json() -> None:
    assert make_response(b'{"id": 1, "charges_avg": 5.5}').json() == {"id": 1, "charges_avg": 5.5}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"id": ',
        b"\xff",
        b"NaN",
        b'{"x": -Infinity}',
        b"1e999",
        b"[" * 100_000,
        b"1" * 5_000,
    ],
    ids=["empty", "html", "cut", "binary", "nan", "infinity", "overflow", "deep", "long"],
)
def test_invalid_json_is_a_value_error(body: bytes) -> None:
    """The standard library accepts NaN, and exhausts its stack on deep JSON."""
    with pytest.raises(ValueError):
        make_response(body).json()
    with pytest.raises(ValueError):
        json_of(body)


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ({}, ""),
        ({"per_page": None}, ""),
        ({"page": 1, "per_page": None}, "?page=1"),
        ({"page": 1, "q": "a&b c"}, "?page=1&q=a%26b+c"),
    ],
    ids=["empty", "none", "some", "quoted"],
)
def test_a_query_omits_none_and_quotes_values(query: dict[str, object], written: str) -> None:
    assert query_string(query) == written
