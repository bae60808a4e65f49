"""Requests and helpers that the tests of this folder share."""

from __future__ import annotations

import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import attrs
import pytest
from yarl import URL

from moregood_async.errors import NoResponse
from moregood_async.privacy import Headers
from moregood_async.transport import AiohttpTransport
from moregood_async.wire import Request

KEY = "canary-key"


BODY = b'{"email":"ada@example.com"}'


def post(server: str, **fields: Any) -> Request:
    headers = {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    request = Request(
        method="POST", url=f"{server}/beacon/asks", headers=Headers(headers), body=BODY
    )
    return attrs.evolve(request, **fields)


def get(server: str, **fields: Any) -> Request:
    return post(server, method="GET", body=None, **fields)


METHODS = pytest.mark.parametrize("make", [post, get], ids=["POST", "GET"])


async def failure(transport: AiohttpTransport, request: Request) -> NoResponse:
    """Send a request that must fail, and return its error."""
    with pytest.raises(NoResponse) as caught:
        await transport(request)
    error = caught.value
    assert error.seconds >= 0
    assert error.__cause__ is not None
    assert error.__cause__.__traceback__ is None
    assert KEY not in str(error)
    return error


class Summary(NamedTuple):
    """What an error says of a request without a response."""

    error_class: type[NoResponse]
    phase: str
    sent: bool


def summary_of(error: NoResponse) -> Summary:
    return Summary(type(error), error.phase, error.sent)


@contextmanager
def full_backlog() -> Generator[str]:
    """Yield the URL of a host that neither accepts nor refuses connections: its backlog is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listening.getsockname())
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            for each in waiting:
                each.close()


def call_arguments(mocked: Any, method: str, url: str) -> Mapping[str, Any]:
    """Return the keyword arguments of the one call that aiohttp received for a method and URL."""
    [call] = mocked.requests[(method, URL(url))]
    kwargs: Mapping[str, Any] = call.kwargs
    return kwargs
