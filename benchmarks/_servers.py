"""The servers of the benchmarks, each in a process of its own; start them with `_harness.serving`.

===========  ======================================================================  ===========
kind         what it does                                                            settings
===========  ======================================================================  ===========
``fast``     returns the same customer for each request, by nginx where nginx is
             installed, else as ``bare``
``bare``     does the same by an ``asyncio.Protocol``. A GET with ``page=`` in its   ``pages``,
             query returns that page of 100 customers, of ``pages``. Optionally it   ``latency``,
             responds after ``latency``, or numbers the customers                    ``numbered``
``window``   accepts ``limit`` requests in a fixed window, as Laravel does: the      ``limit``,
             window starts at its first request; throttled requests do not count     ``period``
``bucket``   a token bucket. Optionally its only signal is the 429; optionally its   ``rate``,
             rate halves after ``halves_after`` seconds                              ``burst``,
                                                                                     ``headers``,
                                                                                     ``halves_after``
===========  ======================================================================  ===========

The servers with a limit spend ``latency`` (0.05 s) on each request, half of it before they decide
and half of it after; they have ``pages`` too. They count the effects by the ``email`` in the body,
so that a benchmark can prove that no request was lost and none took effect twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from _canned import ONE_CUSTOMER, TOO_MANY, CannedPages, head
from _harness import pin, talk

PORT_FREE = 0
FIRST_ID = 1_000_000_000
"""All following ids have as many digits, so that all responses have the same length."""


class Connection(asyncio.Protocol):
    """A minimal HTTP/1.1 server connection: one read holds a part, one or several requests."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        while (end := data.find(b"\r\n\r\n") + 4) > 3:
            stop = end + _content_length(data[:end])
            if len(data) < stop:
                break
            self.handle(data[:end], data[end:stop])
            data = data[stop:]
        self._rest = data

    def handle(self, request_head: bytes, body: bytes) -> None:
        """Respond to one complete request."""
        raise NotImplementedError

    def send(self, response: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(response)


def _content_length(request_head: bytes) -> int:
    _, found, rest = request_head.lower().partition(b"\r\ncontent-length:")
    return int(rest[: rest.index(b"\r\n")]) if found else 0


class Service(Protocol):
    """A server without its socket."""

    software: str

    def connection(self) -> Connection: ...

    def counters(self) -> dict[str, float]: ...


class Bare:
    """Responds to each request at once, or after ``latency``."""

    software = "asyncio.Protocol"

    def __init__(self, *, pages: int = 1, latency: float = 0.0, numbered: bool = False) -> None:
        self._body = ONE_CUSTOMER
        if numbered:
            self._body = ONE_CUSTOMER.replace(b'"id":1,', b'"id":%d,' % FIRST_ID, 1)
        self._numbered = numbered
        self.pages = CannedPages(pages)
        self.latency = latency
        self.requests = 0
        self._customer, self._made_at = b"", -math.inf

    def connection(self) -> Connection:
        return _BareConnection(self)

    def counters(self) -> dict[str, float]:
        return {"requests": self.requests, "cpu_seconds": time.process_time()}

    def respond(self, request_head: bytes) -> bytes:
        """Return the response to a request with this head."""
        self.requests += 1
        if request_head.startswith(b"GET "):
            body = self.pages.page(_requested_page(request_head))
            return head(b"200 OK", len(body)) + body
        now = time.monotonic()
        if now > self._made_at + 1:  # the Date header changes each second
            self._customer = head(b"200 OK", len(self._body)) + self._body
            self._made_at = now
        if self._numbered:
            return self._customer.replace(b"%d" % FIRST_ID, b"%d" % (FIRST_ID + self.requests), 1)
        return self._customer


class _BareConnection(Connection):
    def __init__(self, service: Bare) -> None:
        super().__init__()
        self._service = service

    def handle(self, request_head: bytes, body: bytes) -> None:
        response = self._service.respond(request_head)
        if self._service.latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._service.latency, self.send, response)
        else:
            self.transport.write(response)


def _requested_page(request_head: bytes) -> int:
    line = request_head[: request_head.index(b"\r\n")].replace(b"?", b"&").replace(b" ", b"&")
    _, found, rest = line.partition(b"&page=")
    return int(rest.partition(b"&")[0]) if found else 1


class Limiter(Protocol):
    """A rate limit."""

    def decide(self, now: float) -> tuple[bool, dict[str, object]]:
        """Return whether to accept the request, and the headers of its response."""
        ...


@dataclass
class FixedWindow:
    """Laravel's limit: ``Retry-After`` is rounded down, and only on the 429."""

    limit: int
    period: float
    _ends: float = -math.inf
    _used: int = 0

    def decide(self, now: float) -> tuple[bool, dict[str, object]]:
        if now >= self._ends:
            self._ends, self._used = now + self.period, 0
        is_accepted = self._used < self.limit
        self._used += is_accepted
        headers: dict[str, object] = {
            "X-RateLimit-Limit": self.limit,
            "X-RateLimit-Remaining": self.limit - self._used,
        }
        if not is_accepted:
            seconds = math.floor(self._ends - now)
            headers |= {"Retry-After": seconds, "X-RateLimit-Reset": int(time.time()) + seconds}
        return is_accepted, headers


