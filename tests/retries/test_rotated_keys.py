"""A key that is rotated while calls go on."""

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
    furnished,
    scene,
)


@pytest.fixture
def keys() -> list[str]:
    """What the user's vault says, one after the other, the last for ever."""
    return ["old-key", KEY]


def vault(keys: list[str]) -> Callable[[], Awaitable[str]]:
    async def key() -> str:
        return keys.pop(0) if len(keys) > 1 else keys[0]

    return key


@each_operation
async def test_after_a_401_the_key_is_asked_for_again_and_the_call_repeated_once(
    name: str, keys: list[str]
) -> None:
    """A refused key did nothing, so it is safe for all of them."""
    with await furnished() as sandbox:
        before = sandbox.audit()
        async with (
            sandbox.serve() as server,
            MoreGoodClient(vault(keys), base_url=server.base_url) as client,
        ):
            await CALLS[name](client)
        on = Scene(sandbox, client, before)
        assert (2, name in COUNTED_AS) == (on.requests(name), on.effects(name))


@pytest.mark.parametrize(
    ("given", "requests"),
    [(["old-key", "older-key", KEY], 2), (["old-key"], 1)],
    ids=["another wrong one", "the same one"],
)
async def test_a_key_that_stays_wrong_is_not_tried_for_ever(
    given: list[str], requests: int
) -> None:
    """Once more, and only where the vault gives another one."""
    with await furnished() as sandbox:
        async with (
            sandbox.serve() as server,
            MoreGoodClient(vault(given), base_url=server.base_url) as client,
        ):
            with pytest.raises(Unauthorized) as caught:
                await CALLS["asks.create"](client)
        assert requests == sandbox.audit().requests["asks.create"]
    assert [(number + 1, "401") for number in range(requests)] == [
        (each.number, each.outcome) for each in caught.value.attempts
    ]


async def test_what_happened_with_the_old_key_is_not_forgotten(keys: list[str]) -> None:
    """The upsert that was lost before the key was rotated may have been done."""
    answers = saying(http("500 Oops"), http("401 No"), b"")
    async with (
        RawServer(answers) as server,
        MoreGoodClient(vault(keys), base_url=server.url, max_attempts=2) as client,
    ):
        with pytest.raises(ConnectionLost) as caught:
            await without_backoff(client).customers.upsert(first_name="Ada", email=ADA)
        assert ["Bearer old-key"] * 2 + [f"Bearer {KEY}"] * 2 == [
            value for received in server.received for value in received.all("Authorization")
        ]
    assert [1, 2, 3, 4] == [attempt.number for attempt in caught.value.attempts]
    assert caught.value.may_have_applied


async def test_an_answer_after_a_rotation_is_told_with_its_attempts(keys: list[str]) -> None:
    """`UnexpectedResponse` is the second one's, and the first is in its story."""
    async with (
        RawServer(saying(http("401 No"), http(body=b"<html>"))) as server,
        MoreGoodClient(vault(keys), base_url=server.url) as client,
    ):
        with pytest.raises(UnexpectedResponse) as caught:
            await CALLS["asks.create"](client)
    assert [(1, "401", False), (2, "200", True)] == [
        (each.number, each.outcome, each.may_have_applied) for each in caught.value.attempts
    ]


async def test_a_refusal_at_the_end_is_the_calls_answer() -> None:
    """429 again and again: the server's own words, after the attempts that were allowed."""
    async with scene(Refuse(429), max_attempts=1) as on:
        with pytest.raises(RateLimited) as caught:
            await CALLS["asks.create"](on.client)
        assert (1, 0) == (on.requests("asks.create"), on.effects("asks.create"))
    assert not caught.value.may_have_applied
    assert not isinstance(caught.value, NoResponse)
