"""Masking: no personal data and no key in any printed text."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moregood_async.config import checked_key
from moregood_async.privacy import ApiKey, Headers, masked, masked_headers
from tests.strategies import examples


@pytest.mark.parametrize(
    "email",
    [
        "ada@example.com",
        "ADA.Lovelace+shop@Example.CO.UK",
        "mary.o'brien@example.com",
        "a@b",
        "adä@exämple.com",
        "bounce+ada=example.com@mail.example.com",
        '"ada lovelace"@example.com',
        "ada%40example.com",
        "_ada-99@sub.example.museum",
    ],
)
@pytest.mark.parametrize(
    "around",
    ["{}", "of {}, twice", "<{}>", "({})", "['{}']", '{{"email":"{}"}}', "mailto:{}", "{};"],
)
def test_an_email_address_is_masked_whole(email: str, around: str) -> None:
    """The text around it stays."""
    assert masked(around.format(email)) == around.format("***")


@pytest.mark.parametrize(
    "phone",
    [
        "+14155550100",
        "4155550100",
        "+1 415 555 0100",
        "(415) 555-0100",
        "415-555-0100",
        "415.555.0100",
        "1 (415) 555-0100",
        "+1 415 555 0100 x12",
        "+1 415 555 0100 ext. 5",
        "555-0100",
        "+44 (0)20 7946 0958",
        "030/12345678",
        "0466-12-3456",
        "2015-55-0100",
        "01.23.45.67.89",
        "+33 1.23.45.67.89",
        "+1\u2011415\u2011555\u20110100",
        "415\u2013555\u20130100",
        "+1\u00a0415\u00a0555\u00a00100",
        "\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0660\u0660",
    ],
)
@pytest.mark.parametrize("around", ["{}", "from {}, twice", "tel:{}.", "['{}']", "phone={};"])
def test_a_phone_number_is_masked_whole(phone: str, around: str) -> None:
    """The examples are formats that people write."""
    assert masked(around.format(phone)) == around.format("***")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("phone=%2B14155550100", "phone=%2B***"),
        ("2026-05-01 415 555 0100", "2026-05-01 ***"),
        ("4155550100abc", "***abc"),
        ("Ada <ada@example.com>, +14155550100", "Ada <***>, ***"),
    ],
)
def test_personal_data_is_masked_beside_other_text(text: str, left: str) -> None:
    """The phone or email is in a query, after a date, before letters, or beside another one."""
    assert masked(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01",
        "20:30 on 5 2026-05-01",
        "2026-05-01T08:30:00Z",
        "The server takes requests again at 2026-05-01 08:30:00 UTC.",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "21/10/2026",
        "attempt 2 after 31.25 s",
        "0.123456789 s",
        "422 500",
        "429 Too Many Attempts.",
        "GET customers/12345678/reviews",
        "customer #12345678",
        "invoice inv-12345678",
        "customer id 12345678 is gone",
        "127.0.0.1:8765",
        "http://192.168.100.200:54321/beacon",
        "12345678-1234-4123-8123-123456789012",
        "Customer(id=12345, charges_count=3)",
        "notes has 5,001 characters; at most 5,000 are kept",
        "an @ alone, and @nobody",
    ],
)
def test_text_without_personal_data_stays_readable(text: str) -> None:
    """Dates, durations, statuses, ids, hosts and ports are not masked."""
    assert masked(text) == text


@pytest.mark.parametrize("text", ["a" * 100_000, "1 " * 50_000, "a'" * 50_000, "1.2." * 25_000])
def test_masking_a_long_text_takes_no_longer_than_reading_it(text: str) -> None:
    """Linear time: a response can be a megabyte without a space."""
    assert len(masked(text)) <= len(text)


@examples
@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)


def test_header_names_ignore_case() -> None:
    headers = Headers({"Retry-After": "3", "x-ratelimit-limit": "60"})
    assert headers["RETRY-AFTER"] == "3"
    assert headers["X-RateLimit-Limit"] == "60"
    assert "retry-after" in headers
    assert list(headers) == ["retry-after", "x-ratelimit-limit"]
    assert len(headers) == 2
    assert headers.get("Date") is None


def test_headers_keep_their_spelling_for_the_wire() -> None:
    """``plain`` has the names as they are sent."""
    assert Headers({"Retry-After": "3"}).plain == {"Retry-After": "3"}


def test_a_header_given_in_two_spellings_is_sent_once() -> None:
    """The last one wins, so that there is one Authorization header."""
    headers = Headers({"authorization": "theirs", "Authorization": "ours"})
    assert headers.plain == {"Authorization": "ours"}
    assert headers["authorization"] == "ours"


@pytest.mark.parametrize("name", ["Authorization", "proxy-authorization", "Cookie", "Set-Cookie"])
def test_headers_hide_credentials(name: str) -> None:
    """Both the repr and the masked text hide them."""
    headers = Headers({name: "canary"})
    shown = {name.lower(): "***"}
    assert repr(headers) == f"Headers({shown})"
    assert masked_headers({name: "canary"}) == str({name: "***"})


def test_headers_hide_personal_data() -> None:
    """A value may contain an email address."""
    assert (
        masked_headers({"From": "ada@example.com", "Retry-After": "3"})
        == "{'From': '***', 'Retry-After': '3'}"
    )


def test_a_key_is_only_revealed_on_request() -> None:
    """``repr``, ``str`` and a format string hide it."""
    key = ApiKey("canary-key")
    assert key.reveal() == "canary-key"
    assert [repr(key), str(key), f"{key}"] == ["ApiKey(***)"] * 3


def test_keys_are_equal_by_their_value() -> None:
    """Views of one key share its pace."""
    assert ApiKey("a") == ApiKey("a")
    assert hash(ApiKey("a")) == hash(ApiKey("a"))
    assert ApiKey("a") != ApiKey("b")
    assert ApiKey("a") != "a"


def test_a_traceback_with_locals_shows_no_key() -> None:
    """Some error reporters record each variable of each frame."""
    key = checked_key("canary-key")

    def fail(key: ApiKey, headers: Headers) -> None:
        raise RuntimeError("anything")

    with pytest.raises(RuntimeError) as caught:
        fail(key, Headers({"Authorization": f"Bearer {key.reveal()}"}))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(shown.format())
    assert "key = ApiKey(***)" in text
    assert "headers = Headers({'authorization': '***'})" in text
