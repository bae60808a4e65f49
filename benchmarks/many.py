"""A long import by `upsert_many`, against a worker pool as a user would write it by hand.

::

    python benchmarks/many.py [--rounds 7] [--slices 4] [--calls 1000] [--long 100000]

Throughput: the same client upserts the same generator of rows, 32 in flight, once by
``upsert_many`` and once by 32 workers that pull from one iterator and await ``upsert``. The
difference is a few percent, and two processes that run the same code differ by more. Both methods
therefore take turns in one process, ``--slices`` times ``--calls`` rows each, and each round
starts a new process. The ratio is that of a round's sums; a ratio of 1.00 means that a batch costs
nothing. Above the table stands the server's CPU time a request: while it is below a contestant's,
the server is not the bottleneck.

Memory: the peak of a new process that runs only ``upsert_many``, once over ``--short`` rows and
once over ``--long`` rows. Equal peaks mean that a batch keeps no finished rows.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from _harness import (
    Contest,
    Figures,
    Server,
    Task,
    column,
    contestant,
    measured,
    options,
    peak_mib,
    ratios,
    report,
    serving,
    spread,
    table,
)

WORKERS = 32
NEEDS = ("moregood_async.transport",)


def customers(count: int) -> Iterator[dict[str, Any]]:
    """Yield the rows."""
    for number in range(count):
        yield {
            "first_name": "Ada",
            "last_name": "Larkmoor",
            "email": f"ada{number}@example.com",
            "phone": f"+1415{number:07d}",
            "company": "Larkmoor Books",
            "city": "San Francisco",
        }


async def by_batch(client: Any, calls: int) -> int:
    """Upsert all rows; return the number of successful ones."""
    batch = client.customers.upsert_many(customers(calls))
    async for result in batch:
        if result.error is not None:
            print(f"row {result.index}: {result.error}", file=sys.stderr)
    return batch.stats.done


async def by_workers(client: Any, calls: int) -> int:
    """Upsert all rows; return the number of successful ones."""
    import asyncio

    from moregood_async import MoreGoodError

    rows, done = customers(calls), 0

    async def work() -> None:
        nonlocal done
        for row in rows:
            try:
                await client.customers.upsert(**row)
            except MoreGoodError as error:
                print(f"{row['email']}: {error}", file=sys.stderr)
            else:
                done += 1

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    return done


METHODS = {"worker pool": by_workers, "upsert_many": by_batch}


@contestant("", needs=NEEDS)
@contestant(", [speed]", speed=True, needs=NEEDS)
async def alternate(base_url: str, calls: int, slices: int) -> Figures:
    """Return the sums of both methods. The first slice warms up; the order alternates."""
    from moregood_async import MoreGoodClient

    sums: Counter[str] = Counter()
    async with MoreGoodClient("test-key", base_url=base_url, max_concurrency=WORKERS) as client:
        for number in range(slices + 1):
            for name in sorted(METHODS, reverse=number % 2 == 0):
                with measured(calls) as figures:
                    done = await METHODS[name](client, calls)
                if number:
                    cpu = figures["cpu_micros"] * calls
                    sums += Counter(
                        {
                            f"{name} seconds": figures["seconds"],
                            f"{name} cpu": cpu,
                            f"{name} done": done,
                        }
                    )
    return dict(sums)


@contestant("upsert_many alone", needs=NEEDS)
async def alone(base_url: str, calls: int) -> Figures:
    from moregood_async import MoreGoodClient

    async with MoreGoodClient("test-key", base_url=base_url, max_concurrency=WORKERS) as client:
        with measured(calls) as figures:
            done = await by_batch(client, calls)
    return figures | {"done": done, "peak_mib": peak_mib()}


def race(server: Server, arguments: argparse.Namespace) -> dict[str, list[Figures]]:
    """Measure both methods in a new process each round, without the extra and with it."""
    parameters = {"base_url": server.base_url, "calls": arguments.calls, "slices": arguments.slices}
    with Contest(__file__, fresh=True) as contest:
        tasks = {name: Task(name, parameters) for name in ("", ", [speed]")}
        seen = contest.rounds(tasks, arguments.rounds, warm_up=0)
    calls = arguments.calls * arguments.slices
    return {
        method + extra: [_of_one_method(sums, method, calls) for sums in rounds]
        for extra, rounds in seen.items()
        for method in METHODS
    }


def _of_one_method(sums: Figures, method: str, calls: int) -> Figures:
    seconds = sums[f"{method} seconds"]
    return {
        "calls": calls,
        "done": sums[f"{method} done"],
        "seconds": seconds,
        "per_second": calls / seconds,
        "cpu_micros": sums[f"{method} cpu"] / calls,
    }


def measure_peaks(server: Server, lengths: list[int]) -> dict[str, Figures]:
    """Return the figures of ``upsert_many`` over each number of rows, in a new process each."""
    with Contest(__file__, fresh=True) as contest:
        return {
            f"{calls:,}": contest.once(
                Task("upsert_many alone", {"base_url": server.base_url, "calls": calls})
            )
            for calls in lengths
        }


def throughput_table(seen: dict[str, list[Figures]]) -> str:
    rows = [
        [
            name,
            spread(column(measured, "per_second"), ",.0f"),
            spread(ratios(measured, pool, "per_second")),
            spread(column(measured, "cpu_micros"), ",.0f"),
            spread(ratios(measured, pool, "cpu_micros")),
            f"{sum(column(measured, 'calls')) - sum(column(measured, 'done')):.0f}",
        ]
        for name, measured in seen.items()
        for pool in [seen[name.replace("upsert_many", "worker pool")]]
    ]
    return table(["", "upserts a second", "ratio", "CPU a call, µs", "ratio", "failed"], rows)


def memory_table(peaks: dict[str, Figures]) -> str:
    least = min(column(peaks.values(), "peak_mib"))
    rows = [
        [
            length,
            f"{figures['peak_mib']:.1f}",
            f"{figures['peak_mib'] - least:+.1f}",
            f"{figures['seconds']:.1f}",
            f"{figures['calls'] - figures['done']:.0f}",
        ]
        for length, figures in peaks.items()
    ]
    return table(["upserts", "peak, MiB", "above the least", "seconds", "failed"], rows)


def main() -> None:
    parser = options(__doc__, rounds=7)
    parser.add_argument("--slices", type=int, default=4, help="slices of each method in a round")
    parser.add_argument("--calls", type=int, default=1_000, help="upserts in a slice")
    parser.add_argument("--short", type=int, default=1_000, help="upserts of a memory measurement")
    parser.add_argument("--long", type=int, default=100_000, help="upserts of a memory measurement")
    arguments = parser.parse_args()
    with serving("fast") as server:
        before = server.counters()
        seen = race(server, arguments)
        peaks = measure_peaks(server, [arguments.short, arguments.long])
        server_cpu_seconds = server.counters()["cpu_seconds"] - before["cpu_seconds"]
        requests = server.counters()["requests"] - before["requests"]
    tables = [
        f"server: {server.software}, {server_cpu_seconds / requests * 1e6:.0f} µs CPU a request",
        throughput_table(seen),
        memory_table(peaks),
    ]
    results = {
        "race": seen,
        "memory": peaks,
        "server_cpu_micros": server_cpu_seconds / requests * 1e6,
    }
    report(arguments, "many", "\n\n".join(tables), results, ["aiohttp", "orjson", "uvloop"])


if __name__ == "__main__":
    main()
