"""Settings of a client: keys, base URLs, limits, and their checks."""

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
    """Return valid settings with some changed."""
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


def test_an_explicit_key_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOREGOOD_API_KEY", "from-outside")
    assert key_source("given") == ApiKey("given")


def test_without_a_key_the_environments_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOREGOOD_API_KEY", "from-outside")
    assert key_source(None) == ApiKey("from-outside")


def test_a_key_can_be_a_coroutine_function() -> None:
    """It is called before each call, because keys rotate."""

    async def rotating() -> str:
        return "now"

    assert key_source(rotating) is rotating


@pytest.mark.parametrize("blank", [None, "", "   "], ids=["unset", "empty", "blank"])
def test_a_missing_key_is_refused(blank: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the parameter and the environment variable."""
    monkeypatch.delenv("MOREGOOD_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="api_key= or set MOREGOOD_API_KEY"):
        key_source(blank)


def test_an_empty_key_is_refused_whatever_the_environment_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An empty explicit key is a mistake in the caller's settings."""
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
def test_a_key_that_is_no_valid_header_value_is_refused(key: str) -> None:
    """The message does not contain it."""
    with pytest.raises(ConfigurationError, match="copy it again") as caught:
        checked_key(key)
    assert "can" not in str(caught.value).replace("cannot", "")


def test_a_refused_key_is_in_no_traceback() -> None:
    """The traceback of this test shows the locals of each frame."""
    given = ["canary key"]
    with pytest.raises(ConfigurationError) as caught:
        key_source(given.pop())
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert [frame.name for frame in shown.stack if "canary" in str(frame.locals)] == []


def test_a_hidden_key_is_accepted_as_it_is() -> None:
    """`hidden_key` wraps a string; None stays None."""
    assert key_source(hidden_key("given")) == ApiKey("given")
    assert hidden_key(None) is None


def test_any_printable_ascii_is_a_key() -> None:
    assert checked_key("sk_live-01/~=").reveal() == "sk_live-01/~="


@pytest.mark.parametrize(
    ("given", "expected"),
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
def test_a_base_url_loses_its_trailing_slash(given: str, expected: str) -> None:
    """Plain http is accepted for a loopback host."""
    assert checked_base_url(given, allow_http=False) == expected


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
def test_plain_http_to_another_host_needs_allow_http(given: str) -> None:
    """The key would be sent unencrypted."""
    with pytest.raises(ConfigurationError, match="allow_http=True"):
        checked_base_url(given, allow_http=False)
    assert checked_base_url(given, allow_http=True) == given


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
def test_an_invalid_base_url_is_refused(given: str, why: str) -> None:
    """No key is sent to it."""
    with pytest.raises(ConfigurationError, match=why):
        checked_base_url(given, allow_http=True)


@pytest.mark.parametrize("missing", [None, ""], ids=["none", "empty"])
def test_the_base_url_comes_from_the_environment(
    missing: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An argument wins. A base URL of the environment is checked like an argument."""
    monkeypatch.setenv("MOREGOOD_BASE_URL", "https://agency.example/beacon/")
    assert checked_base_url(missing, allow_http=False) == "https://agency.example/beacon"
    assert checked_base_url("https://given.example", allow_http=False) == "https://given.example"
    monkeypatch.setenv("MOREGOOD_BASE_URL", "http://agency.example/beacon")
    with pytest.raises(ConfigurationError):
        checked_base_url(missing, allow_http=False)


@pytest.mark.parametrize("outside", [None, ""], ids=["unset", "empty"])
def test_the_default_base_url_is_the_vendors(
    outside: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MOREGOOD_BASE_URL", raising=False)
    if outside is not None:
        monkeypatch.setenv("MOREGOOD_BASE_URL", outside)
    assert checked_base_url(None, allow_http=False) == "https://api.moregoodreviews.com/beacon"


@pytest.mark.parametrize(
    ("limit", "per"),
    [(0, 60.0), (-1, 60.0), (60, 0.0), (60, -1.0), (60, float("inf")), (60, float("nan"))],
)
def test_a_rate_must_be_positive_and_finite(limit: int, per: float) -> None:
    with pytest.raises(ConfigurationError, match=r"Rate\(60, per=60.0\)"):
        Rate(limit, per=per)


def test_the_default_period_of_a_rate_is_a_minute() -> None:
    assert Rate(1).per == 60.0
    assert Rate(60, per=60.0) == Rate(60)


@pytest.mark.parametrize("max_concurrency", [0, -1])
def test_max_concurrency_below_1_is_refused(max_concurrency: int) -> None:
    with pytest.raises(ConfigurationError, match="max_concurrency must be at least 1"):
        Limits(max_concurrency, None)
    assert Limits(1, None).max_concurrency == 1


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
def test_a_setting_out_of_range_is_refused_by_name(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        settings(**changed)


@pytest.mark.parametrize(
    "changed", [{"deadline": None}, {"max_attempts": 1}, {"attempt_timeout": 0.001}], ids=str
)
def test_extreme_settings_within_range_are_accepted(changed: dict[str, Any]) -> None:
    """No deadline, no retry, and a very short attempt timeout."""
    [(name, value)] = changed.items()
    assert getattr(settings(**changed), name) == value


def test_settings_show_no_key() -> None:
    """Settings appear in debug output."""
    assert "canary" not in repr(settings(key=ApiKey("canary")))
