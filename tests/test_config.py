"""What a client can be told, and what it refuses to be told."""

import traceback
from typing import Any

import pytest

from moregood_async.config import (
    BASE_URL,
    Limits,
    Rate,
    Settings,
    checked_base_url,
    checked_key,
    hidden_key,
    key_source,
)
from moregood_async.errors import ConfigurationError
from moregood_async.privacy import ApiKey

LIMITS = Limits(32, None)


def settings(**changed: Any) -> Settings:
    """Settings that hold, but for what is changed."""
    usual: dict[str, Any] = {
        "key": ApiKey("key"),
        "base_url": BASE_URL,
        "attempt_timeout": 30.0,
        "deadline": 120.0,
        "max_attempts": 4,
        "limits": LIMITS,
        "middlewares": (),
    }
    return Settings(**{**usual, **changed})


def test_a_given_key_counts_more_than_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said in code is meant."""
    monkeypatch.setenv("MOREGOOD_API_KEY", "from-outside")
    assert ApiKey("given") == key_source("given")


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is given."""
    monkeypatch.setenv("MOREGOOD_API_KEY", "from-outside")
    assert ApiKey("from-outside") == key_source(None)


def test_a_key_can_be_asked_for_each_time() -> None:
    """Keys rotate; the coroutine function is kept as it is."""

    async def rotating() -> str:
        return "now"

    assert rotating is key_source(rotating)


@pytest.mark.parametrize("blank", [None, "", "   "], ids=["unset", "empty", "blank"])
def test_no_key_is_refused_at_once(blank: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the way out in the message."""
    monkeypatch.delenv("MOREGOOD_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="api_key= or set MOREGOOD_API_KEY"):
        key_source(blank)


def test_an_empty_key_is_not_replaced_by_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gives an empty key has a fault in their own settings."""
    monkeypatch.setenv("MOREGOOD_API_KEY", "another-project")
    with pytest.raises(ConfigurationError, match="there is no API key"):
        key_source("")


@pytest.mark.parametrize(
    "key",
    [
        "canary key",
        "canary\n",
        "\tcanary",
        "canary\r\nX-Evil: 1",
        "canäry",
        "canary\x7f",
        " canary",
    ],
    ids=ascii,
)
def test_a_key_that_no_header_carries_is_refused(key: str) -> None:
    """And not shown."""
    with pytest.raises(ConfigurationError, match="copy it again") as caught:
        checked_key(key)
    assert "can" not in str(caught.value).replace("cannot", "")


def test_a_refused_key_is_in_no_traceback() -> None:
    """Not even where the locals of every frame are shown."""
    given = ["canary key"]
    with pytest.raises(ConfigurationError) as caught:
        key_source(given.pop())
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert [] == [frame.name for frame in told.stack if "canary" in str(frame.locals)]


def test_a_key_that_is_hidden_already_is_taken_as_it_is() -> None:
    """Text is hidden, a coroutine function has nothing to hide."""
    assert ApiKey("given") == key_source(hidden_key("given"))
    assert hidden_key(None) is None


def test_a_key_is_sent_as_it_is() -> None:
    """Any printable ASCII."""
    assert "sk_live-01/~=" == checked_key("sk_live-01/~=").reveal()


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://api.example.com/beacon", "https://api.example.com/beacon"),
        ("https://api.example.com/beacon/", "https://api.example.com/beacon"),
        ("  https://api.example.com/beacon//  ", "https://api.example.com/beacon"),
        ("https://reviews.agency.example:8443", "https://reviews.agency.example:8443"),
        ("HTTPS://api.example.com", "HTTPS://api.example.com"),
        ("http://127.0.0.1:8765/beacon", "http://127.0.0.1:8765/beacon"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://[::1]:8765/beacon", "http://[::1]:8765/beacon"),
        ("http://localhost:8765", "http://localhost:8765"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://shop.localhost/beacon", "http://shop.localhost/beacon"),
    ],
)
def test_a_base_url_is_taken_without_its_last_slash(given: str, used: str) -> None:
    """Plain http too, to this machine."""
    assert used == checked_base_url(given, allow_http=False)


@pytest.mark.parametrize(
    "given",
    [
        "http://api.example.com/beacon",
        "http://10.0.0.1/beacon",
        "http://0.0.0.0:8765",
        "http://localhost.example.com",
        "http://notlocalhost",
        "http://127.0.0.1.example.com",
        "http://[2001:db8::1]",
    ],
)
def test_plain_http_to_another_machine_wants_a_word(given: str) -> None:
    """The key would travel in clear."""
    with pytest.raises(ConfigurationError, match="allow_http=True"):
        checked_base_url(given, allow_http=False)
    assert given == checked_base_url(given, allow_http=True)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("api.example.com/beacon", "must look like"),
        ("ftp://api.example.com", "must look like"),
        ("https://", "must look like"),
        ("https:///beacon", "must look like"),
        ("/beacon", "must look like"),
        ("https://api.example.com:eighty", "is not a URL"),
        ("https://api.example.com:99999", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://user@api.example.com", "no user"),
        ("https://:secret@api.example.com", "no user"),
        ("https://api.example.com/?a=1", "no query"),
        ("https://api.example.com/beacon?", "no query"),
        ("https://api.example.com/#top", "no fragment"),
        ("https://api.example.com/beacon#", "no fragment"),
        ("https://api.exam\nple.com", "no blank"),
        ("https://api.example.com/my beacon", "no blank"),
        ("https://evil.example\\@api.example.com", "no user"),
    ],
)
def test_what_is_no_base_url_is_refused(given: str, why: str) -> None:
    """Before a key is sent to it."""
    with pytest.raises(ConfigurationError, match=why):
        checked_base_url(given, allow_http=True)


