"""Rotation of the API key during a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    ConnectionLost,
    NoResponse,
    RateLimited,
    Unauthorized,
    UnexpectedResponse,
)
from moregood_async.sandbox import (
    Refuse,
)
from tests.aiohttp_doubles import RawServer, http, saying
from tests.middleware.doubles import without_backoff
from tests.retries.scenes import (
    ADA,
    CALLS,
    COUNTED_AS,
    KEY,
    Scene,
    each_operation,
    furnished_sandbox,
    scene,
)


@pytest.fixture
def keys() -> list[str]:
    """The keys that the user's vault returns, in this order; the last one is repeated."""
    return ["old-key", KEY]


def vault(keys: list[str]) -> Callable[[], Awaitable[str]]:
    """Return an asynchronous key source, which takes the keys from the list."""

    async def key() -> str:
        return keys.pop(0) if len(keys) > 1 else keys[0]

    return key


@each_operation
async def test_after_a_401_the_key_is_fetched_again_and_the_call_retried_once(
    name: str, keys: list[str]
) -> None:
    """A refused key has had no effect, so that a retry is safe for every operation."""
    with await furnished_sandbox() as sandbox:
        before = sandbox.audit()
        async with (
            sandbox.serve() as server,
            MoreGoodClient(vault(keys), base_url=server.base_url) as client,
        ):
            await CALLS[name](client)
        env = Scene(sandbox, client, before)
        assert 2 == env.requests(name)
        assert (name in COUNTED_AS) == env.effects(name)


@pytest.mark.parametrize(
    ("vault_keys", "requests"),
    [(["old-key", "older-key", KEY], 2), (["old-key"], 1)],
    ids=["another wrong key", "the same key"],
)
async def test_a_wrong_key_is_retried_at_most_once(vault_keys: list[str], requests: int) -> None:
    """The call is retried only if the vault returns another key."""
    with await furnished_sandbox() as sandbox:
        async with (
            sandbox.serve() as server,
            MoreGoodClient(vault(vault_keys), base_url=server.base_url) as client,
        ):
            with pytest.raises(Unauthorized) as caught:
                await CALLS["asks.create"](client)
        assert requests == sandbox.audit().requests["asks.create"]
    assert [(number + 1, "401") for number in range(requests)] == [
        (each.number, each.outcome) for each in caught.value.attempts
    ]


async def test_the_error_includes_the_attempts_before_the_rotation(keys: list[str]) -> None:
    """The upsert that failed before the key was rotated may have taken effect."""
    responder = saying(http("500 Oops"), http("401 No"), b"")
    async with (
        RawServer(responder) as server,
        MoreGoodClient(vault(keys), base_url=server.url, max_attempts=2) as client,
    ):
        with pytest.raises(ConnectionLost) as caught:
            await without_backoff(client).customers.upsert(first_name="Ada", email=ADA)
        assert ["Bearer old-key"] * 2 + [f"Bearer {KEY}"] * 2 == [
            value for received in server.received for value in received.all("Authorization")
        ]
    assert [1, 2, 3, 4] == [attempt.number for attempt in caught.value.attempts]
    assert caught.value.may_have_applied


async def test_an_unexpected_response_after_a_rotation_has_all_attempts(keys: list[str]) -> None:
    """The second attempt raises `UnexpectedResponse`, which includes the refused first attempt."""
    async with (
        RawServer(saying(http("401 No"), http(body=b"<html>"))) as server,
        MoreGoodClient(vault(keys), base_url=server.url) as client,
    ):
        with pytest.raises(UnexpectedResponse) as caught:
            await CALLS["asks.create"](client)
    assert [(1, "401", False), (2, "200", True)] == [
        (each.number, each.outcome, each.may_have_applied) for each in caught.value.attempts
    ]


async def test_a_429_after_the_last_attempt_raises_rate_limited() -> None:
    """The error is the server's refusal, and not a `NoResponse`."""
    async with scene(Refuse(429), max_attempts=1) as env:
        with pytest.raises(RateLimited) as caught:
            await CALLS["asks.create"](env.client)
        assert 1 == env.requests("asks.create")
        assert 0 == env.effects("asks.create")
    assert not caught.value.may_have_applied
    assert not isinstance(caught.value, NoResponse)