@dataclass
class TokenBucket:
    """A bucket that is full at its first request; ``Retry-After`` is rounded up to milliseconds."""

    rate: float
    burst: int
    headers: bool = True
    halves_after: float = math.inf
    _tokens: float = field(init=False)
    _filled: float = math.inf

    def __post_init__(self) -> None:
        self._tokens = self.burst

    def decide(self, now: float) -> tuple[bool, dict[str, object]]:
        if self._filled == math.inf:
            self._filled = now
            self.halves_after += now
        if now >= self.halves_after:
            self._fill(self.halves_after)
            self.rate, self.halves_after = self.rate / 2, math.inf
        self._fill(now)
        is_accepted = self._tokens >= 1
        self._tokens -= is_accepted
        return is_accepted, self._headers(is_accepted) if self.headers else {}

    def _fill(self, now: float) -> None:
        gained = (now - self._filled) * self.rate
        self._tokens, self._filled = min(self.burst, self._tokens + gained), now

    def _headers(self, is_accepted: bool) -> dict[str, object]:
        headers: dict[str, object] = {
            "X-RateLimit-Limit": self.burst,
            "X-RateLimit-Remaining": int(self._tokens),
        }
        if not is_accepted:
            millis = math.ceil((1 - self._tokens) / self.rate * 1000)
            headers["Retry-After"] = f"{millis / 1000:.3f}"
        return headers


class LimitedService:
    """A server with a limit, which counts the requests that took effect."""

    software = "asyncio.Protocol"

    def __init__(self, limiter: Limiter, *, latency: float = 0.05, pages: int = 1) -> None:
        self.limiter = limiter
        self.pages = CannedPages(pages)
        self.half = latency / 2
        self.requests = self.throttled = 0
        self.effects: Counter[str] = Counter()

    def connection(self) -> Connection:
        return _LimitedConnection(self)

    def counters(self) -> dict[str, float]:
        return {
            "requests": self.requests,
            "throttled": self.throttled,
            "took_effect": len(self.effects),
            "doubled": self.effects.total() - len(self.effects),
            "cpu_seconds": time.process_time(),
        }

    def respond(self, request_head: bytes, body: bytes) -> bytes:
        """Accept or throttle a request now, and return the response."""
        self.requests += 1
        is_accepted, headers = self.limiter.decide(time.monotonic())
        if not is_accepted:
            self.throttled += 1
            return head(b"429 Too Many Requests", len(TOO_MANY), headers) + TOO_MANY
        if body:
            self.effects[json.loads(body)["email"]] += 1
            return head(b"200 OK", len(ONE_CUSTOMER), headers) + ONE_CUSTOMER
        page = self.pages.page(_requested_page(request_head))
        return head(b"200 OK", len(page), headers) + page


class _LimitedConnection(Connection):
    def __init__(self, service: LimitedService) -> None:
        super().__init__()
        self._service = service

    def handle(self, request_head: bytes, body: bytes) -> None:
        loop, half = asyncio.get_running_loop(), self._service.half

        def decide() -> None:
            loop.call_later(half, self.send, self._service.respond(request_head, body))

        loop.call_later(half, decide)


def _window(limit: int, period: float, **more: Any) -> LimitedService:
    return LimitedService(FixedWindow(limit, period), **more)


def _bucket(
    rate: float, burst: int, *, headers: bool = True, halves_after: float = math.inf, **more: Any
) -> LimitedService:
    return LimitedService(TokenBucket(rate, burst, headers, halves_after), **more)


KINDS: dict[str, Callable[..., Service]] = {
    "fast": Bare,
    "bare": Bare,
    "window": _window,
    "bucket": _bucket,
}


async def serve(service: Service) -> None:
    """Serve until the benchmark closes the standard input."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(service.connection, "127.0.0.1", PORT_FREE, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    about = {"base_url": f"http://127.0.0.1:{port}/beacon", "software": service.software}
    await asyncio.to_thread(talk, about, lambda _: service.counters())


# ---- nginx ----

_CONFIG = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type application/json; tcp_nodelay on;
  keepalive_timeout 1h; keepalive_requests 1000000000;
  {temporary}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /status {{ stub_status; }}
    location / {{ add_header Cache-Control "no-cache, private"; return 200 '{body}'; }}
  }}
}}
"""
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def nginx() -> str | None:
    """Return the path of nginx if it is installed and the system shows its CPU time."""
    return shutil.which("nginx") if Path("/proc/self/stat").exists() else None


def serve_by_nginx(program: str) -> None:
    """Run one process of nginx until the benchmark closes the standard input."""
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", PORT_FREE))
            port = free.getsockname()[1]
        paths = " ".join(f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY)
        config = Path(folder, "nginx.conf")
        body = ONE_CUSTOMER.decode().replace("\\", "\\\\")
        config.write_text(_CONFIG.format(folder=folder, port=port, temporary=paths, body=body))
        process = subprocess.Popen([program, "-p", folder, "-c", str(config)])
        try:
            about = {"base_url": f"http://127.0.0.1:{port}/beacon", "software": "nginx"}
            _wait_for(port)
            talk(about, lambda _: _nginx_counters(process.pid, port))
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)


def _nginx_counters(pid: int, port: int) -> dict[str, float]:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"GET /status HTTP/1.0\r\n\r\n")
        status = b"".join(iter(lambda: connection.recv(4096), b""))
    requests = int(status.split(b"requests")[1].split()[2])
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    seconds = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return {"requests": requests, "cpu_seconds": seconds}


def main() -> None:
    kind, settings = sys.argv[1], json.loads(sys.argv[2])
    pin("server")
    program = nginx()
    if kind == "fast" and program and not settings:
        serve_by_nginx(program)
        return
    service = KINDS[kind](**settings)
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.run(serve(service))
        return
    asyncio.run(serve(service))


if __name__ == "__main__":
    main()
