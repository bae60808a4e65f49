"""What an error says of the attempts of its call."""

from __future__ import annotations

import re

import pytest

from moregood_async import MoreGoodClient
from moregood_async.errors import (
    MoreGoodError,
    UnexpectedResponse,
)
from moregood_async.sandbox import (
    Redirect,
)
from tests.aiohttp_doubles import RawServer, http, saying
from tests.middleware.doubles import without_backoff
from tests.retries.scenes import ADA, CALLS, KEY, ROWS, each_operation, scene

STORIES = {
    "500": """\
ServerError: asks.create: 500 Server Error
- attempt 1: 500 (received, … s, may have taken effect)
- It may have taken effect. Look at customers.messages(customer_id) before you send it again.""",
    "dropped after the effect": """\
ConnectionLost: asks.create: the connection was lost: ServerDisconnectedError Server disconnected
- attempt 1: the connection was lost: ServerDisconnectedError Server disconnected\
 (waiting, … s, may have taken effect)
- It may have taken effect. Look at customers.messages(customer_id) before you send it again.""",
    "timed out after sending": """\
AttemptTimedOut: asks.create: no response in time
- attempt 1: no response in time (waiting, … s, may have taken effect)
- It may have taken effect. Look at customers.messages(customer_id) before you send it again.
- Use attempt_timeout= to allow each attempt more time.""",
    "a web page": """\
UnexpectedResponse: asks.create: a 200 that is not JSON
- attempt 1: 200 (received, … s, may have taken effect)
- It may have taken effect. Look at customers.messages(customer_id) before you send it again.
- Check that base_url points at the API itself and not at a web page or a proxy.""",
    "redirected": """\
UnexpectedResponse: asks.create: a redirect (302), which is never followed
- attempt 1: 302 (received, … s, may have taken effect)
- It may have taken effect. Look at customers.messages(customer_id) before you send it again.
- Check that base_url points at the API itself and not at a web page or a proxy.""",
    "401": """\
Unauthorized: asks.create: 401 Unauthenticated.
- attempt 1: 401 (received, … s)
- Check the project's secret key (api_key= or MOREGOOD_API_KEY).""",
}


@pytest.mark.parametrize("struck", STORIES)
async def test_an_error_tells_the_story_of_the_call(struck: str) -> None:
    """Operation, attempt, phase, time, effect, and what to do now; nobody's address."""
    async with scene(ROWS[struck].fault, attempt_timeout=0.15) as on:
        with pytest.raises(MoreGoodError) as caught:
            await CALLS["asks.create"](on.client)
    assert STORIES[struck] == re.sub(r"\d+\.\d\d s", "… s", caught.value.explain())


async def test_an_answer_that_is_not_http_is_told_with_its_attempts() -> None:
    """The one before it included; and it is not sent a third time."""
    async with (
        RawServer(saying(http("500 Oops"), b"SSH-2.0-OpenSSH\r\n\r\n")) as server,
        MoreGoodClient(KEY, base_url=f"{server.url}/beacon") as client,
    ):
        with pytest.raises(UnexpectedResponse) as caught:
            await without_backoff(client).customers.upsert(first_name="Ada", email=ADA)
        assert 2 == len(server.received)
    assert [(1, "500", True), (2, "no HTTP", True)] == [
        (each.number, each.outcome, each.may_have_applied) for each in caught.value.attempts
    ]
    assert caught.value.may_have_applied


@each_operation
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(name: str, status: int) -> None:
    """Where it points, nobody ever calls: the key stays with the host it was meant for."""
    async with RawServer() as target, scene(Redirect(f"{target.url}/login", status)) as on:
        with pytest.raises(UnexpectedResponse, match="redirect"):
            await CALLS[name](on.client)
        assert (1, 0) == (on.requests(name), target.connections)
