"""A client, a view and a key source that fail keep their key."""

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
from tests.canaries.aviary import KEY, PERSON, Aviary


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "http://api.example/beacon"},
        {"attempt_timeout": -1},
        {"api_key": f"{KEY} "},
        {"api_key": f"{KEY}é"},
        {"max_concurrency": 0},
        {"trust_env": True, "transport": print},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_a_client_that_cannot_be_made_keeps_its_key(aviary: Aviary, wrong: dict[str, Any]) -> None:
    """Also in the locals of the frames that refused it."""
    given: dict[str, Any] = {"api_key": KEY, **wrong}
    with pytest.raises(MoreGoodError) as refused:
        MoreGoodClient(**given)
    aviary.catch(refused.value)
    aviary.refuse_canaries()


@pytest.mark.parametrize(
    "wrong",
    [{"attempt_timeout": -1}, {"base_url": "nonsense"}, {"max_concurrency": 0}, {"api_key": " "}],
    ids=lambda wrong: "-".join(wrong),
)
def test_a_view_that_cannot_be_made_keeps_its_key(aviary: Aviary, wrong: dict[str, Any]) -> None:
    """As with the client."""
    given: dict[str, Any] = {"api_key": KEY, **wrong}
    with pytest.raises(MoreGoodError) as refused:
        MoreGoodClient("other").with_options(**given)
    aviary.catch(refused.value)
    aviary.refuse_canaries()


@pytest.mark.parametrize(
    "base_url", [f"https://{KEY}@api.example/beacon", f"https://api.example/beacon?key={KEY}"]
)
def test_a_key_in_the_wrong_place_is_not_shown(aviary: Aviary, base_url: str) -> None:
    """Nobody told us that it is one, so locals may hold it; texts do not."""
    with pytest.raises(ConfigurationError) as refused:
        MoreGoodClient("other", base_url=base_url)
    aviary.show(refused.value, refused.value.explain())
    aviary.refuse_canaries()


@pytest.mark.parametrize("good", [True, False], ids=["a wrong key", "no key at all"])
async def test_an_async_key_shows_itself_nowhere(aviary: Aviary, good: bool) -> None:
    """Asked for before each call, and again after the 401."""
    keys = iter([KEY, KEY + "-rotated", KEY + "-rotated"])

    async def key() -> str:
        return next(keys) if good else f"{KEY} with blanks"

    with Sandbox(keys="another") as sandbox:
        async with MoreGoodClient(key, transport=sandbox) as client:
            with pytest.raises(Unauthorized if good else MoreGoodError) as raised:
                await client.customers.upsert(**PERSON)
            aviary.show(client, client._session.settings)
    aviary.catch(raised.value)
    aviary.refuse_canaries()


@pytest.mark.parametrize(
    "headers",
    [{"X": "a\r\nb"}, {"X\r\nY": "a"}, {"X": "a\0b"}, {"X": 7}],
    ids=["value", "name", "nul", "number"],
)
async def test_headers_that_http_forbids_are_refused_and_show_no_key(
    aviary: Aviary,
    canary_sandbox: Sandbox,
    canary_client: MoreGoodClient,
    headers: dict[str, Any],
) -> None:
    """Here, and not by aiohttp, in whose frames the key stands beside them."""
    with pytest.raises(InvalidRequest, match="headers") as raised:
        await canary_client.request("GET", "customers", headers=headers)
    aviary.catch(raised.value)
    aviary.refuse_canaries()
    assert {} == dict(canary_sandbox.audit().requests)
