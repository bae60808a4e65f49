"""Raw requests: what the tests of this folder share."""

from __future__ import annotations

import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import pytest
from yarl import URL

from moregood_async.errors import (
    NoResponse,
)
from moregood_async.privacy import Headers
from moregood_async.transport import AiohttpTransport
from moregood_async.wire import Request

KEY = "canary-key"


BODY = b'{"email":"ada@example.com"}'


def post(server: str, **given: Any) -> Request:
    headers = {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    plain = Request(method="POST", url=f"{server}/beacon/asks", headers=Headers(headers), body=BODY)
    return attrs.evolve(plain, **given)


def get(server: str, **given: Any) -> Request:
    return post(server, method="GET", body=None, **given)


METHODS = pytest.mark.parametrize("make", [post, get], ids=["POST", "GET"])


async def failure(transport: AiohttpTransport, request: Request) -> NoResponse:
    with pytest.raises(NoResponse) as caught:
        await transport(request)
    error = caught.value
    assert error.seconds >= 0
    assert error.__cause__ is not None
    assert error.__cause__.__traceback__ is None
    assert KEY not in str(error)
    return error


def told(error: NoResponse) -> tuple[type[NoResponse], str, bool]:
    return type(error), error.phase, error.sent


@contextmanager
def full_backlog() -> Generator[str]:
    """A host that neither accepts nor refuses: its queue of connections is full."""
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


def asked(mocked: Any, method: str, url: str) -> Mapping[str, Any]:
    [call] = mocked.requests[(method, URL(url))]
    kwargs: Mapping[str, Any] = call.kwargs
    return kwargs
