"""The cost of a call: POST a customer and read the response, against raw aiohttp and other SDKs.

Ours runs with its defaults: it validates the value, paces, is ready to retry, logs, enforces its
deadlines and decodes the response into a `Customer`. The others return what they return by
default: raw aiohttp and httpx a dict, openai's and stripe's clients the result of their own
request path. Each worker sends one call after the other; connecting is not measured.
"""

from __future__ import annotations

import asyncio
import json
import statistics
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from _harness import (
    Contest,
    Figures,
    Task,
    column,
    contestant,
    measured,
    options,
    ratios,
    report,
    serving,
    spread,
    table,
)

KEY = "a-secret-key-of-forty-characters-or-so-00"
IN_FLIGHT = (1, 16, 64, 256)
SLOW = ("httpx", "openai's client", "stripe's client")


def customer(number: int) -> dict[str, str]:
    """Return the customer to send; the digits of the email differ."""
    return {
        "first_name": "Ada",
        "last_name": "Larkmoor",
        "email": f"ada.{number:06d}@example.com",
        "phone": "+14155550100",
        "company": "Larkmoor Books",
        "city": "San Francisco",
    }


async def drive(calls: int, in_flight: int, call: Callable[[int], Awaitable[object]]) -> Figures:
    """Measure all calls by ``in_flight`` workers, after a warm-up that opens the connections."""

    async def worker(numbers: Iterator[int]) -> None:
        for number in numbers:
            await call(number)

    async def run(count: int) -> None:
        numbers = iter(range(count))
        await asyncio.gather(*(worker(numbers) for _ in range(in_flight)))

    await run(in_flight + 50)
    with measured(calls) as figures:
        await run(calls)
    return figures


@contestant("ours")
@contestant("ours, [speed]", speed=True)
async def ours(base_url: str, calls: int, in_flight: int) -> Figures:
    from moregood_async import MoreGoodClient

    async with MoreGoodClient(KEY, base_url=base_url, max_concurrency=in_flight) as client:

        async def call(number: int) -> None:
            ada = await client.customers.upsert(**customer(number))
            assert ada.id == 1

        return await drive(calls, in_flight, call)


@contestant("raw aiohttp")
@contestant("raw aiohttp, uvloop", speed=True)
async def raw(base_url: str, calls: int, in_flight: int) -> Figures:
    """Send as a user would write it by hand."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=max(100, in_flight))
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call(number: int) -> None:
            async with session.post(
                f"{base_url}/customers",
                json=customer(number),
                headers={"Authorization": f"Bearer {KEY}"},
            ) as response:
                assert (await response.json())["data"]["id"] == 1

        return await drive(calls, in_flight, call)


@contestant("raw aiohttp, tuned")
async def tuned(base_url: str, calls: int, in_flight: int) -> Figures:
    """Send by aiohttp with every object prepared and every optional step switched off."""
    import aiohttp
    from multidict import CIMultiDict
    from yarl import URL

    url = URL(f"{base_url}/customers")
    headers = CIMultiDict(
        {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Accept": "*/*"}
    )
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
        auto_decompress=False,
    ) as session:

        async def call(number: int) -> None:
            body = json.dumps(customer(number)).encode()
            async with session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                assert json.loads(await response.read())["data"]["id"] == 1

        return await drive(calls, in_flight, call)


@contestant("httpx", needs=("httpx",))
async def by_httpx(base_url: str, calls: int, in_flight: int) -> Figures:
    import httpx

    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(limits=limits, timeout=30.0) as client:

        async def call(number: int) -> None:
            response = await client.post(
                f"{base_url}/customers",
                json=customer(number),
                headers={"Authorization": f"Bearer {KEY}"},
            )
            assert response.json()["data"]["id"] == 1

        return await drive(calls, in_flight, call)


@contestant("openai's client", needs=("openai",))
async def by_openai(base_url: str, calls: int, in_flight: int) -> Figures:
    """Send by openai's ``post``, which its resources call; it decodes the response into a dict."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key=KEY, base_url=base_url) as client:

        async def call(number: int) -> None:
            content: Any = await client.post("/customers", cast_to=object, body=customer(number))
            assert content["data"]["id"] == 1

        return await drive(calls, in_flight, call)


@contestant("stripe's client", needs=("stripe", "httpx"))
async def by_stripe(base_url: str, calls: int, in_flight: int) -> Figures:
    """Send by ``raw_request_async``, over stripe's default HTTP client for async code (httpx)."""
    import stripe

    host, _, path = base_url.partition("/beacon")
    client = stripe.StripeClient(KEY, base_addresses={"api": host})

    async def call(number: int) -> None:
        response = await client.raw_request_async(
            "post", f"/beacon{path}/customers", **customer(number)
        )
        assert json.loads(response.body)["data"]["id"] == 1

    return await drive(calls, in_flight, call)


NAMES = (
    "raw aiohttp",
    "raw aiohttp, tuned",
    "raw aiohttp, uvloop",
    "ours",
    "ours, [speed]",
    *SLOW,
)


def rows(in_flight: int, seen: dict[str, list[Figures]]) -> Iterator[list[str]]:
    """Yield a row for each contestant at this number of calls in flight."""
    for name in NAMES:
        figures = seen.get(f"{name} {in_flight}")
        if figures:
            base, our_figures = seen[f"raw aiohttp {in_flight}"], seen[f"ours {in_flight}"]
            times = ratios(our_figures, figures, "per_second")
            yield [
                str(in_flight),
                name,
                spread(column(figures, "per_second"), ",.0f"),
                spread(column(figures, "cpu_micros"), ",.0f"),
                spread(ratios(figures, base, "cpu_micros")),
                f"{statistics.median(times):.2f}",
            ]


def main() -> None:
    parser = options(__doc__, rounds=3)
    parser.add_argument("--calls", type=int, default=1200)
    parser.add_argument("--in-flight", type=int, nargs="*", default=list(IN_FLIGHT))
    arguments = parser.parse_args()
    with serving("fast") as server, Contest(__file__) as contest:
        tasks = {
            f"{name} {in_flight}": Task(
                name,
                {
                    "base_url": server.base_url,
                    "calls": arguments.calls // 8 if name in SLOW else arguments.calls,
                    "in_flight": in_flight,
                },
            )
            for in_flight in arguments.in_flight
            for name in NAMES
        }
        seen = contest.rounds(tasks, arguments.rounds)
        counters, software = server.counters(), server.software
    titles = [
        "in flight",
        "",
        "calls a second",
        "CPU a call, µs",
        "times raw aiohttp",
        "ours is N times as fast",
    ]
    tables = table(titles, [row for each in arguments.in_flight for row in rows(each, seen)])
    busy = counters["cpu_seconds"] / counters["requests"] * 1e6
    tables += f"\n\nThe server ({software}) took {busy:.0f} µs of CPU a request."
    report(
        arguments,
        "calls",
        tables,
        seen,
        ["aiohttp", "orjson", "uvloop", "httpx", "openai", "stripe"],
    )


if __name__ == "__main__":
    main()
