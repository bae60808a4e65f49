"""Upserts a second: the sandbox against a bare aiohttp.web handler that answers the same bytes.

::

    python benchmarks/sandbox_upserts.py [--rounds 7] [--json FILE]

Each server runs in a process of its own, and rounds take turns, so that a noisy machine is noisy
for all of them. The load is raw aiohttp, in this process, with 32 requests in flight; half of the
upserts create a customer, half change one. Where this process is slower than a server, upserts a
second flatter the slower server: the CPU time that each server's process took for a call does not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
import attrs
from aiohttp import web

from moregood_async import __version__
from moregood_async.sandbox import Sandbox

IN_FLIGHT = 32
FLOOR = 0.4
HEADERS = {
    "Authorization": "Bearer test-key",
    "Accept": "application/json",
    "Content-Type": "application/json",
}


def upsert(number: int) -> bytes:
    """What is sent; every customer is sent twice."""
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


async def _bare(pipe: Connection, answer: bytes) -> None:
    headers = {"Cache-Control": "no-cache, private", "Content-Type": "application/json"}

    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=answer, headers=headers)

    app = web.Application()
    app.router.add_post("/beacon/customers", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await _serve_until_told(pipe, f"http://127.0.0.1:{runner.addresses[0][1]}/beacon")
    await runner.cleanup()


async def _sandbox(pipe: Connection, db: str | None) -> None:
    with Sandbox(db=db) as sandbox:
        async with sandbox.serve() as server:
            await _serve_until_told(pipe, server.base_url)


async def _serve_until_told(pipe: Connection, base_url: str) -> None:
    """Names the address, then the CPU seconds of this process whenever it is asked."""
    pipe.send(base_url)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def told() -> None:
        if pipe.recv() == "stop":
            stop.set()
        else:
            pipe.send(time.process_time())

    loop.add_reader(pipe.fileno(), told)
    await stop.wait()
    loop.remove_reader(pipe.fileno())


def _bare_process(pipe: Connection, answer: bytes) -> None:
    asyncio.run(_bare(pipe, answer))


def _sandbox_process(pipe: Connection, db: str | None) -> None:
    asyncio.run(_sandbox(pipe, db))


@attrs.define
class Contestant:
    """A server in another process, and what was measured of it."""

    pipe: Connection
    url: str
    sent: int = 0
    per_second: list[float] = attrs.field(factory=list[float])
    cpu_micros: list[float] = attrs.field(factory=list[float])

    def cpu_seconds(self) -> float:
        self.pipe.send("cpu")
        return float(self.pipe.recv())

    async def round(self, session: aiohttp.ClientSession, calls: int, *, keep: bool) -> None:
        """So many upserts, 32 in flight."""
        numbers = iter(range(self.sent, self.sent + calls))
        self.sent += calls

        async def work() -> None:
            for number in numbers:
                async with session.post(self.url, data=upsert(number), headers=HEADERS) as answer:
                    body = await answer.read()
                    assert answer.status == 200, body

        cpu, began = self.cpu_seconds(), time.perf_counter()
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
        seconds = time.perf_counter() - began
        if keep:
            self.per_second.append(calls / seconds)
            self.cpu_micros.append((self.cpu_seconds() - cpu) / calls * 1e6)


@contextmanager
def contestant(target: object, about: object) -> Generator[Contestant]:
    """Starts a server in another process, and ends it."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, about), daemon=True)  # type: ignore[arg-type]
    process.start()
    try:
        if not here.poll(20):
            raise SystemExit("a server did not start")
        yield Contestant(here, f"{here.recv()}/customers")
        here.send("stop")
        process.join(5)
    finally:
        process.kill()
        process.join()


async def one_answer() -> bytes:
    """The bytes that the bare handler gives: the sandbox's own, to a first upsert."""
    with Sandbox() as sandbox:
        async with sandbox.serve() as server, aiohttp.ClientSession() as session:
            url = f"{server.base_url}/customers"
            async with session.post(url, data=upsert(0), headers=HEADERS) as answer:
                return await answer.read()


async def measure(contestants: dict[str, Contestant], rounds: int, calls: int) -> None:
    """All of them in turn, after a round of warming up."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        for number in range(rounds + 1):
            for each in contestants.values():
                await each.round(session, calls, keep=number > 0)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):8,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def machine() -> dict[str, str | int | None]:
    return {
        "python": platform.python_version(),
        "aiohttp": aiohttp.__version__,
        "moregood_async": __version__,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.platform(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=1_500, help="in a round, of each server")
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    answer = asyncio.run(one_answer())
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        contestants = {
            "bare handler": stack.enter_context(contestant(_bare_process, answer)),
            "sandbox": stack.enter_context(contestant(_sandbox_process, None)),
            "sandbox, file": stack.enter_context(
                contestant(_sandbox_process, str(Path(folder, "sandbox.sqlite")))
            ),
        }
        asyncio.run(measure(contestants, told.rounds, told.calls))
    report(contestants, len(answer), told.json)


def report(contestants: dict[str, Contestant], size: int, file: Path | None) -> None:
    about = machine()
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    print(f"{IN_FLIGHT} in flight, answers of {size} bytes; medians, and from least to most")
    bare = contestants["bare handler"]
    results: dict[str, dict[str, float]] = {}
    for name, each in contestants.items():
        rate, cpu = statistics.median(each.per_second), statistics.median(each.cpu_micros)
        pairs = zip(each.per_second, bare.per_second, strict=True)
        ratio = statistics.median(own / others for own, others in pairs)
        cpu_ratio = statistics.median(bare.cpu_micros) / cpu
        results[name] = {
            "per_second": rate,
            "ratio": ratio,
            "server_cpu_micros_a_call": cpu,
            "cpu_ratio": cpu_ratio,
        }
        print(
            f"{name:>14}: {spread(each.per_second)} upserts/s, ratio {ratio:.2f};  "
            f"server CPU {spread(each.cpu_micros)} µs a call, ratio {cpu_ratio:.2f}"
        )
    print(f"the floor is a ratio of {FLOOR}")
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        told = {"about": about, "in_flight": IN_FLIGHT, "results": results}
        file.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
