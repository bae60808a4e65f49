"""Upserts a second: the sandbox against a bare aiohttp.web handler with the same response.

::

    python benchmarks/sandbox_upserts.py [--rounds 7] [--calls 1500]

The load is raw aiohttp with 32 requests in flight. Half of the upserts create a customer and half
update one. If the load is slower than a server, the rate of upserts makes the slower server look
better than it is. The CPU time of each server's process for a call does not have this flaw.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from _canned import ONE_CUSTOMER
from _harness import (
    Contest,
    Figures,
    Server,
    Task,
    column,
    contestant,
    measured,
    options,
    pin,
    ratios,
    report,
    serving,
    spread,
    table,
    talk,
)
from aiohttp import web

from moregood_async.sandbox import Sandbox

IN_FLIGHT = 32
TARGET_RATIO = 0.4
"""The least share of the bare handler's rate that the sandbox should reach."""

BARE = "bare aiohttp.web handler"
HEADERS = {
    "Authorization": "Bearer test-key",
    "Accept": "application/json",
    "Content-Type": "application/json",
}


def customer_body(number: int) -> bytes:
    """Return the body of a request; two successive numbers have the same customer."""
    number //= 2
    customer = {
        "first_name": "Ada",
        "last_name": f"Larkmoor{number}",
        "email": f"ada{number}@example.com",
        "phone": f"+1415{number:07d}",
        "company": "Larkmoor Books",
        "city": "San Francisco",
    }
    return json.dumps(customer).encode()


@contestant("load")
async def load(base_url: str, first: int, calls: int) -> Figures:
    """Send the upserts."""
    numbers = iter(range(first, first + calls))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def work() -> None:
            for number in numbers:
                data, url = customer_body(number), f"{base_url}/customers"
                async with session.post(url, data=data, headers=HEADERS) as response:
                    body = await response.read()
                    assert response.status == 200, body

        with measured(calls) as figures:
            await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return figures


def measure(servers: dict[str, Server], rounds: int, calls: int) -> dict[str, list[Figures]]:
    """Load the servers in turns; return their figures without those of the warm-up round."""
    seen: dict[str, list[Figures]] = {name: [] for name in servers}
    with Contest(__file__) as contest:
        for number in range(rounds + 1):
            for name, server in servers.items():
                before = server.counters()["cpu_seconds"]
                arguments = {"base_url": server.base_url, "first": number * calls, "calls": calls}
                figures = contest.once(Task("load", arguments))
                cpu_seconds = server.counters()["cpu_seconds"] - before
                if number:
                    seen[name].append(figures | {"server_cpu_micros": cpu_seconds / calls * 1e6})
    return seen


def rows(seen: dict[str, list[Figures]]) -> list[list[str]]:
    """Return the table's rows. A ratio above 1 is better than the bare handler."""
    bare = seen[BARE]
    return [
        [
            name,
            spread(column(figures, "per_second"), ",.0f"),
            spread(ratios(figures, bare, "per_second")),
            spread(column(figures, "server_cpu_micros"), ",.0f"),
            spread(ratios(bare, figures, "server_cpu_micros")),
        ]
        for name, figures in seen.items()
    ]


def main() -> None:
    parser = options(__doc__, rounds=7)
    parser.add_argument(
        "--calls", type=int, default=1_500, help="upserts of each server in a round"
    )
    arguments = parser.parse_args()
    program = Path(__file__).name
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = str(Path(folder, "sandbox.sqlite"))
        servers = {
            BARE: stack.enter_context(serving("bare", by=program)),
            "sandbox, in memory": stack.enter_context(serving("sandbox", by=program, db=None)),
            "sandbox, file": stack.enter_context(serving("sandbox", by=program, db=file)),
        }
        seen = measure(servers, arguments.rounds, arguments.calls)
    titles = ["server", "upserts a second", "ratio", "server CPU a call, µs", "ratio"]
    tables = f"{table(titles, rows(seen))}\n\nThe target is a ratio of at least {TARGET_RATIO}."
    report(arguments, "sandbox_upserts", tables, seen, ["aiohttp"])


# ---- in the process of a server ----


@asynccontextmanager
async def bare() -> AsyncGenerator[str]:
    """Serve a constant response, and yield the base URL."""
    headers = {"Cache-Control": "no-cache, private", "Content-Type": "application/json"}

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=ONE_CUSTOMER, headers=headers)

    app = web.Application()
    app.router.add_post("/beacon/customers", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/beacon"
    await runner.cleanup()


@asynccontextmanager
async def sandbox(db: str | None) -> AsyncGenerator[str]:
    """Serve a sandbox, and yield the base URL."""
    with Sandbox(db=db) as one_sandbox:
        async with one_sandbox.serve() as server:
            yield server.base_url


async def serve(kind: str, **settings: str | None) -> None:
    """Serve one of the two until the benchmark closes the connection."""
    pin("server")
    async with bare() if kind == "bare" else sandbox(**settings) as base_url:
        about = {"base_url": base_url, "software": "aiohttp.web"}
        await asyncio.to_thread(talk, about, lambda _: {"cpu_seconds": time.process_time()})


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in {"bare", "sandbox"}:
        asyncio.run(serve(sys.argv[1], **json.loads(sys.argv[2])))
    else:
        main()
