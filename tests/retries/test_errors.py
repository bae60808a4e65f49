"""What an error reports of the attempts of its call."""

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
from tests.retries.scenes import ADA, CALLS, FAULT_CASES, KEY, each_operation, scene

EXPLANATIONS = {
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


@pytest.mark.parametrize("case", EXPLANATIONS)
async def test_an_error_explains_the_attempts_of_its_call(case: str) -> None:
    """`explain` names operation, attempt, phase, time, effect and next step, but no person."""
    async with scene(FAULT_CASES[case].fault, attempt_timeout=0.15) as env:
        with pytest.raises(MoreGoodError) as caught:
            await CALLS["asks.create"](env.client)
    assert EXPLANATIONS[case] == re.sub(r"\d+\.\d\d s", "… s", caught.value.explain())


async def test_the_error_of_a_response_that_is_not_http_has_all_attempts() -> None:
    """The error includes the failed first attempt; there is no third one."""
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
    """The key is sent only to the configured host."""
    async with RawServer() as target, scene(Redirect(f"{target.url}/login", status)) as env:
        with pytest.raises(UnexpectedResponse, match="redirect"):
            await CALLS[name](env.client)
        assert 1 == env.requests(name)
        assert 0 == target.connections
