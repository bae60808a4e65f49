"""Doubles of the server side of aiohttp: a response for aioresponses, and a raw TCP server."""

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

_REQUIRES_STREAM_WRITER = (
    "stream_writer" in inspect.signature(aiohttp.ClientResponse.__init__).parameters
)


class MockedResponse(aiohttp.ClientResponse):
    """A ``response_class`` for aioresponses, whose release 0.7.9 fails on aiohttp 3.14 without it.

    aiohttp 3.14 requires the ``stream_writer`` that sent the request; aioresponses passes none.
    """

    def __init__(self, method: str, url: URL, **kwargs: Any) -> None:
        if _REQUIRES_STREAM_WRITER:
            kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(method, url, **kwargs)


@attrs.frozen
class Received:
    """A request as the server received it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    _reader: asyncio.StreamReader = attrs.field(repr=False, eq=False)

    def is_abandoned(self) -> bool:
        """Return whether the client has closed the connection."""
        return self._reader.at_eof() or self._reader.exception() is not None

    def all(self, name: str) -> list[str]:
        """Return the values of a header, one for each time that the header was sent."""
        return [value for each, value in self.headers if each.lower() == name.lower()]


Responder = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


def http(status: str = "200 OK", body: bytes = b'{"data":{}}', *headers: str) -> bytes:
    """Return an HTTP response as bytes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def saying(*responses: bytes) -> Responder:
    """Return a responder that sends one response to each request, and then repeats the last one.

    An empty response closes the connection.
    """
    remaining = list(responses)

    async def respond(_: Received, writer: asyncio.StreamWriter) -> None:
        response = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        writer.write(response)
        if not response:
            writer.close()

    return respond


def saying_and_closing(response: bytes) -> Responder:
    """Return a responder that sends the response and closes the connection."""

    async def respond(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(response)
        writer.close()

    return respond


async def silent(received: Received, writer: asyncio.StreamWriter) -> None:
    """Send nothing, and close the connection when the client has closed it."""
    while not received.is_abandoned():  # noqa: ASYNC110 - a stream has no event for it
        await asyncio.sleep(0.002)
    writer.close()


async def resetting(_: Received, writer: asyncio.StreamWriter) -> None:
    """Reset the TCP connection."""
    no_linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    writer.transport.abort()


class RawServer:
    """A server that reads HTTP, responds with any bytes, and counts connections and requests."""

    def __init__(self, answer: Responder | None = None, *, port: int = 0, ssl: Any = None) -> None:
        self.answer = answer or saying(http())
        self.port = port
        self.connections = 0
        self.open_connections = 0
        self.received: list[Received] = []
        self._ssl = ssl
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The base URL of the server."""
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
        task = asyncio.ensure_future(self._serve_connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        self.open_connections += 1
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while not writer.is_closing():
                    received = await _read_request(reader)
                    self.received.append(received)
                    await self.answer(received, writer)
        finally:
            self.open_connections -= 1
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n")
    request_line, *lines = head.split("\r\n")
    method, target, _ = request_line.split(" ")
    headers = tuple((name, value) for name, _, value in (line.partition(": ") for line in lines))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Received(method, target, headers, await reader.readexactly(length), reader)


def free_port() -> int:
    """Return a port on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
