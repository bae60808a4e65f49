"""Errors of a client, a view and a key source do not leak the key."""

from typing import Any

import pytest

from moregood_async import (
    ConfigurationError,
    InvalidRequest,
    MoreGoodClient,
    MoreGoodError,
    Unauthorized,
)
from moregood_async.sandbox import (
    Sandbox,
)
from tests.canaries.leak_detector import KEY, PERSON, LeakDetector


@pytest.mark.parametrize(
    "invalid",
    [
        {"base_url": "http://api.example/beacon"},
        {"attempt_timeout": -1},
        {"api_key": f"{KEY} "},
        {"api_key": f"{KEY}é"},
        {"max_concurrency": 0},
        {"trust_env": True, "transport": print},
    ],
    ids=lambda invalid: "-".join(invalid),
)
def test_an_invalid_client_does_not_reveal_its_key(
    leaks: LeakDetector, invalid: dict[str, Any]
) -> None:
    """The locals of the frames in the traceback do not hold the key either."""
    options: dict[str, Any] = {"api_key": KEY, **invalid}
    with pytest.raises(MoreGoodError) as raised:
        MoreGoodClient(**options)
    leaks.record_error(raised.value)
    leaks.assert_none()


@pytest.mark.parametrize(
    "invalid",
    [{"attempt_timeout": -1}, {"base_url": "nonsense"}, {"max_concurrency": 0}, {"api_key": " "}],
    ids=lambda invalid: "-".join(invalid),
)
def test_an_invalid_view_does_not_reveal_its_key(
    leaks: LeakDetector, invalid: dict[str, Any]
) -> None:
    options: dict[str, Any] = {"api_key": KEY, **invalid}
    with pytest.raises(MoreGoodError) as raised:
        MoreGoodClient("other").with_options(**options)
    leaks.record_error(raised.value)
    leaks.assert_none()


@pytest.mark.parametrize(
    "base_url", [f"https://{KEY}@api.example/beacon", f"https://api.example/beacon?key={KEY}"]
)
def test_a_key_in_the_base_url_is_not_shown(leaks: LeakDetector, base_url: str) -> None:
    """The client cannot recognize such a key, so that locals may hold it; messages must not."""
    with pytest.raises(ConfigurationError) as raised:
        MoreGoodClient("other", base_url=base_url)
    leaks.record(raised.value, raised.value.explain())
    leaks.assert_none()


@pytest.mark.parametrize("valid", [True, False], ids=["a wrong key", "an invalid key"])
async def test_a_key_from_an_async_source_is_not_leaked(leaks: LeakDetector, valid: bool) -> None:
    """The source is called before each call, and again after the 401."""
    keys = iter([KEY, KEY + "-rotated", KEY + "-rotated"])

    async def key() -> str:
        return next(keys) if valid else f"{KEY} with blanks"

    with Sandbox(keys="another") as sandbox:
        async with MoreGoodClient(key, transport=sandbox) as client:
            with pytest.raises(Unauthorized if valid else MoreGoodError) as raised:
                await client.customers.upsert(**PERSON)
            leaks.record(client, client._session.settings)
    leaks.record_error(raised.value)
    leaks.assert_none()


@pytest.mark.parametrize(
    "headers",
    [{"X": "a\r\nb"}, {"X\r\nY": "a"}, {"X": "a\0b"}, {"X": 7}],
    ids=["value", "name", "nul", "number"],
)
async def test_invalid_headers_are_refused_without_leaking_the_key(
    leaks: LeakDetector,
    canary_sandbox: Sandbox,
    canary_client: MoreGoodClient,
    headers: dict[str, Any],
) -> None:
    """The client checks the headers before aiohttp, whose frames hold the key, sees them."""
    with pytest.raises(InvalidRequest, match="headers") as raised:
        await canary_client.request("GET", "customers", headers=headers)
    leaks.record_error(raised.value)
    leaks.assert_none()
    assert {} == dict(canary_sandbox.audit().requests)
