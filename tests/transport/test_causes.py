"""Errors and their causes hold neither the key, nor the query, nor the password of a proxy."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest

from moregood_async.errors import (
    UnexpectedResponse,
)
from moregood_async.privacy import Headers
from moregood_async.transport import AiohttpTransport
from tests.aiohttp_doubles import (
    RawServer,
    http,
    saying_and_closing,
)
from tests.transport.raw_requests import KEY, failure, get


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def test_no_cause_of_an_error_holds_the_key_or_the_query(
    transport: AiohttpTransport,
) -> None:
    """The ``ClientResponseError`` of aiohttp has both, in its text and in its ``repr``."""
    async with RawServer(saying_and_closing(b"SSH-2.0\r\n\r\n")) as server:
        url = f"{server.url}/beacon/customers?name=Ada-Lovelace"
        with pytest.raises(UnexpectedResponse) as caught:
            await transport(get("", url=url))
    for error in chain_of(caught.value):
        text = f"{error} {error!r} {error.args} {vars(error)}"
        assert KEY not in text
        assert "Lovelace" not in text


async def test_no_cause_of_an_error_holds_the_password_of_the_proxy() -> None:
    async with RawServer(saying_and_closing(http("407 Proxy Authentication Required"))) as proxy:
        transport = AiohttpTransport(proxy=f"http://user:secret-pass@127.0.0.1:{proxy.port}")
        error = await failure(transport, get("https://api.moregoodreviews.com"))
        await transport.close()
    for each in chain_of(error):
        assert "secret-pass" not in f"{each} {each!r} {each.args} {vars(each)}"


async def test_the_frames_of_a_refused_header_do_not_hold_the_key(
    transport: AiohttpTransport,
) -> None:
    """A middleware can put a line break into a header; error reports show local variables."""
    headers = Headers({"Authorization": f"Bearer {KEY}", "X-Name": "Ada\r\nX-Role: admin"})
    async with RawServer() as server:
        with pytest.raises(ValueError) as caught:
            await transport(get(server.url, headers=headers))
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [frame for frame in report.stack if "/tests/" not in frame.filename]
    assert [frame.name for frame in frames if KEY in str(frame.locals)] == []