@pytest.mark.parametrize("nothing", [None, ""], ids=["none", "empty"])
def test_the_base_url_comes_from_the_environment(
    nothing: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none is given, and is checked like a given one."""
    monkeypatch.setenv("MOREGOOD_BASE_URL", "https://agency.example/beacon/")
    assert "https://agency.example/beacon" == checked_base_url(nothing, allow_http=False)
    assert "https://given.example" == checked_base_url("https://given.example", allow_http=False)
    monkeypatch.setenv("MOREGOOD_BASE_URL", "http://agency.example/beacon")
    with pytest.raises(ConfigurationError):
        checked_base_url(nothing, allow_http=False)


@pytest.mark.parametrize("outside", [None, ""], ids=["unset", "empty"])
def test_the_base_url_is_the_vendors_at_last(
    outside: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody says otherwise."""
    monkeypatch.delenv("MOREGOOD_BASE_URL", raising=False)
    if outside is not None:
        monkeypatch.setenv("MOREGOOD_BASE_URL", outside)
    assert "https://api.moregoodreviews.com/beacon" == checked_base_url(None, allow_http=False)


@pytest.mark.parametrize(
    ("limit", "per"),
    [(0, 60.0), (-1, 60.0), (60, 0.0), (60, -1.0), (60, float("inf")), (60, float("nan"))],
)
def test_a_rate_that_lets_nothing_through_is_refused(limit: int, per: float) -> None:
    """Or that is none."""
    with pytest.raises(ConfigurationError, match=r"Rate\(60, per=60.0\)"):
        Rate(limit, per=per)


def test_a_rate_is_a_minute_by_default() -> None:
    """And one request is the least."""
    assert 60.0 == Rate(1).per
    assert Rate(60) == Rate(60, per=60.0)


@pytest.mark.parametrize("most", [0, -1])
def test_no_request_in_flight_is_no_limit(most: int) -> None:
    """Nothing would ever be sent."""
    with pytest.raises(ConfigurationError, match="max_concurrency must be at least 1"):
        Limits(most, None)
    assert 1 == Limits(1, None).max_concurrency


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"attempt_timeout": 0.0}, "attempt_timeout"),
        ({"attempt_timeout": -1.0}, "attempt_timeout"),
        ({"attempt_timeout": float("inf")}, "attempt_timeout"),
        ({"attempt_timeout": float("nan")}, "attempt_timeout"),
        ({"deadline": 0.0}, "deadline"),
        ({"deadline": float("nan")}, "deadline"),
        ({"max_attempts": 0}, "max_attempts"),
    ],
    ids=str,
)
def test_a_senseless_setting_is_refused(changed: dict[str, Any], why: str) -> None:
    """By its name."""
    with pytest.raises(ConfigurationError, match=why):
        settings(**changed)


@pytest.mark.parametrize(
    "changed", [{"deadline": None}, {"max_attempts": 1}, {"attempt_timeout": 0.001}], ids=str
)
def test_the_limits_of_what_can_be_set_are_allowed(changed: dict[str, Any]) -> None:
    """No deadline, no repeat, very little time."""
    [(name, value)] = changed.items()
    assert value == getattr(settings(**changed), name)


def test_settings_show_no_key() -> None:
    """They are printed when something is wrong."""
    assert "canary" not in repr(settings(key=ApiKey("canary")))
