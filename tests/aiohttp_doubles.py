"""What stands on the other side of aiohttp: an answer for aioresponses, and a server of bytes."""

from __future__ import annotations

import asyncio
import inspect
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import aiohttp
import attrs
from yarl import URL

_WANTS_WRITER = "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters


class MockedResponse(aiohttp.ClientResponse):
    """Give it to aioresponses as ``response_class``: 0.7.9 fails on aiohttp 3.14 without.

    aiohttp 3.14 asks for the ``stream_writer`` that sent the request, and aioresponses sends none.
    """

    def __init__(self, method: str, url: URL, **given: Any) -> None:
        if _WANTS_WRITER:
            given.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(method, url, **given)


@attrs.frozen
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    _reader: asyncio.StreamReader = attrs.field(repr=False, eq=False)

    def is_abandoned(self) -> bool:
        """Whether the client has hung up."""
        return self._reader.at_eof() or self._reader.exception() is not None

    def all(self, name: str) -> list[str]:
        """Every value of a header, however often it was sent."""
        return [value for each, value in self.headers if each.lower() == name.lower()]


Answering = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


def http(status: str = "200 OK", body: bytes = b'{"data":{}}', *headers: str) -> bytes:
    """An HTTP answer, as bytes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def saying(*answers: bytes) -> Answering:
    """Says one answer after the other, the last one for ever; b"" hangs up without a word."""
    left = list(answers)

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        said = left.pop(0) if len(left) > 1 else left[0]
        writer.write(said)
        if not said:
            writer.close()

    return answer


def saying_and_closing(said: bytes) -> Answering:
    """Says it and hangs up."""

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    return answer


async def silent(received: Received, writer: asyncio.StreamWriter) -> None:
    """Takes the request and never says anything, until the client hangs up."""
    while not received.is_abandoned():  # noqa: ASYNC110 - a stream has no event for it
        await asyncio.sleep(0.002)
    writer.close()


async def resetting(_: Received, writer: asyncio.StreamWriter) -> None:
    """Answers with a TCP reset."""
    linger_not_at_all = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, linger_not_at_all
    )
    writer.transport.abort()


class RawServer:
    """A server that reads HTTP and answers with whatever bytes it is told; it counts."""

    def __init__(self, answer: Answering | None = None, *, port: int = 0, ssl: Any = None) -> None:
        self.answer = answer or saying(http())
        self.port = port
        self.connections = 0
        self.open_connections = 0
        self.received: list[Received] = []
        self._ssl = ssl
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._ssl, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._served(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while not writer.is_closing():
                    received = await _received(reader)
                    self.received.append(received)
                    await self.answer(received, writer)
        finally:
            self.open_connections -= 1
            writer.close()


async def _received(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = tuple((name, value) for name, _, value in (line.partition(": ") for line in lines))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Received(method, target, headers, await reader.readexactly(length), reader)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
